"""Small checks of arguments that say what was expected and what came."""

import difflib
import math
import numbers
from collections.abc import Iterable
from typing import Any


def check_name(name: Any, known: Iterable[str], what: str) -> str:
    """Raise ValueError unless ``name`` is one of ``known``; suggest the nearest."""
    names = sorted(known)
    if isinstance(name, str) and name in names:
        return name
    near = difflib.get_close_matches(name, names, 1) if isinstance(name, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"there is no {what} {name!r}{hint} There are: {', '.join(names)}")


def check_number(
    value: Any,
    what: str,
    *,
    minimum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    integer: bool = False,
) -> float:
    """Raise unless ``value`` is a finite number (an integer) within the bounds."""
    kind = numbers.Integral if integer else numbers.Real
    if isinstance(value, bool) or not isinstance(value, kind):
        raise TypeError(f"{what} should be {'an integer' if integer else 'a number'}, not {value!r}")
    number = float(value)
    inside = (
        math.isfinite(number)
        and (minimum is None or number >= minimum)
        and (above is None or number > above)
        and (below is None or number < below)
    )
    if not inside:
        bounds = [
            text
            for bound, text in ((minimum, f"at least {minimum}"), (above, f"above {above}"), (below, f"below {below}"))
            if bound is not None
        ]
        raise ValueError(f"{what} should be {' and '.join(bounds) or 'finite'}, not {value!r}")
    return int(value) if integer else number
