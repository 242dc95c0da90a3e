"""The weights of a layer, as an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
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

_SIDE = 4.6  # inches, of the longer side of a matrix
_TICK = 0.32  # inches from a tick to the next at least
_MOST_ASPECT = 4.0  # beyond, a matrix is not drawn in squares


class WeightsDisplay:
    """The weights of a layer: red where they are positive, blue where negative, white at 0.

    A matrix has a row for each input and a column for each unit. With ``shape`` the weights that lead to a unit are a
    picture of what it looks for, a tile for each: of a layer that reads images, or anything that lies in rows.

    Parameters
    ----------
    weights : ndarray of shape (inputs, units)
    name : str, default=""
        Of the layer.
    shape : (int, int), optional
        Height and width of the tiles.
    most : int, default=64
        Tiles that are drawn at most: the first.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> import multicapa as mc
    >>> from matplotlib import pyplot as plt
    >>> net = mc.Sequential([mc.Dense(20, "relu"), mc.Dense(10, "softmax")], input_shape=(64,), seed=0)
    >>> mc.plots.WeightsDisplay.from_network(net, "dense_2").weights.shape
    (20, 10)
    >>> display = mc.plots.WeightsDisplay.from_network(net, shape=(8, 8))  # of dense_1, as images of 8 × 8
    >>> plt.show()  # doctest: +SKIP
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self, weights: npt.NDArray[Any], *, name: str = "", shape: Sequence[int] | None = None, most: int = 64
    ) -> None:
        self.weights, self.name = np.asarray(weights), name
        if self.weights.ndim != 2:
            raise ValueError(f"weights should have shape (inputs, units), not {self.weights.shape}")
        self.most = check_integer(most, "most", minimum=1)
        self.shape = None if shape is None else _checked(shape, len(self.weights))

    @classmethod
    def from_network(
        cls,
        network: Network | style.Fitted,
        layer: str | None = None,
        *,
        parameter: str = "weight",
        shape: Sequence[int] | None = None,
        most: int = 64,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the weights of a layer.

        Parameters
        ----------
        network : Network or fitted estimator
        layer : str, optional
            Its name; by default the first whose weights are a matrix.
        parameter : str, default="weight"
            Another of its matrices, such as ``"recurrent_weight"``.
        shape : (int, int), optional
            Height and width of what the layer reads, whose product is the number of its inputs.
        most : int, default=64
            As in the class.
        ax : Axes, optional

        Returns
        -------
        WeightsDisplay

        Raises
        ------
        ValueError
            If there is no such layer, it has no such matrix, or the shape is another.
        ImportError
            If matplotlib is not installed.
        """
        style.check_matplotlib()
        chosen = style.network_of(network)
        matrices = [name for name, view in chosen.parameters.items() if view.ndim == 2]
        if layer is None:
            found = [name.rpartition(".")[0] for name in matrices if name.rpartition(".")[2] == parameter]
            if not found:
                raise ValueError(f"no layer of the network has a matrix {parameter!r}")
            layer = found[0]
        check_name(layer, [each["name"] for each in chosen.spec], "layer")
        if f"{layer}.{parameter}" not in matrices:
            raise ValueError(f"{layer} has no matrix {parameter!r}; there are {', '.join(matrices)}")
        weights = chosen.parameters[f"{layer}.{parameter}"].astype(np.float64)
        title = layer if parameter == "weight" else f"{layer}.{parameter}"
        return cls(weights, name=title, shape=shape, most=most).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        WeightsDisplay
            Itself.
        """
        ax = self._draw_matrix(ax) if self.shape is None else self._draw_tiles(ax, self.shape)
        ax.set_title(self._title(), fontsize=10, loc="left")
        self.ax_, self.figure_ = ax, style.root_figure(ax)
        return self

    def _draw_matrix(self, ax: Axes | None) -> Axes:
        inputs, units = self.weights.shape
        longer = max(inputs, units)
        high, wide = (_SIDE * max(n / longer, 1 / _MOST_ASPECT) for n in (inputs, units))
        ax = style.single(ax, max(3.2, wide + 1.6), max(1.8, high + 1.1))
        largest = float(np.abs(self.weights[np.isfinite(self.weights)]).max(initial=0)) or 1.0
        look: dict[str, Any] = {"cmap": tiles.colours(-1.0), "vmin": -largest, "vmax": largest}
        square = longer <= _MOST_ASPECT * min(inputs, units)
        image = ax.imshow(self.weights, aspect="equal" if square else "auto", interpolation="nearest", **look)
        box = ax.get_window_extent()
        wide, high = box.width, box.height
        if square:
            wide, high = (min(wide / units, high / inputs) * count for count in (units, inputs))
        for axis, count, room in ((ax.xaxis, units, wide), (ax.yaxis, inputs, high)):
            most = max(1.0, room / style.root_figure(ax).dpi / _TICK)
            axis.set_ticks(
                range(0, count, next(n * 10**k for k in range(9) for n in (1, 2, 5) if count <= most * n * 10**k))
            )
        ax.tick_params(length=2, labelsize=8, colors=style.QUIET)
        ax.spines[:].set_color(tiles.PAPER)
        ax.set_xlabel("unit", fontsize=9)
        ax.set_ylabel("input", fontsize=9)
        tiles.scale(ax, image)
        return ax

    def _draw_tiles(self, ax: Axes | None, shape: tuple[int, int]) -> Axes:
        shown = self.weights.T[: self.most].reshape(-1, *shape)
        columns = tiles.columns_for(len(shown), shape)
        sheet = tiles.Sheet(len(shown), columns, shape)
        ax = style.single(ax, *tiles.size_of(sheet, 0.8))
        tiles.scale(ax, tiles.draw(ax, shown, columns))
        return ax

    def _title(self) -> str:
        inputs, units = self.weights.shape
        if self.shape is None:
            told = f"{inputs} × {units} weights"
        else:
            count = f"{self.most} of {units}" if units > self.most else f"{units}"
            told = f"{count} units over {self.shape[0]}×{self.shape[1]}"
        return ": ".join(part for part in (self.name, told) if part)


def _checked(shape: Any, inputs: int) -> tuple[int, int]:
    if len(shape) != 2:
        raise ValueError(f"shape should be (height, width), not {shape!r}")
    height, width = (check_integer(extent, "each of shape", minimum=1) for extent in shape)
    if math.prod((height, width)) != inputs:
        raise ValueError(f"the layer has {inputs} inputs, which are no {height}×{width}")
    return height, width
