"""Tables of numbers and categories: columns become the inputs of a network, its outputs become answers.

What ``multicapa train`` learnt from a table lies in the metadata of the network it saved, so that new tables with the
same columns can be read the same way: ``TableModel.load("model.safetensors").predict(frame)``.
"""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from multicapa.arrays import Array
from multicapa.checks import check_name
from multicapa.data import Standardizer
from multicapa.files import load
from multicapa.network import Network

_KEY = "table"
_FARTHEST = 1e30  # standard deviations; more would not fit the network's float32
MISSING = ("error", "drop", "impute")

Frame = Any  # pandas.DataFrame and pandas.Series: pandas is optional and untyped
Series = Any


class TableError(ValueError):
    """A table is not what was expected; the message names the column."""


class MissingValuesError(TableError):
    """Values are missing.

    Attributes
    ----------
    counts : dict of str to int
        How many, by column.
    """

    def __init__(self, counts: dict[str, int]) -> None:
        super().__init__(f"values are missing in {listed(f'{name!r} ({n})' for name, n in counts.items())}")
        self.counts = counts


def listed(items: Iterable[str], most: int = 5) -> str:
    """A few items as text: ``a, b and 3 more``."""
    names = list(items)
    rest = len(names) - most
    return ", ".join(names) if rest <= 1 else f"{', '.join(names[:most])} and {rest} more"


def near(name: str, names: Sequence[str]) -> str:
    """``; did you mean 'x'?`` when one of the names is close, else nothing."""
    by_lower = {other.lower(): other for other in reversed(names)}
    found = difflib.get_close_matches(name.lower(), by_lower, 1)
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""


def is_number_column(series: Series) -> bool:
    """Whether a column holds numbers; truth values count as categories."""
    from pandas.api import types

    return bool(types.is_numeric_dtype(series.dtype) and not types.is_bool_dtype(series.dtype))


def as_numbers(series: Series) -> npt.NDArray[np.float64]:
    """A column as numbers, NaN where they are missing or infinite; TableError when it holds text."""
    import pandas as pd

    numbers = pd.to_numeric(series, errors="coerce")
    wrong = np.flatnonzero((numbers.isna() & series.notna()).to_numpy())
    if len(wrong):
        value = str(series.iloc[wrong[0]])
        raise TableError(f"column {series.name!r} should hold numbers, but row {wrong[0] + 1} has {value!r}")
    values = np.asarray(numbers.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.where(np.isfinite(values), values, np.nan)


def as_texts(series: Series) -> list[str | None]:
    """A column as texts without blanks around them, None where they are missing; 2.0 and 2 are the same text."""
    if is_number_column(series):
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return [None if np.isnan(v) else str(int(v)) if v.is_integer() else repr(float(v)) for v in values]
    absent = series.isna().to_numpy()
    return [None if gone else str(value).strip() for value, gone in zip(series, absent, strict=True)]


def is_missing(series: Series) -> npt.NDArray[np.bool_]:
    """Where a column has no usable value: missing, or infinite."""
    if is_number_column(series):
        return np.isnan(as_numbers(series))
    return np.asarray(series.isna().to_numpy(dtype=bool))


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
            raise TableError(f"column {self.name!r} has {filled[far[0]]:g} in row {far[0] + 1}, out of all proportion")
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


Column = NumberColumn | CategoryColumn


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


class Encoded(NamedTuple):
    """A table as inputs of a network."""

    X: npt.NDArray[np.float32]
    kept: npt.NDArray[np.bool_]  # rows of the table that are in X
    unseen: dict[str, list[str]]  # by column, the categories that training never saw, one entry per row


@dataclass(frozen=True)
class Columns:
    """The columns a network reads, and what to do when values are missing."""

    columns: tuple[Column, ...]
    missing: str = "error"

    @classmethod
    def fit(cls, frame: Frame, kinds: Mapping[str, type[Column]], missing: str = "error") -> Columns:
        """Learn means, scales and categories from training rows."""
        return cls(tuple(kind.fit(frame[name]) for name, kind in kinds.items()), missing)

    @property
    def width(self) -> int:
        """How many inputs the columns become."""
        return sum(column.width for column in self.columns)

    def encode(self, frame: Frame, missing: str | None = None) -> Encoded:
        """A table as inputs.

        Parameters
        ----------
        frame : pandas.DataFrame
            Columns are found by name; others are ignored.
        missing : {"error", "drop", "impute"}, optional
            What to do about rows with missing values: by default what was done in training.

        Raises
        ------
        TableError
            If a column is absent, or holds text instead of numbers.
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
        X = np.concatenate(parts, axis=1).astype(np.float32)
        return Encoded(X, kept, {name: texts for name, texts in unseen.items() if texts})

    def _check_names(self, frame: Frame) -> None:
        names = [str(name) for name in frame.columns]
        absent = [column.name for column in self.columns if column.name not in names]
        if absent:
            hint = near(absent[0], names) if len(absent) == 1 else ""
            raise TableError(f"the table lacks {listed(map(repr, absent))}, which the model reads{hint}")


@dataclass
class TableModel:
    """A network with the columns it reads and the one it predicts.

    Parameters
    ----------
    network : Network
    columns : Columns
    target : ClassTarget or NumberTarget
    """

    network: Network
    columns: Columns
    target: Target

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TableModel:
        """Read a model that ``multicapa train`` or :meth:`save` wrote."""
        return cls.of(load(path))

    @classmethod
    def of(cls, network: Network) -> TableModel:
        """The model of a loaded network, from its metadata."""
        if _KEY not in network.metadata:
            raise TableError("the model does not say which columns it reads: it was not made by 'multicapa train'")
        try:
            described = network.metadata[_KEY]
            columns = Columns(
                tuple(map(_column, described["columns"])), check_name(described["missing"], MISSING, "policy")
            )
            target = _target(described["target"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TableError(f"the model's description of its columns is damaged: {error}") from error
        outputs = len(target.classes) if isinstance(target, ClassTarget) else 1
        if network.input_shape != (columns.width,) or network.output_shape != (outputs,):
            raise TableError("the model's description of its columns does not fit its network")
        return cls(network, columns, target)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network with the description of its columns."""
        columns = [asdict(column) for column in self.columns.columns]
        described = {"columns": columns, "missing": self.columns.missing, "target": asdict(self.target)}
        self.network.metadata[_KEY] = described
        self.network.save(path)

    def predict(self, frame: Frame, missing: str | None = None) -> Array:
        """Classes, or numbers in the units of the table, for the rows of a table.

        Parameters
        ----------
        frame : pandas.DataFrame
        missing : {"error", "drop", "impute"}, optional
            As in :meth:`Columns.encode`.
        """
        return self.target.decode(self.network.predict(self.columns.encode(frame, missing).X))


def _column(entry: dict[str, Any]) -> Column:
    if entry["kind"] == "number":
        scale = None if entry["scale"] is None else float(entry["scale"])
        return NumberColumn(str(entry["name"]), float(entry["mean"]), scale, float(entry["fill"]))
    if entry["kind"] == "category":
        return CategoryColumn(str(entry["name"]), tuple(map(str, entry["categories"])), str(entry["fill"]))
    raise ValueError(f"unknown kind of column {entry['kind']!r}")


def _target(entry: dict[str, Any]) -> Target:
    if entry["task"] == "classification":
        return ClassTarget(str(entry["name"]), tuple(entry["classes"]))
    if entry["task"] == "regression":
        return NumberTarget(str(entry["name"]), float(entry["mean"]), float(entry["scale"]))
    raise ValueError(f"unknown task {entry['task']!r}")
