"""Docstrings: their examples run, nothing public lacks one, every formula and every source is there."""

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest

import multicapa as mc
from helpers import ROOT

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(mc.__path__, "multicapa.")
    if not info.name.endswith(("._core", ".__main__"))
    and not info.name.startswith(("multicapa.cli", "multicapa.lib"))  # the BLAS library lies beside the extension
)
PUBLIC_MODULES = ("layers", "losses", "optimizers", "schedules", "callbacks", "data", "initializers", "networks")


@pytest.mark.parametrize("name", ["multicapa", *MODULES])
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        pytest.skip(f"needs {error.name}")
    assert module.__doc__, f"{name} has no docstring"
    found = [test for test in doctest.DocTestFinder(exclude_empty=True).find(module) if test.examples]
    needed = {
        word for test in found for word in re.findall(r"(?:from|import) (sklearn|pandas|matplotlib)", test.docstring)
    }
    for library in needed:
        pytest.importorskip(library)
    if "matplotlib" in needed or name.endswith("plots"):
        pytest.importorskip("matplotlib").use("agg")
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0
    skipped = sum(bool(e.options.get(doctest.SKIP)) for test in found for e in test.examples)
    assert result.attempted == sum(len(test.examples) for test in found) - skipped


GUIDES = sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_guides_run(path, tmp_path, monkeypatch):
    """Blocks of Python in their order, as one program; those with prompts are compared with what they show."""
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": path.stem}
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)):
        what = f"block {number + 1} of {path.name}"
        if ">>>" in block:
            test = doctest.DocTestParser().get_doctest(block, names, what, str(path), 0)
            assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0, what
            names.update(test.globs)
        else:
            exec(compile(block, what, "exec"), names)


def test_the_guides_have_code():
    assert any("```python" in path.read_text() for path in GUIDES)


def public_things():
    """Everything in __all__, in the public modules, and the public methods of the classes among them."""
    things = {name: getattr(mc, name) for name in mc.__all__}
    for module in PUBLIC_MODULES:
        for name, thing in vars(getattr(mc, module)).items():
            if not name.startswith("_") and getattr(thing, "__module__", "").startswith(f"multicapa.{module}"):
                things[f"{module}.{name}"] = thing
    for name, thing in list(things.items()):
        if inspect.isclass(thing):
            for key, member in vars(thing).items():
                if not key.startswith("_") and (
                    inspect.isfunction(member) or isinstance(member, property | classmethod)
                ):
                    things[f"{name}.{key}"] = member
    return things


def has_own_docstring(thing):
    text = inspect.getdoc(thing) or ""
    generated = inspect.isclass(thing) and text.startswith(f"{thing.__name__}(")  # what dataclass writes
    return len(text.strip()) > 5 and not generated


def inherits(name, things):
    """A hook of a callback, or options of a layer, described where they are defined first."""
    owner, _, key = name.rpartition(".")
    cls = things.get(owner)
    return inspect.isclass(cls) and any(
        inspect.getdoc(vars(base).get(key)) for base in cls.__mro__[1:] if key in vars(base)
    )


def test_everything_public_has_a_docstring():
    things = public_things()
    bare = [name for name, thing in things.items() if not inspect.ismodule(thing) or not thing.__doc__]
    bare = [name for name in bare if not has_own_docstring(things[name]) and not inherits(name, things)]
    assert not bare, f"without docstring: {', '.join(sorted(bare))}"


def test_the_check_sees_a_bare_function():
    def bare(x):
        return x

    assert not has_own_docstring(bare)
    assert has_own_docstring(mc.Dense)


def test_every_parameter_of_fit_is_described():
    text = inspect.getdoc(mc.Network.fit)
    names = [name for name in inspect.signature(mc.Network.fit).parameters if name != "network"]
    assert len(names) > 15
    missing = [name for name in names if not re.search(rf"^[\w, ]*\b{name}\b[\w, ]* :", text, re.MULTILINE)]
    assert missing == []


def test_every_name_in_all_exists_once():
    assert len(set(mc.__all__)) == len(mc.__all__)
    for name in mc.__all__:
        assert hasattr(mc, name)


# ---- the lists ----


@pytest.mark.parametrize("names", [mc.layers.activations, mc.losses.names, mc.optimizers.names])
def test_every_entry_has_a_formula(names):
    for name, formula in names().items():
        assert re.fullmatch(r"[a-z_0-9]+", name)
        assert len(formula) >= 1
        assert formula.isascii()


def test_classes_and_lists_agree():
    assert set(mc.losses.LOSSES) == set(mc.losses.names())
    assert set(mc.optimizers.OPTIMIZERS) == set(mc.optimizers.names())
    assert set(mc.layers.LAYERS) == {*mc._core.layers(), "input"}


def test_hyperparameters_are_fields():
    for row in mc._core.optimizers():
        optimizer = mc.optimizers.OPTIMIZERS[row["name"]]()
        assert optimizer.hyperparameter_names() == row["hyperparameters"]
        assert len(optimizer.hyperparameters()) == len(row["hyperparameters"])


def test_defaults_of_the_core_and_of_python_agree():
    for row in mc._core.losses():
        assert mc.losses.get(row["name"]).parameter == row["default_parameter"]


SOURCE = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
# Older than their authors, or plain arithmetic.
NO_SOURCE_NEEDED = {"sgd", "half_squared_error", "squared_error", "absolute_error", "poisson", "cross_entropy",
                    "binary_cross_entropy"}  # fmt: skip


@pytest.mark.parametrize("table", [mc.losses.LOSSES, mc.optimizers.OPTIMIZERS], ids=["losses", "optimizers"])
def test_every_class_names_its_source(table):
    bare = [
        name for name, cls in table.items() if name not in NO_SOURCE_NEEDED and not SOURCE.search(inspect.getdoc(cls))
    ]
    assert not bare, f"no year of publication in the docstring of: {', '.join(bare)}"


def test_every_loss_shows_its_formula():
    bare = [name for name, cls in mc.losses.LOSSES.items() if "``" not in inspect.getdoc(cls)]
    assert not bare, f"no formula in the docstring of: {', '.join(bare)}"


def test_every_initialisation_is_in_the_table():
    text = inspect.getdoc(mc.initializers)
    for name in mc.initializers.INITIALIZERS:
        assert re.search(rf"^({name}|.*, {name}|{name}, .*)\b", text, re.MULTILINE), name
