"""Which columns of a table a network can learn from, and what to do about the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from multicapa.cli.options import word
from multicapa.cli.output import CommandError, UsageError, note
from multicapa.data.table import (
    ClassTarget,
    Frame,
    Series,
    as_numbers,
    as_texts,
    float_columns,
    gaps_in,
    is_missing,
    is_number_column,
    listed,
    near,
)

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


def tell_counts(frame: Frame) -> None:
    """A note about columns of numbers that just count the rows."""
    names = float_columns(frame, list(frame.columns))
    if not names or len(frame) < 3:
        return
    values = frame[names].to_numpy(dtype=np.float64)
    likely = np.flatnonzero((np.diff(values[:3], axis=0) == 1).all(axis=0))
    counting = [names[place] for place in likely if (np.diff(values[:, place]) == 1).all()]
    if counting:
        drops = " ".join(word("drop", name) for name in counting[:4])
        what, these = ("column", "counts") if len(counting) == 1 else ("columns", "count")
        left = "it" if len(counting) == 1 else "them"
        note(f"{what} {listed(map(repr, counting), 4)} just {these} the rows. Leave {left} out with {drops}")


def with_target(frame: Frame, target: str) -> Frame:
    """The rows whose target is known; says how many are not."""
    unknown = is_missing(frame[target])
    if not unknown.any():
        return frame
    note(f"rows that have no {target!r} are left out: {unknown.sum():,} of {len(frame):,}.")
    return frame[~unknown]


def handle_missing(frame: Frame, policy: str) -> Frame:
    """The rows that can be used: all, if their gaps are to be filled in."""
    gaps = gaps_in(frame)
    infinite = (gaps & ~frame.isna().to_numpy(dtype=bool)).any(axis=0)
    if infinite.any():
        note(f"infinite numbers count as missing values: {listed(map(str, frame.columns[infinite]), 4)}.")
    counts = {name: int(n) for name, n in zip(frame.columns, gaps.sum(axis=0), strict=True) if n}
    if counts and policy == "error":
        raise CommandError(missing_message(counts))
    if counts and policy == "drop":
        gone = gaps.any(axis=1)
        note(f"rows that have missing values are left out: {gone.sum():,} of {len(frame):,}.")
        frame = frame[~gone]
    if counts and policy == "impute":
        tell_imputed(counts)
    return frame


def tell_imputed(counts: Mapping[str, int]) -> None:
    """A note about how many values of which columns are filled in."""
    where = listed((f"{name} ({count:,})" for name, count in counts.items()), 8)
    note(f"missing values are filled in: {where}.")


def missing_message(counts: dict[str, int]) -> str:
    """Which columns miss how many values, and what to do."""
    total = sum(counts.values())
    where = listed((f"{name} ({count:,})" for name, count in counts.items()), 4)
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


def in_time(frame: Frame, inputs: Sequence[str], split: str) -> Frame:
    """The rows in order of time if they are to be split so; says so when they are in that order but split at random."""
    dates = [name for name, dtype in frame.dtypes.items() if dtype.kind == "M" and name in inputs]
    growing = [name for name in dates if frame[name].is_monotonic_increasing and frame[name].nunique() > 2]
    if split == "random":
        if growing:
            note(
                f"the rows stand in order of {growing[0]!r}; at random, dev and test are judged between days that were "
                "learnt, which flatters. For train before dev before test: --split time"
            )
        return frame
    if growing or not dates:
        if not dates:
            note("no column holds dates; the rows are taken in the order in which they stand (--split time).")
        return frame
    if len(dates) > 1:
        raise CommandError(
            f"--split time: the rows stand in the order of none of {listed(map(repr, dates), 4)}; sort the file"
        )
    return frame.sort_values(dates[0], kind="stable")


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
