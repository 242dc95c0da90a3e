"""The drawing of a small network unit by unit, with its weights and, given a trace, every number of one sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from multicapa.base.arrays import Array
from multicapa.base.checks import check_integer
from multicapa.network.core import CoreNetwork
from multicapa.network.drawing.layout import Point
from multicapa.network.drawing.look import COLOURS, FONT, OTHER, WIRE, text_width
from multicapa.network.summary import Row, rows
from multicapa.network.trace import Trace

_POSITIVE, _NEGATIVE = "#1f77c4", "#cc5500"
_LABEL = "#6f7782"
_MOST_UNITS, _MOST_EDGES = 32, 1024
_MOST_LABELS = 48  # edges between two layers up to which they carry their weights as numbers
_SIZE, _SMALL, _LINE = 12.0, 10.0, 13.0
_PITCH = 13.0  # between the numbers on edges, and from unit to unit
_MARGIN, _TOP, _LEGEND = 12.0, 40.0, 22.0
_ONE_TO_ONE = ("activation", "custom_activation", "dropout", "gaussian_noise", "batch_norm", "add", "multiply",
               "flatten", "reshape")  # fmt: skip
_DRAWN = ("input", "dense", "concat", *_ONE_TO_ONE)


@dataclass
class _Column:
    """The units of one layer, from above to below."""

    row: Row
    texts: list[list[str]]  # lines in each unit
    inputs: list[_Column] = field(default_factory=list)
    weight: Array | None = None  # (units of the layer read, units)
    depth: int = 0
    x: float = 0.0  # of the middle
    ys: Sequence[float] = ()
    width: float = 0.0
    height: float = 0.0

    @property
    def count(self) -> int:
        return len(self.texts)


def units_svg(network: CoreNetwork, trace: Trace | None, sample: int) -> str:
    """The drawing; see :meth:`multicapa.Network.to_svg`."""
    columns = _columns(network, trace, sample)
    width, height = _place(columns)
    largest = max((float(np.abs(c.weight).max(initial=0)) for c in columns if c.weight is not None), default=0.0) or 1.0
    legend = [("positive weight", _POSITIVE), ("negative", _NEGATIVE)]
    told = "b: bias" + (", z: before the activation, a: the output, δ: dCost/dz" if trace else "")
    needed = sum(text_width(text, _SMALL) + 34 for text, _ in legend) + text_width(told, _SMALL)
    width, height = max(width, needed) + 2 * _MARGIN, height + 2 * _MARGIN + _LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="{-_MARGIN:g} {-_MARGIN:g} {width:g} {height:g}" role="img" font-family="{FONT}" '
        f'font-size="{_SIZE:g}">',
        f"<title>{escape(repr(network))}</title>",
        *(edge for column in columns for edge in _edges(column, largest)),
        *(_head(column) for column in columns),
        *(_unit(column, i) for column in columns for i in range(column.count)),
        _legend(legend, told, height - 2 * _MARGIN),
        "</svg>",
    ]
    return "\n".join(parts)


# ---- what there is to draw ----


def _columns(network: CoreNetwork, trace: Trace | None, sample: int) -> list[_Column]:
    layers = rows(network)
    _check(network, layers)
    values = {} if trace is None else _values(network, trace, sample)
    columns: dict[str, _Column] = {}
    edges = 0
    for row, layer in zip(layers, network.spec, strict=True):
        name = layer["name"]
        owner = layer.get("shares", name)
        bias = network.parameters.get(f"{owner}.bias")
        lines = [("b", bias), *values.get(name, ())]
        texts = [[f"{what} {number(array[i])}" for what, array in lines if array is not None]
                 for i in range(row.shape[0])]  # fmt: skip
        weight = network.parameters[f"{owner}.weight"] if layer["type"] == "dense" else None
        inputs = [columns[read] for read in layer["inputs"]]
        columns[name] = _Column(row, texts, inputs, weight, 1 + max((c.depth for c in inputs), default=-1))
        edges += row.shape[0] * len(inputs) if weight is None else weight.size
    if edges > _MOST_EDGES:
        raise ValueError(f'detail="units" draws up to {_MOST_EDGES} edges, and this network has {edges}')
    return list(columns.values())


def _check(network: CoreNetwork, layers: Sequence[Row]) -> None:
    for row in layers:
        if row.type not in _DRAWN or len(row.shape) != 1:
            raise ValueError(
                f'detail="units" draws networks of dense layers and what works unit by unit, and {row.name} is '
                f"{row.type} with the output {row.shape}"
            )
        if row.shape[0] > _MOST_UNITS:
            raise ValueError(
                f'detail="units" draws up to {_MOST_UNITS} units of a layer; {row.name} has {row.shape[0]}'
            )


def _values(network: CoreNetwork, trace: Trace, sample: int) -> dict[str, list[tuple[str, Array | None]]]:
    shapes = {node["name"]: node["shape"] for node in network._core.nodes}
    names = [layer["name"] for layer in network.spec]
    if [*trace.activations] != names or any(trace.activations[name].shape[1:] != shapes[name] for name in names):
        raise ValueError("the trace is one of another network")
    check_integer(sample, "sample", minimum=0, below=len(trace.activations[names[0]]))
    parts = {"z": trace.z, "a": trace.activations, "δ": trace.deltas}
    found: dict[str, list[tuple[str, Array | None]]] = {}
    for name in names:
        found[name] = [(what, arrays[name][sample]) for what, arrays in parts.items() if name in arrays]
    for port in network.inputs:
        found[port.name] = [("x", trace.activations[port.name][sample])]
    return found


def number(value: Any) -> str:
    """As short as it can be read: three digits, with a true minus."""
    text = f"{float(value):.3g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa}e{int(exponent)}"
    return "0" if text == "-0" else text.replace("-", "−")


# ---- where it stands ----


def _place(columns: list[_Column]) -> tuple[float, float]:
    """Set the places of all units; the width and height that they take.

    Columns are spread over one height. Of the edges from n units to m, the numbers stand where they are evenly
    spaced: 1/(n + 1) of the way from the source, or 1/(m + 1) before the target, whichever takes less room.
    """
    for column in columns:
        lines = max(map(len, column.texts))
        longest = max((text_width(line, _SMALL) for lines in column.texts for line in lines), default=0.0)
        column.height = max(26.0, lines * _LINE + 10)
        column.width = max(26.0, longest + 14)
    steps: list[list[_Column]] = [[] for _ in range(1 + max(column.depth for column in columns))]
    for column in columns:
        steps[column.depth].append(column)
    tall = max(sum(c.count * (c.height + _PITCH) for c in step) for step in steps)
    for column in columns:
        if (shape := _labelled(column)) is not None:
            few, many = sorted(shape)
            tall = max(tall, _PITCH * (few * many + few))
    x = 0.0
    for step in steps:
        wide = max(
            max(c.width, text_width(c.row.name, _SIZE, bold=True), text_width(_kind(c.row), _SMALL)) for c in step
        )
        if step[0].inputs:
            labels = any(_labelled(c) is not None for c in step)
            x += max(150.0, 0.8 * tall) if labels else min(max(70.0, 0.5 * tall), 260.0)
        total, y = sum(c.count for c in step), _TOP
        for column in step:
            each = tall / total
            column.ys = [y + (i + 0.5) * each for i in range(column.count)]
            y += column.count * each
            column.x = x + wide / 2
        x += wide
    return x, tall + _TOP


def _labelled(column: _Column) -> tuple[int, int] | None:
    """The shape of the weights where they stand as numbers beside their edges."""
    if column.weight is None or column.weight.size > _MOST_LABELS:
        return None
    return column.weight.shape[0], column.weight.shape[1]


# ---- edges ----


def _edges(column: _Column, largest: float) -> Iterator[str]:
    if column.weight is None:
        yield from _plain_edges(column)
        return
    (source,) = column.inputs
    for i, j in np.ndindex(*column.weight.shape):
        yield _weight(source, column, i, j, float(column.weight[i, j]), largest)


def _plain_edges(column: _Column) -> Iterator[str]:
    """Of a layer without weights: unit to unit, and of several one behind the other for concat."""
    to = 0
    for source in column.inputs:
        for i in range(source.count):
            start, end = _ends(source, column, i, to + i)
            yield f'<path d="{_line(start, end)}" stroke="{WIRE}" stroke-width="1"/>'
        to += source.count if column.row.type == "concat" else 0


def _weight(source: _Column, column: _Column, i: int, j: int, weight: float, largest: float) -> str:
    start, end = _ends(source, column, i, j)
    colour = _POSITIVE if weight >= 0 else _NEGATIVE
    thick = 0.5 + 2.5 * abs(weight) / largest if np.isfinite(weight) else 0.5
    text = number(weight)
    told = f"<title>{escape(source.row.name)} {i} → {escape(column.row.name)} {j}: {text}</title>"
    look = f'stroke="{colour}" stroke-width="{thick:.2f}"'
    if (shape := _labelled(column)) is None:
        return f'<g>{told}<path d="{_line(start, end)}" {look}/></g>'
    n, m = shape
    share = 1 / (n + 1) if m <= n else 1 - 1 / (m + 1)
    gap = (text_width(text, _SMALL) / 2 + 2) / (end[0] - start[0])  # the edge leaves room for its number
    share = min(max(share, gap), 1 - gap)
    x, y = _between(start, end, share)
    lines = _line(start, _between(start, end, share - gap)) + _line(_between(start, end, share + gap), end)
    return (
        f'<g>{told}<path d="{lines}" {look}/><text x="{x:.1f}" y="{y + 3.5:.1f}" fill="{colour}" '
        f'font-size="{_SMALL:g}" text-anchor="middle">{text}</text></g>'
    )


def _ends(source: _Column, column: _Column, i: int, j: int) -> tuple[Point, Point]:
    return (source.x + source.width / 2, source.ys[i]), (column.x - column.width / 2, column.ys[j])


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _line(start: Point, end: Point) -> str:
    return f"M{start[0]:.1f} {start[1]:.1f}L{end[0]:.1f} {end[1]:.1f}"


# ---- units ----


def _unit(column: _Column, i: int) -> str:
    left, top = column.x - column.width / 2, column.ys[i] - column.height / 2
    lines = column.texts[i]
    first = column.ys[i] - (len(lines) - 1) * _LINE / 2 + 3.5
    texts = "".join(
        f'<text x="{column.x:.1f}" y="{first + k * _LINE:.1f}">{line}</text>' for k, line in enumerate(lines)
    )
    return (
        f"<g><title>{escape(' '.join([f'{column.row.name} {i}', *lines]))}</title>"
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{column.width:.1f}" height="{column.height:.1f}" rx="13" '
        f'fill="{COLOURS.get(column.row.type, OTHER)}"/>'
        f'<g fill="#ffffff" font-size="{_SMALL:g}" text-anchor="middle">{texts}</g></g>'
    )


def _head(column: _Column) -> str:
    y = column.ys[0] - column.height / 2 - 22
    return (
        f'<g fill="{_LABEL}" text-anchor="middle"><text x="{column.x:.1f}" y="{y:.1f}" font-weight="600">'
        f'{escape(column.row.name)}</text><text x="{column.x:.1f}" y="{y + 13:.1f}" font-size="{_SMALL:g}">'
        f"{escape(_kind(column.row))}</text></g>"
    )


def _kind(row: Row) -> str:
    """What is said below the name: the activation, or else the type."""
    return row.detail or row.type


def _legend(colours: Sequence[tuple[str, str]], told: str, bottom: float) -> str:
    y, x, parts = bottom - 4, 0.0, []
    for text, colour in colours:
        parts.append(f'<path d="{_line((x, y - 3.5), (x + 16, y - 3.5))}" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{x + 20:.1f}" y="{y:.1f}">{text}</text>')
        x += text_width(text, _SMALL) + 34
    parts.append(f'<text x="{x:.1f}" y="{y:.1f}">{told}</text>')
    return f'<g fill="{_LABEL}" font-size="{_SMALL:g}">{"".join(parts)}</g>'
