"""Where pictures and their texts go, so that nothing covers anything else in however little room."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEAST = 6.0  # points; below nobody reads it
_WIDE = 4.5  # inches from which on texts have their full size
_BESIDE = 0.75  # inches that a cell's ticks and labels take beside its axes
_SHORT = 0.45  # inches of height that a legend may take at most, unless this is more than a third

Panels = npt.NDArray[Any]


def check_matplotlib() -> None:
    """Raise ImportError with the remedy unless matplotlib is there."""
    try:
        import matplotlib  # noqa: F401 - whether it can be imported is the question
    except ImportError as error:
        raise ImportError('figures need matplotlib: pip install "multicapa[plots]"') from error


# ---- places ----


def single(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes given, or those of a new figure of this size in inches."""
    if ax is None:
        return new_figure(width, height).add_subplot()
    if _checked(ax).get_subplotspec() is not None:
        _lay_out(ax)
    return ax


def panels(
    ax: Axes | None,
    rows: int,
    columns: int,
    width: float,
    height: float,
    *,
    share_x: bool = True,
    share_y: bool = False,
    heights: Sequence[float] | None = None,
) -> tuple[Axes, Panels]:
    """Axes in rows (of these heights) and columns: in a new figure, or in the place of ``ax``.

    The first of the pair is an empty frame around them all, for what they share.
    """
    if ax is None:
        figure: Any = new_figure(width, height)
        spec = figure.add_gridspec(1, 1)[0]
    else:
        found = _checked(ax).get_subplotspec()
        if found is None:
            raise ValueError("this picture divides the place of ax, which should come from subplots() or add_subplot()")
        _lay_out(ax)
        figure, spec = ax.figure, found
        ax.remove()
    grid = spec.subgridspec(rows, columns, height_ratios=heights)
    axes: Any = np.empty((rows, columns), dtype=object)
    for row, column in np.ndindex(rows, columns):
        shared = {"sharex": axes[0, 0] if share_x else None, "sharey": axes[0, 0] if share_y else None}
        axes[row, column] = figure.add_subplot(grid[row, column], **shared)
        if share_x and row < rows - 1:
            axes[row, column].tick_params(labelbottom=False)
        if share_y and column > 0:
            axes[row, column].tick_params(labelleft=False)
    frame = figure.add_subplot(grid[:, :], frameon=False, zorder=-1)
    frame.tick_params(labelcolor="none", length=0, which="both", left=False, bottom=False)
    frame.set_xticks([])
    frame.set_yticks([])
    return frame, axes


def new_figure(width: float, height: float) -> Figure:
    """A figure of pyplot's if the program uses pyplot, else one that nobody else knows of."""
    check_matplotlib()
    from matplotlib.figure import Figure

    pyplot = sys.modules.get("matplotlib.pyplot")
    make = Figure if pyplot is None else pyplot.figure
    return cast(Figure, make(figsize=(width, height), layout="constrained"))


def root_figure(ax: Axes) -> Figure:
    """The figure with ``savefig``, also for axes of a part of it."""
    figure: Any = ax.figure
    return cast("Figure", figure.figure)


def _checked(ax: Any) -> Axes:
    check_matplotlib()
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise TypeError(f"ax should be the Axes of matplotlib, not {type(ax).__name__}")
    return ax


def _lay_out(ax: Axes) -> None:
    """Where nobody makes room for legends and labels, they would lie on the neighbours."""
    root = root_figure(ax)
    if root.get_layout_engine() is None:
        root.set_layout_engine("constrained")


# ---- room ----


def cell(ax: Axes) -> tuple[float, float]:
    """Width and height of the place of axes within their figure, labels included; in inches."""
    figure: Any = ax.figure
    dpi = root_figure(ax).dpi
    spec = ax.get_subplotspec()
    if spec is None:
        box = ax.get_window_extent()
        return box.width / dpi, box.height / dpi
    pars: Any = figure.subplotpars
    place = spec.get_position(figure)
    share = place.width / (pars.right - pars.left), place.height / (pars.top - pars.bottom)
    return share[0] * figure.bbox.width / dpi, share[1] * figure.bbox.height / dpi


