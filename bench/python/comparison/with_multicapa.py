"""multicapa, as its users call it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import multicapa as mc
from comparison.convolution import Conv, Dense, Mean, Pool
from comparison.recurrence import Walk
from comparison.work import Array, Data, Weights, Work

OUTPUTS = {"classes": "softmax", "binary": "sigmoid", "numbers": "linear"}
LOSSES = {"classes": "cross_entropy", "binary": "binary_cross_entropy", "numbers": "squared_error"}
WALKS = {"rnn": mc.SimpleRNN, "lstm": mc.LSTM, "gru": mc.GRU}
OPTIMIZERS = {"sgd": mc.SGD, "momentum": mc.Momentum, "adam": mc.Adam}


def build(work: Work) -> mc.Sequential:
    if work.layers:
        return mc.Sequential(list(_layers(work)), input_shape=work.shape, dtype=work.dtype, seed=0)
    hidden = [mc.Dense(width, work.activation) for width in work.sizes[1:-1]]
    output = mc.Dense(work.outputs, OUTPUTS[work.target])
    return mc.Sequential([*hidden, output], input_shape=work.sizes[0], dtype=work.dtype, seed=0)


def _layers(work: Work) -> Iterator[mc.layers.Layer]:
    flat = len(work.shape) == 1
    conv, pool, mean = {
        2: (mc.Conv1D, mc.MaxPool1D, mc.GlobalAveragePool1D),
        3: (mc.Conv2D, mc.MaxPool2D, mc.GlobalAveragePool2D),
    }[len(work.shape)]
    for layer in work.layers:
        match layer:
            case Conv():
                yield conv(layer.filters, layer.size, work.activation, padding="same" if layer.same else "valid")
            case Walk():
                walk = WALKS[layer.kind](layer.units)
                yield mc.Bidirectional(walk) if layer.both else walk
                flat = True
            case Pool():
                yield pool(layer.size)
            case Mean():
                yield mean()
                flat = True
            case Dense():
                if not flat:
                    yield mc.Flatten()
                    flat = True
                last = layer is work.layers[-1]
                yield mc.Dense(layer.units, OUTPUTS[work.target] if last else work.activation)


def views(net: mc.Sequential) -> list[tuple[list[list[Array]], list[Array]]]:
    """The network's own numbers, layer by layer: W as blocks of rows and columns, b as blocks."""
    found: dict[str, list[Array]] = {}
    for name, view in net.parameters.items():
        found.setdefault(name.rpartition(".")[0], []).append(view)
    layers = [_ordered(numbers) for numbers in found.values()]
    ways = [way for way in layers if len(way[0]) > 1]  # of one recurrent layer, whose columns lie side by side
    joined = [([list(rows) for rows in zip(*(W for W, _ in ways), strict=True)], [b for _, b in ways])] if ways else []
    return joined + [([[rows] for rows in W], [b]) for W, b in layers if len(W) == 1]


def _ordered(numbers: list[Array]) -> tuple[list[Array], Array]:
    if len(numbers) == 2:
        return [numbers[0]], numbers[1]
    W, U, b, *second = numbers
    return [W, U, *(bias[None] for bias in second)], b


def set_weights(net: mc.Sequential, weights: Weights) -> None:
    for (W, b), (blocks, biases) in zip(weights, views(net), strict=True):
        rows = np.cumsum([row[0].shape[0] for row in blocks])[:-1]
        for part, row in zip(np.split(W, rows), blocks, strict=True):
            for block, view in zip(np.split(part, len(row), axis=-1), row, strict=True):
                view[...] = block
        for block, view in zip(np.split(b, len(biases)), biases, strict=True):
            view[...] = block


class Training:
    def __init__(self, data: Data, threads: int) -> None:
        self.data, self.work = data, data.work
        self.net = build(self.work)
        self.X: Any = mc.data.Padded(data.X, data.lengths) if self.work.lengths else data.X

    def start(self, weights: Weights) -> None:
        set_weights(self.net, weights)

    def run(self, epochs: int) -> None:
        work = self.work
        self.net.fit(
            self.X,
            self.data.y,
            loss=LOSSES[work.target],
            optimizer=OPTIMIZERS[work.optimizer](work.learning_rate),
            epochs=epochs,
            batch_size=work.batch,
            shuffle=work.shuffled,
        )

    def weights(self) -> Weights:
        return [
            (np.concatenate([np.concatenate(row, axis=-1) for row in W]), np.concatenate(b)) for W, b in views(self.net)
        ]


class Prediction:
    def __init__(self, work: Work, weights: Weights, X: Array, threads: int) -> None:
        self.net, self.X = build(work), X
        set_weights(self.net, weights)

    def run(self, calls: int) -> Array:
        for _ in range(calls):
            probabilities = self.net.predict(self.X)
        return probabilities
