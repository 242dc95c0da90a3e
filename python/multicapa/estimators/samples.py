"""Samples on their way from a user to the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa.arrays import Array


@dataclass(frozen=True)
class Samples:
    """Dense rows, their targets as the network takes them, and their weights."""

    X: Array
    targets: Array
    weights: Array | None

    def __len__(self) -> int:
        return len(self.X)

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
