"""Samples on their way from a user to the network, and outputs on their way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa.base.arrays import Array, SparseRows
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


def dense(X: Any) -> Array:
    """Rows without gaps, of sparse ones or of any other array."""
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X)


def rows_of(X: Any, whole: bool = False) -> Array | SparseRows:
    """Dense rows, unless they would be too large; ``whole``: all the same."""
    if not hasattr(X, "toarray") or whole or X.shape[0] * X.shape[1] * X.dtype.itemsize <= DENSE_BYTES:
        return dense(X)
    return SparseRows(X)


def outputs_of(network: CoreNetwork, X: Any) -> Array:
    """The outputs for rows, dense or sparse."""
    rows = rows_of(X)
    if not isinstance(rows, SparseRows):
        outputs: Array = network.predict(rows)
        return outputs
    starts = range(0, len(rows), rows.rows_at_once)
    return np.concatenate([network.predict(rows[start : start + rows.rows_at_once]) for start in starts])
