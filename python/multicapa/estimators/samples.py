"""Samples on their way from a user to the network, and outputs on their way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa.base.arrays import Array, SparseRows, as_numbers, check_finite
from multicapa.base.sequences import Padded, pad
from multicapa.network.core import CoreNetwork

DENSE_BYTES = 2**28  # up to here sparse rows are made dense once, beyond it anew in each epoch, some at a time


@dataclass(frozen=True)
class Samples:
    """Rows, dense or sparse, their targets as the network takes them, and their weights."""

    X: Any
    targets: Array
    weights: Array | None

    def __len__(self) -> int:
        return len(self.targets)

    def rows(self, index: Array) -> Samples:
        """Some of them."""
        return Samples(self.X[index], self.targets[index], None if self.weights is None else self.weights[index])

    def weighed(self, factors: Array | None) -> Samples:
        """With weights multiplied, and without those that weigh nothing."""
        if factors is None and self.weights is None:
            return self
        weights = factors if self.weights is None else self.weights if factors is None else self.weights * factors
        assert weights is not None
        kept = weights > 0
        if not kept.any():
            raise ValueError("sample_weight and class_weight should not be 0 for every sample")
        everything = Samples(self.X, self.targets, weights)
        return everything if kept.all() else everything.rows(kept)


def as_sequences(X: Any, network: CoreNetwork | None) -> Padded | None:
    """Sequences of different lengths, or of another than the network has, checked; None for any other X."""
    if isinstance(X, list | tuple) and not X:
        raise ValueError("X has no samples")
    if isinstance(X, Padded):
        padded = X
    elif isinstance(X, list | tuple) and _differ(X):
        padded = pad(X)
    else:
        shape: tuple[int, ...] = np.shape(X) if network is not None and network.inputs[0].time else ()
        if network is None or len(shape) != len(network.input_shape) + 1 or shape[1] == network.inputs[0].time:
            return None
        padded = Padded(np.asarray(X), np.full(len(X), shape[1]))
    if network is not None and not network.inputs[0].time:
        raise ValueError("no layer of this network walks through time, so all samples should have one length")
    values = as_numbers(padded.cleared(), np.dtype(np.float64), "X")
    check_finite(values, values.dtype, "X")
    if network is not None and values.shape[2:] != network.input_shape[1:]:
        wanted = ", ".join(map(str, ("time", *network.input_shape[1:])))
        raise ValueError(f"X should hold sequences of shape ({wanted}), not of steps of shape {values.shape[2:]}")
    return Padded(values, padded.lengths)


def _differ(sequences: Any) -> bool:
    try:
        return len({np.shape(each) for each in sequences}) > 1
    except ValueError:  # it is within them that shapes differ
        return False


def numbers_of(X: Any) -> Any:
    """The array of all samples."""
    return X.values if isinstance(X, Padded) else X


def dense(X: Any) -> Array:
    """Rows without gaps, of sparse ones or of any other array."""
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X)


def rows_of(X: Any, whole: bool = False) -> Array | SparseRows | Padded:
    """Dense rows, unless they would be too large; ``whole``: all the same."""
    if isinstance(X, Padded):
        return X
    if not hasattr(X, "toarray") or whole or X.shape[0] * X.shape[1] * X.dtype.itemsize <= DENSE_BYTES:
        return dense(X)
    return SparseRows(X)


def outputs_of(network: CoreNetwork, X: Any) -> Array:
    """The outputs for rows, dense or sparse."""
    rows: Any = rows_of(X)
    if not isinstance(rows, SparseRows):
        outputs: Array = network.predict(rows)
        return outputs
    starts = range(0, len(rows), rows.rows_at_once)
    return np.concatenate([network.predict(rows[start : start + rows.rows_at_once]) for start in starts])
