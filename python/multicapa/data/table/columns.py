"""The columns a network reads, together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from multicapa.base.arrays import Array
from multicapa.data.table.kinds import Column, Kind
from multicapa.data.table.series import Frame, MissingValuesError, TableError, is_missing, listed, near

MISSING = ("error", "drop", "impute")


class Encoded(NamedTuple):
    """A table as inputs of a network."""

    X: Array
    kept: npt.NDArray[np.bool_]  # rows of the table that are in X
    unseen: dict[str, list[str]]  # by column, the categories that training never saw, one entry per row


@dataclass(frozen=True)
class Columns:
    """The columns a network reads, and what to do when values are missing."""

    columns: tuple[Column, ...]
    missing: str = "error"

    @classmethod
    def fit(cls, frame: Frame, kinds: Mapping[str, Kind], missing: str = "error") -> Columns:
        """Learn means, scales, categories and spans of dates from training rows."""
        return cls(tuple(kind(frame[name]) for name, kind in kinds.items()), missing)

    @property
    def width(self) -> int:
        """How many inputs the columns become."""
        return sum(column.width for column in self.columns)

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
            If a column is absent, or holds text instead of numbers or dates.
        MissingValuesError
            If values are missing and nobody said what to do about it.
        """
        self._check_names(frame)
        policy = self.missing if missing is None else missing
        gaps = {column.name: is_missing(frame[column.name]) for column in self.columns}
        counts = {name: int(gap.sum()) for name, gap in gaps.items() if gap.any()}
        if counts and policy == "error":
            raise MissingValuesError(counts)
        kept = np.ones(len(frame), dtype=bool)
        if policy == "drop":
            kept = ~np.any([*gaps.values(), ~kept], axis=0)
        parts = [column.encode(frame[column.name][kept]) for column in self.columns]
        unseen = {column.name: column.unseen(frame[column.name][kept]) for column in self.columns}
        X = np.concatenate(parts, axis=1).astype(dtype)
        return Encoded(X, kept, {name: texts for name, texts in unseen.items() if texts})

    def _check_names(self, frame: Frame) -> None:
        names = [str(name) for name in frame.columns]
        absent = [column.name for column in self.columns if column.name not in names]
        if absent:
            hint = near(absent[0], names) if len(absent) == 1 else ""
            raise TableError(f"the table lacks {listed(map(repr, absent))}, which the model reads{hint}")
