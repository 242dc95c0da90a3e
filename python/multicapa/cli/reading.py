"""Tables from files and to files, through pandas (the extra ``cli``), and networks from files."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from multicapa.cli.csv_text import SEPARATORS, STDIN, names_of, read_texts
from multicapa.cli.options import Option
from multicapa.cli.output import CommandError, UsageError, note
from multicapa.cli.parquet import mended, no_pyarrow, read_parquet
from multicapa.data.table import (
    DECIMALS,
    PLAIN,
    Columns,
    Frame,
    TableError,
    composed,
    exact_numbers,
    is_number_column,
    listed,
)
from multicapa.model.files import load
from multicapa.model.network import Network

PARQUET = (".parquet", ".pq")
# What pandas, R and databases write where a value is missing.
MISSING_WORDS = (
    "NA", "N/A", "n/a", "#NA", "#N/A", "#N/A N/A", "<NA>", "nan", "NaN", "-nan", "-NaN", "null", "NULL", "None",
    "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN",
)  # fmt: skip

FILE = Option(
    "file",
    "a CSV file with a header, or a Parquet file; - reads CSV from standard input",
    metavar="FILE",
    positional=True,
    required=True,
)

READING = (
    Option("na", "a text that means missing, such as '?'; may be repeated", metavar="TEXT", repeated=True),
    Option(
        "only-empty",
        "NA, null, None, nan and the like in a CSV file are values; only empty fields and --na are missing",
        False,
        flag=True,
    ),
    Option(
        "separator",
        "between the columns of a CSV file; auto: the one that gives its header most",
        "auto",
        choices=("auto", *SEPARATORS),
        metavar="NAME",
    ),
    Option(
        "decimal",
        "decimal sign in a CSV file; auto: the one that all numbers of a column have",
        "auto",
        choices=("auto", *DECIMALS),
        metavar="SIGN",
    ),
)


def is_table(path: str) -> bool:
    """Whether a name is that of a table."""
    return path.lower().endswith((*PARQUET, ".csv", ".tsv", ".csv.gz"))


def import_pandas() -> Any:
    """pandas, or the way to get it."""
    try:
        import pandas
    except ImportError:
        raise CommandError('reading tables needs pandas: pip install "multicapa[cli]"') from None
    return pandas


@dataclass(frozen=True)
class TableFile:
    """A table as it stands in a file, and as it is to be read."""

    path: str
    original: Frame  # of a CSV file its texts
    frame: Frame  # without blanks around texts, None where values are missing
    header: Sequence[str]  # names of columns as they stand in the file
    separator: str | None  # None for Parquet

    def words(self, columns: Sequence[str]) -> dict[str, Counter[str]]:
        """By column, words that were read as missing, and how often."""
        if self.separator is None:
            return {}
        found = {}
        for name in columns:
            gone = self.original[name][self.frame[name].isna()]
            if met := Counter(text for value in gone if (text := value.strip()) in MISSING_WORDS):
                found[name] = met
        return found

    def tell_words(self, columns: Sequence[str], na: Sequence[str] = ()) -> None:
        """A note about words among categories or classes that were read as missing without being told to."""
        told = [
            f"{word} in {name!r} ({count:,})"
            for name, words in self.words(columns).items()
            for word, count in words.items()
            if word not in na
        ]
        if told:
            note(f"read as missing: {listed(told, 4)}. If these are values: --only-empty")


def read_table(path: str, options: Namespace | None = None, columns: Columns | None = None) -> TableFile:
    """A table from a CSV or Parquet file, with distinct names of columns.

    Parameters
    ----------
    path : str
        Its ending tells Parquet (.parquet, .pq) from CSV (anything else, compressed or not); "-" is standard input.
    options : Namespace, optional
        Those of ``READING``.
    columns : Columns, optional
        Of a model, which remembers what meant missing in training.
    """
    pandas = import_pandas()
    if path != STDIN and not Path(path).is_file():
        raise UsageError(f"there is no file {path!r}" if not Path(path).exists() else f"{path!r} is not a file")
    na = [*(options.na if options else ()), *(columns.na if columns else ())]
    words = set(map(composed, na))
    if path.lower().endswith(PARQUET):
        original = read_parquet(path)
        header, separator = list(map(str, original.columns)), None
        names = names_of(header)
    else:
        texts = read_texts(path, options.separator if options else "auto")
        header, separator, names = texts.header, texts.separator, names_of(texts.header)
        original = pandas.DataFrame(texts.fields, dtype=object)
        if not (options and options.only_empty) and (columns is None or columns.words):
            words |= {*MISSING_WORDS}
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise CommandError(f"{path!r} has two columns called {twice[0]!r}; rename one of them")
    if len(original) == 0:
        raise CommandError(f"{path!r} has a header but no rows")
    original.columns = names
    known = _known(original, words) if separator else _known_typed(original, words)
    return TableFile(path, original, known, header, separator)


def _known(original: Frame, words: set[str]) -> Frame:
    """The texts without blanks around them, None where they mean a missing value."""
    fields = original.to_numpy(dtype=object)
    flat: list[str | None] = list(map(str.strip, fields.ravel().tolist()))
    absent = {"", *words}
    numbers = _as_float(words)
    if numbers:  # -999 means -999.0 too
        flat = [None if text in absent or (text and _as_float([text]) & numbers) else text for text in flat]
    else:
        flat = [None if text in absent else text for text in flat]
    cleaned = np.empty(fields.size, dtype=object)
    cleaned[:] = flat
    return import_pandas().DataFrame(cleaned.reshape(fields.shape), columns=original.columns, dtype=object)


def _known_typed(original: Frame, words: set[str]) -> Frame:
    """A table of a Parquet file, in which only what ``--na`` names is missing besides what is."""
    frame, numbers = mended(original), _as_float(words)
    if not words:
        return frame
    for name in frame.columns:
        series = frame[name]
        absent = series.isin(numbers) if is_number_column(series) else series.isin(words)
        if absent.any():
            frame[name] = series.mask(absent)
    return frame


def _as_float(texts: Iterable[str]) -> set[float]:
    return {float(plain) for text in texts if (plain := PLAIN.plain(text)) is not None}


def infer(frame: Frame) -> Frame:
    """A log, its columns as numbers where all values are."""
    columns = {}
    for name in frame.columns:
        try:
            columns[name] = exact_numbers(frame[name])
        except TableError:
            columns[name] = frame[name]
    return import_pandas().DataFrame(columns)


def read_network(path: str) -> Network:
    """A network that multicapa saved, or why it is none."""
    try:
        return load(path)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from None
    except ValueError as error:
        if is_table(path):
            raise UsageError(f"{path!r} is a table where a model should be") from None
        raise CommandError(str(error)) from None


def write_table(frame: Frame, to: Any, file: TableFile | None = None, decimal: str = ".") -> None:
    """Write a table as CSV, or as Parquet where the name ends so.

    Parameters
    ----------
    frame : DataFrame
    to : str or text stream
    file : TableFile, optional
        Where the table comes from, which says how a CSV file is to look.
    decimal : {".", ","}
        The decimal sign of columns of numbers in a CSV file.
    """
    if isinstance(to, str) and to.lower().endswith(PARQUET):
        try:
            frame.to_parquet(to, index=False)
        except ImportError:
            raise no_pyarrow("writing") from None
        return
    separator = file.separator if file and file.separator else ","
    header = list(frame.columns)
    if file is not None:
        header[: len(file.header)] = file.header
    frame.to_csv(to, index=False, sep=separator, decimal=decimal, header=header)


def check_writable(path: str | None, others: Sequence[str | None] = ()) -> None:
    """Complain early when a file cannot be written where it should, or would replace another that is read or written.

    Parameters
    ----------
    path : str or None
        None, for nothing to write, is fine.
    others : sequence of str or None
        Files that are read, or written too.
    """
    if not path:
        return
    target = Path(path)
    if target.is_dir():
        raise UsageError(f"{path!r} is a folder; give the name of a file")
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {str(target.parent)!r} to write {target.name!r} to")
    if target.suffix.lower() in PARQUET:
        try:
            import pyarrow  # noqa: F401 - whether it can be imported is the question
        except ImportError:
            raise no_pyarrow("writing") from None
    for other in others:
        if other and target.resolve() == Path(other).resolve():
            raise UsageError(f"{path!r} would replace another file of this command; choose another name")
