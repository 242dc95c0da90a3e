"""What all pictures share: colours, where they are drawn, scales, legends. Matplotlib is imported only in functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import numpy.typing as npt

from multicapa.network.core import CoreNetwork

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multicapa.model.network import Network


class Fitted(Protocol):
    """What has a network inside: the estimators after ``fit``."""

    network_: Network


# Okabe & Ito 2008, which the colour-blind can tell apart, without the yellow that white paper swallows.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
# Tol 2021, "muted" and "dark", for what comes after them.
_MORE = ("#882255", "#999933", "#332288", "#44AA99", "#AA4499", "#117733", "#661100", "#DDCC77", "#225555", "#EE8866")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "*", "p", ">", "h", "d")
TRAIN, DEV, QUIET = PALETTE[0], PALETTE[1], "#6b6b6b"

_WIDE = 20.0  # from this ratio of the largest to the smallest loss on, only a logarithmic axis shows both
_SMALL = 9  # points, for legends and ticks


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


def colour(number: int) -> str:
    """Of the number-th of several things: as many as can be told apart, then from the start again."""
    colours = PALETTE + _MORE
    return colours[number % len(colours)]


def marker(number: int) -> str:
    """Of the number-th of several things; with :func:`colour` no two of the first hundred look the same."""
    return MARKERS[number % len(MARKERS)]


def tint(colour: str, strength: float) -> npt.NDArray[np.float64]:
    """A colour mixed with white: its red, green and blue."""
    from matplotlib.colors import to_rgb

    return 1 - (1 - np.array(to_rgb(colour))) * strength
