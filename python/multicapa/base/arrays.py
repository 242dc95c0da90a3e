"""From what users hand over to what the core reads: checked once, copied only where it must be."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa import _core

Array = npt.NDArray[Any]

_ROWS_AT_ONCE = 4096
_FLOATS = np.dtype(np.float32), np.dtype(np.float64)  # in the machine's byte order; types would compare slower


def refuse_masks(values: Any, what: str) -> None:
    """Raise ValueError where something is masked: the numbers under a mask are none."""
    masked = sys.modules.get("numpy.ma")  # to import it takes longer than a first epoch, and who masks has imported it
    if masked is not None and isinstance(values, masked.MaskedArray) and masked.is_masked(values):
        raise ValueError(f"{what} has masked entries; fill or drop them first")


def as_real(values: Any, dtype: np.dtype[Any], what: str) -> Array:
    """A copy of finite numbers in ``dtype``; raises where it can't hold them."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{what} should be real numbers, not {array.dtype}")
    with np.errstate(over="ignore"):
        made = array.astype(dtype)
    if not np.isfinite(made).all():
        raise ValueError(f"{what} should be finite numbers that {dtype} can hold")
    return made


def as_numbers(values: Any, dtype: np.dtype[Any], what: str) -> Array:
    """An array of float32 or float64 in the machine's byte order, whose samples lie without gaps."""
    refuse_masks(values, what)
    array = np.asarray(values)
    if array.dtype.kind == "O" and hasattr(values, "dtypes"):
        array = _of_frame(values, array)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{what} should hold numbers, not {array.dtype}; encode categories first "
            "(sklearn.preprocessing.OneHotEncoder)"
        )
    if array.dtype not in _FLOATS:
        with np.errstate(over="ignore"):
            converted = array.astype(dtype, order="C")
        _check_no_overflow(array, converted, what)
        return converted
    flags = array.flags
    if flags.c_contiguous and flags.aligned:
        return array
    # The distance between samples is free, but within a sample numbers must be neighbours.
    gaps = array.ndim > 1 and array.size > 0 and not array[0].flags.c_contiguous
    stride_off = array.ndim > 0 and array.shape[0] > 1 and array.strides[0] % array.itemsize != 0
    return array.copy(order="C") if gaps or stride_off or not flags.aligned else array


def _of_frame(frame: Any, array: Array) -> Array:
    """The numbers of a pandas table whose columns have several types, all of them numbers or truth values."""
    dtypes = list(frame.dtypes) if frame.ndim == 2 else [frame.dtype]
    if not all(dtype.kind in "fiub" for dtype in dtypes):
        return array
    return np.asarray(frame.to_numpy(dtype=np.float64, na_value=np.nan))


def _check_no_overflow(before: Array, after: Array, what: str) -> None:
    if before.dtype.kind == "f" and bool((np.isfinite(before) & ~np.isfinite(after)).any()):
        raise ValueError(f"{what} holds numbers too large for {after.dtype}")


def check_finite(array: Array, dtype: np.dtype[Any], what: str) -> None:
    """Raise ValueError naming the place of the first NaN, infinity or number that overflows ``dtype``."""
    rows = [array] if array.flags.c_contiguous else _batches(distinct(array))
    start = 0
    for batch in rows:
        found = _core.find_not_finite(np.ascontiguousarray(batch), dtype.itemsize == 4)
        if found >= 0:
            place = np.unravel_index(found, batch.shape)
            value = batch[place]
            where = ", ".join(str(int(i)) for i in (place[0] + start, *place[1:]))
            problem = f"{value}" if not np.isfinite(value) else f"{value}, too large for {dtype}"
            hint = "; impute missing values first (sklearn.impute)" if np.isnan(value) else ""
            raise ValueError(f"{what} should be finite, but {what}[{where}] is {problem}{hint}")
        start += len(batch)


def distinct(array: Array) -> Array:
    """The first row of those that are all the same memory, which can be many."""
    return array[:1] if array.ndim > 0 and array.strides[0] == 0 else array


def _batches(array: Array) -> Any:
    return (array[i : i + _ROWS_AT_ONCE] for i in range(0, len(array), _ROWS_AT_ONCE))


def as_samples(X: Any, shape: tuple[int, ...], dtype: np.dtype[Any], what: str = "X") -> Array:
    """X for a network whose samples have ``shape``, checked to be finite."""
    if _core.are_samples(X, shape, dtype.itemsize == 4):
        return X  # type: ignore[no-any-return]
    array = as_numbers(X, dtype, what)
    if array.ndim != len(shape) + 1 or array.shape[1:] != shape:
        wanted = ("n_samples", *shape)
        hint = ""
        if array.shape == shape:
            hint = f"; for a single sample write {what}[None]"
        elif (*array.shape[1:], 1) == shape:
            hint = f"; for the single channel write {what}[..., None]"
        elif array.shape[1:] == (*shape, 1):
            hint = f"; without the single channel it is {what}[..., 0]"
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
