"""What a network is to learn: targets and weights of samples, checked and written as the core reads them."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa.base.arrays import Array, as_numbers, check_finite, distinct, refuse_masks
from multicapa.losses import Loss


@dataclass(frozen=True)
class Targets:
    """Targets as the core takes them: rows of numbers, or one class per sample written as on and off."""

    values: Array
    on: float = 1.0
    off: float = 0.0

    @property
    def are_classes(self) -> bool:
        return self.values.dtype == np.int64


@dataclass(frozen=True)
class Encoding:
    """How class targets become numbers."""

    target_range: tuple[float, float] | None = None  # (off, on)
    label_smoothing: float = 0.0

    def range_for(self, loss: Loss, output_activation: str) -> tuple[float, float]:
        if self.target_range is not None:
            return self.target_range
        signed = loss.name in ("hinge", "perceptron") or output_activation in ("tanh", "softsign", "step")
        return (-1.0, 1.0) if signed else (0.0, 1.0)


def as_targets(
    y: Any,
    count: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    loss: Loss,
    activation: str,
    encoding: Encoding,
    what: str = "y",
) -> Targets:
    """y for a network whose outputs have ``shape``: classes, one-hot or soft rows, or plain numbers."""
    refuse_masks(y, what)
    array = np.asarray(y)
    if array.ndim == 0 or array.shape[0] != count:
        raise ValueError(f"{what} should have {count} samples like X, not shape {array.shape}")
    width = math.prod(shape)
    off, on = encoding.range_for(loss, activation)
    if array.ndim == 1 and width > 1:
        if array.dtype.kind not in "iu":
            raise ValueError(
                f"{what} has shape {array.shape} and type {array.dtype}; for {width} outputs it should be rows of "
                f"{width} numbers or integer classes (sklearn.preprocessing.LabelEncoder makes them)"
            )
        classes = _classes(array, width, on, off, encoding.label_smoothing, what)
        _check_range(np.array([[classes.off], [classes.on]]), loss, dtype)
        return classes
    rows = as_numbers(array, dtype, what)
    if rows.ndim == 1 and width == 1:
        rows = rows.reshape(-1, 1)
    if rows.shape[1:] != shape:
        raise ValueError(f"{what} should have shape {(count, *shape)}, not {array.shape}")
    check_finite(rows, dtype, what)
    if encoding.label_smoothing:
        rows = (rows * (1 - encoding.label_smoothing) + encoding.label_smoothing / max(width, 2)).astype(rows.dtype)
    if encoding.target_range is not None:
        rows = (off + rows * (on - off)).astype(rows.dtype)
    _check_range(rows, loss, dtype)
    return Targets(rows)


def _classes(array: Array, width: int, on: float, off: float, smoothing: float, what: str) -> Targets:
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0 or highest >= width:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(
            f"{what} holds class {wrong}, but the network's {width} outputs stand for classes 0 to {width - 1}"
        )
    share = smoothing / width * (on - off)
    return Targets(np.array(array, dtype=np.int64, order="C"), on - smoothing * (on - off) + share, off + share)


def _check_range(rows: Array, loss: Loss, dtype: np.dtype[Any]) -> None:
    rows = distinct(rows)
    lowest, highest = float(rows.min()), float(rows.max())
    if loss.name in ("half_squared_error", "squared_error"):
        # What is summed up over the outputs, and the gradient, twice the error, that optimisers square again.
        limit = math.sqrt(float(np.finfo(dtype).max) / rows[0].size) / 4
        if max(float(highest), -float(lowest)) > limit:
            raise ValueError(
                f"y reaches from {lowest:g} to {highest:g}, and {dtype} cannot hold the squared errors of numbers "
                f"beyond {limit:.2g}; scale y (multicapa.data.Standardizer)"
            )
    if loss.name in ("binary_cross_entropy", "focal") and (lowest < 0 or highest > 1):
        raise ValueError(f"targets of {loss.name} lie in [0, 1], but y reaches from {lowest:g} to {highest:g}")
    if loss.name in ("cross_entropy", "kullback_leibler", "poisson") and lowest < 0:
        raise ValueError(f"targets of {loss.name} are not negative, but y holds {lowest:g}")
    if loss.name in ("hinge", "perceptron") and not np.isin(rows, (-1, 1)).all():
        raise ValueError(f"targets of {loss.name} are -1 and 1; for classes 0 and 1 pass target_range=(-1, 1)")


def as_weights(
    sample_weight: Any, class_weight: Any, y: Any, count: int, width: int, dtype: np.dtype[Any]
) -> Array | None:
    """One weight per sample, class weights multiplied in; None when all are 1. ``width``: the number of outputs."""
    weights = None if sample_weight is None else checked_weights(sample_weight, [(count,)])
    if class_weight is not None:
        per_class = class_weights(class_weight, np.asarray(y), count, width)
        weights = per_class if weights is None else weights * per_class
    return None if weights is None else weights_for_core(weights, dtype)


def checked_weights(sample_weight: Any, shapes: list[tuple[int, ...]]) -> Array:
    """Weights in float64, of one of these shapes."""
    refuse_masks(sample_weight, "sample_weight")
    if np.iscomplexobj(sample_weight):
        raise TypeError("sample_weight should be real numbers")
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape not in shapes:
        raise ValueError(f"sample_weight should have shape {' or '.join(map(str, shapes))}, not {weights.shape}")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight should be finite and not negative")
    return weights


def weights_for_core(weights: Array, dtype: np.dtype[Any]) -> Array:
    """The same in a type that must be able to hold them."""
    if weights.max() > np.finfo(dtype).max:
        raise ValueError(f"sample_weight holds {weights.max():g}, too large for {dtype}")
    if not weights.any():
        raise ValueError("sample_weight should not be 0 for every sample")
    smallest = weights.min(where=weights > 0, initial=np.inf)
    if smallest < np.finfo(dtype).tiny:
        raise ValueError(f"sample_weight holds {smallest:g}, too small for {dtype}")
    return np.array(weights, dtype=dtype, order="C")


def class_weights(class_weight: Any, y: Array, count: int, width: int) -> Array:
    """A factor for each sample, by its class."""
    rows = y.ndim == 2 and y.shape[1] > 1
    if rows and (len(np.unique(y)) != 2 or not ((y == y.max()).sum(axis=1) == 1).all()):
        raise ValueError("class_weight is for classes: y should hold one per sample, or one-hot rows")
    labels = y.argmax(axis=1) if rows else y.reshape(-1)
    classes, members = np.unique(labels, return_inverse=True)
    if class_weight == "balanced":
        return (count / (len(classes) * np.bincount(members)))[members]
    if not isinstance(class_weight, dict):
        raise TypeError(f"class_weight should be a dict of class to weight, 'balanced' or None, not {class_weight!r}")
    unknown = [label for label in class_weight if label not in classes]
    if unknown and width > 1 and unknown[0] not in range(width):
        raise ValueError(f"class_weight names {unknown[0]!r}, but the {width} outputs stand for 0 to {width - 1}")
    if unknown:  # as in some folds
        warnings.warn(f"class_weight names {unknown[0]!r}, which y does not hold", UserWarning, stacklevel=6)
    values = np.array([class_weight.get(label, 1.0) for label in classes.tolist()], dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError("class weights should be finite and not negative")
    return values[members]
