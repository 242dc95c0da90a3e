"""Which sequence a model finds most likely, one token after the other: greedily, or with a beam of open beginnings.

What is searched knows three things: ``start`` gives the state of each sentence, ``step`` from states and the last
tokens the log-probabilities of the next ones and new states, ``pick`` states of some rows. All sentences go on
together, and those that have ended drop out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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


@dataclass
class _Open:
    """The beginnings of one sentence that may yet win, in their order, and the best that has ended."""

    sums: Array
    tokens: list[list[int]]
    greedy: int | None = 0  # which of them greedy decoding would have made
    best: Found | None = None
    rows: Array = field(default_factory=lambda: np.zeros(1, np.int64))


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
    states = model.start(sources)
    sentences = [_Open(np.zeros(1), [[]], rows=np.array([i])) for i in range(len(sources))]
    left = list(sentences)
    last = np.full(len(sources), START)
    for length in range(1, max_length + 2):
        logs, states = _step(model, states, last)
        for sentence in left:
            _go_on(sentence, logs[sentence.rows], length, width, max_length, length_penalty)
        left = [sentence for sentence in left if len(sentence.sums)]
        if not left:
            break
        rows = np.concatenate([sentence.rows for sentence in left])
        states = model.pick(states, rows)
        last = np.array([tokens[-1] for sentence in left for tokens in sentence.tokens])
        first = 0
        for sentence in left:
            sentence.rows = np.arange(first, first + len(sentence.sums))
            first += len(sentence.sums)
    return [sentence.best for sentence in sentences if sentence.best is not None]


def _step(model: Model, states: Any, tokens: Array) -> tuple[Array, Any]:
    """Nobody says what is unknown, or a beginning."""
    logs, states = model.step(states, tokens)
    logs = logs.astype(np.float64)
    logs[:, [Vocabulary.UNKNOWN, START]] = -np.inf
    return logs, states


def _greedy(model: Model, sources: list[list[int]], max_length: int, penalty: float) -> list[Found]:
    """The likeliest token of all sentences at once, until each has ended."""
    states, open_ = model.start(sources), np.arange(len(sources))
    said, sums = np.full((len(sources), max_length + 1), END), np.zeros(len(sources))
    last = np.full(len(sources), START)
    for t in range(max_length + 1):
        logs, states = _step(model, states, last)
        last = logs.argmax(axis=1) if t < max_length else np.full(len(open_), END)
        sums[open_] += logs[np.arange(len(open_)), last]
        said[open_, t] = last
        going_on = np.flatnonzero(last != END)
        if not len(going_on):
            break
        if len(going_on) < len(open_):
            open_, last, states = open_[going_on], last[going_on], model.pick(states, going_on)
    lengths = (said == END).argmax(axis=1)
    scores = sums / (lengths + 1.0) ** penalty
    return [Found(row[:n].tolist(), float(score)) for row, n, score in zip(said, lengths, scores, strict=True)]


def _go_on(sentence: _Open, logs: Array, length: int, width: int, max_length: int, penalty: float) -> None:
    """One more token for each beginning; those that are kept say which row of the states they come from."""
    sums = sentence.sums[:, None] + logs
    greedy, likeliest = sentence.greedy, None if sentence.greedy is None else int(logs[sentence.greedy].argmax())
    over = length > max_length
    for row in range(len(sums)):
        score = float(sums[row, END] / length**penalty)
        if sentence.best is None or score > sentence.best.score:
            sentence.best = Found(sentence.tokens[row], score)
    sums[:, END] = -np.inf
    kept = np.empty(0, np.int64)
    if not over:
        flat = sums.ravel()
        kept = np.argsort(-flat, kind="stable")[:width]
        kept = kept[flat[kept] > -np.inf]
        if greedy is not None and likeliest != END:
            wanted = greedy * sums.shape[1] + int(sums[greedy].argmax())
            if len(kept) and wanted not in kept:
                kept[-1] = wanted
            places = np.flatnonzero(kept == wanted)
            greedy = int(places[0]) if len(places) else None
        else:
            greedy = None
        best_to_come = flat[kept].max(initial=-np.inf) / (max_length + 1) ** penalty
        if sentence.best is not None and sentence.best.score >= best_to_come:
            kept = kept[:0]
    parents, tokens = np.divmod(kept, sums.shape[1])
    sentence.sums = sums[parents, tokens]
    sentence.tokens = [[*sentence.tokens[p], int(t)] for p, t in zip(parents, tokens, strict=True)]
    sentence.greedy, sentence.rows = greedy, sentence.rows[parents]
