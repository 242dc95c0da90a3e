"""When a fit of an estimator is over: scikit-learn's rules, as a callback."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from multicapa.estimators.base import EstimatorBase
from multicapa.estimators.options import is_lbfgs, schedule_of
from multicapa.network.core import CoreNetwork
from multicapa.training.run import Callback, Run

_FACTOR, _SMALLEST_RATE = 5.0, 1e-6  # scikit-learn's, for learning_rate="adaptive"


class Watch(Callback):
    """Records losses and scores on the estimator, and ends the fit when they no longer improve.

    ``score`` is what early stopping follows, ``counted`` the loss as scikit-learn counts it.
    """

    def __init__(
        self,
        estimator: EstimatorBase,
        score: Callable[[CoreNetwork], float] | None,
        counted: Callable[[float, float], float],
    ) -> None:
        self.model = estimator
        self.score = score
        self.counted = counted
        self.stopped = False
        self._best_numbers: Any = None

    def on_fit_begin(self, run: Run) -> None:
        model = self.model
        model.history_, model.n_iter_ = run.history, 0
        if self.score is None:
            model.validation_scores_ = model.best_validation_score_ = None
            model.best_loss_ = math.inf if model.best_loss_ is None else model.best_loss_
        else:
            model.best_loss_ = None
            if model.validation_scores_ is None:
                model.validation_scores_, model.best_validation_score_ = [], -math.inf
            elif math.isfinite(model.best_validation_score_ or 0.0):  # a warm start goes on from the best weights
                self._best_numbers = run.network.copy_numbers()

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> bool:
        model = self.model
        model.n_iter_ += 1
        model.t_ += len(run.samples)
        model.loss_ = self.counted(epoch["loss"], run.penalty)
        model.loss_curve_.append(model.loss_)
        self._say(f"Iteration {model.n_iter_}, loss = {model.loss_:.8f}")
        improved = self._loss_improved() if self.score is None else self._score_improved(run.network)
        if is_lbfgs(model.solver):
            return False  # has tolerances of its own
        model._no_improvement_count = 0 if improved else model._no_improvement_count + 1
        return model._no_improvement_count > model.n_iter_no_change and self._stop_or_slow_down(run)

    def on_fit_end(self, run: Run) -> None:
        if not run.history and is_lbfgs(self.model.solver):  # it has not found the first step
            self.model.loss_ = self.counted(run.loss_at_start, run.penalty)
        if self._best_numbers is not None:
            run.network.restore_numbers(self._best_numbers)

    @property
    def has_best(self) -> bool:
        """Whether there are weights to go back to."""
        return self._best_numbers is not None

    def _stop_or_slow_down(self, run: Run) -> bool:
        what = "Training loss" if self.score is None else "Validation score"
        tol, waited = self.model.tol, self.model.n_iter_no_change
        reason = f"{what} did not improve more than tol={tol:f} for {waited:.0f} consecutive epochs."
        adapts = schedule_of(self.model) == "adaptive"
        if adapts and run.rate_factor * run.optimizer.rate(run.updates) > _SMALLEST_RATE:
            run.rate_factor /= _FACTOR
            self.model._rate_factor, self.model._no_improvement_count = run.rate_factor, 0
            rate = run.rate_factor * run.optimizer.rate(run.updates)
            self._say(f"{reason} Setting learning rate to {rate:f}")
            return False
        self._say(f"{reason} Learning rate too small. Stopping." if adapts else f"{reason} Stopping.")
        self.stopped = True
        return True

    def _loss_improved(self) -> bool:
        model = self.model
        assert model.best_loss_ is not None
        improved = bool(model.loss_ <= model.best_loss_ - model.tol)
        model.best_loss_ = min(model.loss_, model.best_loss_)
        return improved

    def _score_improved(self, network: CoreNetwork) -> bool:
        model = self.model
        assert self.score is not None
        assert model.validation_scores_ is not None
        assert model.best_validation_score_ is not None
        score = self.score(network)
        model.validation_scores_.append(score)
        self._say(f"Validation score: {score:f}")
        improved = bool(score >= model.best_validation_score_ + model.tol)
        if score > model.best_validation_score_:
            model.best_validation_score_ = score
            self._best_numbers = network.copy_numbers()
        return improved

    def _say(self, text: str) -> None:
        if self.model.verbose:
            print(text)
