"""Pictures of training, through matplotlib (the extra ``plots``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes

    from multicapa.history import History

_TRAIN, _DEV, _QUIET = "#1f5fa8", "#d9642c", "#6b6b6b"
_WIDE = 20.0  # from this ratio of the largest to the smallest loss on, only a logarithmic axis shows both


def check_matplotlib() -> None:
    """Raise ImportError with the remedy unless matplotlib is there."""
    try:
        import matplotlib  # noqa: F401 - whether it can be imported is the question
    except ImportError as error:
        raise ImportError('figures need matplotlib: pip install "multicapa[plots]"') from error


def loss_curves(history: History, ax: Axes | None = None, *, best_epoch: int | None = None, title: str = "") -> Axes:
    """Draw the loss of each epoch, and with validation data that of the dev set.

    Parameters
    ----------
    history : History
        What ``fit`` returned, or ``network.history``.
    ax : matplotlib.axes.Axes, optional
        Where to; by default a new figure of pyplot's.
    best_epoch : int, optional
        The epoch, from 0, whose weights were kept; marked by a line.
    title : str, default=""

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import multicapa as mc
    >>> from multicapa import plots
    >>> net = mc.Sequential([mc.Dense(1)], input_shape=(1,), seed=0)
    >>> ax = plots.loss_curves(net.fit([[0.0], [1.0]], [0.0, 2.0], epochs=3))  # doctest: +SKIP
    """
    check_matplotlib()
    if not len(history):
        raise ValueError("there is nothing to draw: the history has no epochs")
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots(figsize=(7, 4.2), layout="constrained")[1]
    epochs = np.arange(1, len(history) + 1)
    marker = "o" if len(history) == 1 else None  # a line through a single point would be invisible
    ax.plot(epochs, history["loss"], color=_TRAIN, linewidth=1.8, marker=marker, label="train (as met in training)")
    losses = list(history["loss"])
    if "val_loss" in history.names():
        ax.plot(epochs, history["val_loss"], color=_DEV, linewidth=1.8, marker=marker, label="dev")
        losses += history["val_loss"]
    if best_epoch is not None:
        ax.axvline(
            best_epoch + 1, color=_QUIET, linewidth=1, linestyle=(0, (4, 3)), label=f"kept: epoch {best_epoch + 1}"
        )
    _dress(ax, losses, title)
    return ax


def _dress(ax: Axes, losses: Sequence[float], title: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    if min(losses) > 0 and max(losses) > _WIDE * min(losses):
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda loss, _: f"{loss:g}"))
        ax.yaxis.set_minor_formatter(NullFormatter())
    else:
        ax.set_ylim(bottom=min(0.0, *losses))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.set_title(title, loc="left", fontsize=11, pad=26)
    ax.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(color=_QUIET)
    # Above the axes, where no curve and no line can run through it.
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, borderpad=0.2, ncols=3)


def save_loss_curves(history: History, path: str | os.PathLike[str], **options: Any) -> None:
    """Write :func:`loss_curves` to a file; its ending (.png, .svg, .pdf) says how.

    Parameters
    ----------
    history : History
    path : path-like
    **options
        As in :func:`loss_curves`.
    """
    check_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")  # not pyplot's: no window, nothing left behind
    loss_curves(history, figure.add_subplot(), **options)
    figure.savefig(path, dpi=160)
