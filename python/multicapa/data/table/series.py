"""One column of a table as numbers or texts, and what can be wrong with it."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.data.table.written import LARGEST_EXACT, PLAIN, Written, numbers_in

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


def composed(text: str) -> str:
    """A text without blanks around it, in Unicode's composed form: what looks the same is the same."""
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_number_column(series: Series) -> bool:
    """Whether a column holds numbers, not their texts; truth values count as categories."""
    from pandas.api import types

    if types.is_numeric_dtype(series.dtype):
        return not types.is_bool_dtype(series.dtype)
    return bool(series.dtype == object and types.infer_dtype(series, skipna=True) in ("integer", "decimal"))


def is_date_column(series: Series) -> bool:
    """Whether a column holds moments, as Parquet files can, rather than their texts."""
    from pandas.api import types

    return bool(types.is_datetime64_any_dtype(series.dtype))


def row_of(series: Series, position: int) -> Any:
    """What people call a row: its number from 1 in the table it came from, or its label."""
    label = series.index[position]
    return label + 1 if isinstance(label, int | np.integer) else label


def as_numbers(series: Series, written: Written = PLAIN, origin: int = 0) -> npt.NDArray[np.float64]:
    """A column as numbers from an origin, NaN where they are missing or infinite; TableError when it holds text.

    Parameters
    ----------
    series : pandas.Series
    written : Written
        How texts are to be read.
    origin : int, default=0
        Subtracted while whole numbers are whole numbers, so that no digit of large ones is lost.
    """
    if series.dtype == np.float64 or series.dtype == np.float32:
        values = series.to_numpy(dtype=np.float64)
    else:
        values = _relative(exact_numbers(series, written), origin)
        return np.where(np.isfinite(values), values, np.nan)
    return np.where(np.isfinite(values), values - origin, np.nan)


def exact_numbers(series: Series, written: Written = PLAIN) -> npt.NDArray[np.float64] | list[int | None]:
    """A column as float64, or as Python's whole numbers where float64 would not be exact."""
    from pandas.api import types

    if types.is_numeric_dtype(series.dtype):
        numbers: npt.NDArray[np.float64] = np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
        if types.is_integer_dtype(series.dtype) and (np.abs(numbers) >= LARGEST_EXACT).any():
            return [None if gone else int(v) for v, gone in zip(series, series.isna(), strict=True)]
        return numbers
    values = _values(series)
    texts = [v if v is None or type(v) is str else _text(v) for v in values]
    if not any(type(v) is str for v in values):
        written = PLAIN
    found, wrong = numbers_in(texts, written)
    if wrong is not None:  # blanks, perhaps
        texts = [None if text is None else text.strip() for text in texts]
        found, wrong = numbers_in(texts, written)
    if wrong is None:
        return found
    such = f" such as {_example(written)}" if written != PLAIN else ""
    place = f"row {row_of(series, wrong)} has {texts[wrong]!r}"
    raise TableError(f"column {series.name!r} should hold numbers{such}, but {place}")


def _example(written: Written) -> str:
    return f"1{written.thousands}234{written.decimal}5{written.unit}"


def _relative(numbers: npt.NDArray[np.float64] | list[int | None], origin: int) -> npt.NDArray[np.float64]:
    if isinstance(numbers, list):
        return np.array([np.nan if v is None else float(v - origin) for v in numbers], dtype=np.float64)
    return numbers - origin


def _values(series: Series) -> list[Any]:
    """The values, None where they are missing."""
    values: list[Any] = series.tolist()
    if series.dtype != object or any(type(value) is not str for value in values):
        values = [None if gone else value for value, gone in zip(values, series.isna(), strict=True)]
    return values


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def as_texts(series: Series) -> list[str | None]:
    """A column as texts without blanks around them, None where they are missing; 2.0 and 2 are the same text."""
    if is_number_column(series):
        numbers = exact_numbers(series)
        if isinstance(numbers, list):
            return [None if v is None else str(v) for v in numbers]
        return [None if not np.isfinite(v) else str(int(v)) if v.is_integer() else repr(float(v)) for v in numbers]
    return [None if value is None else composed(str(value)) for value in _values(series)]


def as_codes(series: Series) -> tuple[npt.NDArray[np.int64], list[str]]:
    """A column as places in a list of distinct texts, -1 where they are missing."""
    import pandas as pd

    try:
        codes, distinct = pd.factorize(series)
    except TypeError:  # what cannot be told apart by a hash, such as lists
        known = series[~series.isna()]
        found = f"{type(known.iloc[0]).__name__} such as {str(known.iloc[0])[:20]!r}"
        raise TableError(f"column {series.name!r} holds {found}, which a network cannot read") from None
    texts = as_texts(pd.Series(distinct))
    places = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    among = np.array([*(places[text] for text in texts), -1], dtype=np.int64)
    return among[codes], [str(text) for text in places]


def is_missing(series: Series) -> npt.NDArray[np.bool_]:
    """Where a column has no usable value: missing, or infinite."""
    if is_number_column(series):
        return np.isnan(as_numbers(series))
    return np.asarray(series.isna().to_numpy(dtype=bool))
