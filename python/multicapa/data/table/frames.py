"""Tables: columns by name, whatever their names are, and read as what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.data.table.kinds import Kind
from multicapa.data.table.series import Frame, Series, TableError, composed
from multicapa.data.table.written import numbers_in

_OBJECT = np.dtype(object)


class ByName(Mapping[str, Series]):
    """The columns of a table by their names as text; one that is there twice is an error once it is asked for."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._places: dict[str, list[int]] = {}
        for place, name in enumerate(frame.columns):
            self._places.setdefault(composed(str(name)), []).append(place)

    def place(self, name: str) -> int:
        """Where a column is."""
        first, *others = self._places[name]
        if others:
            raise TableError(f"the table has {1 + len(others)} columns called {name!r}; rename them")
        return first

    def __getitem__(self, name: str) -> Series:
        series = self._frame.iloc[:, self.place(name)]
        return series if series.name == name else series.rename(name)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Any:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def float_columns(frame: Frame, names: Sequence[str]) -> list[str]:
    """Those of some columns that are float64 already, and can be worked on together."""
    kinds = dict(zip(frame.columns, frame.dtypes, strict=True))
    return [name for name in names if kinds.get(name) == np.float64]


def read_frame(frame: Frame, kinds: Mapping[str, Kind], done: Mapping[str, Any] | None = None) -> Frame:
    """The columns that are named, each as its kind reads it, in the order of the names.

    Parameters
    ----------
    frame : pandas.DataFrame
    kinds : mapping of str to Kind
    done : mapping of str to array, optional
        Columns that have been read already.

    Raises
    ------
    TableError
        If a column is there twice, or a text is not of its kind.
    """
    import pandas as pd

    found = ByName(frame)
    places = {name: found.place(name) for name in kinds}
    dtypes = frame.dtypes.tolist()
    read: dict[str, Any] = dict(done or {})
    rest = {name: kind for name, kind in kinds.items() if name not in read}
    whole = [name for name, kind in rest.items() if kind.name == "number" and dtypes[places[name]] == np.float64]
    texts = [name for name, kind in rest.items() if kind.name == "number" and dtypes[places[name]] == _OBJECT]
    parts: list[Any] = []
    if whole:
        values = frame.iloc[:, [places[name] for name in whole]]
        parts.append(values.set_axis(whole, axis=1))
    if texts:
        columns = frame.iloc[:, [places[name] for name in texts]].to_numpy(dtype=object).T
        for name, column in zip(texts, columns, strict=True):
            read[name] = _numbers(column, found, name, kinds[name])
    together = {*whole, *texts}
    read |= {name: kind.read(found[name]) for name, kind in rest.items() if name not in together}
    parts += _frames(read, frame.index)
    if not parts:
        return pd.DataFrame(index=frame.index)
    table = parts[0] if len(parts) == 1 else pd.concat(parts, axis=1)
    return table if list(table.columns) == list(kinds) else table[list(kinds)]


def _numbers(column: npt.NDArray[Any], found: ByName, name: str, kind: Kind) -> Any:
    """The numbers of texts; without the help of pandas, which would take longer to look at a column than to read it."""
    try:
        numbers, wrong = numbers_in(column.tolist(), kind.written)
    except TypeError:  # not all are texts
        wrong = 0
    return kind.read(found[name]) if wrong is not None else numbers


def _frames(read: Mapping[str, Any], index: Any) -> list[Any]:
    """Columns as tables: all of float64 in one block, the others by themselves."""
    import pandas as pd

    floats = {name: v for name, v in read.items() if isinstance(v, np.ndarray) and v.dtype == np.float64}
    frames = []
    if floats:
        block = np.stack(list(floats.values()), axis=1)
        frames.append(pd.DataFrame(block, columns=list(floats), index=index))
    others = {
        name: pd.Series(v, index=index, dtype=object) if isinstance(v, list) else v
        for name, v in read.items()
        if name not in floats
    }
    if others:
        frames.append(pd.DataFrame(others, index=index))
    return frames


def gaps_in(table: Frame) -> npt.NDArray[np.bool_]:
    """Where values are missing, or infinite, in a table that :func:`read_frame` made."""
    gaps = np.asarray(table.isna().to_numpy(dtype=bool, copy=True))
    floats = [place for place, dtype in enumerate(table.dtypes) if dtype.kind == "f"]
    if floats:
        gaps[:, floats] = ~np.isfinite(table.iloc[:, floats].to_numpy(dtype=np.float64, na_value=np.nan))
    return gaps
