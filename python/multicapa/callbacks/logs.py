"""Callbacks that write down what happens: a CSV file, and TensorBoard's event files."""

from __future__ import annotations

import csv
import itertools
import numbers
import os
import warnings
from typing import Any, TextIO

from multicapa.base.checks import check_integer
from multicapa.callbacks.states import check_count
from multicapa.network.core import CoreNetwork
from multicapa.network.summary import rows, text_table
from multicapa.training.run import Callback, Run


class CSVLog(Callback):
    """Write one row per epoch to a CSV file, at once; the header comes from the first epoch.

    Parameters
    ----------
    path : path-like
    append : bool, default=False
        Whether to go on where an existing file of the same columns ends, with the next epoch's number. Otherwise each
        fit begins the file anew.

    Examples
    --------
    >>> import multicapa as mc
    >>> from pathlib import Path
    >>> net = mc.Sequential([mc.Dense(1)], input_shape=(1,), seed=0)
    >>> log = mc.CSVLog("log.csv", append=True)
    >>> for epochs in (2, 1):
    ...     history = net.fit([[0.0], [1.0]], [0.0, 2.0], epochs=epochs, callbacks=[log])
    >>> [line.split(",")[0] for line in Path("log.csv").read_text().splitlines()]
    ['epoch', '1', '2', '3']
    """

    def __init__(self, path: str | os.PathLike[str], append: bool = False) -> None:
        if not isinstance(append, bool):
            raise TypeError(f"append should be True or False, not {append!r}")
        from pathlib import Path

        self.path = Path(path)
        self.append = append
        self._file: TextIO | None = None
        self._columns: list[str] = []
        self._before = 0  # epochs that the file has of fits before

    def on_fit_begin(self, run: Run) -> None:
        self._columns, self._before = self._found() if self.append else ([], 0)
        self._file = self.path.open("a" if self._columns else "w", newline="", encoding="utf-8")

    def state(self) -> dict[str, Any]:
        return {"before": self._before}

    def check_state(self, run: Run, state: dict[str, Any]) -> None:
        check_count(state, "before")

    def on_fit_resume(self, run: Run, state: dict[str, Any]) -> None:
        """Go on behind the rows of the epochs that are done; later ones of a fit that was killed are made again."""
        columns, _ = self._found()
        if not columns:
            return self.on_fit_begin(run)
        with self.path.open(newline="", encoding="utf-8") as file:
            _, *rows = csv.reader(file)
        self._columns, self._before, place = columns, state["before"], columns.index("epoch")
        end = self._before + len(run.history)
        self._file = self.path.open("w", newline="", encoding="utf-8")
        csv.writer(self._file).writerows([columns, *(row for row in rows if int(row[place]) <= end)])
        self._file.flush()
        return None

    def _found(self) -> tuple[list[str], int]:
        """The columns of the file as it is, and the number of its last epoch."""
        if not self.path.exists() or not self.path.stat().st_size:
            return [], 0
        with self.path.open(newline="", encoding="utf-8") as file:
            text = file.read()
        whole = text[: text.rfind("\n") + 1]
        columns, *rows = csv.reader(whole.splitlines() or [""])
        try:
            place = columns.index("epoch")
            before = max((int(row[place]) for row in rows), default=0)
        except (ValueError, IndexError):
            raise ValueError(f"{self.path} is no log to go on with: it should have a column of epochs") from None
        if whole != text:
            warnings.warn(f"the last line of {self.path} is torn; it is taken out", UserWarning, stacklevel=2)
            self.path.write_text(whole, encoding="utf-8", newline="")
        return columns, before

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> None:
        assert self._file is not None
        writer = csv.DictWriter(self._file, self._columns or list(epoch), extrasaction="ignore")
        if not self._columns:
            self._columns = list(epoch)
            writer.writeheader()
        elif len(run.history) == 1 and set(self._columns) != set(epoch):
            raise ValueError(f"{self.path} has the columns {', '.join(self._columns)}, "
                             f"but the epochs have {', '.join(epoch)}")  # fmt: skip
        writer.writerow({**epoch, "epoch": epoch["epoch"] + self._before})
        self._file.flush()

    def on_fit_end(self, run: Run) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


