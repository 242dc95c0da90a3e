"""The plate: loss curves for each learning rate and batch size, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multicapa.base.checks import check_integer, check_number
from multicapa.base.errors import DivergenceError
from multicapa.base.history import History
from multicapa.optimizers import SGD, Optimizer
from multicapa.plots import space, style
from multicapa.plots.display import Display

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes

    from multicapa.model.network import Network

_LINES = (("loss", style.TRAIN, "train"), ("val_loss", style.DEV, "dev"))
_GROUND = "#f3f1ee"  # of panels without curves
_AWAY = 10.0  # losses above this multiple of what runs begin with leave the picture through the top


class PlateDisplay(Display):
    """Training and dev loss per epoch for each pair of a learning rate and a batch size, on shared scales.

    Rows are learning rates, columns batch sizes. Runs whose loss became infinite are marked "diverges", those whose
    loss lies far above all others "off the scale".

    Parameters
    ----------
    learning_rates : sequence of float
    batch_sizes : sequence of int or None
        None stands for all samples at once.
    histories : dict of (learning rate, batch size) to History
        What was recorded, of runs that diverged until then.
    diverged : dict of (learning rate, batch size) to int, default={}
        The epoch, from 1, in which a run diverged.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (learning rates, batch sizes)
    ax_ : Axes
        The first of them.
    figure_ : Figure

    Examples
    --------
    >>> import multicapa as mc
    >>> from matplotlib import pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> split = mc.data.train_dev_test_split(*load_iris(return_X_y=True), seed=0)
    >>> def build():
    ...     return mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(3, "softmax")], input_shape=(4,), seed=0)
    >>> display = mc.plots.PlateDisplay.from_data(
    ...     build, split.X_train, split.y_train, validation_data=(split.X_dev, split.y_dev), epochs=5
    ... )
    >>> display.axes_.shape
    (3, 4)
    >>> len(display.histories[0.01, 16]["val_loss"])
    5
    >>> plt.show()  # doctest: +SKIP
    """

    axes_: npt.NDArray[Any]

    def __init__(
        self,
        learning_rates: Sequence[float],
        batch_sizes: Sequence[int | None],
        histories: Mapping[tuple[float, int | None], History],
        diverged: Mapping[tuple[float, int | None], int] | None = None,
    ) -> None:
        self.learning_rates, self.batch_sizes = list(learning_rates), list(batch_sizes)
        self.histories, self.diverged = dict(histories), dict(diverged or {})
        if not self.learning_rates or not self.batch_sizes:
            raise ValueError("a plate needs at least one learning rate and one batch size")
        for rate in self.learning_rates:
            for batch in self.batch_sizes:
                if (rate, batch) not in self.histories:
                    raise ValueError(f"there is no history for learning rate {rate} and batch size {batch}")

    @classmethod
    def from_data(
        cls,
        build: Callable[[], Network],
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        learning_rates: Sequence[float] = (0.001, 0.01, 0.1),
        batch_sizes: Sequence[int | None] = (1, 16, 32, 64),
        epochs: int = 20,
        optimizer: Callable[[float], Optimizer] = SGD,
        validation_data: tuple[Any, Any] | None = None,
        ax: Axes | None = None,
        **fit_options: Any,
    ) -> Self:
        """Train a network for each pair and draw the losses.

        Parameters
        ----------
        build : callable
            Makes a new network each time it is called. With a fixed seed all runs start from the same weights.
        X, y
            Training data as in ``fit``.
        learning_rates : sequence of float, default=(0.001, 0.01, 0.1)
        batch_sizes : sequence of int or None, default=(1, 16, 32, 64)
        epochs : int, default=20
        optimizer : callable, default=multicapa.SGD
            From a learning rate to an optimiser; the classes of :mod:`multicapa.optimizers` are such.
        validation_data : (X, y), optional
            The dev set.
        ax : Axes, optional
            Its place is divided.
        **fit_options
            For ``fit``.

        Returns
        -------
        PlateDisplay

        Raises
        ------
        TypeError, ValueError
            If an argument is wrong, or ``build`` returns the same network twice.
        ImportError
            If matplotlib is not installed; before anything is trained.
        """
        space.check_matplotlib()
        check_integer(epochs, "epochs", minimum=1)
        for given, what in ((learning_rates, "learning_rates"), (batch_sizes, "batch_sizes")):
            if isinstance(given, str) or not hasattr(given, "__len__"):
                raise TypeError(f"{what} should be a sequence of numbers, not {given!r}")
        for rate in learning_rates:
            check_number(rate, "each of learning_rates", above=0)
        for batch in batch_sizes:
            if batch is not None:
                check_integer(batch, "each of batch_sizes", minimum=1)
        histories: dict[tuple[float, int | None], History] = {}
        diverged: dict[tuple[float, int | None], int] = {}
        last: Network | None = None
        for rate in learning_rates:
            for batch in batch_sizes:
                network = build()
                if not hasattr(network, "fit"):
                    raise TypeError(f"build should return a network, not {type(network).__name__}")
                if network is last:
                    raise ValueError("build returned the same network again; it should make a new one each time")
                last = network
                try:
                    network.fit(
                        X,
                        y,
                        epochs=epochs,
                        batch_size=batch,
                        optimizer=optimizer(rate),
                        validation_data=validation_data,
                        **fit_options,
                    )
                except DivergenceError as error:
                    diverged[rate, batch] = error.epoch
                histories[rate, batch] = network.history
        return cls(learning_rates, batch_sizes, histories, diverged).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, optional
            As in :meth:`from_data`.

        Returns
        -------
        PlateDisplay
            Itself.
        """
        space.check_matplotlib()
        from matplotlib.lines import Line2D
        from matplotlib.ticker import MaxNLocator

        rows, columns = len(self.learning_rates), len(self.batch_sizes)
        frame, axes = space.panels(ax, rows, columns, 1.4 + 1.7 * columns, 1.1 + 1.4 * rows, share_y=True)
        self._scale(axes[0, 0])
        wide = space.inside(frame) / columns  # of a panel, with the gap to the next
        for row, rate in enumerate(self.learning_rates):
            for column, batch in enumerate(self.batch_sizes):
                panel = axes[row, column]
                self._draw(panel, rate, batch, space.scaled(frame, 8.5), wide)
            self._name_row(axes[row, -1], rate, space.scaled(frame, 9.5))
        titles = self._name_columns(axes[0], space.scaled(frame, 9.5), 0.92 * wide)
        small = space.scaled(frame, 9)
        for panel in axes.flat:
            panel.tick_params(labelsize=0.9 * small)
            panel.xaxis.set_major_locator(MaxNLocator(nbins=self._ticks(wide, small), integer=True, min_n_ticks=1))
        frame.set_xlabel("epoch", fontsize=small, labelpad=1.2 * small + 9)
        drawn = {str(line.get_label()) for panel in axes.flat for line in panel.get_lines()}
        key = [Line2D([], [], color=color, label=label) for _, color, label in _LINES if label in drawn]
        space.legend_above(frame, key, above=titles)
        self.axes_, self.ax_ = axes, axes[0, 0]
        self.figure_ = space.root_figure(axes[0, 0])
        return self

    def _draw(self, ax: Axes, rate: float, batch: int | None, size: float, wide: float) -> None:
        history = self.histories[rate, batch]
        for name, color, label in _LINES:
            if name in history.names():
                line = np.array(history[name], dtype=np.float64)
                marker = "o" if len(line) == 1 else None  # a line through a single point would be invisible
                ax.plot(np.arange(1, len(line) + 1), line, color=color, linewidth=1.5, marker=marker, ms=3, label=label)
        style.dress(ax)
        style.epoch_axis(ax, label="")
        if (rate, batch) in self.diverged:
            self._mark(ax, f"diverges\nin epoch {self.diverged[rate, batch]}", size, wide)
        elif self._is_off_the_scale(ax, history):
            self._mark(ax, "off the scale", size, wide)

    def _mark(self, ax: Axes, text: str, size: float, wide: float) -> None:
        """What became of a run whose curves are not to be seen."""
        ax.set_facecolor(_GROUND)
        room = 0.85 * wide - 0.1
        if space.text_width(text, size) > room:
            text = "\n".join(space.wrapped(line, size, room) for line in text.split("\n"))
        around = {"boxstyle": "round,pad=0.3", "facecolor": _GROUND, "edgecolor": "none"}
        look: dict[str, Any] = {"ha": "center", "va": "center", "color": "#a33b00", "bbox": around}
        ax.text(0.5, 0.5, text, transform=ax.transAxes, fontsize=space.fitting(text, size, room), **look)

    @staticmethod
    def _is_off_the_scale(ax: Axes, history: History) -> bool:
        top = ax.get_ylim()[1]
        lines = [np.array(history[name], dtype=np.float64) for name, _, _ in _LINES if name in history.names()]
        return bool(lines) and all((np.isnan(line) | (line > top)).all() for line in lines)

    def _name_row(self, last: Axes, rate: float, size: float) -> None:
        text, high = f"rate {rate:g}", 0.9 * space.cell(last)[1]
        if space.text_width(text, size) > high:
            text = text.replace(" ", "\n")
        look: dict[str, Any] = {"transform": last.transAxes, "rotation": 270, "va": "center", "ha": "left"}
        last.text(1.05, 0.5, text, fontsize=space.fitting(text, size, high), linespacing=1.0, **look)

    def _name_columns(self, panels: Any, size: float, room: float) -> float:
        """All in one size; their height in points."""
        texts = ["all samples" if batch is None else f"batch {batch}" for batch in self.batch_sizes]
        if max(space.text_width(text, size) for text in texts) > room:
            texts = [text.replace(" ", "\n") for text in texts]
        size = min(space.fitting(text, size, room) for text in texts)
        for panel, text in zip(panels, texts, strict=True):
            panel.set_title(text, fontsize=size, pad=4)
        return 6 + size * (1.25 if "\n" not in texts[0] else 2.5)

    def _ticks(self, wide: float, size: float) -> int:
        """How many numbers of epochs stand side by side."""
        longest = max((len(history) for history in self.histories.values()), default=1)
        each = space.text_width(str(max(longest, 10)), 0.9 * size) + 0.1
        return max(1, min(4, int(wide / each) - 1))

    def _scale(self, ax: Axes) -> None:
        """One scale for all, that runs on their way to infinity do not stretch."""
        lines = [
            np.array(history[name], dtype=np.float64)
            for history in self.histories.values()
            for name, _, _ in _LINES
            if name in history.names()
        ]
        first = [line[0] for line in lines if np.isfinite(line[0])]
        epochs = max((len(line) for line in lines), default=1)
        if epochs < 3:  # or single points would lie on the axis
            ax.set_xlim(0.5, epochs + 0.5)
        else:
            ax.set_xlim(1, epochs)
        if not first:
            return
        highest = _AWAY * float(np.median(first))
        values = np.concatenate(lines)
        values = values[np.isfinite(values) & (values <= highest)]
        style.loss_axis(ax, values)
        low, high = float(values.min()), float(values.max())
        if ax.get_yscale() == "log":
            margin = (high / low) ** 0.06
            ax.set_ylim(low / margin, high * margin)
        else:
            ax.set_ylim(min(low, 0.0), high + 0.06 * (high - min(low, 0.0)))
