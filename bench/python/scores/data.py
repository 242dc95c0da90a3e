"""Data sets that come with scikit-learn or are made by it, split and scaled as a careful user would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

_MAKERS: dict[str, Callable[..., Any]] = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "moons": lambda: datasets.make_moons(1000, noise=0.25, random_state=0),
    "rings": lambda: datasets.make_gaussian_quantiles(n_samples=2000, n_features=6, n_classes=3, random_state=0),
    "four classes": lambda: _classes(6000, 4),
    "three classes": lambda: _classes(20000, 3),
    "labels": lambda: datasets.make_multilabel_classification(1500, n_classes=5, random_state=0),
    "regression": lambda: datasets.make_regression(1000, 20, n_informative=10, noise=20.0, random_state=0),
    "friedman1": lambda: datasets.make_friedman1(1000, noise=1.0, random_state=0),
    "friedman2": lambda: datasets.make_friedman2(1000, noise=50.0, random_state=0),
    "friedman3": lambda: datasets.make_friedman3(1000, noise=0.1, random_state=0),
}
_NUMBERS = ("diabetes", "regression", "friedman1", "friedman2", "friedman3")


def _classes(rows: int, count: int) -> Any:
    return datasets.make_classification(
        rows, 20, n_informative=10, n_classes=count, n_clusters_per_class=2, class_sep=1.2, flip_y=0.02, random_state=0
    )


@dataclass(frozen=True)
class Split:
    """Rows to train on and rows to be judged by."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any


def is_regression(name: str) -> bool:
    return name in _NUMBERS


@cache
def load(name: str) -> tuple[Any, Any]:
    """All rows of a data set."""
    X, y = _MAKERS[name]()
    return np.asarray(X, dtype=np.float64), np.asarray(y)


def split(name: str, seed: int, *, scale_X: bool = True, scale_y: bool = True) -> Split:
    """A quarter to be judged by; the rest decides how X and, for numbers, y are standardised."""
    X, y = load(name)
    kept = None if is_regression(name) or y.ndim == 2 else y
    X, X_test, y, y_test = train_test_split(X, y, random_state=seed, stratify=kept)
    if scale_X:
        scaler = StandardScaler().fit(X)
        X, X_test = scaler.transform(X), scaler.transform(X_test)
    if scale_y and is_regression(name):
        mean, deviation = y.mean(), y.std()
        y, y_test = (y - mean) / deviation, (y_test - mean) / deviation
    return Split(X, y, X_test, y_test)
