"""Checks of arguments that images and texts share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from multicapa.base.checks import check_number


def check_share(value: Any, what: str) -> float:
    """Raise unless ``value`` is a number from 0 to 1."""
    number = check_number(value, what, minimum=0)
    if number > 1:
        raise ValueError(f"{what} should be at most 1, not {value!r}")
    return number


def check_pair(value: Any, what: str) -> tuple[float, float]:
    """Raise unless ``value`` is a pair of finite numbers, the lower one first."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{what} should be a pair (low, high), not {value!r}")
    low, high = (check_number(number, what) for number in value)
    if low > high:
        raise ValueError(f"{what} should be (low, high) with low <= high, not {value!r}")
    return low, high


def check_rng(rng: Any) -> None:
    """Raise unless ``rng`` is a numpy Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng should be a numpy Generator (numpy.random.default_rng(seed)), not {rng!r}")


def check_functions(values: Any, what: str) -> tuple[Callable[..., Any], ...]:
    """Raise unless ``values`` are functions, at least one."""
    functions = tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else ()
    if not functions:
        raise ValueError(f"{what} should be a list of at least one augmenter, not {values!r}")
    for function in functions:
        if isinstance(function, type) or not callable(function):
            raise TypeError(f"{what} should be augmenters: functions of samples and rng, not {function!r}")
    return functions
