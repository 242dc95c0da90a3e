"""The descent shows the path of minimize, on the curve."""

import numpy as np
import pytest

import multicapa as mc
from multicapa import plots
from plot_helpers import axes_of, legend_of, line


def parabola(x):
    return float((x[0] - 4) ** 2 + 3), 2 * (x - 4)


def descent(**options):
    given = {"x0": 7, "optimizers": mc.SGD(0.6), "steps": 4, "ax": axes_of()} | options
    return plots.DescentDisplay.from_function(given.pop("f", parabola), **given)


def test_the_lectures_example():
    display = descent()
    assert display.paths["SGD"].round(4).tolist() == [7.0, 3.4, 4.12, 3.976, 4.0048]
    drawn = line(display.ax_, "SGD")
    np.testing.assert_array_equal(drawn.get_xdata(), display.paths["SGD"])
    np.testing.assert_allclose(drawn.get_ydata(), (drawn.get_xdata() - 4) ** 2 + 3)
    curve = line(display.ax_, "_curve")
    np.testing.assert_allclose(curve.get_ydata(), (curve.get_xdata() - 4) ** 2 + 3)
    (left, right), (bottom, top) = display.ax_.get_xlim(), display.ax_.get_ylim()
    assert left < 3.4 < 7 < right
    assert bottom < 3 < 12 < top
    assert [text.get_text() for text in display.ax_.texts][:3] == ["0", "1", "2"]


def test_several_optimisers_and_one_that_runs_away():
    display = descent(optimizers={"slow": mc.SGD(0.1), "wild": mc.SGD(1.5), "Adam": "adam"}, steps=300)
    assert display.diverged == {"wild"}
    assert legend_of(display.ax_) == ["slow", "wild (diverges)", "Adam"]
    assert display.ax_.get_ylim()[1] < 20
    assert not display.ax_.texts
    assert display.paths["Adam"].tolist() == mc.optimizers.minimize(parabola, 7, "adam", 300).ravel().tolist()


def test_gradient_apart_and_limits():
    display = descent(f=lambda x: (x[0] - 4) ** 2, gradient=lambda x: 2 * (x - 4), limits=(0, 9), resolution=10)
    assert display.ax_.get_xlim() == (0, 9)
    assert display.curve[1].tolist() == [(x - 4.0) ** 2 for x in range(10)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"f": 3}, "f should be a function"),
        ({"x0": np.nan}, "x0"),
        ({"x0": [1.0, 2.0]}, "x0"),
        ({"steps": -1}, "steps"),
        ({"limits": (3, 1)}, "limits should be"),
        ({"optimizers": {}}, "optimizers is empty"),
        ({"f": lambda x: (np.nan, x)}, "at x0"),
        ({"f": lambda x: (1.0, np.ones(2))}, "at x0"),
        ({"f": lambda x: 1.0}, "pair"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        descent(**options)
