"""Callbacks that end a fit, change its learning rate, or keep its best network."""

from __future__ import annotations

import math
import os
import string
from typing import Any

from multicapa.base.checks import check_flag, check_integer, check_number
from multicapa.callbacks.monitor import Monitor
from multicapa.callbacks.states import check_best, check_count, entry
from multicapa.network import files
from multicapa.optimizers import LBFGS
from multicapa.training.run import Callback, Run
from multicapa.training.standing import note, whole


class EarlyStopping(Monitor):
    """End the fit when a value has not improved for some epochs.

    Parameters
    ----------
    patience : int, default=10
        Epochs without improvement to wait for.
    monitor : str, optional
        What to follow: any name in the history. By default val_loss, or loss without validation data.
    min_delta : float, default=0
        The least change that counts as an improvement.
    restore_best : bool, default=True
        Whether the network gets back the weights of its best epoch, also when the fit ends otherwise.
    mode : {"auto", "min", "max"}, default="auto"
        "auto" knows by name what should rise (accuracy, auc, f1, r2, ...) or fall (loss, mse, ...); of others it is
        an error.

    Attributes
    ----------
    best : float
        The best value.
    best_epoch : int
        Its epoch, from 1.

    Examples
    --------
    >>> import multicapa as mc
    >>> stop = mc.EarlyStopping(patience=5, monitor="val_accuracy")
    """

    def __init__(
        self,
        patience: int = 10,
        monitor: str | None = None,
        min_delta: float = 0.0,
        restore_best: bool = True,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = check_integer(patience, "patience", minimum=0)
        self.restore_best = restore_best
        self.best_epoch = 0
        self._waited = 0
        self._best_numbers: Any = None

    def on_fit_begin(self, run: Run) -> None:
        self.best, self._waited, self._best_numbers = math.nan, 0, None

    def state(self) -> dict[str, Any]:
        kept = None if self._best_numbers is None else list(self._best_numbers)
        return {"best": self.best, "best_epoch": self.best_epoch, "waited": self._waited, "numbers": kept}

    def check_state(self, run: Run, state: dict[str, Any]) -> None:
        check_best(state)
        check_count(state, "best_epoch")
        check_count(state, "waited")
        if (kept := entry(state, "numbers", list | None)) is not None:
            run.network.check_numbers(kept, "the best weights")

    def on_fit_resume(self, run: Run, state: dict[str, Any]) -> bool:
        self.best, self.best_epoch, self._waited = state["best"], state["best_epoch"], state["waited"]
        self._best_numbers = state["numbers"] if self.restore_best else None
        return self._waited >= max(self.patience, 1)

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> bool:
        if self.improved(epoch):
            self._waited, self.best_epoch = 0, epoch["epoch"]
            if self.restore_best:
                self._best_numbers = run.network.copy_numbers()
            return False
        self._waited += 1
        return self._waited >= max(self.patience, 1)

    def on_fit_end(self, run: Run) -> None:
        if self._best_numbers is not None:
            run.network.restore_numbers(self._best_numbers)
            self._best_numbers = None


class Checkpoint(Monitor):
    """Save the network after epochs.

    Parameters
    ----------
    path : path-like
        Where to. What stands in braces is filled in from the epoch's record, as by ``str.format``:
        ``"net-{epoch:03d}-{val_loss:.2f}.safetensors"``. A brace itself is written twice.
    monitor : str, optional
        With ``best_only``, what to follow: by default val_loss, or loss without validation data.
    best_only : bool, default=True
        Save only when the value is the best so far.
    mode : {"auto", "min", "max"}, default="auto"
        "auto" knows by name what should rise (accuracy, auc, f1, r2, ...) or fall (loss, mse, ...); of others it is
        an error.
    training : bool, default=False
        Whether the file also holds what ``fit(..., resume=True)`` needs to go on after that epoch.

    Examples
    --------
    >>> import multicapa as mc
    >>> keep = mc.Checkpoint("net-{epoch:03d}-{val_loss:.2f}.safetensors", best_only=False)
    >>> keep = mc.Checkpoint("net.safetensors", best_only=False, training=True)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        monitor: str | None = None,
        best_only: bool = True,
        mode: str = "auto",
        training: bool = False,
    ) -> None:
        super().__init__(monitor, mode, 0.0)
        self.path = os.fspath(path)
        self.best_only = best_only
        try:
            named = [field for _, field, _, _ in string.Formatter().parse(self.path) if field is not None]
        except ValueError as error:
            raise ValueError(f"{self.path!r} is no path with values in braces: {error}") from None
        if not all(map(str.isidentifier, named)):
            raise ValueError(f"{self.path!r}: in braces stand names of the history, such as {{epoch}}")
        self.training = check_flag(training, "training")

    def state(self) -> dict[str, Any]:
        return {"best": self.best}

    def check_state(self, run: Run, state: dict[str, Any]) -> None:
        check_best(state)

    def on_fit_resume(self, run: Run, state: dict[str, Any]) -> None:
        self.on_fit_begin(run)
        self.best = state["best"]

    def on_fit_begin(self, run: Run) -> None:
        self.best = math.nan
        if self.training and isinstance(run.optimizer, LBFGS):
            raise ValueError("a fit by L-BFGS cannot be resumed: SciPy keeps its memory")
        folder = os.path.dirname(self.path) or "."
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"the folder {folder!r} of the checkpoint does not exist")

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> None:
        if not self.best_only or self.improved(epoch):
            run.after_epoch(lambda: self._save(run, self._filled_in(epoch)))

    def _filled_in(self, epoch: dict[str, Any]) -> str:
        try:
            return self.path.format(**epoch)
        except KeyError as error:
            raise ValueError(f"no value {error} for {self.path!r}; there are {', '.join(epoch)}") from None

    def _save(self, run: Run, path: str) -> None:
        if not self.training:
            return files.save(run.network, path)
        note(run)
        run.network._standing["numbers"] = None  # type: ignore[index]  # they are the network's own now
        return files.save(run.network, path, whole(run.network))


class StopAtLoss(Callback):
    """End the fit when a value has come down to a tolerance.

    Parameters
    ----------
    tolerance : float
    monitor : str, default="loss"
        Any name in the history.

    Examples
    --------
    >>> import multicapa as mc
    >>> stop = mc.StopAtLoss(1e-3)
    """

    def __init__(self, tolerance: float, monitor: str = "loss") -> None:
        self.tolerance = check_number(tolerance, "tolerance")
        self.monitor = monitor

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> bool:
        if self.monitor not in epoch:
            raise ValueError(f"no value {self.monitor!r} to monitor; there are {', '.join(epoch)}")
        return bool(epoch[self.monitor] <= self.tolerance)


class StopAtGradient(Callback):
    """End the fit when the gradient of the last update is short: ``|g| <= tolerance``, the sign of a stationary point.

    Adds ``gradient_norm`` to the history. With batches smaller than the data it is the norm for the last batch.

    Parameters
    ----------
    tolerance : float, default=1e-6

    Examples
    --------
    >>> import multicapa as mc
    >>> stop = mc.StopAtGradient(1e-4)
    """

    def __init__(self, tolerance: float = 1e-6) -> None:
        self.tolerance = check_number(tolerance, "tolerance", minimum=0)

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> bool:
        flat = run.network.gradients.flat
        epoch["gradient_norm"] = math.sqrt(float(flat.astype("float64") @ flat.astype("float64")))
        return bool(epoch["gradient_norm"] <= self.tolerance)


class ReduceOnPlateau(Monitor):
    """Multiply the learning rate by ``factor`` when a value has not improved for ``patience`` epochs.

    Parameters
    ----------
    factor : float, default=0.1
        Above 0 and below 1.
    patience : int, default=10
    monitor, min_delta, mode
        As in :class:`EarlyStopping`.
    smallest : float, default=0
        The rate is not reduced below this.

    Examples
    --------
    >>> import multicapa as mc
    >>> slower = mc.ReduceOnPlateau(factor=0.5, patience=3)
    >>> net = mc.Sequential([mc.Dense(1)], input_shape=1, seed=0)
    >>> history = net.fit([[0.0], [1.0]], [1.0, 3.0], epochs=3, callbacks=[slower])
    """

    def __init__(
        self,
        factor: float = 0.1,
        patience: int = 10,
        monitor: str | None = None,
        min_delta: float = 1e-4,
        smallest: float = 0.0,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor = check_number(factor, "factor", above=0, below=1)
        self.patience = check_integer(patience, "patience", minimum=0)
        self.smallest = check_number(smallest, "smallest", minimum=0)
        self._waited = 0

    def on_fit_begin(self, run: Run) -> None:
        self.best, self._waited = math.nan, 0

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self._waited}

    def check_state(self, run: Run, state: dict[str, Any]) -> None:
        check_best(state)
        check_count(state, "waited")

    def on_fit_resume(self, run: Run, state: dict[str, Any]) -> None:
        self.best, self._waited = state["best"], state["waited"]

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> None:
        if self.improved(epoch):
            self._waited = 0
            return
        self._waited += 1
        if self._waited > self.patience:
            rate = run.rates(1)[0] / run.rate_factor if run.rate_factor else 0.0
            run.rate_factor = max(
                run.rate_factor * self.factor, min(run.rate_factor, self.smallest / rate if rate else 0)
            )
            self._waited = 0
