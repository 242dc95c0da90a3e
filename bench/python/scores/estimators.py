"""The estimators beside scikit-learn's, at equal options, splits and seeds."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

from sklearn import neural_network

import multicapa as mc
from scores import data, duels

NAME = "estimators"
OURS, THEIRS = "multicapa", "scikit-learn"
CONTENDERS = (OURS, THEIRS)


@dataclass(frozen=True)
class Row:
    """A data set and what the constructor is told."""

    data: str
    options: dict[str, Any] = field(default_factory=dict)
    scaled: bool = True

    @property
    def name(self) -> str:
        told = [f"{key}={value}" for key, value in self.options.items()]
        return ", ".join([self.data, *([] if self.scaled else ["unscaled"]), *told])


_EARLY, _SGD = {"early_stopping": True}, {"solver": "sgd", "learning_rate_init": 0.01}
_ROWS = (
    Row("iris"),
    Row("wine"),
    Row("breast cancer", scaled=False),
    Row("breast cancer", {"solver": "lbfgs"}),
    Row("digits"),
    Row("digits", scaled=False),
    Row("digits", {"hidden_layer_sizes": (64, 64, 64)}),
    Row("digits", {"activation": "tanh"}),
    Row("digits", {"activation": "logistic"}),
    Row("digits", _SGD),
    Row("four classes"),
    Row("three classes", _EARLY | {"max_iter": 40}),
    Row("labels"),
    Row("moons", {"activation": "logistic", "solver": "lbfgs"}),
    Row("rings", {"hidden_layer_sizes": (32, 32)}),
    Row("friedman1", scaled=False),
    Row("friedman1", _EARLY, scaled=False),
    Row("friedman1", {"activation": "tanh"}),
    Row("friedman2"),
    Row("friedman2", _SGD),
    Row("diabetes", _EARLY),
    Row("friedman1", {"solver": "lbfgs", "hidden_layer_sizes": (30,), "alpha": 1.0}),
    Row("regression", {"activation": "identity", "early_stopping": True}),
)
ROWS = {row.name: row for row in _ROWS}


def measure(name: str, contender: str, seed: int) -> float:
    """The accuracy or R² on rows not seen."""
    row = ROWS[name]
    library: Any = mc if contender == OURS else neural_network
    kind = library.MLPRegressor if data.is_regression(row.data) else library.MLPClassifier
    rows = data.split(row.data, seed, scale_X=row.scaled, scale_y=row.scaled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it may not have converged is the same for both
        return float(kind(random_state=seed, **row.options).fit(rows.X, rows.y).score(rows.X_test, rows.y_test))


def report(scores: duels.Scores) -> str:
    return duels.table(scores, OURS, THEIRS)
