"""Inputs, targets and weights together, checked and ready for the core."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from multicapa.base.arrays import Array, SparseRows, as_samples
from multicapa.base.checks import check_number, check_pair
from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork
from multicapa.network.outputs import check_classes, check_loss
from multicapa.training.targets import Encoding, Targets, as_targets, as_weights


@dataclass(frozen=True)
class Samples:
    """Checked inputs, targets and weights, ready for the core."""

    x: Array | SparseRows
    targets: Targets
    weights: Array | None

    @classmethod
    def prepare(
        cls,
        network: CoreNetwork,
        X: Any,
        y: Any,
        loss: Loss,
        encoding: Encoding,
        sample_weight: Any,
        class_weight: Any,
        what: str = "X",
    ) -> Samples:
        x = X if isinstance(X, SparseRows) else as_samples(X, network.input_shape, network.dtype, what)
        if len(x) == 0:
            raise ValueError(f"{what} has no samples")
        check_loss(network, loss)
        activation = network.output_activation
        targets = as_targets(y, len(x), network.output_shape, network.dtype, loss, activation, encoding)
        if targets.are_classes and encoding.target_range is None:
            check_classes(network, loss)
        width = math.prod(network.output_shape)
        return cls(x, targets, as_weights(sample_weight, class_weight, y, len(x), width, network.dtype))

    def part(self, rows: slice | Array) -> Samples:
        """Some of the samples, dense."""
        weights = None if self.weights is None else self.weights[rows]
        targets = replace(self.targets, values=self.targets.values[rows])
        return Samples(self.x[rows], targets, weights)

    def pieces(self, order: Array | None = None, batch: int = 1) -> Iterator[tuple[Samples, Array | None]]:
        """All of them and their order; sparse ones some batches at a time, dense and in order already."""
        if not isinstance(self.x, SparseRows):
            yield self, order
            return
        order = np.arange(len(self.x)) if order is None else order
        size = max(batch, self.x.rows_at_once // batch * batch)
        for start in range(0, len(order), size):
            yield self.part(order[start : start + size]), None

    def core_arguments(self) -> tuple[Any, ...]:
        return (self.x, self.targets.values, self.targets.on, self.targets.off, self.weights)


def as_encoding(target_range: tuple[float, float] | None, label_smoothing: float = 0.0) -> Encoding:
    """How classes become numbers, checked."""
    check_number(label_smoothing, "label_smoothing", minimum=0, below=1)
    if target_range is not None:
        target_range = check_pair(target_range, "target_range")
        if target_range[0] == target_range[1]:
            raise ValueError(f"target_range should be two different numbers, not {target_range!r}")
    return Encoding(target_range, label_smoothing)
