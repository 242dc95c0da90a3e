"""scikit-learn's MLPClassifier and MLPRegressor."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from comparison.work import Array, Data, Weights, Work

sklearn.set_config(assume_finite=True)  # no search for NaN before each fit
warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is ours

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}


def learning_rate(work: Work) -> float:
    """Its squared error is half the sum over the outputs; Adam does not see the difference."""
    scaled = work.target == "numbers" and work.optimizer != "adam"
    return work.learning_rate * 2 / work.outputs if scaled else work.learning_rate


def build(work: Work) -> Any:
    estimator = MLPRegressor if work.target == "numbers" else MLPClassifier
    return estimator(
        hidden_layer_sizes=work.sizes[1:-1],
        activation=ACTIVATIONS[work.activation],
        solver="adam" if work.optimizer == "adam" else "sgd",
        momentum=0.9 if work.optimizer == "momentum" else 0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        batch_size=work.batch,
        learning_rate_init=learning_rate(work),
        shuffle=work.shuffled,
        tol=0.0,
        n_iter_no_change=np.iinfo(np.int32).max,
        warm_start=True,  # so that fit goes on from the weights given, with a fresh optimiser
        random_state=0,
    )


def set_weights(model: Any, weights: Weights, X: Array, y: Array) -> None:
    if not hasattr(model, "coefs_"):
        model.set_params(max_iter=1).fit(X, y)  # makes them
    for (W, b), coef, intercept in zip(weights, model.coefs_, model.intercepts_, strict=True):
        coef[...], intercept[...] = W, b


def column(y: Array) -> Array:
    """Single targets the way it wants them."""
    return y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y


class Training:
    def __init__(self, data: Data, threads: int) -> None:
        self.X, self.y = data.X, column(data.y)
        self.model = build(data.work)

    def start(self, weights: Weights) -> None:
        set_weights(self.model, weights, self.X, self.y)

    def run(self, epochs: int) -> None:
        self.model.set_params(max_iter=epochs).fit(self.X, self.y)

    def weights(self) -> Weights:
        return list(zip(self.model.coefs_, self.model.intercepts_, strict=True))


class Prediction:
    def __init__(self, work: Work, weights: Weights, X: Array, threads: int) -> None:
        self.model, self.X = build(work).set_params(batch_size="auto"), X
        classes = np.arange(work.outputs)
        set_weights(self.model, weights, np.zeros((work.outputs, work.sizes[0]), work.dtype), classes)

    def run(self, calls: int) -> Array:
        for _ in range(calls):
            probabilities: Array = self.model.predict_proba(self.X)
        return probabilities
