"""What each epoch is fed: the samples, augmented anew, and the order to visit them in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from multicapa import _core
from multicapa.base.arrays import Array, as_samples
from multicapa.network.core import CoreNetwork
from multicapa.training.curriculum import Curriculum
from multicapa.training.samples import Samples

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Augmenter = Callable[[Array, np.random.Generator], Array]
Pieces = Iterator[tuple[Samples, Any]]  # of an epoch, one after the other: samples, and the order to visit them in

_AUGMENTATION = 2**63  # a stream of random numbers, beside those of the core


class Feed:
    """Augments the samples of the next epoch while the core, which needs no GIL, trains the present one."""

    def __init__(
        self,
        network: CoreNetwork,
        samples: Samples,
        batch: int,
        augment: Augmenter | None,
        curriculum: Curriculum | None,
        shuffle: bool,
    ) -> None:
        if augment is not None and samples.ragged:
            raise ValueError("augment works on samples of one length, and these sequences have different ones")
        self._network = network
        self._samples = samples
        self.batch = batch
        self._augment = augment
        self._curriculum = curriculum
        self._shuffle = shuffle
        self._pool = _one_thread() if augment is not None else None
        self._coming: Future[Array] | None = None

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def next(self, epoch: int, another_follows: bool, one_by_one: bool) -> tuple[int, Pieces]:
        """How many samples an epoch has, and they with their order; None for the order in which they lie."""
        samples = self._samples
        if self._pool is not None:
            coming = self._coming or self._pool.submit(self._augmented, epoch)
            samples = replace(samples, inputs=((coming.result(), None),))
            self._coming = self._pool.submit(self._augmented, epoch + 1) if another_follows else None
        order = self._order(epoch)
        pieces = samples.pieces(order, self.batch)
        return len(samples) if order is None else len(order), self._batches(pieces) if one_by_one else pieces

    def _batches(self, pieces: Iterable[tuple[Samples, Any]]) -> Pieces:
        """One by one, for those who look after each."""
        for piece, order in pieces:
            order = np.arange(len(piece)) if order is None else order
            for first in range(0, len(order), self.batch):
                yield piece, np.ascontiguousarray(order[first : first + self.batch])

    def _order(self, epoch: int) -> Any:
        count = len(self._samples)
        admitted = None if self._curriculum is None else self._curriculum.admitted(epoch, count)
        if not self._shuffle:
            return None if admitted is None else np.ascontiguousarray(admitted)
        network = self._network
        return _core.shuffled(count if admitted is None else admitted, network.seed, network._core.training_steps)

    def _augmented(self, epoch: int) -> Array:
        assert self._augment is not None
        x = self._samples.inputs[0][0]
        assert isinstance(x, np.ndarray)
        rng = self._generator(_AUGMENTATION + epoch)
        network = self._network
        made = as_samples(self._augment(x, rng), network.input_shape, network.dtype, "the augmented X")
        if len(made) != len(x):
            raise ValueError(f"the augmented X should have {len(x)} samples like X, not {len(made)}")
        return made

    def _generator(self, stream: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=np.array([self._network.seed, stream], dtype=np.uint64)))


def _one_thread() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # only now: it brings half a dozen modules along

    return ThreadPoolExecutor(1, "multicapa-augment")
