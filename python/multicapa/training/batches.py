"""Batches as an iterable of the user's brings them: a generator, a list, a DataLoader."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from multicapa.base.checks import check_integer
from multicapa.training.feed import Pieces
from multicapa.training.samples import Samples

Prepare = Callable[[Any, Any, Any], Samples]  # of X, y and sample_weight


class Batches:
    """What each epoch is fed where batches come from outside: one update for each, in the order in which they come.

    ``epochs`` are those that will be asked for. The first batch is asked for at once, so that what is wrong with it is
    known before anything changes.
    """

    def __init__(self, given: Any, steps: int | None, epochs: range, prepare: Prepare) -> None:
        self._given = as_batches(given)
        self._steps = None if steps is None else check_integer(steps, "steps_per_epoch", minimum=1)
        self._prepare = prepare
        if isinstance(given, Iterator) and len(epochs) > 1 and steps is None:
            raise ValueError(
                f"an iterator ends after one epoch, and {len(epochs)} are wanted: pass what can be iterated again (a "
                "list, a DataLoader, an object with __iter__), steps_per_epoch if it has batches enough, or epochs=1"
            )
        raw = iter(itertools.islice(self._given, self._steps))
        first = next(raw, None)
        if first is None:
            raise ValueError("there are no batches")
        coming = prepared(itertools.chain([first], raw), prepare, _where(epochs.start))
        self.first, self.first_y = next(coming), first[1]
        self.batch = len(self.first)  # the largest so far
        self._coming: Iterator[Samples] | None = itertools.chain([self.first], coming)
        count = self._steps or _length_of(given)
        self.expected: int | None = count * self.batch or None  # samples in an epoch, as far as that is known

    def __enter__(self) -> Batches:
        return self

    def __exit__(self, *error: object) -> None:
        self._coming = None

    def next(self, epoch: int, another_follows: bool, one_by_one: bool) -> tuple[int | None, Pieces]:
        """How many samples an epoch has, None where nobody knows yet, and its batches."""
        coming, self._coming = self._coming, None
        if coming is None:
            coming = prepared(itertools.islice(self._given, self._steps), self._prepare, _where(epoch))
        return self.expected, self._counted(epoch, coming)

    def _counted(self, epoch: int, coming: Iterator[Samples]) -> Pieces:
        number = seen = 0
        for number, samples in enumerate(coming, 1):  # noqa: B007 - how many there were
            self.batch = max(self.batch, len(samples))  # shorter ones are trained as the last of others is
            seen += len(samples)
            yield samples, None
        if self._steps is not None and number < self._steps:
            raise ValueError(
                f"the batches of epoch {epoch + 1} ended after {number}, and steps_per_epoch is {self._steps}"
            )
        if not number:
            raise ValueError(f"there are no batches in epoch {epoch + 1}; an iterator can be gone through only once")
        self.expected = seen


_INSTEAD = {
    "batch_size": "they have sizes of their own",
    "sample_weight": "each can bring weights as (X, y, sample_weight)",
    "class_weight": "each can bring weights as (X, y, sample_weight)",
    "augment": "they come as they are to be trained",
    "curriculum": "they come in an order of their own",
}


def refuse_beside_batches(**given: bool) -> None:
    """Raise ValueError if one of these arguments, which are for samples, is given."""
    for name, is_given in given.items():
        if is_given:
            raise ValueError(f"{name} does not go with an iterable of batches: {_INSTEAD[name]}")


def _where(epoch: int) -> str:
    return f" of epoch {epoch + 1}"


def as_batches(given: Any) -> Iterable[Any]:
    """An iterable of batches; raise for samples whose y is missing."""
    if hasattr(given, "shape") or hasattr(given, "dtypes") or isinstance(given, str | bytes | Mapping):
        raise TypeError("y is missing: pass X and y, or an iterable of batches (X, y) alone")
    if not isinstance(given, Iterable) and not hasattr(type(given), "__getitem__"):
        raise TypeError(f"without y, X should be an iterable of batches (X, y), not {given!r}")
    batches: Iterable[Any] = given
    return batches


def _length_of(given: Any) -> int:
    """How many batches there are; 0 if that is not known."""
    try:
        return len(given)
    except TypeError:  # has none, or one that says so, as DataLoaders of streams do
        return 0


def prepared(given: Iterable[Any], prepare: Prepare, where: str = "") -> Iterator[Samples]:
    """Batches, checked one by one as they come; what is wrong with one is told with its number."""
    for number, batch in enumerate(given, 1):
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
            what = f"{len(batch)} of them" if isinstance(batch, tuple | list) else type(batch).__name__
            raise TypeError(f"batch {number}{where} should be (X, y) or (X, y, sample_weight), not {what}")
        X, y, *weight = batch
        try:
            yield prepare(X, y, weight[0] if weight else None)
        except (ValueError, TypeError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"batch {number}{where}: {error}") from error
