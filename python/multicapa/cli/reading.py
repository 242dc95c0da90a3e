"""Tables from files and to files, through pandas (the extra ``cli``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from multicapa.cli.output import CommandError
from multicapa.table import Frame

_SEPARATORS = (",", ";", "\t")
_PARQUET = (".parquet", ".pq")


def import_pandas() -> Any:
    """pandas, or the way to get it."""
    try:
        import pandas
    except ImportError:
        raise CommandError('reading tables needs pandas: pip install "multicapa[cli]"') from None
    return pandas


def read_table(path: str, na: Sequence[str] = (), decimal: str = ".") -> Frame:
    """A table from a CSV or Parquet file, with stripped and distinct names of columns.

    Parameters
    ----------
    path : str
        The separator of a CSV file may be a comma, a semicolon or a tab: whichever gives its header most columns.
    na : sequence of str
        Texts that mean a missing value, besides those pandas knows.
    decimal : {".", ","}
        The decimal sign in a CSV file.
    """
    import_pandas()
    if not Path(path).is_file():
        raise CommandError(f"there is no file {path!r}" if not Path(path).exists() else f"{path!r} is not a file")
    frame = _read_parquet(path) if path.lower().endswith(_PARQUET) else _read_csv(path, list(na), decimal)
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
        return pandas.read_parquet(path)
    except ImportError:
        raise CommandError("reading Parquet files needs pyarrow: pip install pyarrow") from None
    except (ValueError, OSError) as error:
        raise CommandError(f"{path!r} is not a Parquet file: {_first_line(error)}") from error


def _read_csv(path: str, na: list[str], decimal: str) -> Frame:
    pandas = import_pandas()
    try:
        separator = max(_SEPARATORS, key=lambda s: pandas.read_csv(path, sep=s, nrows=0, index_col=False).shape[1])
        return pandas.read_csv(
            path,
            sep=separator,
            decimal=decimal,
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


def write_table(frame: Frame, path: str) -> None:
    """Write a table as CSV, or as Parquet where the name ends so."""
    if not path.lower().endswith(_PARQUET):
        frame.to_csv(path, index=False)
        return
    try:
        frame.to_parquet(path, index=False)
    except ImportError:
        raise CommandError("writing Parquet files needs pyarrow: pip install pyarrow") from None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def check_writable(path: str, inputs: Sequence[str] = ()) -> None:
    """Complain early when a file cannot be written where it should, or would replace what is read."""
    target = Path(path)
    if target.is_dir():
        raise CommandError(f"{path!r} is a folder; give the name of a file")
    if not target.parent.is_dir():
        raise CommandError(f"there is no folder {str(target.parent)!r} to write {target.name!r} to")
    for other in inputs:
        if target.exists() and Path(other).exists() and target.samefile(other):
            raise CommandError(f"{path!r} would replace the file that is read; choose another name")
