"""From what users hand over to what the core reads: checked once, copied only where it must be."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa import _core
from multicapa.losses import Loss

Array = npt.NDArray[Any]

_ROWS_AT_ONCE = 4096


def as_numbers(values: Any, dtype: np.dtype[Any], what: str) -> Array:
    """An array of float32 or float64 in the machine's byte order, whose samples lie without gaps."""
    masked = sys.modules.get("numpy.ma")  # to import it takes longer than a first epoch, and who masks has imported it
    if masked is not None and isinstance(values, masked.MaskedArray) and masked.is_masked(values):
        raise ValueError(f"{what} has masked entries; fill or drop them first")
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{what} should hold numbers, not {array.dtype}; encode categories first "
            "(sklearn.preprocessing.OneHotEncoder)"
        )
    if array.dtype not in (np.float32, np.float64) or not array.dtype.isnative:
        with np.errstate(over="ignore"):
            converted = array.astype(dtype, order="C")
        _check_no_overflow(array, converted, what)
        return converted
    # The distance between samples is free, but within a sample numbers must be neighbours.
    gaps = array.ndim > 1 and array.size > 0 and not array[0].flags.c_contiguous
    stride_off = array.ndim > 0 and array.shape[0] > 1 and array.strides[0] % array.itemsize != 0
    return array.copy(order="C") if gaps or stride_off or not array.flags.aligned else array


def _check_no_overflow(before: Array, after: Array, what: str) -> None:
    if before.dtype.kind == "f" and bool((np.isfinite(before) & ~np.isfinite(after)).any()):
        raise ValueError(f"{what} holds numbers too large for {after.dtype}")


def check_finite(array: Array, dtype: np.dtype[Any], what: str) -> None:
    """Raise ValueError naming the place of the first NaN, infinity or number that overflows ``dtype``."""
    rows = [array] if array.flags.c_contiguous else _batches(_distinct(array))
    start = 0
    for batch in rows:
        found = _core.find_not_finite(np.ascontiguousarray(batch), dtype == np.float32)
        if found >= 0:
            place = np.unravel_index(found, batch.shape)
            value = batch[place]
            where = ", ".join(str(int(i)) for i in (place[0] + start, *place[1:]))
            problem = f"{value}" if not np.isfinite(value) else f"{value}, too large for {dtype}"
            hint = "; impute missing values first (sklearn.impute)" if np.isnan(value) else ""
            raise ValueError(f"{what} should be finite, but {what}[{where}] is {problem}{hint}")
        start += len(batch)


def _distinct(array: Array) -> Array:
    """The first row of those that are all the same memory."""
    return array[:1] if array.strides[0] == 0 else array


def _batches(array: Array) -> Any:
    return (array[i : i + _ROWS_AT_ONCE] for i in range(0, len(array), _ROWS_AT_ONCE))


def as_samples(X: Any, shape: tuple[int, ...], dtype: np.dtype[Any], what: str = "X") -> Array:
    """X for a network whose samples have ``shape``, checked to be finite."""
    array = as_numbers(X, dtype, what)
    if array.ndim != len(shape) + 1 or array.shape[1:] != shape:
        wanted = ("n_samples", *shape)
        hint = ""
        if array.shape == shape:
            hint = f"; for a single sample write {what}[None]"
        elif array.ndim == 2 and len(shape) == 1:
            hint = f": {array.shape[1]} features where the network has {shape[0]}"
        raise ValueError(f"{what} should have shape ({', '.join(map(str, wanted))}), not {array.shape}{hint}")
    check_finite(array, dtype, what)
    return array


