"""Where attention looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multicapa.plots import space
from multicapa.plots.display import Display

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes

    from multicapa.model.network import Network

_COLUMNS = 4  # heads in a row
_SHORT = 3  # characters of a label that have room side by side
_LABELS = 40  # steps that are written at their places at most


class AttentionDisplay(Display):
    """How much each step of a query (a row) looks at each step of a memory (a column): white not at all, dark alone.

    Parameters
    ----------
    weights : array-like of shape (time, time of the memory) or (num_heads, time, time of the memory)
        Of one sample, each row summing to 1.
    query, memory : sequence of str, optional
        What stands at their steps, to be written beside them; steps beyond these are not drawn.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One for each head.
    ax_ : Axes
        The first of them.
    figure_ : Figure

    Examples
    --------
    >>> import multicapa as mc, numpy as np
    >>> from matplotlib import pyplot as plt
    >>> x = mc.Input((4, 2))
    >>> net = mc.Network(x, mc.Dense(1)(mc.Attention()(x)), seed=0)
    >>> display = mc.plots.AttentionDisplay.from_network(net, np.eye(4, 2), query="abcd", memory="abcd")
    >>> display.weights.shape
    (1, 4, 4)
    >>> plt.show()  # doctest: +SKIP
    """

    axes_: npt.NDArray[Any]

    def __init__(
        self, weights: npt.ArrayLike, *, query: Sequence[str] | None = None, memory: Sequence[str] | None = None
    ) -> None:
        given = np.asarray(weights, dtype=np.float64)
        if given.ndim not in (2, 3) or 0 in given.shape:
            raise ValueError(f"weights should have the axes (heads,) query, memory, not the shape {given.shape}")
        given = given.reshape(-1, *given.shape[-2:])
        for labels, extent, what in ((query, given.shape[1], "query"), (memory, given.shape[2], "memory")):
            if labels is not None and not 0 < len(labels) <= extent:
                raise ValueError(f"{what} has {len(labels)} labels, but the weights have {extent} steps there")
        self.query, self.memory = query, memory
        self.weights = given[
            :, : len(query) if query is not None else None, : len(memory) if memory is not None else None
        ]

    @classmethod
    def from_network(
        cls,
        network: Network,
        sample: npt.ArrayLike,
        *,
        layer: str | None = None,
        query: Sequence[str] | None = None,
        memory: Sequence[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Send a sample through the network and draw where it looks.

        Parameters
        ----------
        network : Network
        sample : array-like of shape input_shape, or shorter
        layer : str, optional
            Which attention, where there are several.
        query, memory : sequence of str, optional
            As in the class.
        ax : Axes, optional
            Its place is divided.

        Returns
        -------
        AttentionDisplay

        Raises
        ------
        ValueError
            If there is no such layer, or the sample does not fit.
        ImportError
            If matplotlib is not installed.
        """
        space.check_matplotlib()
        weights = network.attention_weights(np.asarray(sample)[None], layer)[0]
        weights = weights[:, None] if weights.ndim == 2 else weights
        return cls(weights, query=query, memory=memory).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, optional
            As in :meth:`from_network`.

        Returns
        -------
        AttentionDisplay
            Itself.
        """
        heads, queries, keys = self.weights.shape
        columns = min(heads, _COLUMNS)
        rows = -(-heads // columns)
        width, height = (float(np.clip(0.3 * steps, 1.6, 6)) for steps in (keys, queries))
        size = ((width + 0.5) * columns, (height + 0.6) * rows)
        frame, panels = space.panels(ax, rows, columns, *size, share_x=True, share_y=True)
        grid, small = panels.ravel(), space.scaled(frame, 9)
        for panel in grid[heads:]:
            panel.set_visible(False)
        axes = grid[:heads]
        room = 0.85 * space.inside(frame) / columns / keys
        upright = all(space.text_width(label, small) <= room for label in self.memory or ())
        for head, (panel, weights) in enumerate(zip(axes, self.weights, strict=True)):
            panel.imshow(weights, cmap="Greys", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
            _write(panel.set_yticks, self.query)
            _write(panel.set_xticks, self.memory)
            panel.tick_params(length=0, labelsize=small)
            panel.tick_params(axis="x", labelrotation=0 if upright else 90)
            if heads > 1:
                panel.set_title(f"head {head + 1}", fontsize=1.05 * small, loc="left", pad=3)
        for panel in axes[::columns]:
            panel.set_ylabel("looks", fontsize=small)
        for panel in axes[-columns:]:
            panel.set_xlabel("at", fontsize=small)
            panel.tick_params(labelbottom=True)
        self.axes_, self.ax_, self.figure_ = axes, axes[0], space.root_figure(axes[0])
        return self


def _write(ticks: Any, labels: Sequence[str] | None, **look: Any) -> None:
    """The labels at their places, unless there are too many."""
    if labels is not None and len(labels) <= _LABELS:
        ticks(range(len(labels)), [label if label.strip() else "␣" for label in labels], **look)
