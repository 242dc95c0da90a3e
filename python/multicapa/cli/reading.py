"""Tables from files and to files, through pandas (the extra ``cli``), and networks from files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from multicapa.cli.options import Option
from multicapa.cli.output import CommandError, UsageError
from multicapa.data.table import Frame
from multicapa.model.files import load
from multicapa.model.network import Network

_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
PARQUET = (".parquet", ".pq")

FILE = Option("file", "a CSV file with a header, or a Parquet file", metavar="FILE", positional=True, required=True)

READING = (
    Option("na", "a text that means missing, such as '?'; may be repeated", metavar="TEXT", repeated=True),
    Option(
        "separator",
        "between the columns of a CSV file; auto: the one that gives its header most",
        "auto",
        choices=("auto", *_SEPARATORS),
        metavar="NAME",
    ),
    Option("decimal", "decimal sign in a CSV file", "point", choices=("point", "comma"), metavar="SIGN"),
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


def read_table(path: str, na: Sequence[str] = (), separator: str = "auto", decimal: str = "point") -> Frame:
    """A table from a CSV or Parquet file, with stripped and distinct names of columns.

    Parameters
    ----------
    path : str
        Its ending tells Parquet (.parquet, .pq) from CSV (anything else, compressed or not).
    na : sequence of str
        Texts that mean a missing value, besides those pandas knows.
    separator : {"auto", "comma", "semicolon", "tab", "bar"}
        Between the columns of a CSV file; "auto" is whichever gives its header most columns.
    decimal : {"point", "comma"}
        The decimal sign in a CSV file.
    """
    import_pandas()
    if not Path(path).is_file():
        raise UsageError(f"there is no file {path!r}" if not Path(path).exists() else f"{path!r} is not a file")
    frame = _read_parquet(path) if path.lower().endswith(PARQUET) else _read_csv(path, list(na), separator, decimal)
    frame.columns = [str(name).strip() for name in frame.columns]
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise CommandError(f"{path!r} has two columns called {twice[0]!r}; rename one of them")
    if len(frame) == 0:
        raise CommandError(f"{path!r} has a header but no rows")
    return frame


def _read_parquet(path: str) -> Frame:
    pandas = import_pandas()
    try:
        return pandas.read_parquet(path).reset_index(drop=True)
    except ImportError:
        raise _no_pyarrow("reading") from None
    except (ValueError, OSError) as error:
        raise CommandError(f"{path!r} is not a Parquet file: {_first_line(error)}") from error


def _read_csv(path: str, na: list[str], separator: str, decimal: str) -> Frame:
    pandas = import_pandas()
    try:
        sign = _SEPARATORS[separator] if separator != "auto" else _most_columns(path)
        return pandas.read_csv(
            path,
            sep=sign,
            decimal="," if decimal == "comma" else ".",
            na_values=na,
            index_col=False,
            skipinitialspace=True,
            low_memory=False,  # a column has one type, whatever its length
        )
    except UnicodeDecodeError:
        raise CommandError(f"{path!r} is not UTF-8 text; save it as 'CSV UTF-8'") from None
    except pandas.errors.EmptyDataError:
        raise CommandError(f"{path!r} is empty") from None
    except pandas.errors.ParserError as error:
        found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        problem = f"line {found[2]} has {found[3]} fields, the header {found[1]}" if found else _first_line(error)
        raise CommandError(f"{path!r} cannot be read as CSV: {problem}") from error


def _most_columns(path: str) -> str:
    read_csv = import_pandas().read_csv
    return max(_SEPARATORS.values(), key=lambda sign: read_csv(path, sep=sign, nrows=0, index_col=False).shape[1])


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


def write_table(frame: Frame, path: str) -> None:
    """Write a table as CSV, or as Parquet where the name ends so."""
    if not path.lower().endswith(PARQUET):
        frame.to_csv(path, index=False)
        return
    try:
        frame.to_parquet(path, index=False)
    except ImportError:
        raise _no_pyarrow("writing") from None


def _no_pyarrow(doing: str) -> CommandError:
    return CommandError(f'{doing} Parquet files needs pyarrow: pip install "multicapa[parquet]"')


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


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
            raise _no_pyarrow("writing") from None
    for other in others:
        if other and target.resolve() == Path(other).resolve():
            raise UsageError(f"{path!r} would replace another file of this command; choose another name")
