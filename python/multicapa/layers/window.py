"""What the windows of convolutions and poolings are told, as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from multicapa.base.checks import check_integer

Padding = str | int | Sequence[int] | Sequence[Sequence[int]]


def as_sizes(value: Any, what: str, axes: int) -> int | tuple[int, ...]:
    """A number for a series, a pair for an image."""
    if axes == 1:
        return check_integer(value, what, minimum=1)
    if isinstance(value, str) or not hasattr(value, "__len__"):
        return (check_integer(value, what, minimum=1),) * axes
    if len(value) != axes:
        raise ValueError(f"{what} should be a number or (vertical, horizontal), not {value!r}")
    return tuple(check_integer(number, what, minimum=1) for number in value)


def as_padding(value: Any, axes: int) -> str | tuple[int, ...]:
    """A name, or how many zeros there are before and after each axis in turn."""
    if isinstance(value, str):
        if value not in ("valid", "same"):
            raise ValueError(f'padding should be "valid", "same" or numbers of zeros, not {value!r}')
        return value
    if not hasattr(value, "__len__"):
        return (check_integer(value, "padding", minimum=0),) * (2 * axes)
    sides = list(value)
    if axes == 2 and len(sides) == 2:
        sides = [number for side in sides for number in (side if hasattr(side, "__len__") else (side, side))]
    if len(sides) != 2 * axes or any(hasattr(side, "__len__") for side in sides):
        wanted = "(before, after)" if axes == 1 else "(vertical, horizontal) or ((top, bottom), (left, right))"
        raise ValueError(f"padding should be a name, a number or {wanted}, not {value!r}")
    return tuple(check_integer(number, "padding", minimum=0) for number in sides)
