"""Paths of optimisers are those of minimize, over surfaces with right gradients."""

import numpy as np
import pytest

import multicapa as mc
from multicapa import plots
from plot_helpers import axes_of, legend_of, line


@pytest.mark.parametrize("name", plots.SURFACES)
def test_gradients_of_the_surfaces(name):
    surface, step = plots.SURFACES[name], 1e-6
    for x in np.random.default_rng(1).uniform(-2, 2, (20, 2)):
        slopes = [(surface(x + d)[0] - surface(x - d)[0]) / (2 * step) for d in step * np.eye(2)]
        np.testing.assert_allclose(surface(x)[1], slopes, rtol=1e-5, atol=1e-7)
    (left, right), (bottom, top) = surface.limits
    assert left < surface.start[0] < right
    assert bottom < surface.start[1] < top


@pytest.mark.parametrize("name", plots.SURFACES)
def test_paths_are_those_of_minimize(name):
    surface = plots.SURFACES[name]
    chosen = {"plain": mc.SGD(0.1 / surface.steepness), "Adam": mc.Adam(0.2)}
    display = plots.OptimizerPathsDisplay.from_function(name, optimizers=chosen, steps=12, resolution=20, ax=axes_of())
    assert not display.diverged
    for label, optimizer in chosen.items():
        path = mc.optimizers.minimize(surface, surface.start, optimizer, 12)
        np.testing.assert_array_equal(np.column_stack(line(display.ax_, label).get_data()), path)
    assert display.ax_.get_xlim() == surface.limits[0]
    assert display.ax_.get_ylim() == surface.limits[1]
    assert display.heights[3, 5] == surface([display.xx0[3, 5], display.xx1[3, 5]])[0]
    known = ["minimum"] if surface.minimum else []
    assert legend_of(display.ax_) == ["plain", "Adam", "start", *known]
    if known:
        np.testing.assert_array_equal(np.column_stack(line(display.ax_, "minimum").get_data()), [surface.minimum])
        assert surface(surface.minimum)[0] <= display.heights.min()
        assert surface(surface.minimum)[1].tolist() == [0, 0]


def test_what_the_surfaces_teach():
    """Where plain gradient descent is stuck, others get on."""
    ends = {}
    for name in plots.SURFACES:
        display = plots.OptimizerPathsDisplay.from_function(name, resolution=5, ax=axes_of())
        ends[name] = {label: plots.SURFACES[name](path[-1])[0] for label, path in display.paths.items()}
    assert ends["plateau"]["gradient descent"] > -1.5
    assert ends["plateau"]["Adam"] < -3.8
    assert ends["local minima"]["gradient descent"] > ends["local minima"]["momentum"] + 0.5
    assert max(ends["ravine"].values()) < 0.1
    assert max(ends["saddle"].values()) < -0.8


def test_the_minimum_of_a_function_of_ones_own_is_in_the_picture():
    rosenbrock, few = plots.SURFACES["rosenbrock"], {"optimizers": {"slow": mc.SGD(1e-4)}, "steps": 5, "resolution": 9}
    own = plots.OptimizerPathsDisplay.from_function(lambda x: rosenbrock(x), x0=(-1.5, 2), ax=axes_of(), **few)
    np.testing.assert_allclose(own.minimum, [1, 1], atol=1e-3)
    assert own.ax_.get_xlim()[1] > 1
    assert own.ax_.get_ylim()[0] < 1
    tilted = plots.OptimizerPathsDisplay.from_function(
        lambda x: (x[0], np.array([1.0, 0.0])), x0=(0, 0), ax=axes_of(), **few
    )
    assert tilted.minimum is None  # it has none
    assert legend_of(tilted.ax_) == ["slow", "start"]


def test_paths_that_coincide_are_both_seen():
    chosen = {"adam": mc.Adam(0.2), "adamw": mc.AdamW(0.2, weight_decay=1e-6), "sgd": mc.SGD(0.1)}
    ax = plots.OptimizerPathsDisplay.from_function("ravine", optimizers=chosen, steps=30, ax=axes_of()).ax_
    adam, adamw, sgd = (line(ax, label) for label in chosen)
    assert (adam.get_linestyle(), adamw.get_linestyle(), sgd.get_linestyle()) == ("-", "--", "-")
    assert adamw.get_zorder() > adam.get_zorder()
    assert len({each.get_color() for each in (adam, adamw, sgd)}) == 3
    sizes = [each.get_markersize() for each in ax.get_lines() if each.get_label() == "_end"]
    assert sizes[1] < sizes[0] == sizes[2]


def bowl(x):
    return (x**2).sum(), 2 * x


def test_value_and_gradient_apart():
    options = {"x0": (1, 2), "optimizers": {"a": mc.SGD(0.1)}, "steps": 3, "resolution": 9}
    both = plots.OptimizerPathsDisplay.from_function(bowl, ax=axes_of(), **options)
    apart = plots.OptimizerPathsDisplay.from_function(lambda x: (x**2).sum(), lambda x: 2 * x, ax=axes_of(), **options)
    np.testing.assert_array_equal(both.paths["a"], apart.paths["a"])
    np.testing.assert_array_equal(both.heights, apart.heights)
    points, ax = both.paths["a"], both.ax_
    assert ax.get_xlim()[0] < points[:, 0].min() < points[:, 0].max() < ax.get_xlim()[1]
    assert ax.get_ylim()[0] < points[:, 1].min() < points[:, 1].max() < ax.get_ylim()[1]


@pytest.mark.parametrize("power", [2, 4])
def test_paths_that_run_away_are_marked(power):
    def f(x):
        return (x**power).sum(), power * x ** (power - 1)

    chosen = {"fine": mc.SGD(0.05), "wild": mc.SGD(3.0)}
    display = plots.OptimizerPathsDisplay.from_function(f, x0=(1, 1), optimizers=chosen, steps=300, ax=axes_of())
    assert display.diverged == {"wild"}
    assert legend_of(display.ax_) == ["fine", "wild (diverges)", "start", "minimum"]
    assert display.ax_.get_xlim()[1] < 2
    assert np.isfinite(display.paths["wild"]).all()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("ravin",), {}, "did you mean 'ravine'"),
        ((bowl,), {}, "x0, where the paths start, is missing"),
        ((bowl,), {"x0": (1, 2, 3)}, "x0 should be two finite numbers"),
        ((bowl,), {"x0": (1, np.nan)}, "x0 should be two finite numbers"),
        ((3,), {"x0": (1, 2)}, "f should be a function or the name of a surface, not 3"),
        ((lambda x: 1.0,), {"x0": (1, 2)}, "f should return the pair"),
        ((lambda x: (1.0, 2.0),), {"x0": (1, 2)}, "a value and a gradient of two numbers"),
        ((lambda x: (np.inf, x),), {"x0": (1, 2)}, "a value and a gradient of two numbers"),
        ((bowl,), {"x0": (1, 2), "limits": ((1, 0), (0, 1))}, "limits should be"),
        ((bowl,), {"x0": (1, 2), "optimizers": {"a": mc.LBFGS()}}, "for L-BFGS use scipy"),
    ],
)
def test_wrong_functions(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        plots.OptimizerPathsDisplay.from_function(*arguments, ax=axes_of(), **options)
