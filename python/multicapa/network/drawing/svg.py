"""The drawing of a network as SVG text.

Every part has its colour as an attribute, and each colour can be told from white and from black. So the same text
serves light and dark pages, viewers without style sheets, and notebooks that strip them.
"""

from __future__ import annotations

from dataclasses import replace
from html import escape

from multicapa.base.checks import check_integer
from multicapa.layers import RECURRENT
from multicapa.network.core import CoreNetwork
from multicapa.network.drawing.layout import Box, Point, Wire, arrange
from multicapa.network.drawing.look import COLOURS, FONT, OTHER, WIRE, shortened, text_width
from multicapa.network.drawing.maps import ICON, icon, maps_of
from multicapa.network.summary import Row, rows

_MERGES = ("add", "concat")
_SIZE = 12.0
_SMALL = 11.0
_MARGIN = 12.0
_PADDING = 10.0
_WIDEST = 300.0
_ROUND = 7.0  # radius of the corners of wires
_HEAD = 6.0
_LOOP = 16.0  # how far the way from a recurrent layer back to itself leads out of its box


def to_svg(network: CoreNetwork, columns: int | None = None) -> str:
    """The drawing; see :meth:`multicapa.Network.to_svg`."""
    if columns is not None:
        check_integer(columns, "columns", minimum=1)
    layers = _with_outputs(network, rows(network))
    numbers = {layer["name"]: i for i, layer in enumerate(network.spec)}
    maps = maps_of(layers)
    icons = ICON if maps else 0.0
    widest = min(_WIDEST + icons, max(_natural_width(row) for row in layers if row.type not in _MERGES) + icons)
    boxes = [
        Box(
            (min(_natural_width(row), widest) if row.type in _MERGES else widest) + 2 * _room(row),
            26.0 if row.type in _MERGES else 42.0,
            [numbers[name] for name in layer["inputs"]],
        )
        for row, layer in zip(layers, network.spec, strict=True)
    ]
    drawing = arrange(boxes, columns)
    walked = [box for row, box in zip(layers, boxes, strict=True) if _room(row)]
    wires = [*drawing.wires, *(_loop(box, _led_in(box, drawing.wires)) for box in walked)]
    width, height = drawing.width + 2 * _MARGIN, drawing.height + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="{-_MARGIN:g} {-_MARGIN:g} {width:g} {height:g}" role="img" font-family="{FONT}" '
        f'font-size="{_SIZE:g}">',
        f"<title>{escape(repr(network))}</title>",
        f'<g fill="none" stroke="{WIRE}" stroke-width="1.5">',
        *(f'<path d="{_path(wire)}"/>' for wire in wires),
        "</g>",
        f'<g fill="{WIRE}">',
        *(f'<circle cx="{x:g}" cy="{y:g}" r="2.5"/>' for x, y in drawing.forks),
        *(f'<path d="{_head(wire)}"/>' for wire in wires if wire.arrow),
        "</g>",
        '<g fill="#ffffff">',
        *(_node(row, box, maps, icons) for row, box in zip(layers, boxes, strict=True)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts)


# ---- boxes ----


def _with_outputs(network: CoreNetwork, layers: list[Row]) -> list[Row]:
    """Of several outputs, where they are: one may be read on, and stands in the middle then."""
    names = {port.name for port in network.outputs} if len(network.outputs) > 1 else set()
    return [
        replace(row, detail=" · ".join(part for part in (row.detail, "output") if part))
        if layer["name"] in names
        else row
        for row, layer in zip(layers, network.spec, strict=True)
    ]


def _node(row: Row, box: Box, maps: dict[str, tuple[float, float, int]], icons: float) -> str:
    """One layer: its name and shape, below them what it does and its parameters; the whole of it on hovering.

    Where layers have maps, they are drawn at the left.
    """
    shape, middle, merges = _shape(row), box.y + box.height / 2, row.type in _MERGES
    icons = 0.0 if merges else icons
    width = box.width - 2 * _room(row)
    left, right = box.x - width / 2 + _PADDING + icons, box.x + width / 2 - _PADDING
    room = right - left
    name = shortened(_label(row), room - text_width(shape, _SMALL) - 10, _SIZE, bold=True)
    upper = middle + 4 if merges else middle - 4
    texts = [
        f'<text x="{left:g}" y="{upper:g}" font-weight="600">{escape(name)}</text>',
        f'<text x="{right:g}" y="{upper:g}" font-size="{_SMALL:g}" text-anchor="end">{shape}</text>',
    ]
    if not merges:
        count = _count(row)
        kind = shortened(_kind(row), room - text_width(count, _SMALL) - 10, _SMALL)
        small = f'y="{middle + 13:g}" font-size="{_SMALL:g}" fill-opacity="0.85"'
        texts.append(f'<text x="{left:g}" {small}>{escape(kind)}</text>')
        if count:
            texts.append(f'<text x="{right:g}" {small} text-anchor="end">{count}</text>')
    picture = icon(*maps[row.name], left - icons / 2 - 3, middle) if icons and row.name in maps else ""
    look = f'fill="{COLOURS.get(row.type, OTHER)}"' + (
        ' stroke="#ffffff" stroke-width="1.5" stroke-dasharray="4 3"' if row.frozen else ""
    )
    return (
        f"<g><title>{escape(_told(row))}</title>"
        f'<rect x="{box.x - width / 2:g}" y="{box.y:g}" width="{width:g}" height="{box.height:g}" '
        f'rx="{min(box.height / 2, 13) if merges else 6:g}" {look}/>'
        f"{picture}{''.join(texts)}</g>"
    )


