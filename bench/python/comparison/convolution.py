"""Networks of layers other than dense ones: the layers as data, and what they put out, by NumPy alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from comparison.recurrence import Walk, walked

Array = npt.NDArray[Any]
Shape = tuple[int, ...]  # of a sample, channels last


@dataclass(frozen=True)
class Conv:
    """Filters of the same size along each axis, and the activation of the network."""

    filters: int
    size: int
    same: bool = False  # whether zeros keep the extent; the size is odd then

    def after(self, shape: Shape) -> Shape:
        lost = 0 if self.same else self.size - 1
        return (*(extent - lost for extent in shape[:-1]), self.filters)

    def weight(self, shape: Shape) -> Shape:
        return (*[self.size] * (len(shape) - 1), shape[-1], self.filters)


@dataclass(frozen=True)
class Pool:
    """The maximum of windows side by side."""

    size: int = 2

    def after(self, shape: Shape) -> Shape:
        return (*(extent // self.size for extent in shape[:-1]), shape[-1])

    def weight(self, shape: Shape) -> Shape:
        return ()


@dataclass(frozen=True)
class Mean:
    """Of each channel."""

    def after(self, shape: Shape) -> Shape:
        return shape[-1:]

    def weight(self, shape: Shape) -> Shape:
        return ()


@dataclass(frozen=True)
class Dense:
    """Of all numbers, in the order height, width, channel; with the activation, unless it is the last layer."""

    units: int

    def after(self, shape: Shape) -> Shape:
        return (self.units,)

    def weight(self, shape: Shape) -> Shape:
        return (math.prod(shape), self.units)


Layer = Conv | Pool | Mean | Dense | Walk


def shapes(shape: Shape, layers: tuple[Layer, ...]) -> list[Shape]:
    """Of what each layer reads, and of what the last one puts out."""
    found = [shape]
    for layer in layers:
        found.append(layer.after(found[-1]))
    return found


def weight_shapes(shape: Shape, layers: tuple[Layer, ...]) -> list[Shape]:
    """Of the layers that have weights."""
    found = zip(layers, shapes(shape, layers), strict=False)
    return [weight for layer, before in found if (weight := layer.weight(before))]


def multiplications(shape: Shape, layers: tuple[Layer, ...], steps: float = 0) -> tuple[float, float]:
    """Of all layers for one sample on its way forward, and those of the inputs; steps: of sequences that differ."""
    forward, of_inputs = 0.0, 0.0
    for layer, before in zip(layers, shapes(shape, layers), strict=False):
        if isinstance(layer, Walk):
            count = layer.multiplications(steps or before[0], before[1])
            inputs = count * before[1] / (before[1] + layer.units)
        else:
            places = math.prod(layer.after(before)[:-1]) if isinstance(layer, Conv) else 1
            inputs = count = math.prod(layer.weight(before)) * places if layer.weight(before) else 0
        of_inputs = of_inputs or inputs
        forward += count
    return forward, of_inputs


def outputs(
    layers: tuple[Layer, ...], weights: list[tuple[Array, Array]], h: Array, activate: Any, lengths: Array
) -> Array:
    """Of the last layer, without its activation; lengths: of sequences."""
    rest = iter(weights)
    for layer in layers:
        match layer:
            case Conv():
                W, b = next(rest)
                h = activate(convolved(h, W.astype(np.float64), layer.same) + b)
            case Walk():
                W, b = next(rest)
                h = walked(layer, W.astype(np.float64), b.astype(np.float64), h, lengths)
            case Pool():
                h = pooled(h, layer.size)
            case Mean():
                h = h.mean(axis=tuple(range(1, h.ndim - 1)))
            case Dense():
                W, b = next(rest)
                h = h.reshape(len(h), -1) @ W.astype(np.float64) + b
                h = h if layer is layers[-1] else activate(h)
    return h


def convolved(h: Array, W: Array, same: bool) -> Array:
    axes = tuple(range(1, h.ndim - 1))
    if same:
        zeros = [(extent // 2, extent // 2) for extent in W.shape[:-2]]
        h = np.pad(h, [(0, 0), *zeros, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(h, W.shape[:-2], axis=axes)
    windows = np.moveaxis(windows, len(axes) + 1, -1)  # the channel after the window's places
    flat = windows.reshape(*windows.shape[: len(axes) + 1], -1)
    result: Array = flat @ W.reshape(-1, W.shape[-1])
    return result


def pooled(h: Array, size: int) -> Array:
    for axis in range(1, h.ndim - 1):
        count = h.shape[axis] // size
        h = np.take(h, range(count * size), axis=axis)
        h = h.reshape(*h.shape[:axis], count, size, *h.shape[axis + 1 :]).max(axis=axis + 1)
    return h


def patterns(shape: Shape, classes: int, rng: np.random.Generator) -> Array:
    """One for each class: coarse random numbers, so that filters have something to find."""
    coarse = rng.standard_normal((classes, *(-(-extent // 4) for extent in shape[:-1]), shape[-1]))
    for axis, extent in enumerate(shape[:-1], start=1):
        coarse = np.take(np.repeat(coarse, 4, axis=axis), range(extent), axis=axis)
    return coarse
