"""The pages of the API have everything public, and none of it twice; Sphinx itself runs among the checks."""

import importlib
import re
import runpy

import pytest

import multicapa
from helpers import ROOT
from test_public_names import PUBLIC

CONF = ROOT / "docs" / "api" / "conf.py"


@pytest.fixture(scope="module")
def conf():
    if not CONF.exists():
        pytest.skip("the sources of the pages are not here")
    return runpy.run_path(str(CONF))


def test_every_public_module_has_a_page(conf):
    assert set(PUBLIC) <= set(conf["MODULES"])


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_class_and_function_is_on_its_page(conf, module):
    text = conf["page"](module)
    described = re.findall(r"^\.\. auto(?:class|function):: (\S+)$", text, re.MULTILINE)
    assert len(set(described)) == len(described)
    for name in PUBLIC[module].split():
        thing = getattr(importlib.import_module(module), name)
        if isinstance(thing, type) or type(thing).__name__ == "function":
            assert f"{module}.{name}" in described


def test_what_stands_on_two_pages_is_indexed_on_one(conf):
    text = conf["page"]("multicapa.optimizers")
    assert re.search(r"multicapa\.optimizers\.Adam\n   :no-index:", text)
    assert not re.search(r"multicapa\.optimizers\.minimize\n   :no-index:", text)
    assert "multicapa.Adam\n   :members:" in conf["page"]("multicapa")


def test_shapes_keep_their_stars(conf):
    lines = ["X : array-like of shape (n_samples, *input_shape)", "l1 * w"]
    conf["escape_stars"](None, "function", "f", multicapa.load, None, lines)
    assert lines == [r"X : array-like of shape (n_samples, \*input_shape)", "l1 * w"]