def _told(row: Row) -> str:
    reads = f", reads {', '.join(row.reads)}" if row.reads else ""
    return f"{row.name}: {row.kind}, output {row.shape}, {row.parameters:,} parameters{reads}"


def _label(row: Row) -> str:
    """The name; where there is no second line, with what the layer does unless the name tells."""
    if row.type == "add":
        return f"+ {row.name}"
    return f"concat {row.name}" if row.type == "concat" and "concat" not in row.name else row.name


def _kind(row: Row) -> str:
    kind = row.type.replace("_", " ").capitalize().replace("1d", "1D").replace("2d", "2D")
    kind = kind.upper() if row.type in ("lstm", "gru") else kind.replace(" rnn", " RNN")
    return " · ".join(part for part in (kind, row.detail, "frozen" if row.frozen else "") if part)


def _count(row: Row) -> str:
    return f"{row.parameters:,} params" if row.parameters else ""


def _shape(row: Row) -> str:
    return " × ".join(map(str, row.shape))


# ---- wires ----


def _room(row: Row) -> float:
    """What the box has on either side for its loop."""
    return _LOOP if row.type in RECURRENT else 0.0


def _led_in(box: Box, wires: list[Wire]) -> bool:
    """Whether lanes enter a recurrent layer from its right; they are led through the room that is for its loop."""
    edge, led = box.x + box.width / 2, False
    for wire in wires:
        x, y = wire.points[-1]
        if wire.arrow and abs(x - edge) < 0.01 and box.y < y < box.y + box.height:
            wire.points[-1], led = (x - _LOOP, y), True
    return led


def _loop(box: Box, left: bool) -> Wire:
    """From a side of a recurrent layer back to it: what it gives at one step it reads at the next."""
    way = -1 if left else 1
    side, out = box.x + way * (box.width / 2 - _LOOP), box.x + way * (box.width / 2 - 2)
    low, high = box.y + 0.75 * box.height, box.y + 0.25 * box.height
    return Wire([(side, low), (out, low), (out, high), (side, high)])


def _path(wire: Wire) -> str:
    """A line with rounded corners, as far as the arrowhead."""
    points = _corners(wire)
    if wire.arrow:
        points[-1] = _towards(points[-1], points[-2], _HEAD - 1)
    path = "M{:g} {:g}".format(*points[0])
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_ROUND, _distance(before, corner) / 2, _distance(corner, after) / 2)
        enter, leave = _towards(corner, before, radius), _towards(corner, after, radius)
        path += "L{:g} {:g}Q{:g} {:g} {:g} {:g}".format(*enter, *corner, *leave)
    return path + "L{:g} {:g}".format(*points[-1])


def _head(wire: Wire) -> str:
    before, tip = _corners(wire)[-2:]
    back = _towards(tip, before, _HEAD)
    dx, dy = (tip[0] - back[0]) * 0.62, (tip[1] - back[1]) * 0.62
    return f"M{tip[0]:g} {tip[1]:g}L{back[0] - dy:g} {back[1] + dx:g}L{back[0] + dy:g} {back[1] - dx:g}Z"


def _corners(wire: Wire) -> list[Point]:
    """The points at which a wire turns, and its ends."""
    kept: list[Point] = []
    for x, y in wire.points:
        point = (round(x, 2), round(y, 2))
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1 and (kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]):
            kept.pop()
        kept.append(point)
    return kept


def _distance(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])  # wires run straight down or across


def _towards(start: Point, end: Point, step: float) -> Point:
    whole = _distance(start, end)
    share = step / whole if whole else 0.0
    return (round(start[0] + (end[0] - start[0]) * share, 2), round(start[1] + (end[1] - start[1]) * share, 2))


# ---- text ----


def _natural_width(row: Row) -> float:
    upper = text_width(_label(row), _SIZE, bold=True) + text_width(_shape(row), _SMALL)
    lower = 0.0 if row.type in _MERGES else text_width(_kind(row), _SMALL) + text_width(_count(row), _SMALL)
    return max(upper, lower) + 16 + 2 * _PADDING
