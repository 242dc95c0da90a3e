"""How gradients flow: their size, and that of the updates, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multicapa.base.checks import check_name
from multicapa.plots import space, style
from multicapa.plots.display import Display

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes

    from multicapa.callbacks.diagnosis import Diagnosis

_LABELS = {
    "gradient_norm": "gradient norm",
    "delta": "delta (rms)",
    "update_ratio": "update : weight",
    "weight_norm": "weight norm",
    "update_norm": "update norm",
    "activation_mean": "activation mean",
    "activation_std": "activation std",
    "dead": "dead units",
    "saturated": "saturated",
}
_LINEAR = {"activation_mean", "dead", "saturated"}
_NAMED, _NAMED_BRIEFLY = 8, 4  # layers that the legend names at most
_NARROW = 4.0  # inches


class GradientFlowDisplay(Display):
    """What :class:`multicapa.Diagnosis` saw, a line for each layer from dark (first) to light (last).

    Where gradients vanish, the lines of the first layers lie orders of magnitude below those of the last.

    Parameters
    ----------
    epochs : array-like of shape (n_records,)
        From 1.
    values : dict of str to dict of str to ndarray
        By quantity, then by layer: one number per record.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One for each quantity, above one another.
    ax_ : Axes
        The first of them.
    figure_ : Figure

    Examples
    --------
    >>> import multicapa as mc, numpy as np
    >>> from matplotlib import pyplot as plt
    >>> layers = [mc.Dense(8, "sigmoid") for _ in range(4)]
    >>> net = mc.Sequential([*layers, mc.Dense(1)], input_shape=(2,), seed=0)
    >>> diagnosis = mc.Diagnosis(warn=False)
    >>> history = net.fit(np.eye(2), [0.0, 1.0], epochs=5, callbacks=[diagnosis])
    >>> display = mc.plots.GradientFlowDisplay.from_diagnosis(diagnosis)
    >>> list(display.values)
    ['gradient_norm', 'delta', 'update_ratio']
    >>> plt.show()  # doctest: +SKIP
    """

    axes_: npt.NDArray[Any]

    def __init__(self, epochs: npt.ArrayLike, values: dict[str, dict[str, npt.NDArray[np.float64]]]) -> None:
        self.epochs, self.values = np.asarray(epochs), values

    @classmethod
    def from_diagnosis(
        cls,
        diagnosis: Diagnosis,
        *,
        quantities: str | Sequence[str] = ("gradient_norm", "delta", "update_ratio"),
        ax: Axes | None = None,
    ) -> Self:
        """Draw what a diagnosis recorded.

        Parameters
        ----------
        diagnosis : Diagnosis
            After the fit.
        quantities : sequence of str, default=("gradient_norm", "delta", "update_ratio")
            One panel each, of what the records of :class:`multicapa.Diagnosis` hold; ``update_ratio`` is the norm of an
            epoch's whole update by that of the weights.
        ax : Axes, optional
            Its place is divided when there are several quantities.

        Returns
        -------
        GradientFlowDisplay

        Raises
        ------
        ValueError
            If there are no records, or a quantity is unknown.
        ImportError
            If matplotlib is not installed.
        """
        if not getattr(diagnosis, "records", None):
            raise ValueError("the diagnosis has seen no epoch; pass it to fit(callbacks=[...]) first")
        chosen = [quantities] if isinstance(quantities, str) else list(quantities)
        if not chosen:
            raise ValueError("there is nothing to draw: quantities is empty")
        values = {check_name(name, _LABELS, "quantity"): _lines(diagnosis.records, name) for name in chosen}
        return cls(1 + diagnosis.every * np.arange(len(diagnosis.records)), values).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, optional
            As in :meth:`from_diagnosis`.

        Returns
        -------
        GradientFlowDisplay
            Itself.
        """
        count = len(self.values)
        if count == 1:
            axes = np.array([space.single(ax, 7, 4.2)])
        else:
            axes = space.panels(ax, count, 1, 7, 1 + 1.9 * count)[1][:, 0]
        for panel, (name, lines) in zip(axes, self.values.items(), strict=True):
            self._draw(panel, name, lines)
        for panel in axes[:-1]:
            panel.set_xlabel("")
        drawn = axes[0].get_lines()
        # Of many layers the legend names some, the first and the last among them; where there is little room, fewer.
        most = _NAMED if space.cell(axes[0])[0] > _NARROW else _NAMED_BRIEFLY
        named = sorted({round(i) for i in np.linspace(0, len(drawn) - 1, min(most, len(drawn)))})
        space.legend_above(axes[0], [drawn[i] for i in named])
        self.axes_, self.ax_ = axes, axes[0]
        self.figure_ = space.root_figure(axes[0])
        return self

    def _draw(self, ax: Axes, name: str, lines: dict[str, npt.NDArray[np.float64]]) -> None:
        import matplotlib

        # Dark to light says first to last, also in grey; the lightest fifth would be lost on white.
        colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(lines)))
        marker = "o" if len(self.epochs) <= 2 else None
        for colour, (layer, line) in zip(colours, lines.items(), strict=True):
            ax.plot(self.epochs, line, color=colour, linewidth=1.6, marker=marker, markersize=4, label=layer)
        style.dress(ax)
        style.epoch_axis(ax)
        space.side_label(ax, _LABELS[name])
        everything = np.concatenate(list(lines.values()))
        if name in _LINEAR:
            if name != "activation_mean":
                ax.set_ylim(-0.03, 1.03)
        elif np.isfinite(everything).any():
            style.log_axis(ax, everything)


def _lines(records: list[dict[str, dict[str, float]]], name: str) -> dict[str, npt.NDArray[np.float64]]:
    def one(of: Any) -> float:
        if name == "update_ratio":
            return of["update_norm"] / of["weight_norm"] if of["weight_norm"] > 0 else np.nan
        return float(of[name])

    lines = {
        layer: np.array([one(record[layer]) for record in records])
        for layer, first in records[0].items()
        if first["parameters"]
    }
    if name in _LINEAR:
        return lines
    return {layer: np.where(line > 0, line, np.nan) for layer, line in lines.items()}  # no logarithm, no point
