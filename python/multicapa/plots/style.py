"""What all pictures share: colours, where they are drawn, scales, legends. Matplotlib is imported only in functions."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from multicapa.network.core import CoreNetwork

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from multicapa.model.network import Network


class Fitted(Protocol):
    """What has a network inside: the estimators after ``fit``."""

    network_: Network


# Okabe & Ito 2008, which the colour-blind can tell apart, without the yellow that white paper swallows.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
TRAIN, DEV, QUIET = PALETTE[0], PALETTE[1], "#6b6b6b"

_WIDE = 20.0  # from this ratio of the largest to the smallest loss on, only a logarithmic axis shows both
_SMALL = 9  # points, for legends and ticks


def check_matplotlib() -> None:
    """Raise ImportError with the remedy unless matplotlib is there."""
    try:
        import matplotlib  # noqa: F401 - whether it can be imported is the question
    except ImportError as error:
        raise ImportError('figures need matplotlib: pip install "multicapa[plots]"') from error


def network_of(thing: Network | Fitted) -> Network:
    """The network itself, or that of a fitted estimator."""
    if isinstance(thing, CoreNetwork):
        return thing
    network = getattr(thing, "network_", None)
    if not isinstance(network, CoreNetwork):
        unfitted = hasattr(thing, "fit") and hasattr(thing, "get_params")
        told = "this estimator is not fitted yet" if unfitted else f"not {type(thing).__name__}"
        raise TypeError(f"a network or a fitted estimator of multicapa is drawn; {told}")
    return cast("Network", network)


def single(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes given, or those of a new figure of this size in inches."""
    return new_figure(width, height).add_subplot() if ax is None else _checked(ax)


def panels(
    ax: Axes | None,
    rows: int,
    columns: int,
    width: float,
    height: float,
    *,
    share_x: bool = True,
    share_y: bool = False,
    heights: Sequence[float] | None = None,
) -> tuple[Figure | SubFigure, npt.NDArray[Any]]:
    """Axes in rows (of these heights) and columns: in a new figure, or in the place of ``ax``."""
    if ax is None:
        place: Figure | SubFigure = new_figure(width, height)
    else:
        spec = _checked(ax).get_subplotspec()
        if spec is None:
            raise ValueError("this picture divides the place of ax, which should come from subplots() or add_subplot()")
        root = root_figure(ax)
        if root.get_layout_engine() is None:
            root.set_layout_engine("constrained")
        parent = ax.figure
        ax.remove()
        place = parent.add_subfigure(spec)
    ratios = None if heights is None else {"height_ratios": heights}
    return place, place.subplots(rows, columns, squeeze=False, sharex=share_x, sharey=share_y, gridspec_kw=ratios)


def new_figure(width: float, height: float) -> Figure:
    """A figure of pyplot's if the program uses pyplot, else one that nobody else knows of."""
    check_matplotlib()
    from matplotlib.figure import Figure

    pyplot = sys.modules.get("matplotlib.pyplot")
    make = Figure if pyplot is None else pyplot.figure
    return cast(Figure, make(figsize=(width, height), layout="constrained"))


def _checked(ax: Any) -> Axes:
    check_matplotlib()
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise TypeError(f"ax should be the Axes of matplotlib, not {type(ax).__name__}")
    return ax


def root_figure(ax: Axes) -> Figure:
    """The figure with ``savefig``, also for axes of a part of it."""
    figure: Any = ax.figure
    return cast("Figure", figure.figure)


def dress(ax: Axes) -> None:
    """Faint horizontal lines, no box."""
    ax.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(color=QUIET, labelsize=_SMALL)


def epoch_axis(ax: Axes, label: str = "epoch", ticks: int = 9) -> None:
    """Whole numbers below."""
    from matplotlib.ticker import MaxNLocator

    ax.margins(x=0.02)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=ticks, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    ax.set_xlabel(label)


def loss_axis(ax: Axes, values: Iterable[float]) -> None:
    """From 0 on, or logarithmic where the values are all positive and far apart."""
    found = np.array([value for value in values if np.isfinite(value)])
    if found.size and found.min() > 0 and found.max() > _WIDE * found.min():
        log_axis(ax, found)
    else:
        ax.set_ylim(bottom=min(0.0, *found, 0.0))


def log_axis(ax: Axes, values: npt.ArrayLike) -> None:
    """Logarithmic, with labels as people write numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    found = np.asarray(values, dtype=np.float64)
    found = found[np.isfinite(found) & (found > 0)]
    decades = float(np.log10(found.max() / found.min())) if found.size else 1.0
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades <= 2 else (1,), numticks=8))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def legend_above(ax: Axes, handles: Sequence[Artist]) -> int:
    """A legend over the axes, where no curve runs through it, in as many columns as fit; the number of its rows."""
    if not handles:
        return 0
    # In inches: a character is about half as wide as high; 0.5 for the line and the gaps. The axes grow a little later.
    entries = [0.5 + len(str(handle.get_label())) * 0.56 * _SMALL / 72 for handle in handles]
    room = 1.1 * ax.get_window_extent().width / root_figure(ax).dpi
    columns = len(entries)
    while columns > 1 and sum(part.max() for part in np.array_split(entries, columns)) > room:
        columns -= 1
    ax.legend(
        handles=list(handles),
        ncols=columns,
        frameon=False,
        fontsize=_SMALL,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0,
        borderpad=0.2,
        columnspacing=1.4,
        handletextpad=0.5,
    )
    return -(-len(entries) // columns)


def tint(colour: str, strength: float) -> npt.NDArray[np.float64]:
    """A colour mixed with white: its red, green and blue."""
    from matplotlib.colors import to_rgb

    return 1 - (1 - np.array(to_rgb(colour))) * strength
