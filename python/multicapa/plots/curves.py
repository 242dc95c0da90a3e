"""Learning curves: what training and dev set say, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multicapa.base.history import History
from multicapa.base.scores import rises
from multicapa.plots import space, style
from multicapa.plots.display import Display

if TYPE_CHECKING:
    import os
    from typing import Self

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from multicapa.model.network import Network

_AS_MET = "train (as met in training)"


class LearningCurvesDisplay(Display):
    """Loss, and for classifiers accuracy, on training and dev set per epoch.

    The loss in training is the mean over the batches as they were met, while the weights still changed: early in
    training it can lie above that of the dev set.

    Parameters
    ----------
    histories : dict of str to History
        By label; a single one needs none.
    metrics : sequence of str, optional
        Which values to show, one panel each: a name stands for what the history holds under it and under
        ``val_`` and the name. By default loss, and accuracy and other metrics if there are any.
    best_epoch : int, optional
        The epoch, from 1, whose weights were kept; marked by a line. For a single history.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One for each metric.
    ax_ : Axes
        The first of them.
    figure_ : Figure

    Examples
    --------
    >>> import multicapa as mc
    >>> from matplotlib import pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> split = mc.data.train_dev_test_split(*load_iris(return_X_y=True), seed=0)
    >>> histories = {}
    >>> for units in (2, 20):
    ...     net = mc.Sequential([mc.Dense(units, "tanh"), mc.Dense(3, "softmax")], input_shape=(4,), seed=0)
    ...     histories[f"{units} units"] = net.fit(
    ...         split.X_train, split.y_train, validation_data=(split.X_dev, split.y_dev), epochs=20
    ...     )
    >>> display = mc.plots.LearningCurvesDisplay.from_history(histories)
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['loss', 'accuracy']
    >>> plt.show()  # doctest: +SKIP
    """

    axes_: npt.NDArray[Any]

    def __init__(
        self, histories: Mapping[str, History], *, metrics: Sequence[str] | None = None, best_epoch: int | None = None
    ) -> None:
        self.histories = {str(label): history for label, history in histories.items()}
        if not self.histories:
            raise ValueError("there is nothing to draw: no history was given")
        for label, history in self.histories.items():
            if not isinstance(history, History):
                raise TypeError(f"a History is what fit returns, not {type(history).__name__}")
            if not len(history):
                raise ValueError(f"there is nothing to draw: the history {label!r} has no epochs".replace(" ''", ""))
        known = {name for history in self.histories.values() for name in history.names()}
        if metrics is None:
            metrics = ["loss", *_metrics_of(self.histories.values())]
        for metric in metrics:
            if not known & {metric, f"val_{metric}"}:
                raise ValueError(f"no epoch has {metric!r}; there are {', '.join(sorted(known))}")
        if best_epoch is not None and len(self.histories) > 1:
            raise ValueError("best_epoch is for a single history")
        self.metrics, self.best_epoch = list(metrics), best_epoch

    @classmethod
    def from_history(
        cls,
        history: History | Network | style.Fitted | Mapping[str, History | Network | style.Fitted],
        *,
        metrics: str | Sequence[str] | None = None,
        best_epoch: int | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw a history, or several in the same axes.

        Parameters
        ----------
        history : History, Network, fitted estimator, or dict of str to these
            What ``fit`` returned; of a network or an estimator that of its last fit. Several by label.
        metrics : str or sequence of str, optional
            As in the class.
        best_epoch : int, optional
            As in the class; :class:`multicapa.EarlyStopping` has it.
        ax : Axes, optional
            Where to; for several metrics its place is divided.

        Returns
        -------
        LearningCurvesDisplay

        Raises
        ------
        ValueError
            If there is nothing to draw.
        ImportError
            If matplotlib is not installed.
        """
        several = history if isinstance(history, Mapping) else {"": history}
        chosen = [metrics] if isinstance(metrics, str) else metrics
        histories: dict[str, Any] = {label: _history_of(each) for label, each in several.items()}
        return cls(histories, metrics=chosen, best_epoch=best_epoch).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, optional
            As in :meth:`from_history`.

        Returns
        -------
        LearningCurvesDisplay
            Itself.
        """
        count = len(self.metrics)
        if count == 1:
            axes = np.array([space.single(ax, 7, 4.2)])
        else:
            axes = space.panels(ax, count, 1, 7, 1 + 2.4 * count)[1][:, 0]
        for metric, panel in zip(self.metrics, axes, strict=True):
            self._draw(panel, metric)
        for panel in axes[:-1]:
            panel.set_xlabel("")
        self._legend_height = space.legend_above(axes[0], self._handles(axes))
        self.axes_, self.ax_ = axes, axes[0]
        self.figure_ = space.root_figure(axes[0])
        return self

    def _draw(self, ax: Axes, metric: str) -> None:
        values: list[float] = []
        for number, (label, history) in enumerate(self.histories.items()):
            for name in (metric, f"val_{metric}"):
                if name not in history.names():
                    continue
                line = np.array(history[name], dtype=np.float64)  # None, where an epoch has no value, becomes NaN
                ax.plot(np.arange(1, len(line) + 1), line, **self._look(number, label, name))
                values.extend(line)
        if self.best_epoch is not None:
            kept = f"kept: epoch {self.best_epoch}"
            ax.axvline(self.best_epoch, color=style.QUIET, linewidth=1, linestyle=(0, (4, 3)), label=kept)
        style.dress(ax)
        if metric == "accuracy":
            ax.set_ylim(top=max(1.0, ax.get_ylim()[1]) if np.nanmax(values) > 1 else 1.0)
        elif not _rises(metric):
            style.loss_axis(ax, values)
        style.epoch_axis(ax)
        space.side_label(ax, metric.replace("_", " "))

    def _look(self, number: int, label: str, name: str) -> dict[str, Any]:
        """One history: a colour for each set. Several: a colour for each history, training dashed."""
        dev = name.startswith("val_")
        # A line through a single point would be invisible.
        marker = "o" if len(self.histories[label]) == 1 else None
        if len(self.histories) == 1:
            text = "dev" if dev else _AS_MET if name == "loss" else "train"
            text = f"{label}, {text}" if label else text
            return {"color": style.DEV if dev else style.TRAIN, "linewidth": 1.8, "marker": marker, "label": text}
        how: dict[str, Any] = {"linewidth": 1.8} if dev else {"linewidth": 1.2, "linestyle": (0, (4, 1.6))}
        text = f"{label}, {'dev' if dev else 'train'}"
        return {"color": style.colour(number), "marker": marker, "label": text, **how}

    def _handles(self, axes: Any) -> list[Artist]:
        """For the legend: of one history its lines, of several a key to the colours and one to the dashes."""
        from matplotlib.lines import Line2D

        lines = [line for ax in axes for line in ax.get_lines()]
        if len(self.histories) == 1:
            by_colour: dict[Any, Line2D] = {}
            for line in lines:
                by_colour.setdefault(line.get_color(), line)
            return list(by_colour.values())
        handles: list[Artist] = [
            Line2D([], [], color=style.colour(i), linewidth=1.8, label=label) for i, label in enumerate(self.histories)
        ]
        if any(str(line.get_label()).endswith(", dev") for line in lines):
            handles.append(Line2D([], [], color=style.QUIET, linewidth=1.8, label="dev"))
        if any(str(line.get_label()).endswith(", train") for line in lines):
            handles.append(Line2D([], [], color=style.QUIET, linewidth=1.2, linestyle=(0, (4, 1.6)), label="train"))
        return handles


def _history_of(thing: Any) -> Any:
    """Of a network its history, of an estimator ``history_``."""
    return getattr(thing, "history", getattr(thing, "history_", thing))


def _metrics_of(histories: Iterable[History]) -> list[str]:
    """What the histories hold on both sets, or has a name that says what it is: accuracy first."""
    names = list(dict.fromkeys(name for history in histories for name in history.names()))
    both = [name.removeprefix("val_") for name in names if name.startswith("val_") and name != "val_loss"]
    found = dict.fromkeys([*both, *filter(_rises, names)])
    return sorted((name for name in found if not name.startswith("val_")), key=lambda name: name != "accuracy")


def _rises(name: str) -> bool:
    try:
        return rises(name)
    except ValueError:
        return False


def loss_curves(history: History, ax: Axes | None = None, *, best_epoch: int | None = None, title: str = "") -> Axes:
    """Draw the loss of each epoch, and with validation data that of the dev set.

    Parameters
    ----------
    history : History
        What ``fit`` returned, or ``network.history``.
    ax : Axes, optional
        Where to; by default a new figure.
    best_epoch : int, optional
        The epoch, from 1, whose weights were kept; marked by a line.
    title : str, default=""

    Returns
    -------
    Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import multicapa as mc
    >>> from matplotlib import pyplot as plt
    >>> net = mc.Sequential([mc.Dense(1)], input_shape=(1,), seed=0)
    >>> ax = mc.plots.loss_curves(net.fit([[0.0], [1.0]], [0.0, 2.0], epochs=3), title="A line")
    >>> ax.get_title(loc="left")
    'A line'
    """
    display = LearningCurvesDisplay.from_history(history, metrics="loss", best_epoch=best_epoch, ax=ax)
    space.title(display.ax_, title, 11, pad=6 + display._legend_height)
    return display.ax_


def save_loss_curves(history: History, path: str | os.PathLike[str], **options: Any) -> None:
    """Write :func:`loss_curves` to a file; its ending (.png, .svg, .pdf) says how.

    Parameters
    ----------
    history : History
    path : path-like
    **options
        As in :func:`loss_curves`.
    """
    space.check_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")  # not pyplot's: no window, nothing left behind
    loss_curves(history, figure.add_subplot(), **options)
    figure.savefig(path, dpi=160)
