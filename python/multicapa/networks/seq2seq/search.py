"""Which sequence a model finds most likely, one token after the other: greedily, or with a beam of open beginnings.

What is searched knows three things: ``start`` gives the state of each sentence, ``step`` from states and the last
tokens the log-probabilities of the next ones and new states, ``pick`` states of some rows. All sentences go on
together, and those that have ended drop out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from multicapa.base.vocabulary import Vocabulary

Array = npt.NDArray[Any]
START, END = Vocabulary.START, Vocabulary.END


class Model(Protocol):
    """What is searched."""

    def start(self, sources: list[list[int]]) -> Any:
        """The states of the sentences before their first token."""

    def step(self, states: Any, tokens: Array) -> tuple[Array, Any]:
        """Log-probabilities of shape (rows, tokens), and the states after these tokens."""

    def pick(self, states: Any, rows: Array) -> Any:
        """The states of these rows, some perhaps several times."""


@dataclass
class Found:
    """A sequence, and the sum of its log-probabilities divided by (its tokens and its end) ** length_penalty."""

    tokens: list[int]
    score: float


def search(
    model: Model, sources: list[list[int]], width: int = 1, max_length: int = 100, length_penalty: float = 1.0
) -> list[Found]:
    """The best sequence found for each source, of ``max_length`` tokens at most.

    Equal scores go to the lower token. With a width of 1 it is greedy: the likeliest token each time. A wider beam
    keeps what greedy decoding finds beside it, so its score is never worse. A sentence is done when no beginning can
    win any more: at best it goes on with certainty.
    """
    if not sources:
        return []
    if width == 1:
        return _greedy(model, sources, max_length, length_penalty)
    return _beam(model, sources, width, max_length, length_penalty)


def _step(model: Model, states: Any, tokens: Array) -> tuple[Array, Any]:
    """Nobody says what is unknown, or a beginning."""
    logs, states = model.step(states, tokens)
    logs = logs.astype(np.float64)
    logs[:, [Vocabulary.UNKNOWN, START]] = -np.inf
    return logs, states


def _greedy(model: Model, sources: list[list[int]], max_length: int, penalty: float) -> list[Found]:
    """The likeliest token of all sentences at once, until each has ended.

    Those that have ended go along until they are an eighth: taking them out moves what is read of the others.
    """
    states, rows = model.start(sources), np.arange(len(sources))
    said, sums = np.full((len(sources), max_length + 1), END), np.zeros(len(sources))
    last, ended = np.full(len(sources), START), np.zeros(len(sources), bool)
    for t in range(max_length + 1):
        logs, states = _step(model, states, last)
        last = np.where(ended, END, logs.argmax(axis=1) if t < max_length else END)
        sums[rows] += np.where(ended, 0.0, logs[np.arange(len(rows)), last])
        said[rows, t] = last
        ended = last == END
        if ended.all():
            break
        if np.count_nonzero(ended) > len(rows) // 8:
            left = np.flatnonzero(~ended)
            rows, last, ended, states = rows[left], last[left], ended[left], model.pick(states, left)
    lengths = (said == END).argmax(axis=1)
    scores = sums / (lengths + 1.0) ** penalty
    return [Found(row[:n].tolist(), float(score)) for row, n, score in zip(said, lengths, scores, strict=True)]


def _beam(model: Model, sources: list[list[int]], width: int, max_length: int, penalty: float) -> list[Found]:
    """The beginnings of a sentence are rows side by side, the likeliest first, as many for each sentence."""
    count = len(sources)
    best, ended = np.full(count, -np.inf), np.full((count, max_length), END)
    states, open_ = model.start(sources), np.arange(count)
    sums, said, greedy = np.zeros((count, 1)), np.full((count, 1, max_length), END), np.zeros(count, np.int64)
    last = np.full(count, START)
    for length in range(1, max_length + 2):
        logs, states = _step(model, states, last)
        every = sums[:, :, None] + logs.reshape(*sums.shape, -1)
        first = (every[:, :, END] / length**penalty).argmax(axis=1)
        every_open = np.arange(len(open_))
        scores = every[every_open, first, END] / length**penalty
        better = scores > best[open_]
        best[open_[better]], ended[open_[better]] = scores[better], said[better, first[better]]
        if length > max_length:
            break
        goes_on = (greedy >= 0) & (logs.reshape(every.shape)[every_open, greedy].argmax(axis=1) != END)
        every[:, :, END] = -np.inf
        kept, greedy = _kept(every, width, np.where(goes_on, greedy, -1))
        parents, tokens = np.divmod(kept, every.shape[2])
        sums = np.take_along_axis(every.reshape(len(open_), -1), kept, axis=1)
        to_come = sums.max(axis=1) / (max_length + 1) ** penalty
        left = np.flatnonzero(to_come > best[open_])
        if not len(left):
            break
        rows = every_open[:, None] * every.shape[1] + parents
        said = np.take_along_axis(said, parents[:, :, None], axis=1)
        said[:, :, length - 1] = tokens
        states, last = model.pick(states, rows[left].ravel()), tokens[left].ravel()
        open_, sums, said, greedy = open_[left], sums[left], said[left], greedy[left]
    return [
        Found([*tokens[: (tokens == END).argmax() if END in tokens else None].tolist()], float(score))
        for tokens, score in zip(ended, best, strict=True)
    ]


def _kept(every: Array, width: int, greedy: Array) -> tuple[Array, Array]:
    """The places of the best beginnings of each sentence, and which of them greedy decoding would have made, or -1.

    Where that is none of them it takes the place of the last.
    """
    count, rows, tokens = every.shape
    flat = every.reshape(count, -1)
    kept = _largest(flat, min(width, rows * (tokens - START - 2)))
    sentences = np.arange(count)
    wanted = greedy * tokens + every[sentences, greedy].argmax(axis=1)
    goes_on = (greedy >= 0) & (flat[sentences, wanted] > -np.inf)
    lost = goes_on & ~(kept == wanted[:, None]).any(axis=1)
    kept[lost, -1] = wanted[lost]
    return kept, np.where(goes_on, (kept == wanted[:, None]).argmax(axis=1), -1)


def _largest(values: Array, count: int) -> Array:
    """The places of the largest numbers of each row, in falling order; equal ones go by their place."""
    if count >= values.shape[1]:
        return np.argsort(-values, axis=1, kind="stable")[:, :count]
    places = np.sort(np.argpartition(-values, count - 1, axis=1)[:, :count], axis=1)
    found = np.take_along_axis(values, places, axis=1)
    places = np.take_along_axis(places, np.argsort(-found, axis=1, kind="stable"), axis=1)
    # Of equal ones at the border it is not said which are taken.
    unsure = np.flatnonzero((values >= found.min(axis=1)[:, None]).sum(axis=1) > count)
    places[unsure] = np.argsort(-values[unsure], axis=1, kind="stable")[:, :count]
    return places
