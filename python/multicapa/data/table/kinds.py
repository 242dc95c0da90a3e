"""What a column becomes: a number one input, standardised; categories one input each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from multicapa.base.arrays import Array
from multicapa.data import Standardizer
from multicapa.data.table.dates import DateColumn
from multicapa.data.table.series import Series, TableError, as_numbers, as_texts, row_of

_FARTHEST = 1e30  # standard deviations; more would not fit the network's float32


@dataclass(frozen=True)
class NumberColumn:
    """Numbers, standardised with what was found on the training rows."""

    name: str
    mean: float
    scale: float | None  # None where training saw a single value, which becomes 0
    fill: float  # the median, for missing values
    kind: str = "number"

    @classmethod
    def fit(cls, series: Series) -> NumberColumn:
        values = as_numbers(series)
        known = values[~np.isnan(values)]
        if not len(known):
            return cls(str(series.name), 0.0, None, 0.0)
        fill = float(np.median(known))
        standardizer = Standardizer().fit(np.where(np.isnan(values), fill, values)[:, None])
        scale = float(standardizer.scale_[0])
        return cls(str(series.name), float(standardizer.mean_[0]), scale if np.isfinite(scale) else None, fill)

    @property
    def width(self) -> int:
        return 1

    def encode(self, series: Series) -> Array:
        values = as_numbers(series)
        filled = np.where(np.isnan(values), self.fill, values)
        standardised = (filled - self.mean) / (np.inf if self.scale is None else self.scale)
        far = np.flatnonzero(np.abs(standardised) > _FARTHEST)
        if len(far):
            found = f"{filled[far[0]]:g} in row {row_of(series, far[0])}"
            raise TableError(f"column {self.name!r} has {found}, out of all proportion")
        return np.asarray(standardised[:, None])

    def unseen(self, series: Series) -> list[str]:
        return []


@dataclass(frozen=True)
class CategoryColumn:
    """Categories, one input each; a category that training never saw sets none of them."""

    name: str
    categories: tuple[str, ...]
    fill: str  # the most frequent one, for missing values
    kind: str = "category"

    @classmethod
    def fit(cls, series: Series) -> CategoryColumn:
        counts = Counter(text for text in as_texts(series) if text is not None)
        frequent = min(counts, key=lambda text: (-counts[text], text)) if counts else ""
        return cls(str(series.name), tuple(sorted(counts)), frequent)

    @property
    def width(self) -> int:
        return len(self.categories)

    def encode(self, series: Series) -> Array:
        positions = {text: i for i, text in enumerate(self.categories)}
        texts = (self.fill if text is None else text for text in as_texts(series))
        found = np.array([positions.get(text, -1) for text in texts], dtype=np.int64)
        return np.asarray(found[:, None] == np.arange(self.width), dtype=np.float64)

    def unseen(self, series: Series) -> list[str]:
        known = set(self.categories)
        return [text for text in as_texts(series) if text is not None and text not in known]


Column = NumberColumn | CategoryColumn | DateColumn
Kind = Callable[[Series], Column]  # learns a column from the training rows
