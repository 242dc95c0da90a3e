"""Networks as rows of a table: what they are made of and how multicapa trains them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

import multicapa as mc
from scores import data

BATCH, EPOCHS, PATIENCE = 32, 200, 10
MOST_UPDATES = 3000  # of a fit, so that a table of many takes minutes


@dataclass(frozen=True)
class Net:
    """Hidden layers for a data set; a residual connection goes around each pair of layers as wide."""

    data: str
    sizes: tuple[int, ...] = (64, 32)
    activation: str = "relu"
    form: str = "plain"  # or "residual", "batch norm", "residual, batch norm"

    @property
    def name(self) -> str:
        sizes = "-".join(map(str, self.sizes)) if len(self.sizes) < 7 else f"{len(self.sizes)}×{self.sizes[0]}"
        return f"{self.data}, {sizes} {self.activation}{'' if self.form == 'plain' else f', {self.form}'}"


@dataclass(frozen=True)
class Parts:
    """Rows for training, for early stopping, and to be judged by."""

    train: tuple[Any, Any]
    dev: tuple[Any, Any]
    test: tuple[Any, Any]
    n_outputs: int
    output: str
    epochs: int


def parts(name: str, seed: int) -> Parts:
    rows = data.split(name, seed)
    regression = data.is_regression(name)
    X, X_dev, y, y_dev = train_test_split(
        rows.X, rows.y, test_size=0.15, random_state=seed, stratify=None if regression else rows.y
    )
    n_outputs = 1 if regression else len(np.unique(y))
    epochs = max(1, min(EPOCHS, MOST_UPDATES // -(-len(y) // BATCH)))
    single = np.float32 if regression else np.int64
    X, X_dev, X_test = (each.astype(np.float32) for each in (X, X_dev, rows.X_test))
    return Parts(
        (X, y.astype(single)),
        (X_dev, y_dev.astype(single)),
        (X_test, rows.y_test.astype(single)),
        n_outputs,
        "linear" if regression else "softmax",
        epochs,
    )


Dense = Callable[[int, str, str], Any]  # units, what the layer has itself, what it is followed by


def graph(net: Net, n_inputs: int, n_outputs: int, output: str, dense: Dense) -> tuple[Any, Any]:
    """Input and output of the network, its layers with weights made by ``dense``."""
    x = h = mc.Input(n_inputs)
    skipped, width = None, 0
    for place, units in enumerate(net.sizes):
        joins = "residual" in net.form and place % 2 == 0
        activation = "linear" if joins and width == units else net.activation
        if "batch norm" in net.form:
            h = mc.Activation(activation)(mc.BatchNorm()(dense(units, "linear", activation)(h)))
        else:
            h = dense(units, activation, activation)(h)
        if joins:
            skipped = h = mc.add([h, skipped]) if width == units else h
            width = units
    return x, dense(n_outputs, output, output)(h)


def train(net: Net, seed: int, dense: Dense, **options: Any) -> float:
    """The accuracy or R² on rows not seen, after early stopping."""
    rows = parts(net.data, seed)
    x, out = graph(net, rows.train[0].shape[1], rows.n_outputs, rows.output, dense)
    network = mc.Network(x, out, seed=seed)
    told = {"optimizer": "adam", "batch_size": BATCH, "epochs": rows.epochs} | options
    try:
        network.fit(*rows.train, validation_data=rows.dev, callbacks=[mc.EarlyStopping(patience=PATIENCE)], **told)
    except mc.DivergenceError:
        return 0.0
    return judge(network.predict(rows.test[0]), rows.test[1])


def judge(outputs: Any, y: Any) -> float:
    """Accuracy where y holds classes, R² where it holds numbers, which is not counted below 0."""
    if y.dtype == np.int64:
        return float(np.mean(outputs.argmax(axis=1) == y))
    error = float(np.mean((outputs.ravel() - y) ** 2) / np.var(y))
    return max(0.0, 1.0 - error) if np.isfinite(error) else 0.0
