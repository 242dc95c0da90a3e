"""Which columns of a table a network can learn from, and what to do about the others."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import numpy as np

from multicapa.cli.output import CommandError, note
from multicapa.table import (
    CategoryColumn,
    ClassTarget,
    Column,
    Frame,
    NumberColumn,
    Series,
    as_numbers,
    as_texts,
    is_missing,
    is_number_column,
    listed,
    near,
)

_DATE = re.compile(r"(\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ]\d{1,2}:\d{2}.*)?")
_MOST_CATEGORIES = 1000
_FEWEST_ROWS = 10
_LARGEST = 1e100  # squares of larger numbers overflow
_FEW_NUMBERS = 20  # up to so many distinct whole numbers are classes, if each is met a few times


def check_names(frame: Frame, target: str, drop: Sequence[str]) -> None:
    """Complain about columns that are named but not there."""
    names = list(frame.columns)
    for name in (target, *drop):
        if name not in names:
            hint = near(name, names) or f". There are: {listed(names, 8)}"
            raise CommandError(f"there is no column {name!r}{hint}")
    if target in drop:
        raise CommandError(f"{target!r} is the target; it cannot be dropped too")


def kinds_of(frame: Frame) -> dict[str, type[Column]]:
    """How each column is to be read: as numbers or as categories; complains where neither makes sense."""
    problems = {name: problem for name in frame.columns if (problem := _problem(frame[name]))}
    if problems:
        name, problem = next(iter(problems.items()))
        what = (
            f"column {name!r}"
            if len(problems) == 1
            else f"{len(problems)} columns cannot be used as they are: {name!r}"
        )
        others = f", {listed(map(repr, list(problems)[1:]), 3)} likewise" if len(problems) > 1 else ""
        drops = " ".join(f"--drop {shlex.quote(name)}" for name in problems)
        raise CommandError(f"{what} {problem}{others}. Leave out with {drops}")
    if not len(frame.columns):
        raise CommandError("no column is left to predict the target from")
    for name in frame.columns:
        if _counts_rows(frame[name]):
            note(f"column {name!r} just counts the rows. Leave it out with --drop {shlex.quote(name)}")
    return {name: NumberColumn if is_number_column(frame[name]) else CategoryColumn for name in frame.columns}


def _problem(series: Series) -> str | None:
    """Why a column is of no use, as the end of a sentence that starts with its name."""
    known = series[~is_missing(series)]
    if not len(known):
        return "is empty"
    if is_number_column(series):
        largest = float(np.nanmax(np.abs(as_numbers(series))))
        return f"holds numbers as large as {largest:.0e}" if largest > _LARGEST else None
    if series.dtype.kind in "mM":
        return f"holds dates or times such as {str(known.iloc[0])!r}, which a network cannot read"
    texts = [text for text in as_texts(known) if text is not None]
    distinct = len(set(texts))
    if sum(_DATE.fullmatch(text) is not None for text in texts[:100]) > 0.9 * len(texts[:100]):
        return f"holds dates such as {texts[0]!r}, which a network cannot read"
    _check_almost_numbers(str(series.name), texts)
    if distinct > _MOST_CATEGORIES or (distinct > 10 and distinct > 0.5 * len(known)):
        return f"holds {distinct:,} different texts in {len(known):,} rows: nothing to generalise from"
    return None


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
            f"column {name!r} has numbers with commas such as {odd[0]!r}. If they are decimal: --decimal ,"
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


def handle_missing(frame: Frame, target: str, policy: str) -> Frame:
    """The rows that can be used under ``--missing``; complains under "error"."""
    counts = {name: int(n) for name in frame.columns if (n := is_missing(frame[name]).sum())}
    if counts and policy == "error":
        raise CommandError(missing_message(counts))
    names = list(frame.columns) if policy == "drop" else [target]
    gone = np.any([is_missing(frame[name]) for name in names], axis=0)
    if gone.any():
        why = "have missing values" if policy == "drop" else f"have no {target!r}"
        note(f"rows that {why} are left out: {gone.sum():,} of {len(frame):,}.")
    kept = frame[~gone]
    if len(kept) < _FEWEST_ROWS:
        raise CommandError(
            f"{len(kept)} usable rows are too few to train, stop and test on: {_FEWEST_ROWS} is the least"
        )
    return kept


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
        raise CommandError(
            f"regression needs numbers, but the target {name!r} holds {as_texts(series)[0]!r}; it is for classification"
        )
    if wanted == "classification" and distinct > 2 and distinct > len(series) / 2:
        remedy = ". Numbers are for --task regression" if numbers else ": nothing to generalise from"
        raise CommandError(f"the target {name!r} has {distinct:,} different values in {len(series):,} rows{remedy}")
    return wanted


def can_stratify(target: ClassTarget, series: Series, dev: float, test: float) -> bool:
    """Whether each part of a split can hold each class in its share; says so when not."""
    counts = np.bincount(target.encode(series), minlength=len(target.classes))
    smallest = int(counts.argmin())
    room = min(dev, test) * len(series) >= len(target.classes) + 1
    if counts[smallest] >= 4 and room:
        return True
    note(f"class {str(target.classes[smallest])!r} is rare, rows: {counts[smallest]}; a part may lack some classes.")
    return False
