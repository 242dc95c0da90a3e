"""What those callbacks share that follow one value."""

from __future__ import annotations

import math
from typing import Any

from multicapa.base.checks import check_number
from multicapa.training.run import Callback


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
