"""The columns a network reads, together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from multicapa.base.arrays import Array
from multicapa.data import Standardizer
from multicapa.data.table.frames import ByName, float_columns, gaps_in, read_frame
from multicapa.data.table.kinds import FARTHEST, CategoryColumn, Column, Fit, Kind, NumberColumn, kind_of
from multicapa.data.table.series import Frame, MissingValuesError, TableError, listed, near, row_of

MISSING = ("error", "drop", "impute")


class Encoded(NamedTuple):
    """A table as inputs of a network."""

    X: Array
    kept: npt.NDArray[np.bool_]  # rows of the table that are in X
    unseen: dict[str, list[str]]  # by column, the categories that training never saw, one entry per row
    filled: dict[str, int]  # by column, how many missing values were filled in


@dataclass(frozen=True)
class Columns:
    """The columns a network reads, and what to do when values are missing."""

    columns: tuple[Column, ...]
    missing: str = "error"
    words: bool = True  # whether NA, null and the like in a file of texts are missing values, as empty fields are
    na: tuple[str, ...] = ()  # what else is

    @classmethod
    def fit(
        cls, frame: Frame, kinds: Mapping[str, Fit], missing: str = "error", words: bool = True, na: Sequence[str] = ()
    ) -> Columns:
        """Learn means, scales, categories and spans of dates from training rows."""
        numbers = [name for name, kind in kinds.items() if isinstance(kind, Kind) and kind.name == "number"]
        together = float_columns(frame, numbers)
        learnt = dict(zip(together, _numbers(frame, together, kinds), strict=True)) if len(frame) else {}
        found = ByName(frame)
        columns = (learnt[name] if name in learnt else kind(found[name]) for name, kind in kinds.items())
        return cls(tuple(columns), missing, words, tuple(na))

    @property
    def width(self) -> int:
        """How many inputs the columns become."""
        return sum(column.width for column in self.columns)

    def read(self, frame: Frame) -> Frame:
        """The columns of a table as training read them: numbers, categories and moments instead of texts.

        Raises
        ------
        TableError
            If a column is absent or there twice, or holds text instead of numbers or dates.
        """
        found = ByName(frame)
        absent = [column.name for column in self.columns if column.name not in found]
        if absent:
            hint = near(absent[0], list(found)) if len(absent) == 1 else ""
            raise TableError(f"the table lacks {listed(map(repr, absent))}, which the model reads{hint}")
        return read_frame(frame, {column.name: kind_of(column) for column in self.columns})

    def encode(self, frame: Frame, missing: str | None = None, dtype: npt.DTypeLike = np.float32) -> Encoded:
        """A table as inputs.

        Parameters
        ----------
        frame : pandas.DataFrame
            Columns are found by name; others are ignored.
        missing : {"error", "drop", "impute"}, optional
            What to do about rows with missing values: by default what was done in training.
        dtype : dtype, default=float32
            Of the inputs.

        Raises
        ------
        TableError
            If a column is absent or there twice, or holds text instead of numbers or dates.
        MissingValuesError
            If values are missing and nobody said what to do about it.
        """
        table = self.read(frame)
        policy = self.missing if missing is None else missing
        gaps = gaps_in(table)
        counts = {column.name: int(n) for column, n in zip(self.columns, gaps.sum(axis=0), strict=True) if n}
        if counts and policy == "error":
            raise MissingValuesError(counts)
        kept: npt.NDArray[np.bool_] = np.ones(len(frame), dtype=bool)
        if counts and policy == "drop":
            kept = np.asarray(~gaps.any(axis=1))
            table = table[kept]
        X = np.zeros((len(table), self.width), dtype=dtype)
        unseen = self._write(X, table)
        return Encoded(X, kept, unseen, counts if policy == "impute" else {})

    def _write(self, X: Array, table: Frame) -> dict[str, list[str]]:
        """The inputs of all columns; returns the categories that training never saw."""
        ends = np.cumsum([column.width for column in self.columns], dtype=np.int64)
        numbers = set(float_columns(table, [c.name for c in self.columns if isinstance(c, NumberColumn)]))
        together = [i for i, column in enumerate(self.columns) if column.name in numbers]
        if together:
            X[:, ends[together] - 1] = _standardised([self.columns[i] for i in together], table)
        unseen: dict[str, list[str]] = {}
        for i, column in enumerate(self.columns):
            if column.name in numbers:
                continue
            series, begin = table[column.name], ends[i] - column.width
            if isinstance(column, CategoryColumn):
                places = column.places(series)
                rows = np.flatnonzero(places >= 0)
                X[rows, begin + places[rows]] = 1
                if len(rows) < len(places):
                    unseen[column.name] = column.unseen(series)
            else:
                X[:, begin : ends[i]] = column.encode(series)
        return unseen


def _numbers(frame: Frame, names: Sequence[str], kinds: Mapping[str, Fit]) -> list[NumberColumn]:
    """Columns of float64, learnt together: of thousands of columns each by itself would take long."""
    if not names:
        return []
    values = _block(frame, names)
    gaps = np.isnan(values)
    values[:, gaps.all(axis=0)] = 0
    fills = np.nanmedian(values, axis=0) if gaps.any() else np.median(values, axis=0)
    standardizer = Standardizer().fit(np.where(np.isnan(values), fills, values))
    learnt = zip(names, standardizer.mean_.tolist(), standardizer.scale_.tolist(), fills.tolist(), strict=True)
    return [
        NumberColumn(name, mean, scale if np.isfinite(scale) else None, fill, written=kinds[name].written)  # type: ignore[attr-defined]
        for name, mean, scale, fill in learnt
    ]


def _standardised(columns: Sequence[Column], table: Frame) -> Array:
    """Columns of float64 as inputs, all at once."""
    numbers = [column for column in columns if isinstance(column, NumberColumn)]
    values = _block(table, [column.name for column in numbers])
    values -= [float(column.origin) for column in numbers]
    fills = np.array([column.fill for column in numbers])
    values = np.where(np.isnan(values), fills, values)
    scales = np.array([np.inf if column.scale is None else column.scale for column in numbers])
    standardised = (values - [column.mean for column in numbers]) / scales
    far = np.argwhere(np.abs(standardised) > FARTHEST)
    if len(far):
        row, place = far[0]
        series = table[numbers[place].name]
        found = f"{values[row, place]:g} in row {row_of(series, row)}"
        raise TableError(f"column {numbers[place].name!r} has {found}, out of all proportion")
    return np.asarray(standardised)


def _block(frame: Frame, names: Sequence[str]) -> npt.NDArray[np.float64]:
    values = frame[list(names)].to_numpy(dtype=np.float64, copy=True)
    values[~np.isfinite(values)] = np.nan
    return np.asarray(values)
