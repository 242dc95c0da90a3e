"""Many small pictures in one: side by side, with one scale of colours for all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

Array = npt.NDArray[Any]

PAPER = "#cfcfca"  # around the tiles; neither end nor middle of the scales
_SIGNED, _POSITIVE = "RdBu_r", "gray"
_FINE = 48  # pixels that a tile has at least, so that the gaps between large and small ones are alike
_GAP = 0.1  # of a tile


@dataclass(frozen=True)
class Sheet:
    """Where tiles of (height, width) lie, row by row; in fine pixels."""

    count: int
    columns: int
    shape: tuple[int, int]

    @property
    def fine(self) -> int:
        """How many fine pixels a pixel is wide and high."""
        return max(1, -(-_FINE // max(self.shape)))

    @property
    def gap(self) -> int:
        return max(1, round(_GAP * max(self.shape) * self.fine))

    @property
    def rows(self) -> int:
        return -(-self.count // self.columns)

    def extent(self, rows: int, columns: int) -> tuple[int, int]:
        """Height and width of so many tiles with the gaps around them."""
        height, width = self.shape
        return rows * (height * self.fine + self.gap) + self.gap, columns * (width * self.fine + self.gap) + self.gap

    def corner(self, i: int) -> tuple[int, int]:
        """Top and left of a tile."""
        top, left = self.extent(i // self.columns, i % self.columns)
        return top, left

    def middle(self, i: int) -> tuple[float, float]:
        """Of a tile, as the axes count."""
        top, left = self.corner(i)
        return top + (self.shape[0] * self.fine - 1) / 2, left + (self.shape[1] * self.fine - 1) / 2


def draw(ax: Axes, tiles: Array, columns: int) -> AxesImage:
    """Tiles of shape (count, height, width), with room for so many columns; colours as :func:`limits` says."""
    from matplotlib.colors import ListedColormap

    sheet = Sheet(len(tiles), columns, (tiles.shape[1], tiles.shape[2]))
    numbers, paper = np.full((2, *sheet.extent(sheet.rows, columns)), np.nan)
    for i, tile in enumerate(tiles):
        top, left = sheet.corner(i)
        fine = np.repeat(np.repeat(tile, sheet.fine, axis=0), sheet.fine, axis=1)
        bottom, right = top + fine.shape[0], left + fine.shape[1]
        numbers[top:bottom, left:right] = fine
        paper[top - sheet.gap : bottom + sheet.gap, left - sheet.gap : right + sheet.gap] = 1
    ax.imshow(paper, cmap=ListedColormap([PAPER]), interpolation="nearest")
    low, high = limits(tiles)
    image = ax.imshow(numbers, cmap=colours(low), vmin=low, vmax=high, interpolation="nearest")
    bare(ax)
    return image


def columns_for(count: int, shape: tuple[int, ...]) -> int:
    """So many side by side that the whole is about twice as wide as high, and the last row as full as it can be."""
    best = math.sqrt(2 * count * shape[0] / shape[1])
    near = [n for n in range(1, count + 1) if best / 1.5 <= n <= best * 1.5] or [min(count, max(1, round(best)))]
    return min(near, key=lambda n: (-count % n, abs(n - best)))


def size_of(sheet: Sheet, tile: float) -> tuple[float, float]:
    """Of a figure with tiles of this size, smaller if there are many; in inches."""
    high, wide = sheet.extent(sheet.rows, sheet.columns)
    inch = tile / (max(sheet.shape) * sheet.fine)
    inch *= min(1.0, 9.0 / (wide * inch), 7.5 / (high * inch))
    return max(4.2, wide * inch + 1.3), max(1.8, high * inch + 0.9)


def colours(low: float) -> str:
    """Red above and blue below a white 0, or from black to white where nothing is negative."""
    return _SIGNED if low < 0 else _POSITIVE


def limits(values: Array) -> tuple[float, float]:
    """From 0 to the largest, or as far below 0 as above where there are negative ones."""
    finite = values[np.isfinite(values)]
    largest = (float(np.abs(finite).max()) if finite.size else 0.0) or 1.0
    return (-largest if finite.size and finite.min() < 0 else 0.0), largest


def bare(ax: Axes) -> None:
    """No ticks, no frame, at the left of its place."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.set_anchor("W")


def scale(ax: Axes, image: AxesImage) -> None:
    """What the colours mean, to the right."""
    figure: Any = ax.figure
    bar = figure.colorbar(image, ax=ax, shrink=0.9, aspect=16, pad=0.02, fraction=0.05)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=2)
    bar.ax.locator_params(nbins=4)