def inside(ax: Axes) -> float:
    """How wide the axes will be, without labels; in inches."""
    return cell(ax)[0] - _BESIDE


def scaled(ax: Axes, size: float) -> float:
    """A size of text, smaller where the place is narrow."""
    return max(_LEAST, size * min(1.0, 0.35 + 0.65 * cell(ax)[0] / _WIDE))


def text_width(text: str, size: float) -> float:
    """Of the longest line, in inches."""
    from matplotlib.textpath import TextPath

    lines = [line for line in text.split("\n") if line.strip()]
    return max((float(TextPath((0, 0), line, size=size).get_extents().x1) / 72 for line in lines), default=0.0)


def fitting(text: str, size: float, room: float) -> float:
    """The size at which a text is no wider than this many inches, as far as it can be read."""
    return max(_LEAST, min(size, size * room / max(text_width(text, size), 1e-9)))


def wrapped(text: str, size: float, room: float) -> str:
    """Broken at blanks into lines that are no wider than this many inches, if they can be."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and text_width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


# ---- texts ----


def title(ax: Axes, text: str, size: float = 10.0, pad: float = 6.0) -> None:
    """At the left above the axes, in as many lines as it needs."""
    size = scaled(ax, size)
    ax.set_title(wrapped(text, size, inside(ax)), loc="left", fontsize=size, pad=pad)


def side_label(ax: Axes, text: str, size: float = 10.0) -> None:
    """Beside the axes, in two lines where they are low."""
    size = scaled(ax, size)
    room = 0.8 * cell(ax)[1]
    label = text if text_width(text, size) <= room else wrapped(text, size, room)
    ax.set_ylabel(label, fontsize=fitting(label, size, room))


def legend_above(ax: Axes, handles: Sequence[Artist], size: float = 9.0, above: float = 0.0) -> float:
    """A legend over the axes, where no curve runs through it, read row by row; its height in points.

    ``above``: points left free between the axes and the legend.
    """
    if not handles:
        return 0.0
    from matplotlib.transforms import ScaledTranslation

    room, height = inside(ax), cell(ax)[1]
    labels = [str(handle.get_label()) for handle in handles]
    size = scaled(ax, size)
    while (columns := _columns(labels, size, room)) and size > _LEAST:
        if -(-len(labels) // columns) * 1.45 * size / 72 <= max(_SHORT, 0.3 * height):
            break
        size = max(_LEAST, size - 0.5)
    rows = -(-len(labels) // columns)
    # Matplotlib fills column by column.
    order = [handles[r * columns + c] for c in range(columns) for r in range(rows) if r * columns + c < len(handles)]
    raised = ax.transAxes + ScaledTranslation(0, above / 72, root_figure(ax).dpi_scale_trans)
    ax.legend(
        handles=order,
        ncols=columns,
        frameon=False,
        fontsize=size,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        bbox_transform=raised,
        borderaxespad=0,
        borderpad=0.2,
        **_SPACING,
    )
    return rows * 1.45 * size + 0.4 * size


_SPACING = {"handlelength": 1.8, "handletextpad": 0.5, "columnspacing": 1.2, "labelspacing": 0.3}


def _columns(labels: Sequence[str], size: float, room: float) -> int:
    """In how many columns labels fit that are read row by row; 1 if they don't."""
    spacing = _SPACING["columnspacing"] * size / 72
    entries = [text_width(label, size) + (_SPACING["handlelength"] + 0.5) * size / 72 for label in labels]
    for columns in range(len(labels), 1, -1):
        if sum(max(entries[c::columns]) for c in range(columns)) + (columns - 1) * spacing <= room:
            return columns
    return 1
