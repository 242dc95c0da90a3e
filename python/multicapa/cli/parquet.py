"""Parquet files: what pandas makes of them, mended where that is nothing a network can read."""

from __future__ import annotations

import datetime
from collections import Counter
from decimal import Decimal
from typing import Any

from multicapa.cli.output import CommandError
from multicapa.data.table import Frame


def no_pyarrow(doing: str) -> CommandError:
    """How to get what Parquet needs."""
    return CommandError(f'{doing} Parquet files needs pyarrow: pip install "multicapa[parquet]"')


def read_parquet(path: str) -> Frame:
    """A table; an index that has a name is a column like the others."""
    try:
        import pandas
        from pyarrow.parquet import read_schema

        names = Counter(read_schema(path).names)
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise CommandError(f"{path!r} has two columns called {twice[0]!r}; rename one of them")
        frame: Any = pandas.read_parquet(path, dtype_backend="numpy_nullable")  # whole numbers stay so beside gaps
    except ImportError:
        raise no_pyarrow("reading") from None
    except (ValueError, OSError) as error:
        raise CommandError(f"{path!r} is not a Parquet file: {_first_line(error)}") from error
    named = [level for level, name in enumerate(frame.index.names) if name is not None]
    frame = frame.reset_index(level=named) if named else frame
    return frame.reset_index(drop=True)


def mended(frame: Frame) -> Frame:
    """The same with decimals as numbers and days as moments."""
    objects = [place for place, dtype in enumerate(frame.dtypes) if dtype.kind == "O"]
    frame = frame.copy(deep=False)
    for place in objects:
        frame.isetitem(place, _mended(frame.iloc[:, place]))
    return frame


def _mended(series: Any) -> Any:
    import pandas

    known = series.dropna()
    kinds = set(map(type, known))
    if kinds == {Decimal}:
        whole = all(value == value.to_integral_value() for value in known)
        return series.map(int, na_action="ignore").astype(object) if whole else series.astype(float)
    if kinds and kinds <= {datetime.date, datetime.datetime}:
        return pandas.to_datetime(series)
    return series


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
