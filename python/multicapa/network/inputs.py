"""From what users hand over to what a network's core reads: arrays, and sequences of different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from multicapa.base.arrays import Array, as_numbers, as_samples, check_finite
from multicapa.base.sequences import Padded, as_padded
from multicapa.network.ports import InputPort, bound

Lengths = Any  # an array of int64, or None where all samples have all steps
Inputs = tuple[tuple[Array, Lengths], ...]


def as_inputs(inputs: Sequence[InputPort], dtype: np.dtype[Any], X: Any, what: str = "X") -> Inputs:
    """X and the lengths of its sequences for each of a network's inputs, checked."""
    if len(inputs) == 1:
        if isinstance(X, dict):
            (X,) = bound(X, [inputs[0].name], what, "input")
        return (_as_input(inputs[0], dtype, X, what),)
    parts = bound(X, [port.name for port in inputs], what, "input")
    made = []
    for port, part in zip(inputs, parts, strict=True):
        name = f"{what}[{port.name!r}]"
        _check_place(part, port, inputs, name)
        made.append(_as_input(port, dtype, part, name))
        if len(made[-1][0]) != len(made[0][0]):
            raise ValueError(
                f"{name} has {len(made[-1][0])} samples, but {what}[{inputs[0].name!r}] has {len(made[0][0])}"
            )
    return tuple(made)


def _check_place(given: Any, port: InputPort, inputs: Sequence[InputPort], what: str) -> None:
    """Raise ValueError where an array has the shape of another input."""
    shape = getattr(given, "shape", (0, *port.shape))[1:]
    others = [other.name for other in inputs if other.shape == shape]
    if shape != port.shape and others and not (port.time and shape[1:] == port.shape[1:]):
        raise ValueError(
            f"{what} should have samples of shape {port.shape}, not {shape}, which those of {others[0]!r} have; inputs "
            "are bound by name, or in the order of Network(inputs, ...)"
        )


def _as_input(port: InputPort, dtype: np.dtype[Any], X: Any, what: str) -> tuple[Array, Lengths]:
    shape = port.shape
    padded = as_padded(X, len(shape)) if port.time else None
    if padded is None and port.time and getattr(X, "ndim", 0) == len(shape) + 1 and X.shape[1] < port.time:
        padded = Padded(X, np.full(len(X), X.shape[1]))
    if padded is None:
        array = as_samples(X, shape, dtype, what)
        _check_tokens(port, array, None, what)
        return array, None
    values = as_numbers(padded.values, dtype, what)
    if values.shape[2:] != shape[1:]:
        raise ValueError(f"the sequences of {what} should have steps of shape {shape[1:]}, but have {values.shape[2:]}")
    if values.shape[1] > port.time:
        longest = int(padded.lengths.argmax())
        if padded.lengths[longest] > port.time:
            raise ValueError(
                f"{what}[{longest}] has {padded.lengths[longest]} steps, but the network takes {port.time} at most"
            )
        values = np.ascontiguousarray(values[:, : port.time])
    if values.shape[1] < port.time:
        beyond = np.zeros((len(values), port.time - values.shape[1], *shape[1:]), values.dtype)
        values = np.concatenate([values, beyond], axis=1)
    padded = Padded(values, padded.lengths)
    check_finite(padded.cleared(), dtype, what)
    _check_tokens(port, values, padded, what)
    return values, None if (padded.lengths == port.time).all() else padded.lengths


def _check_tokens(port: InputPort, values: Array, padded: Padded | None, what: str) -> None:
    count = port.vocabulary
    if not count:
        return
    exists = np.ones(values.shape, bool) if padded is None else padded.exists()
    wrong = np.argwhere(exists & ((values < 0) | (values >= count) | (values != np.floor(values))))
    if len(wrong):
        i, t = wrong[0]
        raise ValueError(f"{what}[{i}, {t}] is {values[i, t]:g}, but the tokens of this network are 0 to {count - 1}")
