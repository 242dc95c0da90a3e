"""Paths of optimisers over a surface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multicapa.base.checks import check_integer, check_name, check_number
from multicapa.optimizers import SGD, Adam, Momentum, Optimizer, RMSprop, minimize
from multicapa.plots import style
from multicapa.plots.surfaces import SURFACES, Point, Surface

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Limits = tuple[tuple[float, float], tuple[float, float]]

_FAR = 1e6  # times the size of the picture: from there no optimiser comes back


class _Lost(Exception):
    """A path went to infinity."""


class OptimizerPathsDisplay:
    """The paths that optimisers take from one point over the contour lines of a surface.

    Parameters
    ----------
    paths : dict of str to ndarray of shape (steps + 1, 2)
        By label.
    xx0, xx1, heights : ndarray of shape (rows, columns)
        A grid over the picture and the surface there.
    diverged : iterable of str, default=()
        Labels of the paths that ran away; the legend says so.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> import multicapa as mc
    >>> from matplotlib import pyplot as plt
    >>> display = mc.plots.OptimizerPathsDisplay.from_function("ravine")
    >>> list(display.paths)
    ['gradient descent', 'momentum', 'RMSprop', 'Adam']

    Any function of two numbers, with learning rates of your own:

    >>> def bowl(x):
    ...     return (x**2).sum(), 2 * x
    >>> display = mc.plots.OptimizerPathsDisplay.from_function(
    ...     bowl, x0=(1, 2), optimizers={"rate 0.1": mc.SGD(0.1), "rate 0.9": mc.SGD(0.9)}, steps=10
    ... )
    >>> display.paths["rate 0.1"][1].tolist()
    [0.8, 1.6]
    >>> plt.show()  # doctest: +SKIP
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        paths: Mapping[str, npt.NDArray[np.float64]],
        xx0: npt.NDArray[np.float64],
        xx1: npt.NDArray[np.float64],
        heights: npt.NDArray[np.float64],
        diverged: Iterable[str] = (),
    ) -> None:
        self.paths = dict(paths)
        self.xx0, self.xx1, self.heights = xx0, xx1, heights
        self.diverged = set(diverged)

    @classmethod
    def from_function(
        cls,
        f: str | Surface | Callable[[Point], Any],
        gradient: Callable[[Point], Any] | None = None,
        *,
        x0: npt.ArrayLike | None = None,
        optimizers: Mapping[str, str | Optimizer] | None = None,
        steps: int = 60,
        limits: Limits | None = None,
        resolution: int = 100,
        ax: Axes | None = None,
    ) -> Self:
        """Let optimisers loose on a function of two numbers and draw where they go.

        Parameters
        ----------
        f : callable or str
            From x of shape (2,) to the pair (value, gradient), or to the value alone where ``gradient`` is given; or
            one of :data:`SURFACES` or its name.
        gradient : callable, optional
            From x to the gradient there.
        x0 : array-like of shape (2,), optional
            Where to start. Surfaces come with a start.
        optimizers : dict of str to Optimizer, optional
            By label. By default gradient descent, momentum, RMSprop and Adam, with rates for the ready surfaces.
        steps : int, default=60
        limits : ((left, right), (bottom, top)), optional
            Of the picture. By default those of the surface, or what the paths need.
        resolution : int, default=100
            Points per side of the grid for the contour lines.
        ax : Axes, optional

        Returns
        -------
        OptimizerPathsDisplay

        Raises
        ------
        ValueError, TypeError
            If an argument is wrong, or the function is not finite where the paths start.
        ImportError
            If matplotlib is not installed.
        """
        style.check_matplotlib()
        surface = SURFACES[check_name(f, SURFACES, "surface")] if isinstance(f, str) else f
        if not callable(surface):
            raise TypeError(f"f should be a function or the name of a surface, not {f!r}")
        if isinstance(surface, Surface):
            x0 = surface.start if x0 is None else x0
            limits = surface.limits if limits is None else limits
        if x0 is None:
            raise ValueError("x0, where the paths start, is missing")
        start = np.asarray(x0, dtype=np.float64)
        if start.shape != (2,) or not np.isfinite(start).all():
            raise ValueError(f"x0 should be two finite numbers, not {x0!r}")
        check_integer(resolution, "resolution", minimum=2)
        check_integer(steps, "steps", minimum=0)
        if limits is not None:
            limits = _checked_limits(limits)
        chosen = usual_optimizers() if optimizers is None else dict(optimizers)
        both = pair(surface, gradient)
        value, slope = both(start)
        if np.shape(slope) != (2,) or not np.isfinite([value, *slope]).all():
            raise ValueError(f"at x0 there should be a value and a gradient of two numbers, not {value} and {slope}")
        found = {label: walk(both, start, optimizer, steps, limits) for label, optimizer in chosen.items()}
        paths = {label: path for label, (path, _) in found.items()}
        diverged = [label for label, (_, lost) in found.items() if lost]
        if limits is None:
            limits = _around([path for label, path in paths.items() if label not in diverged] or [start[None]])
        xx0, xx1 = np.meshgrid(np.linspace(*limits[0], resolution), np.linspace(*limits[1], resolution))
        points = np.column_stack([xx0.ravel(), xx1.ravel()])
        heights = np.array([float(both(point)[0]) for point in points]).reshape(xx0.shape)
        return cls(paths, xx0, xx1, heights, diverged).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        OptimizerPathsDisplay
            Itself.
        """
        ax = style.single(ax, 6.4, 5)
        levels = _levels(self.heights)
        if len(levels) > 1:
            ax.contourf(self.xx0, self.xx1, self.heights, levels, cmap="Greys", alpha=0.28, extend="both")
            ax.contour(self.xx0, self.xx1, self.heights, levels, colors="#8a8a8a", linewidths=0.5, linestyles="solid")
        handles = []
        for number, (label, path) in enumerate(self.paths.items()):
            color = style.PALETTE[number % len(style.PALETTE)]
            marker = style.MARKERS[number % len(style.MARKERS)]
            text = f"{label} (diverges)" if label in self.diverged else label
            (line,) = ax.plot(*path.T, color=color, linewidth=1.4, marker=".", markersize=4, label=text)
            end: dict[str, Any] = {"color": color, "marker": marker, "markersize": 8, "markeredgecolor": "white"}
            ax.plot(*path[-1:].T, linestyle="none", zorder=4, label="_end", **end)
            handles.append(type(line)([], [], linewidth=1.4, label=text, **end))
        start = next(iter(self.paths.values()))[:1] if self.paths else np.empty((0, 2))
        black: dict[str, Any] = {
            "color": "black",
            "marker": "*",
            "markersize": 12,
            "markeredgecolor": "white",
            "linestyle": "none",
        }
        handles += ax.plot(*start.T, zorder=5, label="start", **black)
        ax.set_xlim(self.xx0.min(), self.xx0.max())
        ax.set_ylim(self.xx1.min(), self.xx1.max())
        ax.set_xlabel("x1")
        ax.set_ylabel("x2")
        ax.tick_params(color=style.QUIET, labelsize=9)
        ax.spines[:].set_visible(False)
        style.legend_above(ax, handles)
        self.ax_, self.figure_ = ax, style.root_figure(ax)
        return self


def usual_optimizers() -> dict[str, Optimizer]:
    """For surfaces of the size of the ready ones."""
    return {
        "gradient descent": SGD(0.1),
        "momentum": Momentum(0.03),
        "RMSprop": RMSprop(0.1, rho=0.9),
        "Adam": Adam(0.2),
    }


def pair(f: Callable[[Point], Any], gradient: Callable[[Point], Any] | None) -> Callable[[Point], tuple[float, Point]]:
    """A function that returns value and gradient, of one that does or of two."""

    def both(x: Point) -> tuple[float, Point]:
        found = f(x)
        if gradient is not None:
            value, slope = found[0] if isinstance(found, tuple) else found, gradient(x)
        elif isinstance(found, tuple) and len(found) == 2:
            value, slope = found
        else:
            raise TypeError(f"f should return the pair (value, gradient) unless gradient is given, not {found!r}")
        return float(value), np.asarray(slope, dtype=np.float64)

    return both


def walk(
    f: Callable[[Point], tuple[float, Point]],
    start: Point,
    optimizer: str | Optimizer,
    steps: int,
    limits: Limits | None,
) -> tuple[Point, bool]:
    """The points visited, and whether they ran away."""
    far = _FAR * max(1.0, float(np.abs(start).max()), *(abs(side) for pair in limits or () for side in pair))
    visited: list[Point] = []

    def watched(x: Point) -> tuple[float, Point]:
        if not np.abs(x).max() < far:  # NaN neither
            raise _Lost
        visited.append(x)
        value, slope = f(x)
        if not np.isfinite(slope).all():
            raise _Lost
        return value, slope

    try:
        path = minimize(watched, start, optimizer, steps)
    except _Lost:
        return np.array(visited), True
    return path, not np.abs(path[-1]).max() < far


def _checked_limits(limits: Any) -> Limits:
    array = np.asarray(limits, dtype=np.float64)
    if array.shape != (2, 2) or not (array[:, 0] < array[:, 1]).all():
        raise ValueError(f"limits should be ((left, right), (bottom, top)), not {limits!r}")
    left, right, bottom, top = (check_number(side, "each of limits") for side in array.ravel().tolist())
    return (left, right), (bottom, top)


def _around(paths: list[Point]) -> Limits:
    points = np.concatenate(paths)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.15 * np.maximum(high - low, max(0.3 * float((high - low).max()), 1e-6))
    (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
    return (left, right), (bottom, top)


def _levels(heights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Evenly spaced heights, closer together below where the surface climbs ever more steeply."""
    finite = heights[np.isfinite(heights)]
    if not finite.size or finite.min() == finite.max():
        return np.empty(0)
    low, middle, high = (float(q) for q in np.quantile(finite, (0, 0.5, 1)))
    power = np.clip(np.log((middle - low) / (high - low)) / np.log(0.5), 1.0, 4.0) if middle > low else 1.0
    levels: npt.NDArray[np.float64] = low + (high - low) * np.linspace(0, 1, 15)[1:-1] ** power
    return np.unique(levels)
