"""CSV files as the texts that stand in them: nothing is guessed, nothing is dropped in silence."""

from __future__ import annotations

import csv
import gc
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from multicapa.cli.output import CommandError, note
from multicapa.data.table import composed, listed

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
STDIN = "-"  # in place of a path
_DECLARED = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)  # a first line that tells spreadsheets the separator


def named(path: str) -> str:
    """What a table is called in a sentence."""
    return "standard input" if path == STDIN else path


class Texts(NamedTuple):
    """What stands in a CSV file."""

    header: list[str]
    fields: npt.NDArray[np.object_]  # of shape (rows, columns)
    separator: str


def read_texts(path: str, separator: str = "auto") -> Texts:
    """Header and fields of a CSV file, compressed or not.

    Parameters
    ----------
    path : str
    separator : {"auto", "comma", "semicolon", "tab", "bar"}
        "auto" is what the first line says, or whichever gives the header most columns.

    Raises
    ------
    CommandError
        If it is no UTF-8 text, is empty, or its rows do not fit its header.
    """
    text = _read(path)
    declared = _DECLARED.match(text)
    skipped = 0
    if declared is not None and declared[1] in (*SEPARATORS.values(), SEPARATORS.get(separator)):
        text, skipped = text[declared.end() :], 1
    sign = SEPARATORS.get(separator) or (declared[1] if skipped and declared else _most_columns(text))
    try:
        with _without_collection():
            rows = list(_reader(text, sign))
    except csv.Error as error:
        raise CommandError(f"{path!r} cannot be read as CSV: {error}. Is a quote never closed?") from error
    if not all(rows):  # blank lines
        rows = list(filter(None, rows))
    if not rows:
        raise CommandError(f"{path!r} is empty")
    header, rows = _fitted(path, rows[0], rows[1:])
    if set(map(len, rows)) > {len(header)}:
        raise CommandError(f"{path!r} cannot be read as CSV: {_ragged(text, sign, len(header), skipped)}")
    return Texts(header, _as_array(rows, len(header)), sign)


def _read(path: str) -> str:
    from pandas.io.common import get_handle

    try:
        if path == STDIN:
            return sys.stdin.buffer.read().decode("utf-8-sig")
        with get_handle(path, "r", encoding="utf-8-sig", compression="infer") as opened:
            return str(opened.handle.read())
    except UnicodeDecodeError:
        raise CommandError(f"{path!r} is not UTF-8 text; save it as 'CSV UTF-8'") from None


def _reader(text: str, sign: str) -> Any:
    """Records; blanks after a separator are left out only where a quote follows, which they would turn into text."""
    spaced = ' "' in text and re.search(rf'(?:{re.escape(sign)}|\n) +"', text) is not None
    return csv.reader(io.StringIO(text, newline=""), delimiter=sign, skipinitialspace=spaced)


def _most_columns(text: str) -> str:
    """The separator that gives the header most columns, best of all as many as the row below it has."""

    end = text.find("\n", text.find("\n") + 1)
    text = text[: max(end + 1, 2**16)]

    def fitness(sign: str) -> tuple[bool, list[int]]:
        try:
            rows = (row for row in _reader(text, sign) if row)
            widths = [len(row) for _, row in zip(range(2), rows, strict=False)]
        except csv.Error:
            return False, []
        return len(set(widths)) == 1 and widths[0] > 1, widths

    return max(SEPARATORS.values(), key=fitness)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Millions of texts are made, none of which is rubbish: to look for it would double the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _fitted(path: str, header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The same without blank lines and without the separator behind the last column; complains where all rows differ
    from the header in one way."""
    count = len(header)
    widths = set(map(len, rows))
    if count > 1 and 1 in widths:
        rows = [row for row in rows if len(row) > 1 or row[0].strip()]
        widths = set(map(len, rows))
    if widths == {count + 1} and all(not row[-1].strip() for row in rows):
        note(f"the lines of {path!r} end with a separator, which is taken for no column.")
        return header, [row[:-1] for row in rows]
    if widths == {count - 1} and not header[-1].strip():
        return header[:-1], rows
    if len(widths) == 1 and widths != {count}:
        [width] = widths
        found = f"{path!r}: the header names {count} column{'s' if count > 1 else ''}, but the rows have {width} fields"
        if width == count + 1:
            found += f". If the first, such as {rows[0][0]!r}, is a name of the row, name that column in the header too"
        elif width > count:
            found += f". If {listed(map(repr, header), 2)} is a title above the header, delete that line"
        raise CommandError(found)
    return header, rows


def _ragged(text: str, sign: str, count: int, skipped: int) -> str:
    """Where the first row of another width is."""
    reader = _reader(text, sign)
    line = 1
    for row in reader:
        if row and len(row) != count and (len(row) > 1 or row[0].strip() or count == 1):
            return f"line {line + skipped} has {len(row)} field{'s' if len(row) > 1 else ''}, the header {count}"
        line = reader.line_num + 1
    raise AssertionError("some row is of another width")


def _as_array(rows: list[list[str]], count: int) -> npt.NDArray[np.object_]:
    fields = np.empty((len(rows), count), dtype=object)
    if rows:
        fields[:] = rows
    return fields


def names_of(header: list[str]) -> list[str]:
    """The header as names of columns; those that have none are called as pandas calls them."""
    return [composed(text) or f"Unnamed: {place}" for place, text in enumerate(header)]
