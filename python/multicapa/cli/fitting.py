"""A fit as the command line runs it: early stopping on dev, a bar for whoever watches, figures of what happened."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from multicapa.base.arrays import Array
from multicapa.base.history import History
from multicapa.base.threads import set_num_threads
from multicapa.callbacks import CSVLog, EarlyStopping
from multicapa.cli import recipe
from multicapa.cli.checkpoint import Keeping
from multicapa.cli.output import CommandError, say
from multicapa.cli.parts import Prepared
from multicapa.cli.scores import Scores, scores
from multicapa.data.table import TableModel
from multicapa.model.network import Network
from multicapa.training.run import Callback

_TRAINED = "training"  # in the metadata of a network


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


@dataclass(frozen=True)
class Fitted:
    """What a fit has come to."""

    network: Network
    history: History
    best_epoch: int | None  # the one whose weights were kept; None without early stopping
    interrupted: bool = False

    @property
    def kept(self) -> dict[str, Any]:
        """The record of the epoch whose weights the network has."""
        return self.history[-1 if self.best_epoch is None else self.best_epoch - 1]

    @property
    def duration(self) -> str:
        """How long the epochs took."""
        seconds = sum(self.history["seconds"])
        return f"{seconds:.1f} s" if seconds >= 0.1 else f"{1000 * seconds:.0f} ms"

    def remember(self, options: dict[str, Any]) -> None:
        """Put what can be told of the training into the network, for :func:`recalled`; no times, six digits."""
        names = [name for name in self.history.names() if name not in ("epoch", "seconds")]
        curves = {name: [None if v is None else float(f"{v:.6g}") for v in self.history[name]] for name in names}
        self.network.metadata[_TRAINED] = {"options": options, "best_epoch": self.best_epoch, "history": curves}


def recalled(network: Network) -> tuple[History, int | None, dict[str, Any]] | None:
    """History, best epoch and options of the training of a saved network; None if it does not say."""
    entry = network.metadata.get(_TRAINED)
    if entry is None:
        return None
    try:
        curves, best, options = entry["history"], entry["best_epoch"], dict(entry["options"])
        rows = zip(*curves.values(), strict=True)
        epochs = [{"epoch": i, **dict(zip(curves, row, strict=True))} for i, row in enumerate(rows, 1)]
        return History(epochs), None if best is None else int(best), options
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CommandError(f"the model's record of its training is damaged: {error}") from error


def fit(
    network: Network,
    train: tuple[Any, Any],
    dev: tuple[Any, Any] | None,
    *,
    patience: int | None,
    watch: bool = True,
    callbacks: Sequence[Callback] = (),
    **options: Any,
) -> Fitted:
    """Train until dev no longer improves.

    Parameters
    ----------
    network : Network
    train : (X, y)
    dev : (X, y), optional
        Without it, or without patience, all epochs are done and the last weights kept.
    patience : int, optional
        Epochs to wait for an improvement.
    watch : bool, default=True
        Whether to show a bar, on a terminal.
    callbacks : sequence of Callback
    **options
        As in ``network.fit``.
    """
    stop = None if dev is None or patience is None else EarlyStopping(patience=patience)
    shown = watch and sys.stderr is not None and sys.stderr.isatty()
    calls = [*callbacks, stop] if stop else list(callbacks)
    before, interrupted = network.history, False
    try:
        network.fit(*train, validation_data=dev, callbacks=calls, verbose=shown, **options)
    except KeyboardInterrupt:
        interrupted = True
        if network.history is before or not len(network.history):
            raise  # there is nothing yet
    return Fitted(network, network.history, stop.best_epoch if stop else None, interrupted)


def fit_recipe(
    network: Network,
    prepared: Prepared,
    options: Namespace,
    *,
    log: str | None = None,
    watch: bool = True,
    callbacks: Sequence[Callback] = (),
    resume: bool = False,
) -> Fitted:
    """Train a network that :func:`multicapa.cli.recipe.build` made as the same options describe."""
    train = prepared.parts["train"]
    calls = [*recipe.callbacks(options), *([CSVLog(log)] if log else []), *callbacks]
    patience = None if options.patience == "none" else options.patience
    told = {**recipe.fit_options(prepared, options), "resume": resume}
    return fit(network, (train.X, train.y), prepared.dev, patience=patience, watch=watch, callbacks=calls, **told)


@dataclass(frozen=True)
class Result:
    """A trained model, and what it says to each part of its table."""

    model: TableModel
    fitted: Fitted
    prepared: Prepared
    outputs: Mapping[str, Array]

    @property
    def scores(self) -> Scores:
        """How good it is on each part."""
        target, parts = self.model.target, self.prepared.parts
        return {name: (len(part.y), scores(target, self.outputs[name], part.y)) for name, part in parts.items()}

    @property
    def last(self) -> str:
        """The part that the model knows least: test, if there is one."""
        return list(self.prepared.parts)[-1]


def learn(prepared: Prepared, options: Namespace, *, log: str | None = None, keeping: Keeping | None = None) -> Result:
    """Build and train the network that the options describe, and tell how it went."""
    network = recipe.build(prepared, options)
    sizes = (prepared.columns.width, *options.hidden, *network.output_shape)
    say(f"Network {' - '.join(map(str, sizes))}: {network.n_parameters:,} weights.")
    with limited_threads(options.threads):
        begun: AbstractContextManager[tuple[Network, dict[str, Any]]] = nullcontext((network, {}))
        if keeping is not None:
            begun = keeping.over(network, prepared, options)
        with begun as (network, told):
            fitted = fit_recipe(network, prepared, options, log=log, **told)
        if fitted.interrupted and keeping is None:
            raise KeyboardInterrupt
        tell(fitted, options.epochs)
        outputs = {name: network.predict(part.X) for name, part in prepared.parts.items()}
    return Result(TableModel(network, prepared.columns, prepared.target), fitted, prepared, outputs)


def tell(fitted: Fitted, epochs: int) -> None:
    """How the fit ended."""
    done, took = len(fitted.history), fitted.duration
    ended = (
        f"Interrupted after {done} epochs"
        if fitted.interrupted
        else f"Stopped after {done} epochs"
        if done < epochs
        else f"All {done} epochs done"
    )
    if fitted.best_epoch is None:
        say(f"{ended} ({took}).")
        return
    say(f"{ended} ({took}); kept the weights of epoch {fitted.best_epoch}, the best on dev.")
    if done == epochs and fitted.best_epoch >= 0.95 * done:
        say(f"It was still getting better: --epochs {4 * done} may pay.")
