"""From what users hand over to what a network's core reads: arrays, and sequences of different lengths."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from multicapa.base.arrays import Array, as_numbers, as_samples, check_finite
from multicapa.base.sequences import Padded, as_padded


class Reads(Protocol):
    """What of a network says what it reads."""

    input_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    time: int
    vocabulary: int


Lengths = Any  # an array of int64, or None where all samples have all steps


def as_inputs(network: Reads, X: Any, what: str = "X") -> tuple[Array, Lengths]:
    """X and the lengths of its sequences, checked for the network."""
    shape, dtype = network.input_shape, network.dtype
    padded = as_padded(X, len(shape)) if network.time else None
    if padded is None and network.time and getattr(X, "ndim", 0) == len(shape) + 1 and X.shape[1] < network.time:
        padded = Padded(X, np.full(len(X), X.shape[1]))
    if padded is None:
        array = as_samples(X, shape, dtype, what)
        _check_tokens(network, array, None, what)
        return array, None
    values = as_numbers(padded.values, dtype, what)
    if values.shape[2:] != shape[1:]:
        raise ValueError(f"the sequences of {what} should have steps of shape {shape[1:]}, but have {values.shape[2:]}")
    if values.shape[1] > network.time:
        longest = int(padded.lengths.argmax())
        if padded.lengths[longest] > network.time:
            raise ValueError(
                f"{what}[{longest}] has {padded.lengths[longest]} steps, but the network takes {network.time} at most"
            )
        values = np.ascontiguousarray(values[:, : network.time])
    if values.shape[1] < network.time:
        beyond = np.zeros((len(values), network.time - values.shape[1], *shape[1:]), values.dtype)
        values = np.concatenate([values, beyond], axis=1)
    padded = Padded(values, padded.lengths)
    check_finite(padded.cleared(), dtype, what)
    _check_tokens(network, values, padded, what)
    return values, None if (padded.lengths == network.time).all() else padded.lengths


def _check_tokens(network: Reads, values: Array, padded: Padded | None, what: str) -> None:
    count = network.vocabulary
    if not count:
        return
    exists = np.ones(values.shape, bool) if padded is None else padded.exists()
    wrong = np.argwhere(exists & ((values < 0) | (values >= count) | (values != np.floor(values))))
    if len(wrong):
        i, t = wrong[0]
        raise ValueError(f"{what}[{i}, {t}] is {values[i, t]:g}, but the tokens of this network are 0 to {count - 1}")