class SparseRows:
    """Rows of a SciPy matrix in CSR format, which become dense when they are asked for; too large to be so all at once.

    Finite numbers of one type, as the estimators have checked.
    """

    _BYTES_AT_ONCE = 2**25

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix
        self.shape: tuple[int, ...] = matrix.shape
        self.rows_at_once = max(1, self._BYTES_AT_ONCE // (matrix.shape[1] * matrix.dtype.itemsize))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Array:
        return np.asarray(self._matrix[rows].toarray())


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
    y: Any, count: int, shape: tuple[int, ...], dtype: np.dtype[Any], loss: Loss, activation: str, encoding: Encoding
) -> Targets:
    """y for a network whose outputs have ``shape``: classes, one-hot or soft rows, or plain numbers."""
    array = np.asarray(y)
    if array.ndim == 0 or array.shape[0] != count:
        raise ValueError(f"y should have {count} samples like X, not shape {array.shape}")
    width = int(np.prod(shape))
    off, on = encoding.range_for(loss, activation)
    if array.ndim == 1 and width > 1:
        if array.dtype.kind not in "iu":
            raise ValueError(
                f"y has shape {array.shape} and type {array.dtype}; for {width} outputs it should be rows of {width} "
                "numbers or integer classes (sklearn.preprocessing.LabelEncoder makes them)"
            )
        classes = _classes(array, width, on, off, encoding.label_smoothing)
        _check_range(np.array([classes.off, classes.on]), loss)
        return classes
    rows = as_numbers(array, dtype, "y")
    if rows.ndim == 1 and width == 1:
        rows = rows.reshape(-1, 1)
    if rows.shape[1:] != shape:
        raise ValueError(f"y should have shape {(count, *shape)}, not {array.shape}")
    check_finite(rows, dtype, "y")
    if encoding.label_smoothing:
        rows = (rows * (1 - encoding.label_smoothing) + encoding.label_smoothing / max(width, 2)).astype(rows.dtype)
    if encoding.target_range is not None:
        rows = (off + rows * (on - off)).astype(rows.dtype)
    _check_range(rows, loss)
    return Targets(rows)


def _classes(array: Array, width: int, on: float, off: float, smoothing: float) -> Targets:
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0 or highest >= width:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(f"y holds class {wrong}, but the network's {width} outputs stand for classes 0 to {width - 1}")
    share = smoothing / width * (on - off)
    return Targets(np.array(array, dtype=np.int64, order="C"), on - smoothing * (on - off) + share, off + share)


def _check_range(rows: Array, loss: Loss) -> None:
    rows = _distinct(rows)
    lowest, highest = rows.min(), rows.max()
    if loss.name == "binary_cross_entropy" and (lowest < 0 or highest > 1):
        raise ValueError(f"targets of binary_cross_entropy lie in [0, 1], but y reaches from {lowest:g} to {highest:g}")
    if loss.name in ("cross_entropy", "poisson") and lowest < 0:
        raise ValueError(f"targets of {loss.name} are not negative, but y holds {lowest:g}")
    if loss.name in ("hinge", "perceptron") and not np.isin(rows, (-1, 1)).all():
        raise ValueError(f"targets of {loss.name} are -1 and 1; for classes 0 and 1 pass target_range=(-1, 1)")


def as_weights(sample_weight: Any, class_weight: Any, y: Any, count: int, dtype: np.dtype[Any]) -> Array | None:
    """One weight per sample, class weights multiplied in; None when all are 1."""
    weights = None
    if sample_weight is not None:
        weights = np.asarray(sample_weight, dtype=np.float64)
        if weights.shape != (count,):
            raise ValueError(f"sample_weight should have shape ({count},), not {weights.shape}")
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise ValueError("sample_weight should be finite and not negative")
    if class_weight is not None:
        per_class = _class_weights(class_weight, np.asarray(y), count)
        weights = per_class if weights is None else weights * per_class
    if weights is None:
        return None
    if weights.max() > np.finfo(dtype).max:
        raise ValueError(f"sample_weight holds {weights.max():g}, too large for {dtype}")
    if not weights.any():
        raise ValueError("sample_weight should not be 0 for every sample")
    return np.array(weights, dtype=dtype, order="C")


def _class_weights(class_weight: Any, y: Array, count: int) -> Array:
    labels = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    classes, members = np.unique(labels, return_inverse=True)
    if class_weight == "balanced":
        return (count / (len(classes) * np.bincount(members)))[members]
    if not isinstance(class_weight, dict):
        raise TypeError(f"class_weight should be a dict of class to weight, 'balanced' or None, not {class_weight!r}")
    unknown = [label for label in class_weight if label not in classes]
    if unknown:
        raise ValueError(f"class_weight names {unknown[0]!r}, but y has the classes {classes.tolist()}")
    values = np.array([class_weight.get(label, 1.0) for label in classes.tolist()], dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError("class weights should be finite and not negative")
    return values[members]
