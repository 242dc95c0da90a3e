"""What a network of two inputs says anywhere in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multicapa.base.checks import check_integer, check_number
from multicapa.plots import style

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from multicapa.model.network import Network

Array = npt.NDArray[Any]

_SAMPLE: dict[str, Any] = {"s": 28, "edgecolors": "white", "linewidths": 0.7, "zorder": 3}


class DecisionBoundaryDisplay:
    """The regions, boundaries and samples of a network with two inputs.

    Several outputs are read as classes, the largest wins. One output with a threshold stands for two classes, and its
    height is shown as shades; without a threshold it is a regression, and samples and plane share one scale.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (rows, columns)
        A grid over the plane.
    response : ndarray of shape (rows, columns) or (rows, columns, n_classes)
        The outputs there.
    X : ndarray of shape (n_samples, 2)
    y : ndarray of shape (n_samples,), optional
        Classes as 0, 1, ..., or the targets of a regression.
    threshold : float, optional
        From where on a single output means class 1.
    class_names : sequence of str, optional
    feature_names : (str, str), default=("x1", "x2")
    hidden : (ndarray of shape (2, units), ndarray of shape (units,)), optional
        Weights and biases of first-layer units, of which each is drawn as the line where its input is 0.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> import multicapa as mc
    >>> from matplotlib import pyplot as plt
    >>> from sklearn.datasets import make_moons
    >>> X, y = make_moons(200, noise=0.15, random_state=0)
    >>> net = mc.Sequential([mc.Dense(6, "tanh"), mc.Dense(2, "softmax")], input_shape=(2,), seed=0)
    >>> history = net.fit(X, y, optimizer=mc.Adam(0.05), epochs=30)
    >>> display = mc.plots.DecisionBoundaryDisplay.from_network(net, X, y, hidden=True)
    >>> display.response.shape, display.hidden[0].shape
    ((200, 200, 2), (2, 6))
    >>> plt.show()  # doctest: +SKIP
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        *,
        xx0: Array,
        xx1: Array,
        response: Array,
        X: Array,
        y: Array | None = None,
        threshold: float | None = None,
        class_names: Sequence[str] | None = None,
        feature_names: Sequence[str] = ("x1", "x2"),
        hidden: tuple[Array, Array] | None = None,
    ) -> None:
        self.xx0, self.xx1, self.response, self.X, self.y = xx0, xx1, response, X, y
        self.threshold, self.hidden, self.feature_names = threshold, hidden, tuple(feature_names)
        if len(self.feature_names) != 2:
            raise ValueError(f"feature_names should be two names, not {feature_names!r}")
        count = response.shape[2] if response.ndim == 3 else 0 if threshold is None else 2
        if class_names is not None and len(class_names) != count:
            raise ValueError(f"class_names should be {count} names, not {len(class_names)}")
        self.class_names = [f"class {k}" for k in range(count)] if class_names is None else list(class_names)

    @classmethod
    def from_network(
        cls,
        network: Network,
        X: npt.ArrayLike,
        y: npt.ArrayLike | None = None,
        *,
        threshold: float | None = None,
        hidden: bool = False,
        class_names: Sequence[str] | None = None,
        feature_names: Sequence[str] = ("x1", "x2"),
        resolution: int = 200,
        margin: float = 0.1,
        ax: Axes | None = None,
    ) -> Self:
        """Ask the network all over the plane around the samples, and draw.

        Parameters
        ----------
        network : Network
            With two inputs; its outputs are classes, or there is one.
        X : array-like of shape (n_samples, 2)
            The samples.
        y : array-like, optional
            Their targets, as for ``fit``; without, they are drawn in grey.
        threshold : float, optional
            From where on a single output means the second class. By default what goes with the network's loss and
            output activation (0.5 for a sigmoid, 0 for tanh, hinge and the like); else halfway between the two values
            of y, and none if y has more: a regression.
        hidden : bool, default=False
            Whether to draw the lines along which the units of the first layer change sides: what the boundary is
            bent from.
        class_names, feature_names : sequence of str, optional
        resolution : int, default=200
            Points per side of the grid.
        margin : float, default=0.1
            Around the samples, as a share of their range.
        ax : Axes, optional

        Returns
        -------
        DecisionBoundaryDisplay

        Raises
        ------
        ValueError
            If the network has other inputs or outputs, or the samples do not fit it.
        ImportError
            If matplotlib is not installed.
        """
        if network.input_shape != (2,):
            raise ValueError(f"a network drawn in the plane should have input_shape (2,), not {network.input_shape}")
        if len(network.output_shape) != 1:
            raise ValueError(f"the outputs should be classes or a single number, not of shape {network.output_shape}")
        samples = np.asarray(X, dtype=np.float64)
        if samples.ndim != 2 or samples.shape[1] != 2 or not len(samples) or not np.isfinite(samples).all():
            raise ValueError(f"X should be finite numbers of shape (n_samples, 2), not of {samples.shape}")
        check_integer(resolution, "resolution", minimum=2)
        check_number(margin, "margin", minimum=0)
        width = network.output_shape[0]
        targets = None if y is None else _targets(y, len(samples), width)
        if width == 1:
            threshold = _threshold(network, targets) if threshold is None else check_number(threshold, "threshold")
            if threshold is not None and targets is not None:
                targets = _sides(targets, threshold)
        elif threshold is not None:
            raise ValueError("threshold is for a single output; of several the largest wins")
        low, high = samples.min(axis=0), samples.max(axis=0)
        around = margin * np.where(high > low, high - low, 1.0)
        sides = [np.linspace(*ends, resolution) for ends in zip(low - around, high + around, strict=True)]
        xx0, xx1 = np.meshgrid(*sides)
        outputs = network.predict(np.column_stack([xx0.ravel(), xx1.ravel()]).astype(network.dtype))
        return cls(
            xx0=xx0,
            xx1=xx1,
            response=outputs.reshape(xx0.shape if width == 1 else (*xx0.shape, width)).astype(np.float64),
            X=samples,
            y=targets,
            threshold=threshold,
            class_names=class_names,
            feature_names=feature_names,
            hidden=_first_units(network) if hidden else None,
        ).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        DecisionBoundaryDisplay
            Itself.
        """
        ax = style.single(ax, 6, 5)
        if self.response.ndim == 3:
            self._draw_regions(ax)
        elif self.threshold is not None:
            self._draw_shades(ax, self.threshold)
        handles = self._draw_hidden(ax) if self.hidden is not None else []
        if self.class_names:
            handles = self._draw_classes(ax) + handles
        else:
            self._draw_regression(ax)
        ax.set_xlim(self.xx0.min(), self.xx0.max())
        ax.set_ylim(self.xx1.min(), self.xx1.max())
        ax.set_xlabel(self.feature_names[0])
        ax.set_ylabel(self.feature_names[1])
        ax.tick_params(color=style.QUIET, labelsize=9)
        ax.spines[:].set_visible(False)
        style.legend_above(ax, handles)
        self.ax_, self.figure_ = ax, style.root_figure(ax)
        return self

    def _draw_regions(self, ax: Axes) -> None:
        winners = self.response.argmax(axis=2)
        tints = np.array([style.tint(_colour(k), 0.3) for k in range(self.response.shape[2])])
        ax.imshow(tints[winners], origin="lower", extent=self._extent(), aspect="auto", zorder=0)
        for k in range(self.response.shape[2]):
            lead = self.response[..., k] - np.delete(self.response, k, axis=2).max(axis=2)
            self._line(ax, lead, 0.0)

    def _draw_shades(self, ax: Axes, threshold: float) -> None:
        """Stronger the farther the output is from the threshold."""
        away = self.response - threshold
        strength = np.abs(away) / max(float(np.abs(away).max()), 1e-12)
        ends = np.array([style.tint(_colour(k), 0.45) for k in range(2)])
        shades = 1 - (1 - ends[(away > 0).astype(int)]) * (0.2 + 0.8 * strength[..., None])
        ax.imshow(shades, origin="lower", extent=self._extent(), aspect="auto", zorder=0)
        self._line(ax, away, 0.0)

    def _draw_regression(self, ax: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        values = [self.response.ravel()] + ([] if self.y is None else [self.y])
        low, high = float(np.concatenate(values).min()), float(np.concatenate(values).max())
        high = high if high > low else low + 1.0
        levels = MaxNLocator(20).tick_values(low, high)
        low, high = float(levels[0]), float(levels[-1])
        filled = ax.contourf(self.xx0, self.xx1, self.response, levels, cmap="cividis")
        look: dict[str, Any] = {"color": style.QUIET}
        if self.y is not None:
            look = {"c": self.y, "vmin": low, "vmax": high, "cmap": "cividis"}
        ax.scatter(self.X[:, 0], self.X[:, 1], **_SAMPLE, **look)
        bar = style.root_figure(ax).colorbar(filled, ax=ax, label="output")
        bar.ax.tick_params(labelsize=9)
        bar.outline.set_visible(False)

    def _draw_classes(self, ax: Axes) -> list[Artist]:
        if self.y is None:
            ax.scatter(self.X[:, 0], self.X[:, 1], color=style.QUIET, **_SAMPLE)
            from matplotlib.patches import Patch

            tints = [style.tint(_colour(k), 0.45).tolist() for k in range(len(self.class_names))]
            return [Patch(color=tint, label=name) for tint, name in zip(tints, self.class_names, strict=True)]
        handles: list[Artist] = []
        for k, name in enumerate(self.class_names):
            rows = self.X[self.y == k]
            marker = style.MARKERS[k % len(style.MARKERS)]
            handles.append(ax.scatter(rows[:, 0], rows[:, 1], color=_colour(k), marker=marker, label=name, **_SAMPLE))
        return handles

    def _draw_hidden(self, ax: Axes) -> list[Artist]:
        from matplotlib.lines import Line2D
        from matplotlib.patheffects import withStroke

        assert self.hidden is not None
        look: dict[str, Any] = {"color": "#333333", "linewidth": 1.0, "linestyle": (0, (4, 2.5))}
        look["path_effects"] = [withStroke(linewidth=2.2, foreground="white", alpha=0.7)]  # to be seen on dark ground
        left, right, bottom, top = self._extent()
        for (a, b), c in zip(self.hidden[0].T.tolist(), self.hidden[1].tolist(), strict=True):
            ends = _across(a, b, c, (left, right), (bottom, top))
            if ends is not None:
                ax.plot(*ends, label="_hidden", zorder=2, **look)
        return [Line2D([], [], label="units of the first layer", **look)]

    def _line(self, ax: Axes, values: Array, level: float) -> None:
        if values.min() < level < values.max():
            ax.contour(self.xx0, self.xx1, values, [level], colors="black", linewidths=1.6, zorder=1)

    def _extent(self) -> tuple[float, float, float, float]:
        return tuple(float(v) for v in (self.xx0.min(), self.xx0.max(), self.xx1.min(), self.xx1.max()))  # type: ignore[return-value]


def _colour(k: int) -> str:
    return style.PALETTE[k % len(style.PALETTE)]


def _targets(y: Any, count: int, width: int) -> Array:
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == width:
        array = array.argmax(axis=1) if width > 1 else array[:, 0]
    if array.shape != (count,):
        raise ValueError(f"y should have {count} samples like X, not shape {np.shape(y)}")
    if array.dtype.kind not in "iufb" or (width > 1 and array.dtype.kind == "f"):
        raise ValueError(f"y should hold {'integer classes' if width > 1 else 'numbers'}, not {array.dtype}")
    if width > 1 and (array.min() < 0 or array.max() >= width):
        raise ValueError(f"y holds classes {array.min()} to {array.max()}, but the network has {width} outputs")
    return array


def _threshold(network: Network, targets: Array | None) -> float | None:
    if network.loss.name == "binary_cross_entropy" or network.output_activation == "sigmoid":
        return 0.5
    if network.loss.name in ("hinge", "perceptron") or network.output_activation in ("tanh", "softsign", "step"):
        return 0.0
    values: Array = np.empty(0) if targets is None else np.unique(targets)
    return float(values[0] + values[1]) / 2 if len(values) == 2 else None


def _sides(targets: Array, threshold: float) -> Array:
    """0 or 1 for each target: by its value where there are two, whatever range they were written in."""
    values = np.unique(targets)
    return (targets == values[1] if len(values) == 2 else targets > threshold).astype(int)


def _first_units(network: Network) -> tuple[Array, Array]:
    """Weights and biases of the dense layers that read the input."""
    entry = network.spec[0]["name"]
    weights, biases = [], []
    for layer in network.spec:
        owner = layer.get("shares", layer["name"])
        if layer["type"] == "dense" and layer["inputs"] == [entry]:
            weight = np.array(network.parameters[f"{owner}.weight"], dtype=np.float64)
            weights.append(weight)
            biases.append(np.array(network.parameters.get(f"{owner}.bias", np.zeros(weight.shape[1]))))
    if not weights:
        raise ValueError("hidden=True needs a Dense layer that reads the input")
    return np.concatenate(weights, axis=1), np.concatenate(biases)


def _across(
    a: float, b: float, c: float, horizontal: tuple[float, float], vertical: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Where the line a x + b y + c = 0 enters and leaves a rectangle: the two x and the two y."""
    points = []
    if b != 0:
        points += [(x, -(a * x + c) / b) for x in horizontal]
    if a != 0:
        points += [(-(b * y + c) / a, y) for y in vertical]

    def within(value: float, ends: tuple[float, float]) -> bool:
        slack = 1e-9 * (ends[1] - ends[0])  # corners belong to it, whatever rounding says
        return ends[0] - slack <= value <= ends[1] + slack

    inside = sorted((x, y) for x, y in points if within(x, horizontal) and within(y, vertical))
    if len(inside) < 2:
        return None
    (x0, y0), (x1, y1) = inside[0], inside[-1]
    return (x0, x1), (y0, y1)
