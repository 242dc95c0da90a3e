"""What an optimiser remembers between updates, taken out of the core and put back: pickles keep it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from multicapa.base.arrays import Array
from multicapa.optimizers import Optimizer

Key = tuple[str, tuple[float, ...]]


def key_of(optimizer: Optimizer) -> Key:
    """Name and numbers of an optimiser, its learning rate apart: who has another key has another memory."""
    return optimizer.name, tuple(optimizer.hyperparameters())


@dataclass(frozen=True)
class Memory:
    """Momenta, squares of gradients and the like, as long as the parameters, and the number of updates."""

    key: Key
    steps: int
    carried: Any
    slots: list[Array]

    @classmethod
    def of(cls, core: Any, key: Key) -> Memory:
        """A copy of what is in the core."""
        steps, carried, slots = core.optimizer_state
        return cls(key, steps, carried, [slot.copy() for slot in slots])

    def restore(self, core: Any) -> None:
        """Give it to the core of a network of the same layers."""
        core.set_optimizer(self.key[0], list(self.key[1]))
        for slot, saved in zip(core.optimizer_state[2], self.slots, strict=True):
            slot[:] = saved
        core.optimizer_state = (self.steps, self.carried)
