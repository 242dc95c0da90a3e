"""Inputs, targets and weights together, checked and ready for the core."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from multicapa.base.arrays import Array, SparseRows
from multicapa.base.checks import check_number, check_pair
from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork
from multicapa.network.inputs import as_inputs
from multicapa.network.outputs import check_classes, check_loss
from multicapa.training.labels import as_codes
from multicapa.training.steps import TargetSteps, as_step_targets, as_step_weights
from multicapa.training.targets import Encoding, Targets, as_targets, as_weights


@dataclass(frozen=True)
class Samples:
    """Checked inputs, targets and weights, ready for the core."""

    x: Array | SparseRows
    targets: Targets
    weights: Array | None
    lengths: Array | None = None  # steps that each has, where these differ
    by_step: bool = False  # targets are those of steps

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
        if isinstance(X, list | tuple) and len(X) == 0:
            raise ValueError(f"{what} has no samples")
        x, lengths = (X, None) if isinstance(X, SparseRows) else as_inputs(network, X, what)
        if len(x) == 0:
            raise ValueError(f"{what} has no samples")
        check_loss(network, loss)
        activation = network.output_activation
        if network.output_steps:
            steps, width = TargetSteps(len(x), network.output_steps, lengths), network.output_shape[1]
            targets = as_step_targets(y, steps, width, network.dtype, loss, activation, encoding)
            weights = as_step_weights(sample_weight, class_weight, y, steps, width, network.dtype)
        else:
            codes = as_codes(network, y)[0]
            targets = as_targets(codes, len(x), network.output_shape, network.dtype, loss, activation, encoding)
            width = math.prod(network.output_shape)
            weights = as_weights(sample_weight, class_weight, y, len(x), width, network.dtype)
        if targets.are_classes and encoding.target_range is None:
            check_classes(network, loss)
        return cls(x, targets, weights, lengths, by_step=network.output_steps > 0)

    def part(self, rows: slice | Array) -> Samples:
        """Some of the samples, dense."""
        weights = None if self.weights is None else self.weights[rows]
        targets = replace(self.targets, values=self.targets.values[rows])
        lengths = None if self.lengths is None else self.lengths[rows]
        return Samples(self.x[rows], targets, weights, lengths, self.by_step)

    def as_rows(self, outputs: Array) -> tuple[Targets, Array | None, Array]:
        """Targets, weights and outputs, in which the steps that exist count as samples where each has a target."""
        if not self.by_step:
            return self.targets, self.weights, outputs
        exist = np.ones(outputs.shape[:2], dtype=bool)
        if self.lengths is not None:
            exist = np.arange(outputs.shape[1]) < self.lengths[:, None]
        weights = self.weights
        if weights is not None:
            weights = np.broadcast_to(weights.reshape(len(weights), -1), exist.shape)[exist]
        return replace(self.targets, values=self.targets.values[exist]), weights, outputs[exist]

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
        return (self.x, self.targets.values, self.targets.on, self.targets.off, self.weights, self.lengths)


def as_encoding(target_range: tuple[float, float] | None, label_smoothing: float = 0.0) -> Encoding:
    """How classes become numbers, checked."""
    check_number(label_smoothing, "label_smoothing", minimum=0, below=1)
    if target_range is not None:
        target_range = check_pair(target_range, "target_range")
        if target_range[0] == target_range[1]:
            raise ValueError(f"target_range should be two different numbers, not {target_range!r}")
    return Encoding(target_range, label_smoothing)
