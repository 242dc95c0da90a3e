"""What a column becomes: a number one input, standardised; categories one input each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa.base.arrays import Array
from multicapa.data import Standardizer
from multicapa.data.table.dates import ISO, DateColumn, moments
from multicapa.data.table.series import (
    Series,
    TableError,
    as_codes,
    as_numbers,
    exact_numbers,
    is_date_column,
    row_of,
)
from multicapa.data.table.written import PLAIN, Written

FARTHEST = 1e30  # standard deviations; more would not fit the network's float32
_TRUTH = ("true", "false")


@dataclass(frozen=True)
class NumberColumn:
    """Numbers, standardised with what was found on the training rows."""

    name: str
    mean: float
    scale: float | None  # None where training saw a single value, which becomes 0
    fill: float  # the median, for missing values
    kind: str = "number"
    written: Written = PLAIN
    origin: int = 0  # what mean and fill are counted from, where whole numbers are too large for float64

    @classmethod
    def fit(cls, series: Series, written: Written = PLAIN) -> NumberColumn:
        origin = origin_of(series, written)
        values = as_numbers(series, written, origin)
        known = values[~np.isnan(values)]
        if not len(known):
            return cls(str(series.name), 0.0, None, 0.0, written=written)
        fill = float(np.median(known))
        standardizer = Standardizer().fit(np.where(np.isnan(values), fill, values)[:, None])
        mean, scale = float(standardizer.mean_[0]), float(standardizer.scale_[0])
        known_scale = scale if np.isfinite(scale) else None
        return cls(str(series.name), mean, known_scale, fill, written=written, origin=origin)

    @property
    def width(self) -> int:
        return 1

    def encode(self, series: Series) -> Array:
        values = as_numbers(series, self.written, self.origin)
        filled = np.where(np.isnan(values), self.fill, values)
        standardised = (filled - self.mean) / (np.inf if self.scale is None else self.scale)
        far = np.flatnonzero(np.abs(standardised) > FARTHEST)
        if len(far):
            found = f"{filled[far[0]]:g} in row {row_of(series, far[0])}"
            raise TableError(f"column {self.name!r} has {found}, out of all proportion")
        return np.asarray(standardised[:, None])

    def unseen(self, series: Series) -> list[str]:
        return []


def origin_of(series: Series, written: Written = PLAIN) -> int:
    """What the whole numbers of a column are to be counted from so that all their digits count: 0 for small ones."""
    numbers = exact_numbers(series, written)
    if isinstance(numbers, list):
        known = sorted(value for value in numbers if value is not None)
        return known[len(known) // 2]
    return 0


@dataclass(frozen=True)
class CategoryColumn:
    """Categories, one input each; a category that training never saw sets none of them."""

    name: str
    categories: tuple[str, ...]
    fill: str  # the most frequent one, for missing values
    kind: str = "category"

    @classmethod
    def fit(cls, series: Series) -> CategoryColumn:
        codes, texts = as_codes(series)
        counts = np.bincount(codes[codes >= 0], minlength=len(texts))
        met = {text: int(count) for text, count in zip(texts, counts, strict=True) if count}
        frequent = min(met, key=lambda text: (-met[text], text)) if met else ""
        return cls(str(series.name), tuple(sorted(met)), frequent)

    @property
    def width(self) -> int:
        return len(self.categories)

    def places(self, series: Series) -> Array:
        """The place of each row's category: the most frequent's where it is missing, -1 where training never saw it."""
        codes, texts = as_codes(series)
        found = places_of(texts, self.categories)
        missing = places_of([self.fill], self.categories)
        return np.asarray(np.concatenate([found, missing])[codes])  # code -1 is missing, and the last

    def encode(self, series: Series) -> Array:
        return np.asarray(self.places(series)[:, None] == np.arange(self.width), dtype=np.float64)

    def unseen(self, series: Series) -> list[str]:
        codes, texts = as_codes(series)
        strange = np.append(places_of(texts, self.categories) < 0, False)[codes]  # code -1 is missing
        return [texts[code] for code in codes[strange]]


def places_of(texts: list[str], names: Any) -> Array:
    """Places of texts among names, -1 where they are none; true, True and TRUE are the same unless names tell them."""
    places = {str(name): i for i, name in enumerate(names)}
    truth = {name.lower(): i for name, i in places.items() if name.lower() in _TRUTH}
    return np.array([places.get(text, truth.get(text.lower(), -1)) for text in texts], dtype=np.int64)


Column = NumberColumn | CategoryColumn | DateColumn
Fit = Callable[[Series], Column]  # learns a column from the training rows


@dataclass(frozen=True)
class Kind:
    """How a column is read, before anything is learnt from it; called with training rows, it learns."""

    name: str = "number"
    written: Written = PLAIN
    format: str = ISO

    def __call__(self, series: Series) -> Column:
        if self.name == "number":
            return NumberColumn.fit(series, self.written)
        return DateColumn.fit(series, self.format) if self.name == "date" else CategoryColumn.fit(series)

    def read(self, series: Series) -> Any:
        """The values, not their texts any more; TableError where a text is none."""
        import pandas as pd

        if self.name == "number":
            numbers = exact_numbers(series, self.written)
            return np.array(numbers, dtype=object) if isinstance(numbers, list) else numbers
        if self.name == "date":
            return series if is_date_column(series) else moments(series, self.format)
        codes, texts = as_codes(series)
        return pd.Categorical.from_codes(codes, pd.Index(texts, dtype=object))


def kind_of(column: Column) -> Kind:
    """How a column is read that has been learnt."""
    if isinstance(column, NumberColumn):
        return Kind("number", written=column.written)
    return Kind("date", format=column.format) if isinstance(column, DateColumn) else Kind("category")


def is_truth(texts: list[str]) -> bool:
    """Whether texts are truth values, whatever their letters' case."""
    return bool(texts) and all(text.lower() in _TRUTH for text in texts)
