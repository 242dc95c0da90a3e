"""Costs that are functions of the user's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from multicapa.losses.formulas import Loss


@dataclass(frozen=True)
class CustomLoss(Loss):
    """A cost of your own, as two functions on arrays.

    Parameters
    ----------
    value : callable
        From y and t, both of shape (n_samples, n_outputs), to the cost of each sample, of shape (n_samples,).
    derivative : callable
        From y and t to dCost/dy, of shape (n_samples, n_outputs), not divided by the number of samples.

    Notes
    -----
    Slower than the built-in ones: the core calls Python for every block of samples, on one thread.

    Examples
    --------
    >>> import multicapa as mc, numpy as np
    >>> quartic = mc.losses.CustomLoss(lambda y, t: ((y - t) ** 4).sum(axis=1), lambda y, t: 4 * (y - t) ** 3)
    >>> net = mc.Sequential([mc.Dense(1, weight_init="ones")], input_shape=(1,), seed=0)
    >>> net.evaluate([[2.0]], [[0.0]], loss=quartic)
    {'loss': 16.0}
    """

    value: Callable[[Any, Any], Any]
    derivative: Callable[[Any, Any], Any]
    name: ClassVar[str] = "custom"

    def __post_init__(self) -> None:
        if not callable(self.value) or not callable(self.derivative):
            raise TypeError("value and derivative should be functions of y and t")


class FunctionLoss(CustomLoss):
    """What a plain function becomes where a loss is asked for.

    Parameters
    ----------
    function : callable
        From y and t, both of shape (n_samples, n_outputs), to the pair of the cost of each sample, of shape
        (n_samples,), and dCost/dy, of shape (n_samples, n_outputs). A fit compares the two by finite differences before
        it begins.

    Examples
    --------
    >>> import multicapa as mc
    >>> def quartic(y, t):
    ...     return ((y - t) ** 4).sum(axis=1), 4 * (y - t) ** 3
    >>> net = mc.Sequential([mc.Dense(1, weight_init="ones")], input_shape=(1,), seed=0)
    >>> net.evaluate([[2.0]], [[0.0]], loss=quartic)
    {'loss': 16.0}
    """

    def __init__(self, function: Callable[[Any, Any], tuple[Any, Any]]) -> None:
        super().__init__(_Part(function, 0), _Part(function, 1))


@dataclass(frozen=True)
class _Part:
    """One of the two things that a function returns."""

    function: Callable[[Any, Any], tuple[Any, Any]]
    number: int

    def __call__(self, y: Any, t: Any) -> Any:
        found = self.function(y, t)
        if not isinstance(found, tuple) or len(found) != 2:
            raise TypeError("a function as loss should return the pair (cost of each sample, dCost/dy)")
        return found[self.number]
