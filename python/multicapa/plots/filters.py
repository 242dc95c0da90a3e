"""The filters of a convolution, as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multicapa.base.checks import check_integer, check_name
from multicapa.plots import style, tiles

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from multicapa.model.network import Network

_CONVOLUTIONS = ("conv1d", "conv2d")


class FiltersDisplay:
    """The weights of a convolution: red where a filter answers to bright pixels, blue to dark ones, white to neither.

    Filters of a single channel lie side by side, row by row. Of several channels each filter is a column, and each row
    shows what they look for in one channel. All share one scale.

    Parameters
    ----------
    filters : ndarray of shape (height, width, channels, filters)
        Of a Conv1D the height is 1, and the channels are the height of its pictures.
    name : str, default=""
        Of the layer.
    total : (int, int), optional
        How many channels and filters the layer has, if not all are shown.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> import multicapa as mc
    >>> from matplotlib import pyplot as plt
    >>> net = mc.networks.lenet5(seed=0)
    >>> mc.plots.FiltersDisplay.from_network(net).filters.shape
    (5, 5, 1, 6)
    >>> mc.plots.FiltersDisplay.from_network(net, "conv2d_2", most=12).filters.shape
    (5, 5, 6, 12)
    >>> plt.show()  # doctest: +SKIP
    """

    ax_: Axes
    figure_: Figure

    def __init__(self, filters: npt.NDArray[Any], *, name: str = "", total: tuple[int, int] | None = None) -> None:
        self.filters, self.name = np.asarray(filters), name
        if self.filters.ndim != 4:
            raise ValueError(f"filters should have shape (height, width, channels, filters), not {self.filters.shape}")
        self.total = self.filters.shape[2:] if total is None else total

    @classmethod
    def from_network(
        cls, network: Network, layer: str | None = None, *, most: int = 16, ax: Axes | None = None
    ) -> Self:
        """Draw the filters of a layer.

        Parameters
        ----------
        network : Network
        layer : str, optional
            Name of a Conv1D or Conv2D; by default the first there is.
        most : int, default=16
            So many filters, and of each so many channels, are shown at most: the first.
        ax : Axes, optional

        Returns
        -------
        FiltersDisplay

        Raises
        ------
        ValueError
            If there is no such layer, or it is no convolution.
        ImportError
            If matplotlib is not installed.
        """
        style.check_matplotlib()
        check_integer(most, "most", minimum=1)
        types = {each["name"]: each["type"] for each in network.spec}
        found = [name for name, kind in types.items() if kind in _CONVOLUTIONS]
        if not found:
            raise ValueError("the network has no Conv1D and no Conv2D, so there are no filters to draw")
        if layer is None:
            layer = found[0]
        elif types[check_name(layer, types, "layer")] not in _CONVOLUTIONS:
            raise ValueError(f"{layer} is no convolution; those of this network are {', '.join(found)}")
        shared = {each["name"]: each.get("shares", each["name"]) for each in network.spec}
        weights = network.parameters[f"{shared[layer]}.weight"].astype(np.float64)
        weights = weights if weights.ndim == 4 else weights[None]
        return cls(weights[:, :, :most, :most], name=layer, total=weights.shape[2:]).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        FiltersDisplay
            Itself.
        """
        height, width, channels, count = self.filters.shape
        series = height == 1
        if series:  # of each filter one picture, channels down and steps across
            shown = self.filters[0].transpose(2, 1, 0)
        else:
            shown = self.filters.transpose(2, 3, 0, 1).reshape(channels * count, height, width)
        by_channel = channels > 1 and not series
        columns = count if by_channel else tiles.columns_for(count, shown.shape[1:])
        sheet = tiles.Sheet(len(shown), columns, (shown.shape[1], shown.shape[2]))
        ax = style.single(ax, *tiles.size_of(sheet, 1.2 if series else 0.6))
        image = tiles.draw(ax, shown, columns)
        tiles.scale(ax, image)
        ax.set_title(self._title(), fontsize=10, loc="left")
        if by_channel:
            _number(ax, sheet, channels)
        elif series and channels > 1:
            ax.set_xlabel("steps across, features down", fontsize=9, color=style.QUIET, loc="left")
        self.ax_, self.figure_ = ax, style.root_figure(ax)
        return self

    def _title(self) -> str:
        height, width, channels, count = self.filters.shape
        size = f"{width} steps" if height == 1 else f"{height}×{width}"
        filters = f"{count} of {self.total[1]} filters" if count < self.total[1] else f"{count} filters"
        seen = f", {channels} of {self.total[0]} channels" if channels < self.total[0] else ""
        return ": ".join(part for part in (self.name, f"{filters} of {size}{seen}") if part)


def _number(ax: Axes, sheet: tiles.Sheet, channels: int) -> None:
    """Which filter and which channel, counted as the weights are indexed; not all of many."""
    for axis, count, across in ((ax.xaxis, sheet.columns, True), (ax.yaxis, channels, False)):
        step = next(step for step in (1, 2, 5, 10, 20, 50) if count / step <= 16)
        numbers = range(0, count, step)
        places = [sheet.middle(i if across else i * sheet.columns)[across] for i in numbers]
        axis.set_ticks(places, list(map(str, numbers)))
    ax.tick_params(length=0, labelsize=8, colors=style.QUIET)
    ax.set_xlabel("filter", fontsize=9)
    ax.set_ylabel("channel", fontsize=9)
