"""One column of a table as numbers or texts, and what can be wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

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


def is_date_column(series: Series) -> bool:
    """Whether a column holds moments, as Parquet files can, rather than their texts."""
    return bool(series.dtype.kind == "M")


def row_of(series: Series, position: int) -> Any:
    """What people call a row: its number from 1 in the table it came from, or its label."""
    label = series.index[position]
    return label + 1 if isinstance(label, int | np.integer) else label


def as_numbers(series: Series) -> npt.NDArray[np.float64]:
    """A column as numbers, NaN where they are missing or infinite; TableError when it holds text."""
    import pandas as pd

    numbers: Any = pd.to_numeric(series, errors="coerce")
    wrong = np.flatnonzero((numbers.isna() & series.notna()).to_numpy())
    if len(wrong):
        found = f"row {row_of(series, wrong[0])} has {str(series.iloc[wrong[0]])!r}"
        raise TableError(f"column {series.name!r} should hold numbers, but {found}")
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
