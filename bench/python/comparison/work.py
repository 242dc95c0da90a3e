"""What is trained: networks, their data and first weights, and a judge of their losses that trusts no library."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from comparison import convolution

Array = npt.NDArray[Any]
Weights = list[tuple[Array, Array]]  # of each layer: W of shape (in, out) or (*size, in, out), b of shape (out,)

JUDGED_SAMPLES, JUDGED_IMAGES = 500, 60

TITLES = {"sgd": "SGD", "momentum": "momentum", "adam": "Adam", "relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid"}
LOSSES = {"classes": "cross-entropy", "binary": "binary cross-entropy", "numbers": "squared error"}


@dataclass(frozen=True)
class Work:
    """A network and how it is trained.

    The target says the loss: cross-entropy of a softmax for "classes", binary cross-entropy of a sigmoid for
    "binary", the squared error of a linear output, averaged over outputs and samples, for "numbers". With ``layers``
    a sample has the ``shape`` given, and sizes are the numbers of its inputs and outputs.
    """

    name: str
    sizes: tuple[int, ...]
    activation: str
    batch: int
    optimizer: str
    learning_rate: float
    target: str
    dtype: str = "float32"
    least_samples: int = 10_000
    shape: convolution.Shape = ()
    layers: tuple[convolution.Layer, ...] = ()
    lengths: tuple[int, int] | None = None  # of the sequences, from the first to the second

    @property
    def title(self) -> str:
        return f"{self.name} {TITLES[self.activation]} ({self.batch}, {TITLES[self.optimizer]})"

    @property
    def loss(self) -> str:
        return LOSSES[self.target]

    @property
    def steps(self) -> int:
        """Updates in an epoch: whole batches only, so that every library does the same work."""
        return math.ceil(self.least_samples / self.batch)

    @property
    def samples(self) -> int:
        return self.steps * self.batch

    @property
    def shuffled(self) -> bool:
        """Whether the order of the samples matters."""
        return self.steps > 1

    @property
    def outputs(self) -> int:
        return self.sizes[-1]

    @property
    def flops_per_sample(self) -> float:
        """Two operations per multiplication, forward and backward; the first layer's inputs need no gradient."""
        products = [a * b for a, b in pairwise(self.sizes)]
        forward, of_inputs = float(sum(products)), float(products[0])
        if self.layers:
            steps = sum(self.lengths) / 2 if self.lengths else 0
            forward, of_inputs = convolution.multiplications(self.shape, self.layers, steps)
        return 6 * forward - 2 * of_inputs


@dataclass(frozen=True)
class Data:
    """Samples from which the network can learn, the same in every process.

    Targets are simple functions of a few inputs, with noise: a network that has learned all there is would be timed on
    vanishing gradients.
    """

    work: Work

    @cached_property
    def X(self) -> Array:
        rng = np.random.default_rng(1)
        if self.work.layers:
            patterns = convolution.patterns(self.work.shape, self.work.outputs, rng)
            noise = rng.standard_normal((self.work.samples, *self.work.shape))
            exists = np.arange(self.work.shape[0])[:, None] < self.lengths[:, None, None]
            whole = exists if self.work.lengths else np.ones((), bool)
            return np.where(whole, noise + patterns[self._shown], 0).astype(self.work.dtype)
        return rng.standard_normal((self.work.samples, self.work.sizes[0])).astype(self.work.dtype)

    @cached_property
    def lengths(self) -> Array:
        """Of each sequence."""
        shortest, longest = self.work.lengths or (self.work.shape[0],) * 2
        return np.random.default_rng(6).integers(shortest, longest + 1, self.work.samples)

    @cached_property
    def _shown(self) -> Array:
        """The class whose pattern is in each image or series."""
        return np.random.default_rng(5).integers(self.work.outputs, size=self.work.samples)

    @cached_property
    def y(self) -> Array:
        """Classes of shape (n,) as int64, or numbers of shape (n, outputs)."""
        rng = np.random.default_rng(2)
        work, inputs = self.work, self.work.sizes[0]
        if work.layers:
            wrong = rng.uniform(size=work.samples) < 0.1
            return np.where(wrong, rng.integers(work.outputs, size=work.samples), self._shown)
        output = np.arange(work.outputs)
        signal: Array = self.X[:, 3 * output % inputs] - self.X[:, (7 * output + 1) % inputs]
        if work.target == "numbers":
            return np.asarray(np.tanh(signal) + rng.uniform(-0.1, 0.1, signal.shape), work.dtype)
        wrong = rng.uniform(size=work.samples) < 0.1
        if work.target == "binary":
            return np.asarray((signal[:, :1] > 0) != wrong[:, None], work.dtype)
        return np.where(wrong, rng.integers(work.outputs, size=work.samples), signal.argmax(axis=1))


def first_weights(work: Work) -> Weights:
    """Uniform as Glorot & Bengio 2010, or He et al. 2015 for ReLU; biases zero."""
    rng = np.random.default_rng(3)

    def layer(shape: convolution.Shape) -> tuple[Array, Array]:
        inputs, outputs = math.prod(shape[:-1]), shape[-1]
        limit = math.sqrt(6 / (inputs if work.activation == "relu" else inputs + outputs))
        weight = rng.uniform(-limit, limit, shape).astype(work.dtype)
        return weight, np.zeros(outputs, work.dtype)

    if work.layers:
        return [layer(shape) for shape in convolution.weight_shapes(work.shape, work.layers)]
    return [layer(pair) for pair in pairwise(work.sizes)]


def logits(work: Work, weights: Weights, X: Array, lengths: Array | None = None) -> Array:
    """What the last layer puts out before softmax or sigmoid, in float64, by NumPy alone."""
    h = X.astype(np.float64)
    if work.layers:
        lengths = np.full(len(X), work.shape[0]) if lengths is None else lengths
        return convolution.outputs(work.layers, weights, h, lambda z: activate(work.activation, z), lengths)
    for W, b in weights[:-1]:
        h = activate(work.activation, h @ W.astype(np.float64) + b)
    W, b = weights[-1]
    return h @ W.astype(np.float64) + b


def activate(name: str, z: Array) -> Array:
    match name:
        case "relu":
            return np.maximum(z, 0)
        case "tanh":
            return np.tanh(z)
        case _:
            return 0.5 * (1 + np.tanh(0.5 * z))


def log_softmax(z: Array) -> Array:
    z = z - z.max(axis=1, keepdims=True)
    total: Array = np.exp(z).sum(axis=1, keepdims=True)
    return z - np.log(total)


def judge(work: Work, weights: Weights, data: Data) -> float:
    """The mean loss on some of the samples, in float64, by NumPy alone."""
    count = JUDGED_IMAGES if work.layers else JUDGED_SAMPLES
    lengths = data.lengths[:count] if work.lengths else None
    z, y = logits(work, weights, data.X[:count], lengths), data.y[:count]
    if work.target == "numbers":
        return float(np.mean((z - y) ** 2))
    if work.target == "binary":
        return float(np.mean(np.logaddexp(0, z) - y * z))
    return float(-np.mean(log_softmax(z)[np.arange(len(z)), y]))
