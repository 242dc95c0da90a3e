"""The column to predict: classes, or numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.base.arrays import Array
from multicapa.data import Standardizer
from multicapa.data.table.kinds import is_truth, origin_of, places_of
from multicapa.data.table.series import Series, TableError, as_codes, as_numbers, is_number_column
from multicapa.data.table.written import PLAIN, Written


@dataclass(frozen=True)
class ClassTarget:
    """The column to predict when it holds classes."""

    name: str
    classes: tuple[str | int | float | bool, ...]
    task: str = "classification"
    written: Written = PLAIN  # of numbers

    @classmethod
    def fit(cls, series: Series, written: Written = PLAIN) -> ClassTarget:
        codes, texts = as_codes(series)
        met = [texts[code] for code in np.unique(codes[codes >= 0])]
        classes: list[Any] = met
        if is_number_column(series):
            classes = [float(text) if "." in text or "e" in text else int(text) for text in met]
        elif is_truth(met):
            classes = list({text.lower() == "true" for text in met})
        return cls(str(series.name), tuple(sorted(classes)), written=written)

    @property
    def are_numbers(self) -> bool:
        """Whether the classes are called by numbers."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.classes)

    def encode(self, series: Series) -> npt.NDArray[np.int64]:
        """The position of each row's class, -1 for classes that training never saw."""
        codes, texts = as_codes(series)
        if self.are_numbers and not is_number_column(series):
            texts = [self._number(text) for text in texts]
        return np.asarray(np.append(places_of(texts, self.classes), -1)[codes])

    def _number(self, text: str) -> str:
        """A number as the classes are called: 1 for 1.0."""
        plain = self.written.plain(text)
        if plain is None:
            return text
        value = float(plain)
        if abs(value) < 2**53 and value.is_integer():
            return str(int(value))
        return plain if plain.lstrip("-").isdigit() else repr(value)

    def decode(self, outputs: Array) -> Array:
        """The most probable class of each row."""
        return np.asarray(np.array(self.classes)[outputs.argmax(axis=1)])


@dataclass(frozen=True)
class NumberTarget:
    """The column to predict when it holds numbers; the network sees it standardised."""

    name: str
    mean: float
    scale: float
    task: str = "regression"
    written: Written = PLAIN
    origin: int = 0  # what the mean is counted from, where whole numbers are too large for float64

    @classmethod
    def fit(cls, series: Series, written: Written = PLAIN) -> NumberTarget:
        origin = origin_of(series, written)
        standardizer = Standardizer().fit(as_numbers(series, written, origin)[:, None])
        scale = float(standardizer.scale_[0])
        if not np.isfinite(scale):
            raise TableError(f"the target {series.name!r} has the same value in all training rows: nothing to learn")
        return cls(str(series.name), float(standardizer.mean_[0]), scale, written=written, origin=origin)

    def encode(self, series: Series) -> npt.NDArray[np.float64]:
        """Standardised numbers."""
        return np.asarray((as_numbers(series, self.written, self.origin) - self.mean) / self.scale)

    def numbers(self, standardised: Array) -> npt.NDArray[np.float64]:
        """Numbers in the units of the table, counted from the origin."""
        return np.asarray(standardised.astype(np.float64) * self.scale + self.mean)

    def decode(self, outputs: Array) -> Array:
        """Numbers in the units of the table; whole ones where training had such as float64 can't hold."""
        numbers = self.numbers(outputs[:, 0])
        if not self.origin:
            return numbers
        whole = [self.origin + round(value) for value in numbers]
        small = all(-(2**63) <= value < 2**63 for value in whole)
        return np.array(whole, dtype=np.int64 if small else object)


Target = ClassTarget | NumberTarget
