"""What callbacks are, and what those share that follow one value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from multicapa.checks import check_number

if TYPE_CHECKING:
    from multicapa.training import Run


class Callback:
    """Empty hooks; override the ones you need. ``run`` has ``network``, ``history``, ``epochs`` and ``optimizer``."""

    def on_fit_begin(self, run: Run) -> None:
        """Before the first epoch, after all checks."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before an epoch."""

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
        return callback
    if isinstance(callback, type) or not callable(callback):
        raise TypeError(f"a callback is a Callback object or a function(network, epoch), not {callback!r}")
    return _Function(callback)


def as_callbacks(callbacks: Any) -> list[Callback]:
    """A list of callbacks from a sequence of callbacks and functions."""
    if not isinstance(callbacks, Sequence):
        raise TypeError(f"callbacks should be a list, not {callbacks!r}")
    return [as_callback(callback) for callback in callbacks]


class Monitor(Callback):
    """Follows one value of the history and knows when it got better."""

    def __init__(self, monitor: str | None, mode: str, min_delta: float) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode should be 'auto', 'min' or 'max', not {mode!r}")
        self.monitor = monitor
        self.mode = mode
        self.min_delta = check_number(min_delta, "min_delta", minimum=0)
        self.best = math.nan

    def value(self, epoch: dict[str, Any]) -> float:
        name = self.monitor or ("val_loss" if "val_loss" in epoch else "loss")
        if name not in epoch:
            hint = "; give fit validation_data" if name.startswith("val_") else ""
            raise ValueError(f"no value {name!r} to monitor; there are {', '.join(epoch)}{hint}")
        return float(epoch[name])

    def improved(self, epoch: dict[str, Any]) -> bool:
        value = self.value(epoch)
        name = self.monitor or "loss"
        rising = self.mode == "max" or (self.mode == "auto" and name.endswith(("accuracy", "r2")))
        gain = value - self.best if rising else self.best - value
        if math.isnan(self.best) or gain > self.min_delta:
            self.best = value
            return True
        return False
