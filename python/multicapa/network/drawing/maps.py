"""Feature maps in the drawing: a small stack of sheets, lower and narrower where maps are smaller."""

from __future__ import annotations

import math
from collections.abc import Sequence

from multicapa.network.summary import Row

ICON = 36.0  # room for a stack
_SIDE, _LEAST = 22.0, 5.0  # of the largest map of a network, and what a map measures at least
_SHIFT = 2.5  # from sheet to sheet
_FEATURES = 14.0  # what the features of a series measure at most


def maps_of(layers: Sequence[Row]) -> dict[str, tuple[float, float, int]]:
    """By layer that puts out maps: height and width of a sheet, and how many sheets stand for its channels.

    Channels count by powers of four, so that a stack grows with them and stays small.
    """
    images = [row for row in layers if len(row.shape) == 3]
    flat = any(row.type.endswith("2d") for row in layers)
    if flat:  # (height, width) is an image of one channel
        images += [row for row in layers if len(row.shape) == 2]
        largest = max((max(row.shape[:2]) for row in images), default=1)
        return {
            row.name: (
                _side(row.shape[0], largest),
                _side(row.shape[1], largest),
                _sheets(row.shape[2] if len(row.shape) == 3 else 1),
            )
            for row in images
        }
    series = [row for row in layers if len(row.shape) == 2]
    if not series or not any(row.type.endswith("1d") for row in layers):
        return {}
    longest, most = max(row.shape[0] for row in series), max(row.shape[1] for row in series)
    return {
        row.name: (_FEATURES * _side(row.shape[1], most) / _SIDE, _side(row.shape[0], longest), 1) for row in series
    }


def icon(height: float, width: float, sheets: int, x: float, y: float) -> str:
    """The stack about a place, the first sheet in front."""
    back = (sheets - 1) * _SHIFT
    left, top = x - (width + back) / 2, y - (height - back) / 2
    parts = [
        f'<rect x="{left + i * _SHIFT:g}" y="{top - i * _SHIFT:g}" width="{width:g}" height="{height:g}" '
        f'fill-opacity="{0.85 if i == 0 else 0.4:g}" stroke="#1f2933" stroke-opacity="0.5" stroke-width="0.6"/>'
        for i in reversed(range(sheets))
    ]
    return "".join(parts)


def _side(extent: int, largest: int) -> float:
    """Roots, since maps shrink by half and half again."""
    return round(max(_LEAST, _SIDE * math.sqrt(extent / largest)), 1)


def _sheets(channels: int) -> int:
    return 1 + min(4, math.ceil(math.log(channels, 4))) if channels > 1 else 1
