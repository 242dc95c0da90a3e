"""What an optimiser remembers between updates, and pickles keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from multicapa import _core
from multicapa.optimizers import Key


@dataclass(frozen=True)
class Memory:
    """The core's optimiser, with momenta, squares of gradients and the like, and the number of updates."""

    key: Key
    core: Any

    def __setstate__(self, state: dict[str, Any]) -> None:
        core = state["core"] if "core" in state else _from_slots(**state)
        self.__dict__.update(key=state["key"], core=core)


def _from_slots(key: Key, steps: int, carried: Any, slots: list[Any]) -> Any:
    """From pickles of the first days; who has no slots has nothing to remember."""
    if not slots:
        return None
    core_class = _core.OptimizerFloat32 if slots[0].dtype == "float32" else _core.OptimizerFloat64
    core = core_class.__new__(core_class)
    core.__setstate__((key[0], list(key[1]), len(slots[0]), steps, carried, float("nan"), slots))
    return core
