"""A fit under way, and the hooks that see it."""

from __future__ import annotations

import contextlib
import difflib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from multicapa import _core
from multicapa.base.arrays import Array
from multicapa.base.checks import check_number
from multicapa.base.history import History
from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork
from multicapa.optimizers import Optimizer
from multicapa.schedules import ByEpoch
from multicapa.training.batches import Batches
from multicapa.training.curriculum import Curriculum
from multicapa.training.evaluation import evaluate, outputs_of
from multicapa.training.metrics import Measured, measure
from multicapa.training.progress import Progress
from multicapa.training.regularization import Regularization
from multicapa.training.samples import Samples


class Callback:
    """Empty hooks; override the ones you need. ``run`` has ``network``, ``history``, ``epochs`` and ``optimizer``.

    Examples
    --------
    >>> import multicapa as mc
    >>> class Halve(mc.Callback):
    ...     def on_epoch_end(self, run, epoch):
    ...         run.rate_factor /= 2
    >>> net = mc.Sequential([mc.Dense(1)], input_shape=1, seed=0)
    >>> net.fit([[0.0], [1.0]], [1.0, 3.0], epochs=3, optimizer=mc.SGD(0.4), callbacks=[Halve()])["learning_rate"]
    [0.4, 0.2, 0.1]
    """

    def on_fit_begin(self, run: Run) -> None:
        """Before the first epoch, after all checks."""

    def state(self) -> dict[str, Any]:
        """What :meth:`on_fit_resume` will need: numbers, texts, arrays, and lists and dicts of them."""
        return {}

    def check_state(self, run: Run, state: dict[str, Any]) -> None:
        """Raise ValueError or TypeError where :meth:`on_fit_resume` could not go on from it: files may be damaged.

        Nothing has changed yet then.
        """

    def on_fit_resume(self, run: Run, state: dict[str, Any]) -> bool | None:
        """In place of on_fit_begin where a fit goes on, with what :meth:`state` gave. True ends the fit at once."""
        return self.on_fit_begin(run)  # type: ignore[func-returns-value]

    def on_epoch_begin(self, run: Run) -> None:
        """Before an epoch."""

    def on_batch_end(self, run: Run, batch: dict[str, Any]) -> bool | None:
        """After an update; ``batch`` has epoch and batch, both from 1, loss and learning_rate. True ends the fit.

        Fits with this hook are slower: the core comes back to Python after each batch.
        """

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> bool | None:
        """After an epoch; ``epoch`` is its record, to which values may be added. True ends the fit."""

    def on_fit_end(self, run: Run) -> None:
        """After the last epoch, also when the fit was interrupted."""


class _Function(Callback):
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> bool | None:
        return bool(self.function(run.network, epoch))


def as_callback(callback: Any) -> Callback:
    """A callback from itself or from a function of the network and the epoch's record."""
    if isinstance(callback, Callback):
        _check_hooks(callback)
        return callback
    if isinstance(callback, type) or not callable(callback):
        raise TypeError(f"a callback is a Callback object or a function(network, epoch), not {callback!r}")
    return _Function(callback)


_HOOKS = [name for name in vars(Callback) if name.startswith("on_")]
_HOOKS_ELSEWHERE = {
    "on_train_begin": "on_fit_begin",
    "on_train_end": "on_fit_end",
    "on_train_batch_end": "on_batch_end",
}


def _check_hooks(callback: Callback) -> None:
    """Raise TypeError for a hook that nobody would call."""
    for name in dir(callback):
        if name.startswith("on_") and name not in _HOOKS and callable(getattr(callback, name)):
            near = _HOOKS_ELSEWHERE.get(name) or next(iter(difflib.get_close_matches(name, _HOOKS, 1)), None)
            hint = f"; did you mean {near}?" if near else "."
            raise TypeError(f"{type(callback).__name__} has {name}, which is no hook{hint} There are: "
                            f"{', '.join(_HOOKS)}")  # fmt: skip


def as_callbacks(callbacks: Any) -> list[Callback]:
    """A list of callbacks from a sequence of callbacks and functions."""
    if not isinstance(callbacks, Sequence):
        raise TypeError(f"callbacks should be a list, not {callbacks!r}")
    return [as_callback(callback) for callback in callbacks]


