"""When a fit of an estimator is over: scikit-learn's rules, as a callback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multicapa.callbacks import Callback

if TYPE_CHECKING:
    from multicapa.arrays import Array
    from multicapa.estimators.base import MLP
    from multicapa.training import Run

_FACTOR, _SMALLEST_RATE = 5.0, 1e-6  # scikit-learn's, for learning_rate="adaptive"


class Watch(Callback):
    """Records losses and scores on the estimator, and ends the fit when they no longer improve."""

    def __init__(self, estimator: MLP, validation: tuple[Array, Array, Array | None] | None, samples: int) -> None:
        self.estimator = estimator
        self.validation = validation  # what early stopping scores: X, y as predicted, weights
        self.samples = samples
        self.stopped = False
        self._best_numbers: Any = None

    def on_fit_begin(self, run: Run) -> None:
        self.estimator.network_ = run.network
        self.estimator.history_ = run.history

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> bool:
        model = self.estimator
        model.n_iter_ += 1
        model.t_ += self.samples
        model.loss_ = epoch["loss"]
        model.loss_curve_.append(model.loss_)
        if model.verbose:
            print(f"Iteration {model.n_iter_}, loss = {model.loss_:.8f}")
        if self.validation is not None:
            improved = self._score(run)
        else:
            improved = model.loss_ <= model.best_loss_ - model.tol
            model.best_loss_ = min(model.loss_, model.best_loss_)
            if run.optimizer.name == "lbfgs":
                return False  # has its own tolerances
        model._not_improved = 0 if improved else model._not_improved + 1
        if model._not_improved <= model.n_iter_no_change:
            return False
        if model.learning_rate == "adaptive" and run.rate_factor * run.optimizer.rate(run.updates) > _SMALLEST_RATE:
            run.rate_factor /= _FACTOR
            model._rate_factor = run.rate_factor
            model._not_improved = 0
            return False
        self.stopped = True
        return True

    def on_fit_end(self, run: Run) -> None:
        if self._best_numbers is not None:
            run.network.restore_numbers(self._best_numbers)

    def _score(self, run: Run) -> bool:
        assert self.validation is not None
        model, (X, y, weights) = self.estimator, self.validation
        score = model._score(y, model._decode(run.network.predict(X)), weights)
        model.validation_scores_.append(score)
        if model.verbose:
            print(f"Validation score: {score:f}")
        improved = bool(score >= model.best_validation_score_ + model.tol)
        if score > model.best_validation_score_ or self._best_numbers is None:
            model.best_validation_score_ = score if not np.isnan(score) else -np.inf
            self._best_numbers = run.network.copy_numbers()
        return improved
