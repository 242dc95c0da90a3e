"""The pages of the API, built from the docstrings: ``sphinx-build -W --keep-going docs/api build/api``."""

import importlib
import inspect
import re
from pathlib import Path

import multicapa

project = "multicapa"
version = release = multicapa.__version__
extensions = ["sphinx.ext.autodoc", "numpydoc"]
autodoc_typehints = "none"  # the docstrings say them, with shapes
numpydoc_show_class_members = False
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "description": multicapa.__doc__.splitlines()[0]}

ROOMS = "layers losses optimizers schedules initializers callbacks networks estimators data augment plots"
MODULES = ("multicapa", *(f"multicapa.{room}" for room in ROOMS.split()))
# Their methods are described where they come from.
ELSEWHERE = "BaseEstimator, ClassifierMixin, RegressorMixin, CallbackSupportMixin, Mapping, Sequence, dict, Exception"

ROUTING = ", ".join(
    ["get_metadata_routing", *(f"set_{verb}_request" for verb in ("fit", "partial_fit", "score", "predict"))]
)


def public(module):
    """Names and things that are the module's to describe: what stands in a module of its own below is left to that."""
    names = getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]
    for name in names:
        thing = getattr(module, name)
        own = getattr(thing, "__module__", "").startswith("multicapa")
        if own and (inspect.isclass(thing) or inspect.isfunction(thing)):
            yield name, thing


def page(name):
    """The text of one module's page."""
    module = importlib.import_module(name)
    lines = [name, "=" * len(name), "", f".. automodule:: {name}", ""]
    for member, thing in public(module):
        kind = "class" if inspect.isclass(thing) else "function"
        again = name != "multicapa" and getattr(multicapa, member, None) is thing
        lines += [f".. auto{kind}:: {name}.{member}"]
        lines += ["   :no-index:"] if again else []
        if kind == "class":
            lines += ["   :members:", f"   :inherited-members: {ELSEWHERE}", f"   :exclude-members: {ROUTING}"]
        lines += [""]
    return "\n".join(lines)


def write_pages(app):
    """One page for each module, anew at each build."""
    folder = Path(app.srcdir) / "modules"
    folder.mkdir(exist_ok=True)
    for name in MODULES:
        (folder / f"{name}.rst").write_text(page(name), encoding="utf-8")


def escape_stars(app, what, name, obj, options, lines):
    """Shapes are written as Python has them: (n_samples, *input_shape)."""
    lines[:] = [re.sub(r"\*(input|output)_shape\b", r"\\*\1_shape", line) for line in lines]


def setup(app):
    """Called by sphinx."""
    app.connect("autodoc-process-docstring", escape_stars, priority=100)  # before numpydoc
    app.connect("builder-inited", write_pages)
