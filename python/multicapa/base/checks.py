"""Small checks of arguments that say what was expected and what came."""

import difflib
import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def check_name(name: Any, known: Iterable[str], what: str) -> str:
    """Raise ValueError unless ``name`` is one of ``known``; suggest the nearest."""
    names = sorted(known)
    if isinstance(name, str) and name in names:
        return name
    near = difflib.get_close_matches(name, names, 1) if isinstance(name, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"there is no {what} {name!r}{hint} There are: {', '.join(names)}")


def find_name(
    name: Any, known: Iterable[str], what: str, aliases: Mapping[str, str], others: Mapping[str, str] | None = None
) -> str:
    """The one of ``known`` that is meant, in any case or by an alias; else raise ValueError.

    ``others``: names of what there is not, and what to write instead.
    """
    if isinstance(name, str) and name not in known:
        low = name.lower()
        if others and low in others:
            raise ValueError(f"there is no {what} {name!r}; write {others[low]}")
        return check_name(aliases.get(low, low), known, what)
    return check_name(name, known, what)


def check_number(
    value: Any,
    what: str,
    *,
    minimum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """Raise unless ``value`` is a finite number within the bounds; return it as a float."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{what} should be a number, not {value!r}")
    number = float(value)
    inside = (
        math.isfinite(number)
        and (minimum is None or number >= minimum)
        and (above is None or number > above)
        and (below is None or number < below)
    )
    if not inside:
        bounds = ((minimum, f"at least {minimum}"), (above, f"above {above}"), (below, f"below {below}"))
        wanted = " and ".join(text for bound, text in bounds if bound is not None)
        raise ValueError(f"{what} should be {wanted or 'finite'}, not {value!r}")
    return number


def check_integer(value: Any, what: str, *, minimum: int, below: int | None = None) -> int:
    """Raise unless ``value`` is an integer within the bounds; return it as an int."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{what} should be an integer, not {value!r}")
    number = int(value)
    if number < minimum or (below is not None and number >= below):
        upper = "" if below is None else f" and below {below}"
        raise ValueError(f"{what} should be at least {minimum}{upper}, not {value!r}")
    return number


def check_flag(value: Any, what: str) -> bool:
    """Raise unless ``value`` is True or False; return it as a bool."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{what} should be True or False, not {value!r}")
    return bool(value)


def check_pair(value: Any, what: str) -> tuple[float, float]:
    """Raise unless ``value`` is two finite numbers; return them as floats."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{what} should be a pair of numbers, not {value!r}")
    return check_number(value[0], what), check_number(value[1], what)
