"""Where the boxes of a layered graph stand, and the ways of the arrows between them.

Rows run downwards. An arrow to the next row goes through the gap between the two. One that skips rows runs down a lane:
right below its source where no box is in the way, else to the right of all boxes it passes, reached through the gap
below the source. So no arrow crosses a box. All arrows of one source share one lane. A long graph continues in a
further column where a single source feeds all that follows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

_APART = 28.0  # between boxes of one row
_GAP = 28.0  # between rows
_STEP = 8.0  # between horizontal lines in a gap
_LANE = 14.0  # between lanes
_PORT = 11.0  # between lanes that enter a box from the side
_GUTTER = 26.0  # between columns
_TALL = 900.0  # above this height a graph is broken into columns
_ASPECT = 1.25  # width by height that a picture of several columns comes near to

Point = tuple[float, float]


@dataclass
class Box:
    """What is drawn for a node; x is its middle, y its upper edge."""

    width: float
    height: float
    inputs: Sequence[int]  # numbers of the boxes before it
    x: float = 0.0
    y: float = 0.0
    row: int = 0


@dataclass
class Wire:
    """A way with right angles, with an arrowhead at its end or without."""

    points: list[Point]
    arrow: bool = True


@dataclass
class Drawing:
    """What there is to draw, all of it between (0, 0) and (width, height)."""

    boxes: list[Box]
    wires: list[Wire]
    forks: list[Point]  # where a lane leaves the way to the next row
    width: float
    height: float


@dataclass
class _Column:
    """A part of the graph whose boxes stand below one another; ``entry`` feeds it from the column before."""

    boxes: list[Box]
    entry: Box | None = None
    source: Box | None = None  # what the entry stands for
    wires: list[Wire] = field(default_factory=list)
    forks: list[Point] = field(default_factory=list)
    left: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


def arrange(boxes: list[Box], columns: int | None = None) -> Drawing:
    """Place boxes, given in an order in which each comes after those it reads.

    Parameters
    ----------
    boxes : list of Box
        Their widths, heights and inputs; the rest is set here.
    columns : int, optional
        How many columns to break the graph into, if it has places for it; by default as many as make a picture that is
        not much taller than wide.
    """
    for box in boxes:
        box.row = 1 + max((boxes[i].row for i in box.inputs), default=-1)
    parts = _columns(boxes, columns)
    left = 0.0
    for part in parts:
        _place(part, boxes)
        for box in part.boxes:
            box.x += left - part.left
        part.wires = [Wire([(x + left - part.left, y) for x, y in w.points], w.arrow) for w in part.wires]
        part.forks = [(x + left - part.left, y) for x, y in part.forks]
        if part.entry is not None:
            part.entry.x += left - part.left
            part.wires.append(_from_column_before(part, left - _GUTTER / 2))
        left += part.right - part.left + _GUTTER
    return Drawing(
        boxes,
        [wire for part in parts for wire in part.wires],
        [fork for part in parts for fork in part.forks],
        left - _GUTTER,
        max(part.bottom for part in parts) + (_GAP / 2 if len(parts) > 1 else 0.0),
    )


# ---- columns ----


def _columns(boxes: list[Box], wanted: int | None) -> list[_Column]:
    rows = 1 + max(box.row for box in boxes)
    heights = [max(box.height for box in boxes if box.row == row) + _GAP for row in range(rows)]
    if wanted is None:
        width = max(box.width for box in boxes) + 2 * _LANE + _GUTTER
        wanted = 1 if sum(heights) <= _TALL else round(math.sqrt(_ASPECT * sum(heights) / width))
    cuts = _cuts(heights, _sources_beyond(boxes, rows), wanted)
    ends = [-1, *cuts, rows - 1]
    parts = []
    for above, end in itertools.pairwise(ends):
        part = _Column([box for box in boxes if above < box.row <= end])
        if above >= 0:
            part.source = next(box for box in boxes if box.row == above)
            part.entry = Box(0.0, 0.0, (), row=above)
        parts.append(part)
    return parts


def _sources_beyond(boxes: list[Box], rows: int) -> list[set[int]]:
    """For each row, which boxes down to it are read by boxes further down."""
    last = [box.row for box in boxes]
    for box in boxes:
        for i in box.inputs:
            last[i] = max(last[i], box.row)
    return [{i for i, box in enumerate(boxes) if box.row <= row < last[i]} for row in range(rows)]


def _cuts(heights: Sequence[float], beyond: Sequence[set[int]], wanted: int) -> list[int]:
    """The rows after which a new column begins: those nearest to equal heights that have a single box to go on from."""
    possible = [row for row in range(len(heights) - 1) if len(beyond[row]) == 1]
    depth = [sum(heights[: row + 1]) for row in range(len(heights))]
    cuts: list[int] = []
    each = depth[-1] / wanted
    for number in range(1, wanted):
        near = [row for row in possible if abs(depth[row] - number * each) < each / 2 and row not in cuts]
        if near:
            cuts.append(min(near, key=lambda row: abs(depth[row] - number * each)))
    return cuts


def _from_column_before(part: _Column, gutter: float) -> Wire:
    """From the last box of the column before, through the gutter, to the top of this one."""
    assert part.entry is not None
    assert part.source is not None
    start, end = part.source, part.entry
    below = start.y + start.height + _GAP / 2
    return Wire([(start.x, start.y + start.height), (start.x, below), (gutter, below), (gutter, end.y), (end.x, end.y),
                 (end.x, end.y + 1)], arrow=False)  # fmt: skip


# ---- one column ----


@dataclass
class _Lane:
    """The way of the arrows that leave one box and skip rows."""

    source: Box
    targets: list[Box]
    x: float = 0.0
    straight: bool = False  # right below its source

    @property
    def end(self) -> int:
        return max(box.row for box in self.targets)


_Rows = dict[int, list[Box]]
_Reads = dict[int, list[Box]]  # by id


def _place(part: _Column, boxes: list[Box]) -> None:
    """Set x and y of the boxes, and the wires between them."""
    inside = {id(box) for box in part.boxes}
    reads: _Reads = {}
    for box in part.boxes:
        sources = [boxes[i] for i in box.inputs]
        reads[id(box)] = [b if part.entry is None or id(b) in inside else part.entry for b in sources]
    rows: _Rows = {}
    for box in ([part.entry] if part.entry else []) + part.boxes:
        rows.setdefault(box.row, []).append(box)
    for row in rows.values():
        wished = {id(box): _mean([source.x for source in reads.get(id(box), ())]) for box in row}
        row.sort(key=lambda box, wished=wished: wished[id(box)])  # type: ignore[misc]
        _apart(row, [wished[id(box)] for box in row])
    lanes = _lanes(part.boxes, reads, rows)
    for box in part.boxes:
        beside = sum(_from_the_side(box, lane, rows) for lane in lanes for target in lane.targets if target is box)
        box.height = max(box.height, _PORT * (beside + 1))
    levels = _levels(reads, lanes, rows)
    _stack(rows, levels)
    _draw(part, reads, lanes, rows, levels)
    part.left = min(box.x - box.width / 2 for box in part.boxes)
    xs = [x for wire in part.wires for x, _ in wire.points]
    part.right = max([box.x + box.width / 2 for box in part.boxes] + xs)
    part.bottom = max(box.y + box.height for box in part.boxes)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _apart(row: list[Box], wished: Sequence[float]) -> None:
    """As near to the wished places, in least squares, as boxes that do not touch can be."""
    offsets = [0.0]
    for before, after in itertools.pairwise(row):
        offsets.append(offsets[-1] + (before.width + after.width) / 2 + _APART)
    pools: list[list[float]] = []  # of boxes that share their shift: sum of the wished ones, number of boxes
    for wish, offset in zip(wished, offsets, strict=True):
        pools.append([wish - offset, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            last = pools.pop()
            pools[-1] = [pools[-1][0] + last[0], pools[-1][1] + last[1]]
    shifts = [total / count for total, count in pools for _ in range(int(count))]
    for box, offset, shift in zip(row, offsets, shifts, strict=True):
        box.x = offset + shift


# ---- wires ----


def _lanes(boxes: list[Box], reads: _Reads, rows: _Rows) -> list[_Lane]:
    """One for each box that is read further down than in the next row; the short ones nearest to the boxes."""
    by_source: dict[int, _Lane] = {}
    for box in boxes:
        for source in reads[id(box)]:
            if source.row < box.row - 1:
                by_source.setdefault(id(source), _Lane(source, [])).targets.append(box)
    placed: list[_Lane] = []
    for lane in sorted(by_source.values(), key=lambda lane: lane.end - lane.source.row):
        passed = [box for row in range(lane.source.row + 1, lane.end) for box in rows[row]]
        beside = [p for p in placed if p.source.row < lane.end and lane.source.row < p.end]
        lane.x = lane.source.x
        lane.straight = all(abs(box.x - lane.x) > box.width / 2 + _LANE for box in passed) and all(
            abs(other.x - lane.x) >= _LANE for other in beside
        )
        if not lane.straight:
            lane.x = max(box.x + box.width / 2 for box in passed + rows[lane.end]) + _LANE + 2
            for other in sorted(beside, key=lambda p: p.x):
                if abs(other.x - lane.x) < _LANE:
                    lane.x = other.x + _LANE
        placed.append(lane)
    return placed


def _from_the_side(box: Box, lane: _Lane, rows: _Rows) -> bool:
    """Whether a lane can enter the box from the right: it runs there, and no other box stands between."""
    return not lane.straight and not any(other.x > box.x for other in rows[box.row])


def _levels(reads: _Reads, lanes: list[_Lane], rows: _Rows) -> dict[tuple[int, int], int]:
    """The horizontal lines in the gap below each row: (row, source) to a number counted from above."""
    levels: dict[tuple[int, int], int] = {}
    count = dict.fromkeys(rows, 0)

    def take(row: int, source: Box) -> None:
        if (row, id(source)) not in levels:
            levels[row, id(source)] = count[row]
            count[row] += 1

    for lane in sorted(lanes, key=lambda lane: lane.x):
        if not lane.straight:
            take(lane.source.row, lane.source)
    lane_of = {id(lane.source): lane for lane in lanes}
    for row in rows.values():
        for box in row:
            for source in reads.get(id(box), ()):
                adjacent = source.row == box.row - 1
                if (adjacent and source.x != box.x) or (
                    not adjacent and not _from_the_side(box, lane_of[id(source)], rows)
                ):
                    take(box.row - 1, source)
    return levels


def _stack(rows: _Rows, levels: dict[tuple[int, int], int]) -> None:
    y = 0.0
    for number, row in sorted(rows.items()):
        height = max(box.height for box in row)
        for box in row:
            box.y = y + (height - box.height) / 2
        lines = sum(gap == number for gap, _ in levels)
        y += height + _GAP + _STEP * max(lines - 1, 0)


def _draw(part: _Column, reads: _Reads, lanes: list[_Lane], rows: _Rows, levels: dict[tuple[int, int], int]) -> None:
    bottoms = {number: max(box.y + box.height for box in row) for number, row in rows.items()}

    def level(row: int, source: Box) -> float:
        return bottoms[row] + 9 + _STEP * levels.get((row, id(source)), 0)

    lane_of = {id(lane.source): lane for lane in lanes}
    down_to = {id(lane): 0.0 for lane in lanes}

    def start(source: Box, lane: _Lane | None, y: float) -> Point:
        if lane is None:
            return source.x, source.y + source.height
        down_to[id(lane)] = max(down_to[id(lane)], y - _LANE)
        return lane.x, y - _LANE

    for box in part.boxes:
        arrows = [(source, None if source.row == box.row - 1 else lane_of[id(source)]) for source in reads[id(box)]]
        arrows.sort(key=lambda arrow: arrow[1].x if arrow[1] else arrow[0].x)
        beside = [(source, lane) for source, lane in arrows if lane and _from_the_side(box, lane, rows)]
        above = [arrow for arrow in arrows if arrow not in beside]
        for (source, lane), port in zip(above, _ports(box, len(above)), strict=True):
            y = level(box.row - 1, source)
            x, first = start(source, lane, y)
            part.wires.append(Wire([(x, first), (x, y), (port, y), (port, box.y)]))
        for number, (source, lane) in enumerate(beside):
            y = box.y + box.height * (number + 1) / (len(beside) + 1)
            part.wires.append(Wire([start(source, lane, y), (lane.x, y), (box.x + box.width / 2, y)]))
    below = {id(source) for box in part.boxes for source in reads[id(box)] if source.row == box.row - 1}
    for lane in lanes:
        x, y = lane.source.x, level(lane.source.row, lane.source)
        way = [(x, lane.source.y + lane.source.height), (x, y), (lane.x, y), (lane.x, down_to[id(lane)])]
        part.wires.append(Wire(way, arrow=False))
        if id(lane.source) in below:
            part.forks.append((x, y))


def _ports(box: Box, count: int) -> list[float]:
    """Where arrows from above meet the box."""
    between = min(40.0, (box.width - 24) / max(count - 1, 1))
    return [box.x + between * (i - (count - 1) / 2) for i in range(count)]
