"""The column to predict: classes, or numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from multicapa.base.arrays import Array
from multicapa.data import Standardizer
from multicapa.data.table.series import Series, TableError, as_numbers, as_texts, is_number_column


@dataclass(frozen=True)
class ClassTarget:
    """The column to predict when it holds classes."""

    name: str
    classes: tuple[str | int | float | bool, ...]
    task: str = "classification"

    @classmethod
    def fit(cls, series: Series) -> ClassTarget:
        values = [v.item() if isinstance(v, np.generic) else v for v in series.dropna().unique()]
        if not is_number_column(series):
            values = [v if isinstance(v, bool) else str(v).strip() for v in values]
        unique = list(dict.fromkeys(int(v) if isinstance(v, float) and v.is_integer() else v for v in values))
        mixed = len({type(v) for v in unique} - {int, float}) > 1
        return cls(str(series.name), tuple(sorted(unique, key=str if mixed else None)))

    def encode(self, series: Series) -> npt.NDArray[np.int64]:
        """The position of each row's class, -1 for classes that training never saw."""
        positions = {str(value): i for i, value in enumerate(self.classes)}
        return np.array([positions.get(str(text), -1) for text in as_texts(series)], dtype=np.int64)

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

    @classmethod
    def fit(cls, series: Series) -> NumberTarget:
        standardizer = Standardizer().fit(as_numbers(series)[:, None])
        scale = float(standardizer.scale_[0])
        if not np.isfinite(scale):
            raise TableError(f"the target {series.name!r} has the same value in all training rows: nothing to learn")
        return cls(str(series.name), float(standardizer.mean_[0]), scale)

    def encode(self, series: Series) -> npt.NDArray[np.float64]:
        """Standardised numbers."""
        return np.asarray((as_numbers(series) - self.mean) / self.scale)

    def decode(self, outputs: Array) -> Array:
        """Numbers in the units of the table."""
        return np.asarray(outputs[:, 0].astype(np.float64) * self.scale + self.mean)


Target = ClassTarget | NumberTarget
