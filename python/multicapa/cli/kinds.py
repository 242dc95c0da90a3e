"""What each column of a table is: said by an option, or told from all of its values; what is special is said."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from multicapa.cli.options import Option, word
from multicapa.cli.output import CommandError, UsageError, note
from multicapa.data.table import (
    PLAIN,
    DateError,
    Found,
    Frame,
    Kind,
    Series,
    Written,
    as_numbers,
    as_texts,
    date_format,
    find_written,
    is_date_column,
    is_missing,
    is_number_column,
    listed,
    near,
    numbers_in,
    read_frame,
)

_MOST_CATEGORIES = 1000
_LARGEST = 1e100  # squares of larger numbers overflow
_KINDS = ("number", "category", "date")
_LEADING_ZERO = re.compile(r"\n(0[0-9]+)(?=\n)")


def _stated(text: str) -> str:
    name, equals, kind = text.rpartition("=")
    if not equals or kind not in _KINDS:
        raise ArgumentTypeError(f"should be COLUMN= and one of {', '.join(_KINDS)}, not {text!r}")
    return f"{name.strip()}={kind}"


KIND = Option(
    "kind",
    "what a column is, number, category or date, if it cannot be told from its values; may be repeated",
    parse=_stated,
    metavar="COLUMN=KIND",
    repeated=True,
)


class ColumnError(Exception):
    """Why a column is of no use, as the end of a sentence that starts with its name."""


def read_kinds(frame: Frame, options: Namespace, separator: str | None, target: str) -> tuple[dict[str, Kind], Frame]:
    """How each column of a table is to be read, and the table read so; complains where none makes sense.

    Parameters
    ----------
    frame : DataFrame
        Of all rows; CSV columns hold texts.
    options : Namespace
        Of which kind, dates, decimal, task and weight are read.
    separator : str or None
        Of the CSV file.
    target : str
        Of which it is not asked whether a network can read it.
    """
    stated = {name: kind for name, _, kind in (text.rpartition("=") for text in options.kind)}
    for name in stated:
        if name not in frame.columns:
            raise UsageError(f"--kind: there is no column {name!r}{near(name, list(frame.columns))}")
        if name == target:
            raise UsageError(f"{name!r} is the target: --task says whether it is a class or a number, not --kind")
    decision = _Decision(options, stated, separator, target)
    for name, column in _columns(frame, texts=separator is not None):
        decision.look_at(name, column)
    kinds = decision.made(list(frame.columns))
    return kinds, read_frame(frame, kinds, decision.numbers)


def _columns(frame: Frame, texts: bool) -> Iterator[tuple[str, Any]]:
    """Names and columns, those of texts as lists: pandas takes longer to cut out a column than Python to read it."""
    if texts:
        for name, column in zip(frame.columns, frame.to_numpy(dtype=object).T, strict=True):
            yield name, column.tolist()
        return
    for place, name in enumerate(frame.columns):
        yield name, frame.iloc[:, place]


@dataclass
class _Decision:
    """What was found so far."""

    options: Namespace
    stated: Mapping[str, str]
    separator: str | None
    target: str
    kinds: dict[str, Kind] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, Any] = field(default_factory=dict)  # columns of plain numbers, read
    points: dict[str, list[str]] = field(default_factory=dict)  # those of them that have points, as texts
    found: dict[str, Found] = field(default_factory=dict)  # columns of numbers that are written in other ways
    bookish: list[str] = field(default_factory=list)  # columns with negative numbers as accountants write them
    zeros: dict[str, str] = field(default_factory=dict)  # columns of numbers such as 01067

    def look_at(self, name: str, column: Any) -> None:
        """One more column."""
        try:
            kind = self._of_texts(name, column) if isinstance(column, list) else self._of_values(name, column)
            if kind is not None:
                self.kinds[name] = kind
        except ColumnError as error:
            self.problems[name] = str(error)

    def _of_values(self, name: str, series: Series) -> Kind | None:
        """The kind of a column that has types, as in Parquet."""
        stated = self.stated.get(name)
        known = series[~is_missing(series)]
        if not len(known):
            raise ColumnError("is empty")
        if is_number_column(series):
            if stated == "date":
                raise ColumnError("holds numbers, which are no dates")
            if stated == "category":
                return Kind("category")
            _check_size(as_numbers(series))
            return Kind("number")
        if is_date_column(series):
            if stated == "number":
                raise ColumnError("holds dates, which are no numbers")
            return Kind(stated or "date")
        if series.dtype.kind == "m":
            raise ColumnError(f"holds spans of time such as {str(known.iloc[0])!r}, which a network cannot read")
        odd = next((value for value in known if not isinstance(value, str | bool | np.bool_ | int | float)), None)
        if odd is not None and series.dtype == object:
            raise ColumnError(f"holds values such as {str(odd)[:20]!r}, which a network cannot read")
        return self._of_texts(name, as_texts(series))

    def _of_texts(self, name: str, values: list[str | None]) -> Kind | None:
        known = [text for text in values if text is not None]
        if not known:
            raise ColumnError("is empty")
        stated = self.stated.get(name)
        if stated == "category":
            return self._category(known, sure=True)
        if stated == "date":
            return self._date(name, known)
        classes = name == self.target and self.options.task == "classification"
        distinct = list(dict.fromkeys(known))
        if self.options.decimal != "comma" and PLAIN.plain(known[0]) is not None:
            numbers, wrong = numbers_in(values)
            if wrong is None:
                return self._plain(name, known, numbers)
        found = find_written(distinct, self.options.decimal)
        if stated == "number" and found is None:
            raise ColumnError(f"holds texts such as {distinct[0]!r}, which are no numbers")
        if found is not None and not (classes and found.odd):
            self._check_odd(name, found)
            self.found[name] = found
            if any(text[-1] in ")-" for text in distinct):
                self.bookish.append(name)
            return None
        if found is None and self.options.decimal != "auto" and find_written(distinct) is not None:
            raise ColumnError(
                f"holds numbers such as {distinct[0]!r}, which --decimal {self.options.decimal} is not for"
            )
        if name == self.target:
            return Kind("category")
        return self._date(name, known) or self._category(known)

    def _plain(self, name: str, known: list[str], numbers: Any) -> Kind:
        joined = "\n".join(["", *known, ""])
        if zero := _LEADING_ZERO.search(joined):
            if name == self.target and self.options.task != "regression" and _few(known):
                return Kind("category")  # 007 is a name
            if name not in self.stated:
                self.zeros[name] = zero[1]
        if isinstance(numbers, np.ndarray):
            _check_size(numbers)
            self.numbers[name] = numbers
        if ")" in joined or "-\n" in joined:
            self.bookish.append(name)
        if "." in joined:
            self.points[name] = known
        return Kind("number")

    def _check_odd(self, name: str, found: Found) -> None:
        """Complain when a column of numbers is only kept from being one by a few texts."""
        if not found.odd:
            return
        what = "the target" if name == self.target else "column"
        other = "--task classification" if name == self.target else word("kind", f"{name}=category")
        raise CommandError(
            f"{what} {name!r} holds numbers, but also {listed(map(repr, found.odd), 3)}. If that means missing, "
            f"say so: {word('na', found.odd[0])}. If these are no numbers: {other}"
        )

    def _date(self, name: str, known: list[str]) -> Kind | None:
        expected = name in self.stated
        try:
            form = date_format(known, self.options.dates, expected)
        except DateError as error:
            said = str(error)
            codes = word("kind", f"{name}=category")
            if said.endswith("?"):
                raise ColumnError(f"{said} Say --dates day-first or --dates month-first") from None
            if "but also" in said:
                odd = said.rpartition("but also ")[2][1:-1]
                raise ColumnError(f"{said}. If that means missing, say so: {word('na', odd)}") from None
            if expected or not _few(known):
                raise ColumnError(f"{said}. If these are codes: {codes}") from None
            note(f"column {name!r} {said}: they are read as categories, as {codes} would say.")
            return None
        if form is not None and "%y" in form and not expected:
            codes = word("kind", f"{name}=category")
            note(f"column {name!r} is read as dates such as {known[0]}. If these are codes: {codes}")
        return None if form is None else Kind("date", format=form)

    def _category(self, known: list[str], sure: bool = False) -> Kind:
        distinct = len(set(known))
        if distinct > _MOST_CATEGORIES or not (sure or _few(known)):
            raise ColumnError(f"holds {distinct:,} different texts in {len(known):,} rows: nothing to generalise from")
        return Kind("category")

    def made(self, names: Sequence[str]) -> dict[str, Kind]:
        """All kinds, in the order of the columns."""
        self._settle()
        problems = {name: text for name, text in self.problems.items() if name != self.target}
        if problems:
            raise CommandError(_complaint(problems))
        if self.target in self.problems:
            raise CommandError(f"the target {self.target!r} {self.problems[self.target]}")
        self._tell()
        return {name: self.kinds[name] for name in names}

    def _settle(self) -> None:
        """Decide between 1.018 and 1018 for 1,018, from what the column says or else the others."""
        sure = {sign for found in self.found.values() if len(found.decimals) == 1 for sign in found.decimals}
        if self.options.decimal != "auto":
            sure = set()
        if sure == {","} or any(len(found.decimals) > 1 for found in self.found.values()):
            for name, known in self.points.items():
                ways = find_written(list(dict.fromkeys(known)))
                if ways is not None and len(ways.decimals) > 1:
                    self.found[name] = ways
                elif ways is not None:
                    sure |= ways.decimals
        for name, found in self.found.items():
            self.kinds[name] = Kind("number", self._chosen(name, found, sure))
            if self.kinds[name].written != PLAIN:
                self.numbers.pop(name, None)

    def _chosen(self, name: str, found: Found, sure: set[str]) -> Written:
        first = found.ways[0]
        if len(found.decimals) == 1 or {way.thousands for way in found.ways} <= {" ", "'", "_"}:
            return first
        by_sign = {way.decimal: way for way in reversed(found.ways)}
        if len(sure) == 1:
            return by_sign[next(iter(sure))]
        if first.thousands == "," and self.separator != ",":
            raise CommandError(
                f"column {name!r} has numbers such as {found.example}: is the comma decimal, or between thousands? "
                "Say --decimal comma or --decimal point"
            )
        return first

    def _tell(self) -> None:
        told: dict[str, str] = {}
        for name in dict.fromkeys([*self.found, *self.bookish]):
            written = self.kinds[name].written
            facts = written.special()[written.decimal == "," and self.options.decimal != "auto" :]
            facts += ["(1) or 1- for -1"] if name in self.bookish else []
            if facts:
                told[name] = f"{name!r} ({', '.join(facts)})"
        if told:
            name = next(iter(told))
            other = "--decimal" if name == self.target else f"--decimal, or {word('kind', f'{name}=category')}"
            note(f"read as numbers: {listed(told.values(), 4)}. Not so? {other}")
        if self.zeros:
            name, text = next(iter(self.zeros.items()))
            others = f" (and {listed(map(repr, list(self.zeros)[1:]), 3)})" if len(self.zeros) > 1 else ""
            other = word("kind", f"{name}=category") if name != self.target else "--task classification"
            note(f"column {name!r}{others} has numbers that begin with 0, such as {text}. If they are codes: {other}")


def _few(known: Sequence[str]) -> bool:
    """Whether there is something to generalise from."""
    distinct = len(set(known))
    return distinct <= 10 or distinct <= 0.5 * len(known)


def _check_size(numbers: Any) -> None:
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        raise ColumnError("is empty")
    largest = float(np.abs(finite).max())
    if largest > _LARGEST:
        raise ColumnError(f"holds numbers as large as {largest:.0e}")


def _complaint(problems: dict[str, str]) -> str:
    name, problem = next(iter(problems.items()))
    many = f"{len(problems)} columns cannot be used as they are: {name!r}"
    others = f", {listed(map(repr, list(problems)[1:]), 3)} likewise" if len(problems) > 1 else ""
    drops = " ".join(word("drop", name) for name in problems)
    remedy = ". Leave out with" if "--" not in problem else ", or leave out with"
    return f"{many if others else f'column {name!r}'} {problem}{others}{remedy} {drops}"