@dataclass
class Run:
    """A fit under way, as callbacks see it."""

    network: CoreNetwork
    samples: Samples
    epochs: int
    optimizer: Optimizer
    loss: Loss
    regularization: Regularization
    callbacks: list[Callback] = field(default_factory=list)
    history: History = field(default_factory=History)
    updates: int = 0
    rate_factor: float = 1.0
    loss_at_start: float = math.nan  # of L-BFGS
    penalty: float = 0.0  # its part in the loss of the last epoch
    bptt: int = 0  # steps over which gradients pass back in time; 0: over all
    memory: Any = None  # the optimiser in the core, with what it remembers; a fresh one if there is none
    objective: Any = None  # in the core: the loss and what the regularization adds to it
    curriculum: Curriculum | None = None
    metrics: Mapping[str, Measured] = field(default_factory=dict)
    batches: Batches | None = None  # where they come from outside; then ``samples`` are the first of them
    measured: Samples | None = None  # what the metrics see of training: no weights, no smoothing
    earlier: dict[int, Any] = field(default_factory=dict)  # by place of a callback, the state in which it goes on
    _actions: list[Callable[[], None]] = field(default_factory=list)
    key: Any = None  # of the optimiser: found beforehand, since noting where a fit stands should not fail
    resumable: bool = False  # another fit may go on from where this one ends
    over: bool = False  # a callback has ended the fit
    failure: str = ""  # why L-BFGS ended before it had converged

    @property
    def sees_batches(self) -> bool:
        """Whether a callback looks after each batch."""
        return any(type(callback).on_batch_end is not Callback.on_batch_end for callback in self.callbacks)

    def end_batch(self, record: dict[str, Any]) -> bool:
        """Ask the callbacks whether to stop after a batch."""
        return any([callback.on_batch_end(self, record) for callback in self.callbacks])  # noqa: C419 - all see it

    def rates(self, steps: int) -> list[float]:
        """The learning rates of the next updates: one for all when it does not change."""
        if isinstance(self.optimizer.learning_rate, ByEpoch):
            rate = self.optimizer.learning_rate.schedule(len(self.history))
            return [self.rate_factor * check_number(rate, "the scheduled learning rate", minimum=0)]
        distinct = steps if callable(self.optimizer.learning_rate) else 1
        return [self.rate_factor * self.optimizer.rate(self.updates + step) for step in range(distinct)]

    @contextlib.contextmanager
    def calling_back(self) -> Iterator[None]:
        """Begins and, come what may, ends the fit for the callbacks."""
        with contextlib.ExitStack() as stack:  # calls all of them, in order, even if one raises
            for callback in reversed(self.callbacks):
                stack.callback(callback.on_fit_end, self)
            for place, callback in enumerate(self.callbacks):
                if place in self.earlier:
                    self.over |= bool(callback.on_fit_resume(self, self.earlier[place]))
                else:
                    callback.on_fit_begin(self)
            yield

    def match(self, earlier: Sequence[Any]) -> None:
        """Give the first callback of a kind the state of the first of that kind before, and so forth; others begin."""
        left = list(earlier)
        for place, callback in enumerate(self.callbacks):
            kind = type(callback).__name__
            found = next((i for i, (name, _) in enumerate(left) if name == kind), None)
            if found is None:
                continue
            self.earlier[place] = left.pop(found)[1]
            try:
                callback.check_state(self, self.earlier[place])
            except (TypeError, ValueError) as error:
                raise ValueError(f"the training to resume is damaged: of {kind}, {error}") from error

    def after_epoch(self, action: Callable[[], None]) -> None:
        """Do something once all callbacks have seen the epoch."""
        self._actions.append(action)

    def begin_epoch(self) -> None:
        for callback in self.callbacks:
            callback.on_epoch_begin(self)

    def end_epoch(self, record: dict[str, Any], validation: Samples | None, progress: Progress | None = None) -> bool:
        """Measure, record, and ask the callbacks whether to stop."""
        if self.metrics and self.measured is not None:
            found = outputs_of(self.network, self.measured, self.loss)
            record |= measure(self.metrics, self.measured, found.outputs, self.loss)
        if validation is not None:
            values = evaluate(self.network, validation, self.loss, self.metrics)
            record |= {f"val_{name}": value for name, value in values.items()}
        self.history.append(record)
        if progress is not None:
            progress.epoch_done(record)
        self.over = any([callback.on_epoch_end(self, record) for callback in self.callbacks])  # noqa: C419 - all see it
        actions, self._actions = self._actions, []
        for action in actions:
            action()
        return self.over


def diverged(network: CoreNetwork, cost_diverged: bool, before: tuple[Array, Array]) -> bool:
    """Whether training has left the finite; then the weights are the last finite ones.

    Layers with a state have already seen the batch that went wrong, so weights and state go back together.
    """
    weights_finite = _core.find_not_finite(network.parameters.flat, False) < 0
    if not weights_finite or (cost_diverged and network.state.flat.size):
        network.restore_numbers(before)
    return cost_diverged or not weights_finite
