"""Recurrent layers: their weights as data, and what they put out, by NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Kind = Literal["rnn", "lstm", "gru"]

GATES = {"rnn": 1, "lstm": 4, "gru": 3}  # tanh; i f g o; z r a, reset after the product


@dataclass(frozen=True)
class Walk:
    """A recurrent layer of which the last state counts; with ``both``, two in opposite directions, side by side.

    A weight matrix has the rows of the inputs, then those of the states, of a GRU the second bias as its last, and the
    columns of the gates, those of the way back last.
    """

    kind: Kind
    units: int
    both: bool = False

    @property
    def ways(self) -> int:
        return 2 if self.both else 1

    @property
    def columns(self) -> int:
        """Of one way."""
        return GATES[self.kind] * self.units

    def after(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (self.ways * self.units,)

    def weight(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[-1] + self.units + (self.kind == "gru"), self.ways * self.columns)

    def multiplications(self, steps: float, features: int) -> float:
        return steps * (features + self.units) * self.ways * self.columns

    def parts(self, W: Array, features: int) -> tuple[Array, Array, Array]:
        """Of one way: the rows of the inputs, those of the states, and the second bias."""
        return W[:features], W[features : features + self.units], W[features + self.units :]

    def each_way(self, W: Array, b: Array) -> list[tuple[Array, Array]]:
        """The weights of each way."""
        return list(zip(np.split(W, self.ways, axis=1), np.split(b, self.ways), strict=True))


def sigmoid(z: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))


def walked(walk: Walk, W: Array, b: Array, x: Array, lengths: Array) -> Array:
    """The last states, of sequences that are as long as lengths say."""
    found = []
    for way, (V, a) in enumerate(walk.each_way(W, b)):
        ahead = range(x.shape[1])
        h = c = np.zeros((len(x), walk.units))
        for t in reversed(ahead) if way else ahead:
            exists = (t < lengths)[:, None]
            new, cell = stepped(walk, V, a, x[:, t], h, c)
            h, c = np.where(exists, new, h), np.where(exists, cell, c)
        found.append(h)
    return np.concatenate(found, axis=1)


def stepped(walk: Walk, W: Array, b: Array, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    V, U, second = walk.parts(W, x.shape[1])
    z, m = x @ V + b, walk.units
    match walk.kind:
        case "rnn":
            return np.tanh(z + h @ U), c
        case "lstm":
            i, f, g, o = np.split(z + h @ U, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            return sigmoid(o) * np.tanh(c), c
        case _:
            back = h @ U + second[0]
            update, reset = sigmoid(z[:, :m] + back[:, :m]), sigmoid(z[:, m : 2 * m] + back[:, m : 2 * m])
            return update * h + (1 - update) * np.tanh(z[:, 2 * m :] + reset * back[:, 2 * m :]), c