_file_numbers = itertools.count()  # two files of the same second would otherwise have the same name


class TensorBoard(Callback):
    """Write losses, other values, histograms and the network where TensorBoard reads them.

    ``pip install "multicapa[tensorboard]"`` brings what writes; to look, install tensorboard and run
    ``tensorboard --logdir runs``.

    Parameters
    ----------
    log_dir : path-like
        A directory of its own for each run, as ``"runs/first"``. Values on training data go to ``train`` in it, those
        on validation data to ``dev``, so that TensorBoard shows both in one chart.
    histograms : int, default=0
        Epochs between two histograms of each parameter and of its gradient in the last update; 0 for none.

    Notes
    -----
    A second fit with the same object goes on with the next epoch's number: a run may be trained in several fits.

    Examples
    --------
    >>> import multicapa as mc
    >>> board = mc.TensorBoard("runs/first", histograms=5)
    """

    def __init__(self, log_dir: str | os.PathLike[str], histograms: int = 0) -> None:
        self.log_dir = os.fspath(log_dir)
        self.histograms = check_integer(histograms, "histograms", minimum=0)
        self._epochs = 0  # of the fits before
        self._writers: dict[str, Any] = {}

    def on_fit_begin(self, run: Run) -> None:
        self._writer("train").add_text("network", f"```\n{text_table(run.network)}\n```", self._epochs)
        options = f"{type(run.network).__name__}, seed {run.network.seed}, {run.loss!r}, {run.optimizer!r}"
        self._writers["train"].add_text("training", options, self._epochs)
        _add_graph(self._writers["train"], run.network)

    def state(self) -> dict[str, Any]:
        return {"epochs": self._epochs}

    def check_state(self, run: Run, state: dict[str, Any]) -> None:
        check_count(state, "epochs")

    def on_fit_resume(self, run: Run, state: dict[str, Any]) -> None:
        self._epochs = state["epochs"]
        self.on_fit_begin(run)

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> None:
        step = self._epochs + epoch["epoch"]
        for name, value in epoch.items():
            if name != "epoch" and isinstance(value, numbers.Real):
                place = "dev" if name.startswith("val_") else "train"
                self._writer(place).add_scalar(name.removeprefix("val_"), float(value), step)
        if self.histograms and (epoch["epoch"] - 1) % self.histograms == 0:
            for kind, views in (("parameters", run.network.parameters), ("gradients", run.network.gradients)):
                for name, view in views.items():
                    self._writer("train").add_histogram(f"{kind}/{name}", view, step)
        for writer in self._writers.values():
            writer.flush()

    def on_fit_end(self, run: Run) -> None:
        self._epochs += len(run.history)
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _writer(self, place: str) -> Any:
        if place not in self._writers:
            try:
                from tensorboardX import SummaryWriter
            except ImportError as error:
                raise ImportError('TensorBoard needs tensorboardX: pip install "multicapa[tensorboard]"') from error
            suffix = f".{os.getpid()}.{next(_file_numbers)}"
            self._writers[place] = SummaryWriter(os.path.join(self.log_dir, place), filename_suffix=suffix)
        return self._writers[place]


def _add_graph(writer: Any, network: CoreNetwork) -> None:
    """What TensorBoard's tab of graphs shows."""
    from tensorboardX.proto.attr_value_pb2 import AttrValue
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.graph_pb2 import GraphDef
    from tensorboardX.proto.node_def_pb2 import NodeDef
    from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto

    nodes = []
    for row in rows(network):
        shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in (-1, *row.shape)])
        told = {
            "_output_shapes": AttrValue(list=AttrValue.ListValue(shape=[shape])),
            "parameters": AttrValue(i=row.parameters),
        }
        nodes.append(NodeDef(name=row.name, op=row.kind, input=row.reads, attr=told))
    writer.file_writer.add_event(Event(graph_def=GraphDef(node=nodes).SerializeToString()))
