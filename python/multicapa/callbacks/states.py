"""What callbacks said of themselves, as a file gives it back: is it whole?"""

from __future__ import annotations

from typing import Any

from multicapa.base.checks import check_integer


def entry(state: dict[str, Any], name: str, kind: Any) -> Any:
    """One value of a state; raise unless it is there and of its kind."""
    if name not in state:
        raise ValueError(f"{name!r} is missing")
    if isinstance(state[name], bool) or not isinstance(state[name], kind):
        raise ValueError(f"{name!r} should not be {state[name]!r:.80}")
    return state[name]


def check_best(state: dict[str, Any]) -> None:
    """Of a monitor: NaN where it has seen nothing yet."""
    entry(state, "best", float)


def check_count(state: dict[str, Any], name: str) -> None:
    """How many there were of something."""
    check_integer(entry(state, name, int), name, minimum=0)


def check_list(state: dict[str, Any], name: str, kind: type) -> None:
    """A list of values of one kind."""
    for value in entry(state, name, list):
        if not isinstance(value, kind):
            raise ValueError(f"{name!r} should not hold {value!r:.80}")
