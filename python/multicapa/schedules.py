"""Learning rates that change: functions of the number of updates made so far, ``k = 0, 1, 2, ...``.

Any function of that number serves as a schedule. They are evaluated once per update, outside the core.

>>> import multicapa as mc
>>> schedule = mc.schedules.Cosine(0.1, steps=100)
>>> schedule(0), round(schedule(50), 3), schedule(100)
(0.1, 0.05, 0.0)
>>> optimizer = mc.SGD(learning_rate=schedule)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from multicapa.base.checks import check_number


@dataclass(frozen=True)
class Schedule:
    """A rate to start from; called with the number of updates made so far."""

    rate: float

    def __post_init__(self) -> None:
        check_number(self.rate, "rate", minimum=0)

    def __call__(self, step: int) -> float:
        """The learning rate of the update that comes after ``step`` others."""
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(Schedule):
    """``rate``."""

    def __call__(self, step: int) -> float:
        return self.rate


@dataclass(frozen=True)
class Step(Schedule):
    """``rate factor^floor(k / every)``."""

    every: int
    factor: float = 0.1

    def __call__(self, step: int) -> float:
        return float(self.rate * self.factor ** (step // self.every))


@dataclass(frozen=True)
class Exponential(Schedule):
    """``rate factor^k``."""

    factor: float

    def __call__(self, step: int) -> float:
        return float(self.rate * self.factor**step)


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """``rate / (k + 1)^power``."""

    power: float = 0.5

    def __call__(self, step: int) -> float:
        return float(self.rate / (step + 1) ** self.power)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from ``rate`` to ``final`` in ``steps`` updates, then ``final`` (Loshchilov & Hutter 2017)."""

    steps: int
    final: float = 0.0

    def __call__(self, step: int) -> float:
        turn = math.pi * min(step / self.steps, 1.0)
        return self.final + (self.rate - self.final) * 0.5 * (1 + math.cos(turn))


@dataclass(frozen=True)
class WarmUp:
    """Linear rise over ``steps`` updates, then another schedule or a constant rate.

    Examples
    --------
    >>> import multicapa as mc
    >>> warm = mc.schedules.WarmUp(0.1, steps=4)
    >>> [warm(k) for k in range(5)]
    [0.025, 0.05, 0.07500000000000001, 0.1, 0.1]
    """

    after: float | Callable[[int], float]
    steps: int

    def __call__(self, step: int) -> float:
        if callable(self.after):
            return min((step + 1) / self.steps, 1.0) * self.after(max(step - self.steps, 0))
        return min((step + 1) / self.steps, 1.0) * self.after


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from ``rate / start`` to ``rate`` and down to ``rate / start / end``, along cosines (Smith & Topin 2019).

    ``rise`` is the share of the ``steps`` that go up. The same as PyTorch's OneCycleLR.
    """

    steps: int
    rise: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __call__(self, step: int) -> float:
        low, last = self.rate / self.start, self.rate / self.start / self.end
        top = self.rise * self.steps - 1
        if step <= top:
            return self._between(low, self.rate, step / top)
        return self._between(self.rate, last, min((step - top) / (self.steps - 1 - top), 1.0))

    @staticmethod
    def _between(start: float, end: float, share: float) -> float:
        return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))
