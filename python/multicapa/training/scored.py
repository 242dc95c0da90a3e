"""Outputs in the dress of a fitted estimator, as scikit-learn's scorers want to see them."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from multicapa.base.arrays import Array


class Regressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts what it was given."""

    def __init__(self, outputs: Array) -> None:
        self.outputs = outputs

    def predict(self, X: Any) -> Array:
        return self.outputs

    def __sklearn_is_fitted__(self) -> bool:
        return True


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts what it was given; its scores are probabilities, or else decisions."""

    def __init__(self, guess: Array, scores: Array, classes: Array, probable: bool) -> None:
        self.guess, self.scores, self.classes, self.probable = guess, scores, classes, probable
        self.classes_ = classes

    def predict(self, X: Any) -> Array:
        return self.guess

    @available_if(lambda self: self.probable)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        return self.scores

    @available_if(lambda self: not self.probable)  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Array:
        two = self.scores.shape[1] == 2 and self.guess.ndim == 1
        return self.scores[:, 1] - self.scores[:, 0] if two else self.scores

    def __sklearn_is_fitted__(self) -> bool:
        return True
