"""What a network is to learn at each step of a sequence: targets and weights, checked and written as the core reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa.base.arrays import Array, as_numbers, check_finite
from multicapa.base.checks import check_integer
from multicapa.base.sequences import Padded, as_padded
from multicapa.layers import RECURRENT
from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork
from multicapa.training.targets import (
    Encoding,
    Targets,
    as_targets,
    checked_weights,
    class_weights,
    weights_for_core,
)


@dataclass(frozen=True)
class TargetSteps:
    """Which steps there are to have targets."""

    count: int
    time: int
    lengths: Any = None  # None: all have all

    def exist(self) -> Array:
        """Of shape (n_samples, time)."""
        lengths = np.full(self.count, self.time) if self.lengths is None else self.lengths
        return np.arange(self.time) < lengths[:, None]

    def fill(self, given: Any, axes: int, what: str) -> Array:
        """An array (n_samples, time, ...), zero beyond each end, from one, from a list or from what is padded."""
        padded = as_padded(given, axes)
        array: Array = np.asarray(given) if padded is None else padded.values
        lengths = np.full(self.count, self.time) if self.lengths is None else self.lengths
        if array.ndim < 2 or len(array) != self.count:
            raise ValueError(
                f"{what} should have {self.count} samples of up to {self.time} steps like X, not shape {array.shape}"
            )
        theirs = np.full(len(array), array.shape[1]) if padded is None else padded.lengths
        short = np.flatnonzero(theirs < lengths if padded is None else theirs != lengths)
        if len(short):
            i = short[0]
            raise ValueError(f"{what}[{i}] has {theirs[i]} steps, but X[{i}] has {lengths[i]}")
        whole = np.zeros((self.count, self.time, *array.shape[2:]), array.dtype)
        steps = min(self.time, array.shape[1])
        whole[:, :steps] = array[:, :steps]
        if self.lengths is not None:
            whole[~self.exist()] = 0
        return whole


def as_step_targets(
    y: Any,
    steps: TargetSteps,
    width: int,
    dtype: np.dtype[Any],
    loss: Loss,
    activation: str,
    encoding: Encoding,
    what: str = "y",
) -> Targets:
    """y for a network with ``width`` outputs at each step: classes, one-hot or soft rows, or plain numbers."""
    whole = steps.fill(y, 1 if width == 1 or _are_classes(y) else 2, what)
    exist = steps.exist()
    if whole.ndim == 2 and width == 1:
        whole = whole[..., None]
    elif whole.ndim == 3 and whole.shape[2] != width:
        raise ValueError(f"{what} should have {width} numbers at each step, not {whole.shape[2]}")
    rows = whole[exist]
    check_finite(as_numbers(rows, dtype, what), dtype, f"{what} (the steps of all sequences in a row)")
    if len(rows) == 0:
        raise ValueError("all sequences have length 0: there is nothing to learn from")
    made = as_targets(rows, len(rows), (width,), dtype, loss, activation, encoding, what)
    values = np.zeros((*exist.shape, *made.values.shape[1:]), made.values.dtype)
    values[exist] = made.values
    return Targets(values, made.on, made.off)


def _are_classes(y: Any) -> bool:
    first = next((row for row in y if len(row)), ()) if isinstance(y, list | tuple) else ()
    return np.ndim(first) == 1


def _per_sample(weights: Any) -> Array | None:
    """Numbers in a row; None for anything with steps."""
    if isinstance(weights, Padded) or (isinstance(weights, list | tuple) and any(np.ndim(w) for w in weights)):
        return None
    return weights if np.ndim(weights) == 1 else None


def as_step_weights(
    sample_weight: Any, class_weight: Any, y: Any, steps: TargetSteps, width: int, dtype: np.dtype[Any]
) -> Array | None:
    """One weight per sample or step, class weights multiplied in; None when all are 1."""
    weights = None
    if sample_weight is not None:
        whole = _per_sample(sample_weight)
        whole = steps.fill(sample_weight, 1, "sample_weight") if whole is None else whole
        weights = checked_weights(whole, [(steps.count,), (steps.count, steps.time)])
    if class_weight is not None:
        exist = steps.exist()
        rows = steps.fill(y, 1 if _are_classes(y) else 2, "y")[exist]
        per_step = np.zeros(exist.shape)
        per_step[exist] = class_weights(class_weight, rows, len(rows), width)
        weights = per_step if weights is None else per_step * weights.reshape(steps.count, -1)
    return None if weights is None else weights_for_core(weights, dtype)


def check_bptt(network: CoreNetwork, bptt: int | None) -> int:
    """Steps over which gradients pass back in time; 0 for all."""
    if bptt is None:
        return 0
    if not any(layer["type"] in RECURRENT for layer in network.spec):
        raise ValueError("bptt is for networks with a recurrent layer, and this one has none")
    return check_integer(bptt, "bptt", minimum=1)
