"""What all pictures share: matplotlib only where something is drawn, and no text that covers another."""

import sys

import numpy as np
import pytest

import multicapa as mc
from helpers import output_of
from multicapa import plots
from multicapa.plots import space, style
from plot_helpers import (
    CLASSES,
    Axes,
    Bbox,
    Figure,
    Legend,
    X,
    axes_of,
    build,
    classifier,
    diagnosed,
    diagonal,
    history_of,
    legend_of,
    overlapping_texts,
)


def test_nothing_needs_matplotlib_until_something_is_drawn():
    code = "import sys, multicapa.plots as p; p.SURFACES['saddle']([0, 0]); print('matplotlib' in sys.modules)"
    assert output_of(code) == "False"


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.LearningCurvesDisplay.from_history(history_of("loss")),
        lambda: plots.LearningCurvesDisplay.from_history(history_of("loss", "accuracy")),
        lambda: plots.DecisionBoundaryDisplay.from_network(classifier(), X, CLASSES),
        lambda: plots.OptimizerPathsDisplay.from_function("ravine"),
        lambda: plots.loss_curves(history_of("loss")),
        lambda: plots.save_loss_curves(history_of("loss"), "never.png"),
        lambda: plots.GradientFlowDisplay([1], {"delta": {"a": np.ones(1)}}).plot(),
        lambda: plots.FiltersDisplay.from_network(None),
        lambda: plots.FeatureMapsDisplay.from_network(None, X),
        lambda: plots.WeightsDisplay.from_network(None),
        lambda: plots.DescentDisplay.from_function(np.square, x0=1, optimizers="sgd"),
        lambda: plots.PlateDisplay.from_data(lambda: pytest.fail("trained before"), X, CLASSES),
    ],
)
def test_without_matplotlib(draw, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "multicapa\[plots\]"'):
        draw()


def test_figures_are_those_of_pyplot_only_where_it_is_used():
    code = """
import sys, multicapa as mc
history = mc.History([{"epoch": 1, "loss": 1.0}])
bare = mc.plots.LearningCurvesDisplay.from_history(history).figure_
print("matplotlib.pyplot" in sys.modules)
from matplotlib import pyplot as plt
plt.switch_backend("agg")
drawn = mc.plots.LearningCurvesDisplay.from_history(history).figure_
print(plt.get_fignums() == [drawn.number], plt.get_backend())
"""
    assert output_of(code).split() == ["False", "True", "agg"]


# ---- looks ----


def every_display():
    net = classifier(4)
    long = mc.History([{"loss": 3 / (k + 1), "val_loss": 2 / (k + 1), "val_accuracy": k / 120} for k in range(120)])
    yield plots.LearningCurvesDisplay({"": long}, best_epoch=40)
    yield plots.LearningCurvesDisplay({"a rather long label": long, "short": long[:9], "another": long[:50]})
    yield plots.DecisionBoundaryDisplay.from_network(net, X, CLASSES, hidden=True, resolution=20, ax=axes_of())
    yield plots.DecisionBoundaryDisplay.from_network(diagonal("linear"), X, X[:, 0], resolution=20, ax=axes_of())
    yield plots.PlateDisplay.from_data(build, X, X[:, 0], learning_rates=(0.001, 0.01, 1e3), epochs=3, ax=axes_of())
    for name in plots.SURFACES:
        yield plots.OptimizerPathsDisplay.from_function(name, resolution=10, ax=axes_of())
    yield plots.GradientFlowDisplay.from_diagnosis(diagnosed(layers=11, epochs=3), ax=axes_of())
    images = mc.Sequential([mc.Conv2D(20, 3), mc.MaxPool2D(2), mc.Conv2D(40, 2)], input_shape=(9, 9, 3), seed=0)
    series = mc.Sequential([mc.Conv1D(9, 5), mc.AveragePool1D(2)], input_shape=(40, 2), seed=0)
    for name in ("conv2d_1", "conv2d_2"):
        yield plots.FiltersDisplay.from_network(images, name)
    yield plots.FiltersDisplay.from_network(series)
    yield plots.FeatureMapsDisplay.from_network(images, np.ones((9, 9, 3)))
    yield plots.FeatureMapsDisplay.from_network(series, np.ones((40, 2)))
    for layers, shape in (((30, 9), None), ((3, 70), None), ((40, 2), (5, 8))):
        dense = mc.Sequential([mc.Dense(layers[1])], input_shape=layers[0], seed=0)
        yield plots.WeightsDisplay.from_network(dense, shape=shape, ax=axes_of())
    weights = np.random.default_rng(0).dirichlet(np.ones(6), (5, 6))
    yield plots.AttentionDisplay(weights, query=list("abcdef"), memory=["the", "cat", "sat", "on", "a", "mat"])
    bowl = {"f": lambda x: (float(x[0] ** 2), 2 * x), "x0": -3, "ax": axes_of()}
    yield plots.DescentDisplay.from_function(optimizers=mc.SGD(0.9), **bowl)
    yield plots.DescentDisplay.from_function(optimizers={"a": mc.SGD(0.1), "b": mc.Adam(0.3)}, **bowl)


@pytest.fixture(scope="module")
def displays():
    return list(every_display())


def assert_nothing_collides(figure, what):
    assert overlapping_texts(figure) == [], what
    for legend in figure.findobj(Legend):
        box = legend.get_window_extent()
        common = [Bbox.intersection(box, ax.bbox) for ax in figure.findobj(Axes) if ax.get_frame_on()]
        covered = [part for part in common if part is not None and part.width > 1 and part.height > 1]
        assert not covered, what


@pytest.mark.parametrize("width", [5, 8])
def test_no_text_covers_another(displays, width):
    titled = plots.loss_curves(history_of("loss", "val_loss"), axes_of(width), best_epoch=2, title="Digits")
    assert overlapping_texts(titled.figure) == []
    for display in displays:
        assert_nothing_collides(display.plot(axes_of(width, 6)).figure_, type(display).__name__)


@pytest.mark.parametrize("layout", ["constrained", None])
def test_nothing_collides_in_a_column_of_a_paper(displays, layout):
    """3.3 inches."""
    text = "Digits, and more than fits in a line"
    titled = plots.loss_curves(history_of("loss", "val_loss"), best_epoch=2, title=text,
                               ax=Figure(figsize=(3.3, 2.6), layout=layout).add_subplot())  # fmt: skip
    assert overlapping_texts(titled.figure) == []
    for display in displays:
        ax = Figure(figsize=(3.3, 2.6), layout=layout).add_subplot()
        assert_nothing_collides(display.plot(ax).figure_, type(display).__name__)


@pytest.mark.parametrize("layout", ["constrained", None])
def test_nothing_collides_in_a_grid(displays, layout):
    """2 × 3."""
    for first in range(0, len(displays), 6):
        shown = displays[first : first + 6]
        figure = Figure(figsize=(10, 6), layout=layout)
        for display, ax in zip(shown, figure.subplots(2, 3).flat, strict=False):
            display.plot(ax)
        assert_nothing_collides(figure, [type(display).__name__ for display in shown])


def test_legends_are_read_row_by_row():
    ax = axes_of(4, 3)
    lines = [ax.plot([0, 1], [0, i], label=f"layer_{i}")[0] for i in range(7)]
    space.legend_above(ax, lines)
    assert ax.get_legend()._ncols == 4
    assert [text.get_text() for text in ax.get_legend().get_texts()][:3] == ["layer_0", "layer_4", "layer_1"]
    assert legend_of(ax) == [f"layer_{i}" for i in range(7)]


def test_more_than_seven_things_keep_apart():
    looks = [(style.colour(i), style.marker(i)) for i in range(100)]
    assert len(set(looks)) == 100
    assert len({style.colour(i) for i in range(17)}) == 17


def test_a_notebook_shows_what_pyplot_does_not():
    display = plots.LearningCurvesDisplay({"": history_of("loss")})
    assert display._repr_png_() is None  # nothing is drawn yet
    assert display.plot(axes_of())._repr_png_().startswith(b"\x89PNG")
    code = """
from matplotlib import pyplot as plt
plt.switch_backend("agg")
import multicapa as mc
display = mc.plots.LearningCurvesDisplay.from_history(mc.History([{"epoch": 1, "loss": 1.0}]))
print(display._repr_png_())
"""
    assert output_of(code) == "None"


def test_the_check_sees_an_overlap():
    ax = axes_of()
    ax.set_xlabel("below")
    assert overlapping_texts(ax.figure) == []
    ax.text(0.5, 0.5, "one")
    ax.text(0.5, 0.5, "two")
    assert overlapping_texts(ax.figure) == ["one | two"]
