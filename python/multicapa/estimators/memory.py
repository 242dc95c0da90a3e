"""What an optimiser remembers between updates, and pickles keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from multicapa.optimizers import Optimizer

Key = tuple[str, tuple[float, ...]]


def key_of(optimizer: Optimizer) -> Key:
    """Name and numbers of an optimiser, its learning rate apart: who has another key has another memory."""
    return optimizer.name, tuple(optimizer.hyperparameters())


@dataclass(frozen=True)
class Memory:
    """The core's optimiser, with momenta, squares of gradients and the like, and the number of updates."""

    key: Key
    core: Any
