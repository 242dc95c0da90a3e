"""Optimisers in the core, which remember."""

from __future__ import annotations

from typing import Any

from multicapa.optimizers.rules import Optimizer


def in_core(core: Any, optimizer: Optimizer) -> Any:
    """A fresh optimiser for the parameters of a network's core."""
    chosen = optimizer.in_core()
    return core.optimizer(chosen.name, chosen.hyperparameters())


Key = tuple[str, tuple[float, ...]]


def key_of(optimizer: Optimizer) -> Key:
    """Name and numbers of an optimiser, its learning rate apart: who has another key has another memory."""
    chosen = optimizer.in_core()
    return chosen.name, tuple(chosen.hyperparameters())


def restored(core: Any, key: Key, state: Any) -> Any:
    """The optimiser of a network's core again, from what its ``__getstate__`` gave; raise if it does not fit."""
    fresh = core.optimizer(key[0], list(key[1]))
    wanted = fresh.__getstate__()[:3]
    name, numbers, count, steps, carried, first_cost, slots = state
    if (name, list(numbers), count) != (wanted[0], list(wanted[1]), wanted[2]):
        raise ValueError(f"the optimiser's memory is that of {name} for {count} parameters, not {wanted[2]}")
    made: Any = type(fresh)
    made = made.__new__(made)
    made.__setstate__((name, list(numbers), count, int(steps), carried, first_cost, slots))
    return made
