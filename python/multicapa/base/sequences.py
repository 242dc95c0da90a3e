"""Sequences of different lengths, side by side in one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Padded:
    """Sequences of different lengths in one array, and how long each is.

    Parameters
    ----------
    values : array of shape (n_samples, time, ...)
        What stands beyond a sequence's end is never read.
    lengths : array-like of int of shape (n_samples,)
        Steps that each sequence has, from 0 to time.

    Examples
    --------
    >>> import multicapa as mc
    >>> padded = mc.data.pad([[[1.0], [2.0]], [[3.0]]])
    >>> padded.values.shape, padded.lengths
    ((2, 2, 1), array([2, 1]))
    """

    def __init__(self, values: npt.ArrayLike, lengths: npt.ArrayLike) -> None:
        self.values: Array = np.asarray(values)
        given = np.asarray(lengths)
        if self.values.ndim < 2 or given.shape != self.values.shape[:1] or given.dtype.kind not in "iu":
            raise ValueError(
                f"lengths should be {len(self.values) if self.values.ndim else 0} integers, one for each sequence, not "
                f"{given.dtype} of shape {given.shape}"
            )
        self.lengths: npt.NDArray[np.int64] = given.astype(np.int64)
        wrong = np.flatnonzero((given < 0) | (given > self.values.shape[1]))
        if len(wrong):
            raise ValueError(
                f"sequence {wrong[0]} has length {given[wrong[0]]}, but the array has {self.values.shape[1]} steps"
            )

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows: Any) -> Any:
        """The sequence of one row, as long as it is; of several rows a ``Padded``."""
        if np.ndim(rows) == 0 and not isinstance(rows, slice):
            return self.values[rows, : self.lengths[rows]]
        return Padded(self.values[rows], self.lengths[rows])

    def cleared(self) -> Array:
        """The values, with zeros where no step is."""
        exists = self.exists().reshape(*self.values.shape[:2], *[1] * (self.values.ndim - 2))
        return np.where(exists, self.values, self.values.dtype.type(0))

    def exists(self) -> npt.NDArray[np.bool_]:
        """Of shape (n_samples, time): which steps there are."""
        return np.arange(self.values.shape[1]) < self.lengths[:, None]


def pad(sequences: Sequence[npt.ArrayLike], time: int | None = None) -> Padded:
    """Sequences of different lengths in one array, with zeros beyond the end of each.

    Parameters
    ----------
    sequences : sequence of array-like of shape (time_i, ...)
        All with the same features, or tokens of shape (time_i,). A length of 0 is allowed.
    time : int, optional
        Steps of the array; by default those of the longest.

    Returns
    -------
    Padded
        What ``fit``, ``predict`` and ``evaluate`` take in place of the list, padded once.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.data.pad([[1, 2, 3], [4]]).values
    array([[1, 2, 3],
           [4, 0, 0]])
    """
    arrays = [np.asarray(sequence) for sequence in sequences]
    if not arrays:
        raise ValueError("there are no sequences")
    sample = next((array for array in arrays if len(np.atleast_1d(array))), arrays[0])
    for i, array in enumerate(arrays):
        if array.dtype.kind not in "fiub":
            raise TypeError(f"sequence {i} should hold numbers, not {array.dtype}")
        if len(array.shape) == 0 or (len(array) and array.shape[1:] != sample.shape[1:]):
            raise ValueError(f"sequence {i} has shape {array.shape}, but others have steps of shape {sample.shape[1:]}")
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    longest = int(lengths.max())
    if time is not None and longest > time:
        raise ValueError(f"sequence {int(lengths.argmax())} has {longest} steps, more than {time}")
    kept = [array for array in arrays if len(array)] or arrays
    values = np.zeros((len(arrays), time or longest, *sample.shape[1:]), np.result_type(*kept))
    for row, array in zip(values, arrays, strict=True):
        row[: len(array)] = array if len(array) else 0
    return Padded(values, lengths)


def as_padded(given: Any, axes: int) -> Padded | None:
    """A list of sequences, each with so many axes, or what is padded already; None for anything else."""
    if isinstance(given, Padded):
        return given
    if not isinstance(given, list | tuple) or not given:
        return None
    arrays = [each if isinstance(each, np.ndarray) else _array_or_none(each) for each in given]
    if any(array is None for array in arrays):
        return None
    ranks = {array.ndim for array in arrays if array is not None and array.size}
    return pad([array for array in arrays if array is not None]) if ranks <= {axes} else None


def _array_or_none(each: Any) -> Array | None:
    try:
        array = np.asarray(each)
    except ValueError:
        return None
    return array if array.dtype.kind in "fiub" else None
