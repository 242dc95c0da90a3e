"""What the layers of a convolutional network make of an image or a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multicapa.base.arrays import as_samples
from multicapa.base.checks import check_integer, check_name
from multicapa.network.inner import up_to
from multicapa.plots import space, style, tiles
from multicapa.plots.display import Display

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes

    from multicapa.model.network import Network

_MAKE_MAPS = ("conv1d", "conv2d", "max_pool1d", "max_pool2d", "average_pool1d", "average_pool2d")
_COLUMNS, _WIDE = 8, 7.5  # maps in a row; inches
_LINES = 7  # features that are drawn as lines


class FeatureMapsDisplay(Display):
    """The maps that each layer makes of a sample, below the sample itself, one map for each filter.

    Black is 0 and white the largest number of a layer; where there are negative numbers, white is 0, red above it and
    blue below. Each layer has a scale of its own. Of a series each map is a row of shades, time going across.

    Parameters
    ----------
    sample : ndarray of shape (height, width), (height, width, channels) or (time, features)
        As the network takes it.
    maps : dict of str to ndarray
        By layer: (height, width, filters), or (time, filters).
    most : int, default=16
        Maps of a layer that are drawn at most.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One for the sample and one for each layer, above one another.
    ax_ : Axes
        The first of them.
    figure_ : Figure

    Examples
    --------
    >>> import multicapa as mc, numpy as np
    >>> from matplotlib import pyplot as plt
    >>> net = mc.networks.lenet5(seed=0)
    >>> display = mc.plots.FeatureMapsDisplay.from_network(net, np.eye(28))
    >>> {layer: maps.shape for layer, maps in display.maps.items()}
    {'conv2d_1': (28, 28, 6), 'max_pool2d_1': (14, 14, 6), 'conv2d_2': (10, 10, 16), 'max_pool2d_2': (5, 5, 16)}
    >>> plt.show()  # doctest: +SKIP
    """

    axes_: npt.NDArray[Any]

    def __init__(self, sample: npt.NDArray[Any], maps: dict[str, npt.NDArray[Any]], *, most: int = 16) -> None:
        self.sample, self.maps = np.asarray(sample), maps
        self.most = check_integer(most, "most", minimum=1)

    @classmethod
    def from_network(
        cls,
        network: Network | style.Fitted,
        sample: npt.ArrayLike,
        *,
        layers: str | Sequence[str] | None = None,
        most: int = 16,
        ax: Axes | None = None,
    ) -> Self:
        """Send a sample through the network and draw what comes out of its layers.

        Parameters
        ----------
        network : Network or fitted estimator
            Over images or series.
        sample : array-like of shape input_shape
            A single image or series.
        layers : str or sequence of str, optional
            Their names, of any layers whose output is made of maps; by default all convolutions and poolings.
        most : int, default=16
            So many maps of a layer are drawn at most: the first.
        ax : Axes, optional
            Its place is divided.

        Returns
        -------
        FeatureMapsDisplay

        Raises
        ------
        ValueError
            If the sample has another shape, or a layer does not exist or makes no maps.
        ImportError
            If matplotlib is not installed.
        """
        space.check_matplotlib()
        network = style.network_of(network)
        shapes = {node["name"]: node["shape"] for node in network._core.nodes}
        chosen = [layers] if isinstance(layers, str) else layers
        if chosen is None:
            chosen = [each["name"] for each in network.spec if each["type"] in _MAKE_MAPS]
        if not chosen:
            raise ValueError("there is nothing to draw: no convolution, no pooling and no layers named")
        names = [each["name"] for each in network.spec]
        wanted = 2 if _is_series(network) else 3
        for name in chosen:
            if len(shapes[check_name(name, names, "layer")]) != wanted:
                raise ValueError(f"{name} puts out the shape {shapes[name]}, which are no maps")
        network.check_single("FeatureMapsDisplay")
        x = as_samples(np.asarray(sample)[None], network.input_shape, network.dtype, "the sample")
        maps = {name: up_to(network, name).predict(x)[0].astype(np.float64) for name in chosen}
        return cls(x[0], maps, most=most).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, optional
            As in :meth:`from_network`.

        Returns
        -------
        FeatureMapsDisplay
            Itself.
        """
        drawn = {"": self.sample} | {layer: maps[..., : self.most] for layer, maps in self.maps.items()}
        series = next(iter(self.maps.values())).ndim == 2
        heights = [_height(numbers, series) for numbers in drawn.values()]
        high = sum(heights) + 0.35 * len(heights)
        axes = space.panels(ax, len(drawn), 1, _WIDE, high, share_x=False, heights=heights)[1][:, 0]
        for panel, (layer, numbers) in zip(axes, drawn.items(), strict=True):
            if series:
                _draw_series(panel, numbers, as_lines=not layer and numbers[0].size <= _LINES)
            elif layer:
                tiles.draw(panel, np.moveaxis(numbers, -1, 0), _COLUMNS)
            else:
                _draw_image(panel, numbers)
            space.title(panel, self._title(layer), 9.5, pad=3)
        if series:
            axes[-1].set_xlabel("time, from the first step to the last", fontsize=space.scaled(axes[-1], 9))
        self.axes_, self.ax_, self.figure_ = axes, axes[0], space.root_figure(axes[0])
        return self

    def _title(self, layer: str) -> str:
        maps = self.maps[layer] if layer else self.sample
        count, size = maps.shape[-1], " × ".join(map(str, maps.shape))
        return f"{layer or 'sample'}: {size}" + (f", the first {self.most}" if layer and count > self.most else "")


def _is_series(network: Network) -> bool:
    return any(each["type"].endswith("1d") for each in network.spec)


def _height(numbers: npt.NDArray[Any], series: bool) -> float:
    """In inches."""
    if series:
        return 0.8 if numbers.ndim == 1 else 0.6 + 0.05 * numbers.shape[1]
    height, width = numbers.shape[:2]
    single = numbers.ndim == 2 or numbers.shape[2] in (1, 3)
    rows = 1.6 if single else -(-numbers.shape[2] // _COLUMNS)
    return float(_WIDE / _COLUMNS * height / width * rows)


def _draw_image(ax: Axes, image: npt.NDArray[Any]) -> None:
    """In grey, in colour, or channel by channel."""
    if image.ndim == 3 and image.shape[2] not in (1, 3):
        tiles.draw(ax, np.moveaxis(image, -1, 0), _COLUMNS)
        return
    if image.ndim == 3 and image.shape[2] == 3:
        low, high = float(image.min()), float(image.max())
        ax.imshow((image - low) / ((high - low) or 1.0), interpolation="nearest")
    else:
        low, high = tiles.limits(image)
        look: dict[str, Any] = {"cmap": tiles.colours(low), "vmin": low, "vmax": high, "interpolation": "nearest"}
        ax.imshow(image.reshape(image.shape[:2]), **look)
    tiles.bare(ax)


def _draw_series(ax: Axes, numbers: npt.NDArray[Any], as_lines: bool) -> None:
    """Lines, or a row of shades for each feature."""
    if as_lines:
        lines = numbers.reshape(len(numbers), -1)
        for i, line in enumerate(lines.T):
            ax.plot(line, color=style.colour(i), linewidth=1.2)
        style.dress(ax)
        ax.set_xlim(-0.5, len(lines) - 0.5)
        ax.set_xticks([])
        return
    low, high = tiles.limits(numbers)
    look: dict[str, Any] = {"cmap": tiles.colours(low), "vmin": low, "vmax": high, "interpolation": "nearest"}
    ax.imshow(numbers.T, aspect="auto", **look)
    tiles.bare(ax)
