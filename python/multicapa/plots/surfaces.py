"""Surfaces over the plane on which optimisers show what they are good at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Point = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Surface:
    """A function of two numbers with its gradient, for :func:`multicapa.optimizers.minimize`.

    Parameters
    ----------
    value : callable
        From x of shape (2,) to the height.
    gradient : callable
        From x of shape (2,) to the gradient there, of shape (2,).
    start : (float, float)
        Where it is instructive to start.
    limits : ((float, float), (float, float))
        What part to show: (left, right), (bottom, top).
    minimum : (float, float), optional
        Where it is lowest.
    steepness : float, default=1.0
        The learning rates of gradient descent and momentum that suit the other surfaces are divided by it.

    Examples
    --------
    >>> import multicapa as mc
    >>> ravine = mc.plots.SURFACES["ravine"]
    >>> height, slope = ravine([2.0, 0.0])
    >>> height, slope.tolist()
    (1.0, [1.0, 0.0])
    >>> mc.optimizers.minimize(ravine, ravine.start, mc.SGD(0.1), steps=200)[-1].round(3) + 0.0
    array([0., 0.])
    """

    value: Callable[[Point], float]
    gradient: Callable[[Point], Point]
    start: tuple[float, float]
    limits: tuple[tuple[float, float], tuple[float, float]]
    minimum: tuple[float, float] | None = None
    steepness: float = 1.0

    def __call__(self, x: npt.ArrayLike) -> tuple[float, Point]:
        """Height and gradient at a point."""
        point = np.asarray(x, dtype=np.float64)
        return float(self.value(point)), np.asarray(self.gradient(point), dtype=np.float64)


def _plateau(x: Point) -> float:
    return float(-4 * np.exp(-(x @ x) / 2))


def _plateau_gradient(x: Point) -> Point:
    gradient: Point = x * 4 * np.exp(-(x @ x) / 2)
    return gradient


def _ravine(x: Point) -> float:
    return float(x[0] ** 2 / 4 + 9 * x[1] ** 2)


def _ravine_gradient(x: Point) -> Point:
    return np.array([x[0] / 2, 18 * x[1]])


def _saddle(x: Point) -> float:
    return float(x[0] ** 2 - x[1] ** 2 + x[1] ** 4 / 4)


def _saddle_gradient(x: Point) -> Point:
    return np.array([2 * x[0], x[1] ** 3 - 2 * x[1]])


def _local_minima(x: Point) -> float:
    return float((x @ x) / 4 - np.cos(2.5 * x).sum() / 2)


def _local_minima_gradient(x: Point) -> Point:
    gradient: Point = x / 2 + 1.25 * np.sin(2.5 * x)
    return gradient


def _rosenbrock(x: Point) -> float:
    return float((1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2)


def _rosenbrock_gradient(x: Point) -> Point:
    across = x[1] - x[0] ** 2
    return np.array([-2 * (1 - x[0]) - 400 * x[0] * across, 200 * across])


#: Ready surfaces by name. ``plateau``: hardly any slope at the start; ``ravine``: 36 times as steep across as along;
#: ``saddle``: a start beside the ridge, from where one must leave sideways; ``local minima``: many, one the deepest;
#: ``rosenbrock``: a bent, nearly flat valley between steep walls (Rosenbrock 1960).
SURFACES: dict[str, Surface] = {
    "plateau": Surface(_plateau, _plateau_gradient, (-3.1, 1.0), ((-4.0, 2.5), (-2.5, 2.5)), (0.0, 0.0)),
    "ravine": Surface(_ravine, _ravine_gradient, (-4.0, 1.0), ((-5.0, 2.5), (-1.6, 1.6)), (0.0, 0.0)),
    "saddle": Surface(_saddle, _saddle_gradient, (-1.5, 0.01), ((-2.0, 2.0), (-1.0, 2.4))),
    "local minima": Surface(_local_minima, _local_minima_gradient, (-3.2, 0.9), ((-4.2, 4.2), (-3.4, 3.4)), (0.0, 0.0)),
    "rosenbrock": Surface(
        _rosenbrock, _rosenbrock_gradient, (-1.6, 2.2), ((-2.0, 2.0), (-1.0, 3.0)), (1.0, 1.0), steepness=80
    ),
}
