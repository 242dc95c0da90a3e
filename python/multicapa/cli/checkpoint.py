"""Where an unfinished training stands, in a file beside the model, for ``--resume`` to go on from there."""

from __future__ import annotations

import hashlib
import os
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa.callbacks import Checkpoint
from multicapa.cli import recipe
from multicapa.cli.output import CommandError, note, say
from multicapa.cli.parts import Prepared
from multicapa.model.files import load
from multicapa.model.network import Network
from multicapa.training.run import Run

_UNFINISHED = "unfinished"  # in the metadata of a network
_SHARE = 20  # of the time, one part goes into checkpoints at most


class _Seldom(Checkpoint):
    """A checkpoint after the first epoch, and then as often as it takes a small share of the time."""

    def __init__(self, path: str) -> None:
        super().__init__(path.replace("{", "{{").replace("}", "}}"), best_only=False, training=True)
        self._due = 0.0

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> None:
        if time.perf_counter() >= self._due:
            super().on_epoch_end(run, epoch)

    def _save(self, run: Run, path: str) -> None:
        start = time.perf_counter()
        super()._save(run, path)
        now = time.perf_counter()
        self._due = now + _SHARE * (now - start)


@dataclass(frozen=True)
class Keeping:
    """Keeps what a training needs to go on, until it is done."""

    model: str  # the file of the model that is to be
    resume: bool

    @property
    def path(self) -> str:
        return f"{self.model}.unfinished"

    @contextmanager
    def over(self, fresh: Network, prepared: Prepared, options: Namespace) -> Iterator[tuple[Network, dict[str, Any]]]:
        """The network to train, new or from the file, and what ``fit`` is told besides; afterwards the file goes."""
        if options.optimizer == "lbfgs":
            if self.resume:
                raise CommandError("--resume does not go with --optimizer lbfgs: SciPy keeps its memory")
            yield fresh, {}
            return
        described = _description(prepared, options)
        network = self._found(described) if self.resume else None
        told = {"callbacks": [_Seldom(self.path)], "resume": network is not None}
        if not self.resume and os.path.exists(self.path):
            note(f"{self.path} of a training that was not finished is replaced; --resume would have gone on.")
        network = fresh if network is None else network
        network.metadata[_UNFINISHED] = described
        yield network, told
        del network.metadata[_UNFINISHED]

    def _found(self, described: dict[str, Any]) -> Network | None:
        if not os.path.exists(self.path):
            note(f"there is no {self.path} to go on from, so the training begins.")
            return None
        try:
            network = load(self.path)
        except ValueError as error:
            raise CommandError(str(error)) from error
        before = network.metadata.get(_UNFINISHED)
        if not isinstance(before, dict):
            raise CommandError(f"{self.path} is no training of 'multicapa train'")
        for name in described:
            if before.get(name) != described[name]:
                what = "the table is another" if name == "rows" else f"--{name} was {before.get(name)}"
                raise CommandError(f"{self.path} cannot go on: {what}; leave out --resume to begin anew")
        say(f"Going on after epoch {len(network.history)}.")
        return network

    @property
    def begun(self) -> bool:
        """Whether there is something to go on with: not where Ctrl-C came before the first checkpoint was written."""
        return os.path.exists(self.path)

    def done(self) -> None:
        """Nothing is left to go on with."""
        if self.begun:
            os.unlink(self.path)


def _description(prepared: Prepared, options: Namespace) -> dict[str, Any]:
    """What has to be the same for the bits to be: options, and the rows as the network gets them."""
    content = hashlib.blake2b(digest_size=16)
    for part in prepared.parts.values():
        for array in (part.X, part.y, part.weights):
            if array is not None:
                content.update(np.ascontiguousarray(array).tobytes())
    return {**recipe.told(options), "rows": content.hexdigest()}
