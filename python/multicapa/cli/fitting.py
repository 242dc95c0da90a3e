"""A fit as the command line runs it: early stopping on dev, and progress for whoever watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from multicapa import plots
from multicapa.callbacks import Callback, EarlyStopping
from multicapa.cli.output import CommandError, say
from multicapa.history import History
from multicapa.network import Network
from multicapa.threads import set_num_threads


@contextmanager
def limited_threads(count: int | None) -> Iterator[None]:
    """No more threads than this for a while; None leaves all as it is."""
    if count is None:
        yield
        return
    set_num_threads(count)
    try:
        yield
    finally:
        set_num_threads(None)


class _Lines(Callback):
    """A line now and then: epochs 1, 2, 5, 10, 20, 50, 100 and so on."""

    def on_epoch_end(self, run: Any, epoch: dict[str, Any]) -> None:
        number = epoch["epoch"] + 1
        if number == 1:
            titles = {"loss": "train loss", "val_loss": "dev loss", "val_accuracy": "dev accuracy"}
            self._names = [name for name in titles if name in epoch]
            print("  epoch  " + "".join(f"{titles[name]:>14}" for name in self._names), flush=True)
        if str(number).rstrip("0") in ("1", "2", "5"):
            print(f"  {number:5}  " + "".join(f"{epoch[name]:14.4f}" for name in self._names), flush=True)


def fit(network: Network, train: tuple[Any, Any], dev: tuple[Any, Any], *, patience: int, **options: Any) -> int:
    """Train until dev no longer improves.

    Parameters
    ----------
    network : Network
    train, dev : (X, y)
    patience : int
        Epochs to wait for an improvement.
    **options
        As in ``network.fit``.

    Returns
    -------
    int
        The epoch, from 0, whose weights the network now has.
    """
    stop = EarlyStopping(patience=patience)
    watched = sys.stderr is not None and sys.stderr.isatty()
    callbacks = [stop] if watched else [stop, _Lines()]
    history = network.fit(*train, validation_data=dev, callbacks=callbacks, verbose=watched, **options)
    done, seconds = len(history), sum(history["seconds"])
    ended = f"Stopped after {done} epochs" if done < options["epochs"] else f"All {done} epochs done"
    took = f"{seconds:.1f} s" if seconds >= 0.1 else f"{1000 * seconds:.0f} ms"
    say(f"{ended} ({took}); kept the weights of epoch {stop.best_epoch + 1}, the best on dev.")
    if done == options["epochs"] and stop.best_epoch >= 0.95 * done - 1:
        say(f"It was still getting better: --epochs {4 * done} may pay.")
    return stop.best_epoch


def save_figure(history: History, path: str, best_epoch: int, title: str) -> None:
    """The loss curves to a file; complains about endings that matplotlib does not know."""
    try:
        plots.save_loss_curves(history, path, best_epoch=best_epoch, title=title)
    except ValueError as error:
        raise CommandError(f"cannot write the figure {path!r}: {error}") from error


def check_figure(path: str) -> None:
    """Complain before the work is done when the figure could not be drawn after it."""
    try:
        plots.check_matplotlib()
    except ImportError as error:
        raise CommandError(str(error)) from None
    if not path.lower().endswith((".png", ".svg", ".pdf")):
        raise CommandError(f"the figure {path!r} should end in .png, .svg or .pdf")
