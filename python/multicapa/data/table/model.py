"""A network with the table it reads, as one file."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from multicapa.base.arrays import Array
from multicapa.base.checks import check_name
from multicapa.data.table.columns import MISSING, Columns
from multicapa.data.table.dates import DateColumn
from multicapa.data.table.kinds import CategoryColumn, Column, NumberColumn
from multicapa.data.table.series import Frame, TableError
from multicapa.data.table.targets import ClassTarget, NumberTarget, Target
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
                tuple(map(_column, described["columns"])), check_name(described["missing"], MISSING, "policy")
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
        columns = [asdict(column) for column in self.columns.columns]
        described = {"columns": columns, "missing": self.columns.missing, "target": asdict(self.target)}
        self.network.metadata[_KEY] = described
        self.network.save(path)

    def predict(self, frame: Frame, missing: str | None = None) -> Array:
        """Classes, or numbers in the units of the table, for the rows of a table.

        Parameters
        ----------
        frame : pandas.DataFrame
        missing : {"error", "drop", "impute"}, optional
            As in :meth:`Columns.encode`.
        """
        return self.target.decode(self.network.predict(self.columns.encode(frame, missing, self.network.dtype).X))


def _column(entry: dict[str, Any]) -> Column:
    if entry["kind"] == "number":
        return NumberColumn(str(entry["name"]), float(entry["mean"]), _scale(entry), float(entry["fill"]))
    if entry["kind"] == "category":
        return CategoryColumn(str(entry["name"]), tuple(map(str, entry["categories"])), str(entry["fill"]))
    if entry["kind"] == "date":
        mean, fill, clock = float(entry["mean"]), float(entry["fill"]), bool(entry["clock"])
        return DateColumn(str(entry["name"]), str(entry["format"]), mean, _scale(entry), fill, clock)
    raise ValueError(f"unknown kind of column {entry['kind']!r}")


def _scale(entry: dict[str, Any]) -> float | None:
    return None if entry["scale"] is None else float(entry["scale"])


def _target(entry: dict[str, Any]) -> Target:
    if entry["task"] == "classification":
        return ClassTarget(str(entry["name"]), tuple(entry["classes"]))
    if entry["task"] == "regression":
        return NumberTarget(str(entry["name"]), float(entry["mean"]), float(entry["scale"]))
    raise ValueError(f"unknown task {entry['task']!r}")
