"""multicapa, as its users call it."""

from __future__ import annotations

import multicapa as mc
from comparison.work import Array, Data, Weights, Work

OUTPUTS = {"classes": "softmax", "binary": "sigmoid", "numbers": "linear"}
LOSSES = {"classes": "cross_entropy", "binary": "binary_cross_entropy", "numbers": "squared_error"}
OPTIMIZERS = {"sgd": mc.SGD, "momentum": mc.Momentum, "adam": mc.Adam}


def build(work: Work) -> mc.Sequential:
    hidden = [mc.Dense(width, work.activation) for width in work.sizes[1:-1]]
    output = mc.Dense(work.outputs, OUTPUTS[work.target])
    return mc.Sequential([*hidden, output], input_shape=work.sizes[0], dtype=work.dtype, seed=0)


def set_weights(net: mc.Sequential, weights: Weights) -> None:
    for i, (W, b) in enumerate(weights, start=1):
        net.parameters[f"dense_{i}.weight"] = W
        net.parameters[f"dense_{i}.bias"] = b


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
        layers = range(1, len(self.work.sizes))
        return [(self.net.parameters[f"dense_{i}.weight"], self.net.parameters[f"dense_{i}.bias"]) for i in layers]


class Prediction:
    def __init__(self, work: Work, weights: Weights, X: Array, threads: int) -> None:
        self.net, self.X = build(work), X
        set_weights(self.net, weights)

    def run(self, calls: int) -> Array:
        for _ in range(calls):
            probabilities = self.net.predict(self.X)
        return probabilities
