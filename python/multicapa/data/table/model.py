"""A network with the table it reads, as one file."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from typing import Any

from multicapa.base.arrays import Array
from multicapa.base.checks import check_name
from multicapa.data.table.columns import MISSING, Columns
from multicapa.data.table.dates import DateColumn
from multicapa.data.table.kinds import CategoryColumn, Column, NumberColumn
from multicapa.data.table.series import Frame, TableError, composed
from multicapa.data.table.targets import ClassTarget, NumberTarget, Target
from multicapa.data.table.written import DECIMALS, PLAIN, THOUSANDS, Written
from multicapa.model.files import load
from multicapa.model.network import Network

_KEY = "table"


@dataclass
class TableModel:
    """A network with the columns it reads and the one it predicts.

    Parameters
    ----------
    network : Network
    columns : Columns
    target : ClassTarget or NumberTarget
    """

    network: Network
    columns: Columns
    target: Target

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TableModel:
        """Read a model that ``multicapa train`` or :meth:`save` wrote."""
        return cls.of(load(path))

    @classmethod
    def of(cls, network: Network) -> TableModel:
        """The model of a loaded network, from its metadata."""
        if _KEY not in network.metadata:
            raise TableError("the model does not say which columns it reads: it was not made by 'multicapa train'")
        try:
            described = network.metadata[_KEY]
            columns = Columns(
                tuple(map(_column, described["columns"])),
                check_name(described["missing"], MISSING, "policy"),
                bool(described.get("words", True)),
                tuple(map(str, described.get("na", ()))),
            )
            target = _target(described["target"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TableError(f"the model's description of its columns is damaged: {error}") from error
        outputs = len(target.classes) if isinstance(target, ClassTarget) else 1
        if network.input_shape != (columns.width,) or network.output_shape != (outputs,):
            raise TableError("the model's description of its columns does not fit its network")
        return cls(network, columns, target)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network with the description of its columns."""
        described = {
            "columns": [_described(column) for column in self.columns.columns],
            "missing": self.columns.missing,
            "words": self.columns.words,
            "na": list(self.columns.na),
            "target": _described(self.target),
        }
        self.network.metadata[_KEY] = described
        self.network.save(path)

    def with_decimal(self, sign: str) -> TableModel:
        """The same for a table whose numbers have another decimal sign, and perhaps the old one between thousands."""
        columns = [_with_decimal(column, sign) for column in self.columns.columns]
        return TableModel(self.network, replace(self.columns, columns=tuple(columns)), _with_decimal(self.target, sign))

    def predict(self, frame: Frame, missing: str | None = None) -> Array:
        """Classes, or numbers in the units of the table, for the rows of a table.

        Parameters
        ----------
        frame : pandas.DataFrame
        missing : {"error", "drop", "impute"}, optional
            As in :meth:`Columns.encode`.
        """
        return self.target.decode(self.network.predict(self.columns.encode(frame, missing, self.network.dtype).X))


def _with_decimal(part: Any, sign: str) -> Any:
    """A column or the target, read with another decimal sign."""
    if not hasattr(part, "written") or part.written.decimal == sign:
        return part
    return replace(part, written=replace(part.written, decimal=sign, thousands=part.written.decimal))


def _described(part: Column | Target) -> dict[str, Any]:
    """A column or the target as JSON can hold it, without what is as usual."""
    told = dict(vars(part))
    written, origin = told.pop("written", PLAIN), told.pop("origin", 0)
    return told | ({"written": asdict(written)} if written != PLAIN else {}) | ({"origin": origin} if origin else {})


def _column(entry: dict[str, Any]) -> Column:
    name = composed(str(entry["name"]))
    if entry["kind"] == "number":
        return NumberColumn(name, float(entry["mean"]), _scale(entry), float(entry["fill"]), **_numbers(entry))
    if entry["kind"] == "category":
        return CategoryColumn(name, tuple(map(composed, entry["categories"])), composed(entry["fill"]))
    if entry["kind"] == "date":
        mean, fill, clock = float(entry["mean"]), float(entry["fill"]), bool(entry["clock"])
        return DateColumn(name, str(entry["format"]), mean, _scale(entry), fill, clock)
    raise ValueError(f"unknown kind of column {entry['kind']!r}")


def _numbers(entry: dict[str, Any]) -> dict[str, Any]:
    """How numbers are read; files from before do not say, and mean the usual."""
    return {"written": _written(entry), "origin": int(entry.get("origin", 0))}


def _written(entry: dict[str, Any]) -> Written:
    written = Written(**entry.get("written", {}))
    check_name(written.decimal, tuple(DECIMALS.values()), "decimal sign")
    check_name(written.thousands, THOUSANDS, "separator of thousands")
    return written


def _scale(entry: dict[str, Any]) -> float | None:
    return None if entry["scale"] is None else float(entry["scale"])


def _target(entry: dict[str, Any]) -> Target:
    name = composed(str(entry["name"]))
    if entry["task"] == "classification":
        return ClassTarget(name, tuple(entry["classes"]), written=_written(entry))
    if entry["task"] == "regression":
        return NumberTarget(name, float(entry["mean"]), float(entry["scale"]), **_numbers(entry))
    raise ValueError(f"unknown task {entry['task']!r}")
