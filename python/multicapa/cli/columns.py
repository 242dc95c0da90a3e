"""Which columns of a table a network can learn from, and what to do about the others."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial

import numpy as np

from multicapa.cli.output import CommandError, UsageError, note
from multicapa.data.table import (
    CategoryColumn,
    ClassTarget,
    DateColumn,
    DateError,
    Frame,
    Kind,
    NumberColumn,
    Series,
    as_numbers,
    as_texts,
    date_format,
    is_date_column,
    is_missing,
    is_number_column,
    listed,
    near,
)

_MOST_CATEGORIES = 1000
_LARGEST = 1e100  # squares of larger numbers overflow
_FEW_NUMBERS = 20  # up to so many distinct whole numbers are classes, if each is met a few times


def check_names(frame: Frame, target: str, drop: Sequence[str], weight: str | None) -> None:
    """Complain about columns that are named but not there, and about one named twice."""
    names = list(frame.columns)
    for name in (target, *drop, *([weight] if weight else [])):
        if name not in names:
            raise UsageError(f"there is no column {name!r}{near(name, names) or _what_there_is(names)}")
    if target in drop:
        raise UsageError(f"{target!r} is the target; it cannot be dropped too")
    if weight == target:
        raise UsageError(f"{target!r} is the target; it cannot be the weight too")


def _what_there_is(names: Sequence[str]) -> str:
    if len(names) == 1 and any(sign in names[0] for sign in ",;\t|"):
        return f". There is one column only, {names[0]!r}: another --separator may be needed"
    return f". There are: {listed(names, 8)}"


def kinds_of(frame: Frame, date_order: str = "auto") -> dict[str, Kind]:
    """How each column is to be read: as numbers, categories or dates; complains where none makes sense."""
    kinds: dict[str, Kind] = {}
    problems: dict[str, str] = {}
    for name in frame.columns:
        try:
            kinds[name] = _kind(frame[name], date_order)
        except _ColumnError as error:
            problems[name] = str(error)
    if problems:
        raise CommandError(_complaint(problems))
    if not kinds:
        raise CommandError("no column is left to predict the target from")
    for name in frame.columns:
        if _counts_rows(frame[name]):
            note(f"column {name!r} just counts the rows. Leave it out with --drop {shlex.quote(name)}")
    return kinds


class _ColumnError(Exception):
    """Why a column is of no use, as the end of a sentence that starts with its name."""


def _complaint(problems: dict[str, str]) -> str:
    name, problem = next(iter(problems.items()))
    many = f"{len(problems)} columns cannot be used as they are: {name!r}"
    others = f", {listed(map(repr, list(problems)[1:]), 3)} likewise" if len(problems) > 1 else ""
    drops = " ".join(f"--drop {shlex.quote(name)}" for name in problems)
    remedy = ". Leave out with" if "--" not in problem else ", or leave out with"
    return f"{many if others else f'column {name!r}'} {problem}{others}{remedy} {drops}"


def _kind(series: Series, date_order: str) -> Kind:
    known = series[~is_missing(series)]
    if not len(known):
        raise _ColumnError("is empty")
    if is_number_column(series):
        largest = float(np.nanmax(np.abs(as_numbers(series))))
        if largest > _LARGEST:
            raise _ColumnError(f"holds numbers as large as {largest:.0e}")
        return NumberColumn.fit
    if is_date_column(series):
        return DateColumn.fit
    if series.dtype.kind == "m":
        raise _ColumnError(f"holds spans of time such as {str(known.iloc[0])!r}, which a network cannot read")
    texts = [text for text in as_texts(known) if text is not None]
    form = _date_format(texts, date_order)
    if form is not None:
        return partial(DateColumn.fit, format=form)
    _check_almost_numbers(str(series.name), texts)
    distinct = len(set(texts))
    if distinct > _MOST_CATEGORIES or (distinct > 10 and distinct > 0.5 * len(known)):
        raise _ColumnError(f"holds {distinct:,} different texts in {len(known):,} rows: nothing to generalise from")
    return CategoryColumn.fit


def _date_format(texts: Sequence[str], order: str) -> str | None:
    try:
        return date_format(texts, order)
    except DateError as error:
        said = str(error)
    if said.endswith("?"):
        said += " Say --dates day-first or --dates month-first"
    elif "but also" in said:
        said += f". If that means missing, say so: --na {shlex.quote(said.rpartition('but also ')[2][1:-1])}"
    raise _ColumnError(said)


def _check_almost_numbers(name: str, texts: Sequence[str]) -> None:
    """Complain when a column of numbers is only kept from being one by a few texts or by decimal commas."""
    odd = [text for text in texts if not _is_number(text)]
    if odd and len(odd) < 0.2 * len(texts):
        example = odd[0]
        raise CommandError(
            f"column {name!r} holds numbers, but also {listed(map(repr, dict.fromkeys(odd)), 3)}. "
            f"If that means missing, say so: --na {shlex.quote(example)}"
        )
    if odd and all(_is_number(text.replace(",", ".", 1)) for text in texts):
        raise CommandError(
            f"column {name!r} has numbers with commas such as {odd[0]!r}. If they are decimal: --decimal comma"
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _counts_rows(series: Series) -> bool:
    if not is_number_column(series) or len(series) < 3:
        return False
    return bool((np.diff(as_numbers(series)) == 1).all())


def with_target(frame: Frame, target: str) -> Frame:
    """The rows whose target is known; says how many are not."""
    unknown = is_missing(frame[target])
    if not unknown.any():
        return frame
    note(f"rows that have no {target!r} are left out: {unknown.sum():,} of {len(frame):,}.")
    return frame[~unknown]


def handle_missing(frame: Frame, policy: str) -> Frame:
    """The rows that can be used: all, if their gaps are to be filled in."""
    counts = {name: int(n) for name in frame.columns if (n := is_missing(frame[name]).sum())}
    if counts and policy == "error":
        raise CommandError(missing_message(counts))
    if counts and policy == "drop":
        gone = np.any([is_missing(frame[name]) for name in counts], axis=0)
        note(f"rows that have missing values are left out: {gone.sum():,} of {len(frame):,}.")
        frame = frame[~gone]
    return frame


def missing_message(counts: dict[str, int]) -> str:
    """Which columns miss how many values, and what to do."""
    total = sum(counts.values())
    where = listed((f"{name} ({count})" for name, count in counts.items()), 4)
    return (
        f"{total:,} missing value{'s' if total > 1 else ''}: {where}. "
        "Leave those rows out with --missing drop, or fill them in with --missing impute"
    )


def task_of(series: Series, wanted: str) -> str:
    """Classification or regression; complains when the target does not fit what was asked for."""
    name = str(series.name)
    distinct = series.nunique()
    if distinct < 2:
        raise CommandError(f"the target {name!r} has the same value in all rows: nothing to learn")
    numbers = is_number_column(series)
    if wanted == "auto":
        few = distinct == 2 or (distinct <= _FEW_NUMBERS and distinct <= len(series) / 5)
        whole = numbers and bool((as_numbers(series) % 1 == 0).all())
        wanted = "classification" if not numbers or (whole and few) else "regression"
    if wanted == "regression" and not numbers:
        raise UsageError(
            f"regression needs numbers, but the target {name!r} holds {as_texts(series)[0]!r}; it is for classification"
        )
    if wanted == "classification" and distinct > 2 and distinct > len(series) / 2:
        remedy = ". Numbers are for --task regression" if numbers else ": nothing to generalise from"
        raise CommandError(f"the target {name!r} has {distinct:,} different values in {len(series):,} rows{remedy}")
    return wanted


def can_stratify(target: ClassTarget, series: Series, shares: Sequence[float]) -> bool:
    """Whether parts of these shares can hold each class in its share; says so when not."""
    counts = np.bincount(target.encode(series), minlength=len(target.classes))
    smallest = int(counts.argmin())
    if min(shares) * len(series) < len(target.classes) + 1:
        note("dev or test is too small to hold each class in its share.")
        return False
    if counts[smallest] < 4:
        note(f"class {str(target.classes[smallest])!r} is rare, rows: {counts[smallest]}; a part may lack it.")
        return False
    return True
