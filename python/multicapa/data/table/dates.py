"""Columns of dates: how they are written, and the inputs they become."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.base.arrays import Array
from multicapa.data import Standardizer
from multicapa.data.table.series import Series, TableError, as_texts, is_date_column, row_of

DATE_ORDERS = ("auto", "day-first", "month-first")
_NEARLY_ALL = 0.9

_MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_LOOKS_LIKE = re.compile(
    r"([12]\d{3}-\d{2}|\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3(\d{2}|\d{4})|([A-Za-z]{3,9},? )?"
    rf"(\d{{1,2}}\.?[ -]{_MONTH},?[ -](\d{{2}}|\d{{4}})|{_MONTH}[ -](\d{{1,2}},?[ -])?\d{{4}}"
    rf"|\d{{4}}[ -]{_MONTH}[ -]\d{{1,2}}))([T ]\d{{1,2}}:\d{{2}}.*)?"
)
ISO = "ISO8601"
_YEAR_FIRST = ("%Y/%m/%d", "%Y.%m.%d")
_DAY_FIRST = ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%d-%m-%y")
_MONTH_FIRST = tuple(
    f"%m{sign}%d{sign}%{year}" for year, sign in product("Yy", "/-")
)  # with points the day comes first
_IN_WORDS = tuple(
    form.replace("%b", month)
    for form, month in product(
        ("%d %b %Y", "%d-%b-%Y", "%d %b %y", "%d-%b-%y", "%d. %b %Y", "%d %b, %Y", "%b %d, %Y", "%b %d %Y", "%b-%d-%Y",
         "%Y-%b-%d", "%Y %b %d", "%b %Y", "%b-%Y", "%a, %d %b %Y", "%A, %d %b %Y", "%a, %b %d, %Y", "%A, %b %d, %Y",
         "%a %b %d %Y", "%a %d %b %Y"),
        ("%b", "%B"),
    )
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


class DateError(TableError):
    """Texts look like dates, but cannot be read as such; the message ends a sentence that begins with the column."""


def date_format(texts: Sequence[str], order: str = "auto", expected: bool = False) -> str | None:
    """How a column of dates is written.

    Parameters
    ----------
    texts : sequence of str
        The known values.
    order : {"auto", "day-first", "month-first"}, default="auto"
        What 03/04/2024 means.
    expected : bool, default=False
        Whether it is known that the texts are dates, so that it is an error when they are not.

    Returns
    -------
    str or None
        A format for pandas; None when the texts are no dates.

    Raises
    ------
    DateError
        If nearly all texts are dates but some are not, or if the order of day and month cannot be told.
    """
    counts = Counter(texts)
    alike = sum(count for text, count in counts.items() if _LOOKS_LIKE.fullmatch(text))
    if not texts or (alike <= _NEARLY_ALL * len(texts) and not expected):
        return None
    distinct = list(counts)
    odd = {form: odds for form in _formats(order) if (odds := _odd(distinct, counts, form)) is not None}
    fits = [form for form, odds in odd.items() if not odds]
    if {form[:2] for form in fits} >= {"%d", "%m"}:
        raise DateError(f"holds dates such as {texts[0]!r}: is the day first or the month?")
    if fits:
        return fits[0]
    if odd:
        fewest = min(odd.values(), key=len)
        example = next(text for text in distinct if text not in fewest)
        raise DateError(f"holds dates such as {example!r}, but also {fewest[0]!r}")
    raise DateError(f"holds dates such as {texts[0]!r}, but not all are written in one way")


def _odd(distinct: Sequence[str], counts: Counter[str], form: str) -> list[str] | None:
    """The texts that are no dates of that form; None when they are many."""
    for some in (distinct[:50], distinct):
        odd = [text for text, wrong in zip(some, np.isnat(_parsed(some, form)), strict=True) if wrong]
        total = sum(counts[text] for text in some)
        if sum(counts[text] for text in odd) >= (1 - _NEARLY_ALL) * total:
            return None
    return odd


def _formats(order: str) -> list[str]:
    orders = {"day-first": _DAY_FIRST, "month-first": _MONTH_FIRST, "auto": (*_DAY_FIRST, *_MONTH_FIRST)}[order]
    return [ISO, *(day + time for day, time in product((*_YEAR_FIRST, *orders, *_IN_WORDS), _TIMES))]


def _parsed(texts: Sequence[str | None], form: str) -> npt.NDArray[np.datetime64]:
    """Moments in universal time, NaT where a text is none."""
    import pandas as pd

    column: Any = pd.Series(list(texts), dtype=object)
    found: Any = pd.to_datetime(column, format=form, errors="coerce", utc=True)
    return np.asarray(found.dt.tz_localize(None).to_numpy(dtype="datetime64[us]"))


@dataclass(frozen=True)
class DateColumn:
    """Dates: how long ago, standardised, and where in the year, the week and (with times) the day, each on a circle."""

    name: str
    format: str
    mean: float  # days since 1970
    scale: float | None
    fill: float  # the median, for missing values
    clock: bool  # whether training saw times of day
    kind: str = "date"

    @classmethod
    def fit(cls, series: Series, format: str = ISO) -> DateColumn:
        days = _days(series, format)
        known = days[~np.isnan(days)]
        if not len(known):
            return cls(str(series.name), format, 0.0, None, 0.0, False)
        fill = float(np.median(known))
        standardizer = Standardizer().fit(np.where(np.isnan(days), fill, days)[:, None])
        scale = float(standardizer.scale_[0])
        mean, clock = float(standardizer.mean_[0]), bool((known % 1 != 0).any())
        return cls(str(series.name), format, mean, scale if np.isfinite(scale) else None, fill, clock)

    @property
    def width(self) -> int:
        return 7 if self.clock else 5

    def encode(self, series: Series) -> Array:
        days = _days(series, self.format)
        days = np.where(np.isnan(days), self.fill, days)
        whole = np.floor(days)
        dates = whole.astype("datetime64[D]")
        into_year = (dates - dates.astype("datetime64[Y]")).astype(np.float64) / 365.25
        into_week = (whole + 3) % 7 / 7  # 1970 began on a Thursday
        circles = [into_year, into_week, *([days - whole] if self.clock else [])]
        angles = 2 * np.pi * np.column_stack(circles)
        since = (days - self.mean) / (np.inf if self.scale is None else self.scale)
        return np.column_stack([since, np.sin(angles), np.cos(angles)])

    def unseen(self, series: Series) -> list[str]:
        return []


def _days(series: Series, form: str) -> npt.NDArray[np.float64]:
    """Days since 1970, NaN where missing."""
    parsed = moments(series, form)
    days = parsed.astype(np.int64) / 86_400e6
    return np.where(np.isnat(parsed), np.nan, days)


def moments(series: Series, form: str) -> npt.NDArray[np.datetime64]:
    """Moments in universal time, NaT where missing; TableError when a text is no date of that form."""
    if is_date_column(series):
        stamps = series.dt.tz_convert("UTC").dt.tz_localize(None) if series.dt.tz is not None else series
        return np.asarray(stamps.to_numpy(dtype="datetime64[us]"))
    texts = as_texts(series)
    parsed = _parsed(texts, form)
    wrong = np.flatnonzero(np.isnat(parsed) & np.array([text is not None for text in texts], dtype=bool))
    if len(wrong):
        shown = "2024-12-31" if form == ISO else date(2024, 12, 31).strftime(form)
        found = f"but row {row_of(series, wrong[0])} has {texts[wrong[0]]!r}"
        raise TableError(f"column {series.name!r} should hold dates such as {shown!r}, {found}")
    return parsed
