"""multicapa, as its users call it."""

from __future__ import annotations

from collections.abc import Iterator

import multicapa as mc
from comparison.convolution import Conv, Dense, Mean, Pool
from comparison.work import Array, Data, Weights, Work

OUTPUTS = {"classes": "softmax", "binary": "sigmoid", "numbers": "linear"}
LOSSES = {"classes": "cross_entropy", "binary": "binary_cross_entropy", "numbers": "squared_error"}
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


def views(net: mc.Sequential) -> Weights:
    """The network's own numbers, layer by layer."""
    numbers = list(net.parameters.values())
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def set_weights(net: mc.Sequential, weights: Weights) -> None:
    for (W, b), (V, a) in zip(weights, views(net), strict=True):
        V[...], a[...] = W, b


class Training:
    def __init__(self, data: Data, threads: int) -> None:
        self.data, self.work = data, data.work
        self.net = build(self.work)

    def start(self, weights: Weights) -> None:
        set_weights(self.net, weights)

    def run(self, epochs: int) -> None:
        work = self.work
        self.net.fit(
            self.data.X,
            self.data.y,
            loss=LOSSES[work.target],
            optimizer=OPTIMIZERS[work.optimizer](work.learning_rate),
            epochs=epochs,
            batch_size=work.batch,
            shuffle=work.shuffled,
        )

    def weights(self) -> Weights:
        return views(self.net)


class Prediction:
    def __init__(self, work: Work, weights: Weights, X: Array, threads: int) -> None:
        self.net, self.X = build(work), X
        set_weights(self.net, weights)

    def run(self, calls: int) -> Array:
        for _ in range(calls):
            probabilities = self.net.predict(self.X)
        return probabilities
