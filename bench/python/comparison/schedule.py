"""When measurements are made: in rounds that begin while the rest of the machine is quiet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LOOK = 0.1  # seconds
QUIET = 0.25  # cores that others may keep busy meanwhile


@dataclass
class Schedule:
    """How often, and for how long each; a round waits for quiet, but no longer than its patience.

    Two threads on a machine with one free core measure that core, and some libraries stand still.
    """

    rounds: int
    seconds: float
    patience: float
    begun: int = 0
    disturbed: int = 0

    def begin_rounds(self, times: int = 1) -> Iterator[None]:
        """As many rounds, or a multiple of them."""
        for _ in range(times * self.rounds):
            end = time.monotonic() + self.patience
            while (busy := busy_cores() > QUIET) and time.monotonic() < end:
                pass
            self.begun += 1
            self.disturbed += busy
            yield

    def __str__(self) -> str:
        return f"{self.disturbed} of {self.begun} rounds began while other processes were busy"


def busy_cores() -> float:
    """How many cores others keep busy while this process sleeps; 0 where the system does not tell."""
    before = _busy_seconds()
    time.sleep(LOOK)
    return (_busy_seconds() - before) / LOOK


def _busy_seconds() -> float:
    facts = Path("/proc/stat")
    if not facts.exists():
        return 0.0
    user, nice, system, _idle, _wait, *interrupts = map(int, facts.read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) / 100  # its unit is a hundredth of a second
