"""Steps of optimisers down a curve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multicapa.base.checks import check_integer, check_number, check_pair
from multicapa.optimizers import Optimizer
from multicapa.plots import style
from multicapa.plots.paths import pair, walk

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NUMBERED = 8  # points that carry their number at most


class DescentDisplay:
    """How optimisers go down the curve of a function of one number, step by step.

    Parameters
    ----------
    paths : dict of str to ndarray of shape (steps + 1,)
        By label: x before and after each update.
    heights : dict of str to ndarray of the same shapes
        The function there.
    curve : (ndarray, ndarray)
        x and the function over the width of the picture.
    diverged : iterable of str, default=()
        Labels of the paths that ran away; the legend says so.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    The lectures' worked example, f(x) = (x - 4)^2 + 3 from 7 with a learning rate of 0.6:

    >>> import multicapa as mc
    >>> from matplotlib import pyplot as plt
    >>> def f(x):
    ...     return (x[0] - 4) ** 2 + 3, 2 * (x - 4)
    >>> display = mc.plots.DescentDisplay.from_function(f, x0=7, optimizers={"rate 0.6": mc.SGD(0.6)}, steps=4)
    >>> display.paths["rate 0.6"].round(4).tolist()
    [7.0, 3.4, 4.12, 3.976, 4.0048]
    >>> plt.show()  # doctest: +SKIP
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        paths: Mapping[str, npt.NDArray[np.float64]],
        heights: Mapping[str, npt.NDArray[np.float64]],
        curve: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
        diverged: Iterable[str] = (),
    ) -> None:
        self.paths, self.heights, self.curve = dict(paths), dict(heights), curve
        self.diverged = set(diverged)

    @classmethod
    def from_function(
        cls,
        f: Callable[[npt.NDArray[np.float64]], Any],
        gradient: Callable[[npt.NDArray[np.float64]], Any] | None = None,
        *,
        x0: float,
        optimizers: str | Optimizer | Mapping[str, str | Optimizer],
        steps: int = 20,
        limits: tuple[float, float] | None = None,
        resolution: int = 400,
        ax: Axes | None = None,
    ) -> Self:
        """Let optimisers loose on a function of one number and draw their steps.

        Parameters
        ----------
        f : callable
            As for :func:`multicapa.optimizers.minimize`: from x of shape (1,) to the pair (value, gradient); or to the
            value alone where ``gradient`` is given.
        gradient : callable, optional
            From x to the gradient there.
        x0 : float
            Where to start.
        optimizers : Optimizer, str, or dict of str to either
            By label, which a single one need not have.
        steps : int, default=20
        limits : (left, right), optional
            Of the picture; by default what the paths need.
        resolution : int, default=400
            Points at which the curve is computed.
        ax : Axes, optional

        Returns
        -------
        DescentDisplay

        Raises
        ------
        ValueError, TypeError
            If an argument is wrong, or the function is not finite where the paths start.
        ImportError
            If matplotlib is not installed.
        """
        style.check_matplotlib()
        if not callable(f):
            raise TypeError(f"f should be a function, not {f!r}")
        start = np.array([check_number(x0, "x0")])
        check_integer(steps, "steps", minimum=0)
        check_integer(resolution, "resolution", minimum=2)
        if limits is not None:
            limits = check_pair(limits, "limits")
            if limits[0] >= limits[1]:
                raise ValueError(f"limits should be (left, right), not {limits!r}")
        if not isinstance(optimizers, Mapping):
            optimizers = {optimizers if isinstance(optimizers, str) else type(optimizers).__name__: optimizers}
        if not optimizers:
            raise ValueError("there is nothing to draw: optimizers is empty")
        both = pair(f, gradient)
        value, slope = both(start)
        if np.size(slope) != 1 or not np.isfinite([value, *np.ravel(slope)]).all():
            raise ValueError(f"at x0 there should be a value and a gradient of one number, not {value} and {slope}")
        around = None if limits is None else (limits, limits)
        found = {label: walk(both, start, optimizer, steps, around) for label, optimizer in optimizers.items()}
        paths = {label: path.ravel() for label, (path, _) in found.items()}
        diverged = [label for label, (_, lost) in found.items() if lost]
        if limits is None:
            limits = _around([path for label, path in paths.items() if label not in diverged] or [start])
        xs = np.linspace(*limits, resolution)
        height: Callable[[float], float] = lambda x: float(both(np.array([x]))[0])  # noqa: E731
        heights = {label: np.array([height(x) for x in path]) for label, path in paths.items()}
        return cls(paths, heights, (xs, np.array([height(x) for x in xs])), diverged).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        DescentDisplay
            Itself.
        """
        ax = style.single(ax, 6.4, 4.4)
        xs, ys = self.curve
        ax.plot(xs, ys, color="#8a8a8a", linewidth=1.6, zorder=1, label="_curve")
        ax.set_xlim(float(xs[0]), float(xs[-1]))
        ax.set_ylim(*self._height())
        handles = []
        for number, (label, path) in enumerate(self.paths.items()):
            text = f"{label} (diverges)" if label in self.diverged else label
            look: dict[str, Any] = {"color": style.PALETTE[number % len(style.PALETTE)], "label": text}
            marker = style.MARKERS[number % len(style.MARKERS)]
            handles += ax.plot(path, self.heights[label], linewidth=1.1, marker=marker, markersize=5, **look,
                               markeredgecolor="white", markeredgewidth=0.6, zorder=3)  # fmt: skip
            if len(self.paths) == 1:
                self._number(ax, path, self.heights[label], str(look["color"]))
        style.dress(ax)
        ax.set_xlabel("x")
        ax.set_ylabel("f(x)")
        style.legend_above(ax, handles)
        self.ax_, self.figure_ = ax, style.root_figure(ax)
        return self

    def _height(self) -> tuple[float, float]:
        """From below the valley to above where the paths have been: a curve may climb far beyond."""
        ys = self.curve[1][np.isfinite(self.curve[1])]
        on_paths = [heights for label, heights in self.heights.items() if label not in self.diverged]
        seen = np.concatenate([*on_paths, ys[:0]]) if on_paths else ys
        seen = seen[np.isfinite(seen)] if len(seen) > 1 else ys
        low, high = float(min(ys.min(), seen.min())), float(seen.max())
        room = 0.15 * ((high - low) or 1.0)
        return low - room, high + room

    def _number(self, ax: Axes, path: npt.NDArray[np.float64], heights: npt.NDArray[np.float64], colour: str) -> None:
        """Which step each point is, as far as they stand apart."""
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        taken: list[tuple[float, float]] = []
        for step, (x, y) in enumerate(zip(path.tolist(), heights.tolist(), strict=True)):
            place = ((x - left) / (right - left), (y - bottom) / (top - bottom))
            apart = all(abs(place[0] - a) > 0.06 or abs(place[1] - b) > 0.09 for a, b in taken)
            if not apart or len(taken) == _NUMBERED or not (0 <= place[0] <= 1 and 0 <= place[1] <= 0.94):
                continue
            taken.append(place)
            ax.annotate(str(step), (x, y), xytext=(0, 5), textcoords="offset points", ha="center", va="bottom",
                        fontsize=8.5, color=colour)  # fmt: skip


def _around(paths: list[npt.NDArray[np.float64]]) -> tuple[float, float]:
    """To where the paths have been, and beyond where they end, so that the valley is seen."""
    points = np.concatenate(paths)
    middle = float(np.median([path[-1] for path in paths]))
    left, right = middle - float(points.min()), float(points.max()) - middle
    least = 0.6 * (max(left, right) or max(1.0, abs(middle)))
    return middle - 1.12 * max(left, least), middle + 1.12 * max(right, least)
