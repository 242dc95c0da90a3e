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

from multicapa.base.checks import check_integer, check_number


@dataclass(frozen=True)
class Schedule:
    """A rate to start from; called with the number of updates made so far.

    Examples
    --------
    >>> import multicapa as mc
    >>> schedule = mc.schedules.Exponential(0.1, factor=0.5)
    >>> schedule(0), schedule(1)
    (0.1, 0.05)
    """

    rate: float

    def __post_init__(self) -> None:
        check_number(self.rate, "rate", minimum=0)

    def __call__(self, step: int) -> float:
        """The learning rate of the update that comes after ``step`` others."""
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(Schedule):
    """``rate``.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.schedules.Constant(0.1)(1000)
    0.1
    """

    def __call__(self, step: int) -> float:
        return self.rate


@dataclass(frozen=True)
class Step(Schedule):
    """``rate factor^floor(k / every)``.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.schedules.Step(0.5, every=10, factor=0.5)(25)
    0.125
    """

    every: int
    factor: float = 0.1

    def __call__(self, step: int) -> float:
        return float(self.rate * self.factor ** (step // self.every))


@dataclass(frozen=True)
class Exponential(Schedule):
    """``rate factor^k``.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.schedules.Exponential(0.5, factor=0.5)(2)
    0.125
    """

    factor: float

    def __call__(self, step: int) -> float:
        return float(self.rate * self.factor**step)


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """``rate / (k + 1)^power``.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.schedules.InverseScaling(0.5)(3)
    0.25
    """

    power: float = 0.5

    def __call__(self, step: int) -> float:
        return float(self.rate / (step + 1) ** self.power)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from ``rate`` to ``final`` in ``steps`` updates, then ``final`` (Loshchilov & Hutter 2017).

    Examples
    --------
    >>> import multicapa as mc
    >>> round(mc.schedules.Cosine(0.5, steps=100)(50), 6)
    0.25
    """

    steps: int
    final: float = 0.0

    def __call__(self, step: int) -> float:
        turn = math.pi * min(step / self.steps, 1.0)
        return self.final + (self.rate - self.final) * 0.5 * (1 + math.cos(turn))


@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """Half a cosine from ``rate`` to ``final``, again and again: warm restarts (Loshchilov & Hutter 2017).

    Parameters
    ----------
    rate : float
    steps : int
        Updates of the first cosine.
    longer : float, default=1
        Each cosine lasts so many times as long as the one before; at least 1.
    final : float, default=0

    Examples
    --------
    >>> import multicapa as mc
    >>> schedule = mc.schedules.CosineRestarts(0.1, steps=2, longer=2)
    >>> [round(schedule(k), 3) for k in range(7)]
    [0.1, 0.05, 0.1, 0.085, 0.05, 0.015, 0.1]
    """

    steps: int
    longer: float = 1.0
    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self.steps, "steps", minimum=1)
        check_number(self.longer, "longer", minimum=1)
        check_number(self.final, "final", minimum=0)

    def __call__(self, step: int) -> float:
        length = float(self.steps)
        if self.longer == 1:
            step %= self.steps
        past = float(step)
        while past >= length:
            past, length = past - length, length * self.longer
        return self.final + (self.rate - self.final) * 0.5 * (1 + math.cos(math.pi * past / length))


@dataclass(frozen=True)
class Polynomial(Schedule):
    """``final + (rate - final) (1 - k / steps)^power`` in ``steps`` updates, then ``final``; a line by default.

    Examples
    --------
    >>> import multicapa as mc
    >>> schedule = mc.schedules.Polynomial(0.1, steps=4)
    >>> [round(schedule(k), 3) for k in range(6)]
    [0.1, 0.075, 0.05, 0.025, 0.0, 0.0]
    """

    steps: int
    power: float = 1.0
    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self.steps, "steps", minimum=1)
        check_number(self.power, "power", above=0)
        check_number(self.final, "final", minimum=0)

    def __call__(self, step: int) -> float:
        rest = 1 - min(step / self.steps, 1.0)
        return float(self.final + (self.rate - self.final) * rest**self.power)


@dataclass(frozen=True)
class ByEpoch:
    """A schedule that counts epochs instead of updates: ``k`` epochs are done, and the rate stays for the next one.

    Parameters
    ----------
    schedule : callable
        Any schedule, or a function of the number of epochs done so far.

    Examples
    --------
    A tenth of the rate after 30 epochs, and again after 60:

    >>> import multicapa as mc
    >>> optimizer = mc.SGD(mc.schedules.ByEpoch(mc.schedules.Step(0.1, every=30)), momentum=0.9)
    >>> halved = mc.schedules.ByEpoch(lambda epoch: 0.1 * 0.5**epoch)
    >>> net = mc.Sequential([mc.Dense(1)], input_shape=(1,), seed=0)
    >>> net.fit([[0.0], [1.0]], [0.0, 1.0], optimizer=mc.SGD(halved), epochs=3, batch_size=1)["learning_rate"]
    [0.1, 0.05, 0.025]
    """

    schedule: Callable[[int], float]

    def __post_init__(self) -> None:
        if not callable(self.schedule):
            raise TypeError(f"schedule should be a function of the number of epochs, not {self.schedule!r}")

    def __call__(self, step: int) -> float:
        """Raises, since what asks knows no epochs; ``fit`` asks :attr:`schedule`."""
        raise ValueError("ByEpoch is for fit; single updates belong to no epoch")


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

    Examples
    --------
    >>> import multicapa as mc
    >>> rate = mc.schedules.OneCycle(0.5, steps=100)
    >>> [round(rate(k), 3) for k in (0, 30, 100)]
    [0.02, 0.5, 0.0]
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
