"""What classifier and regressor share: one network, fitted in scikit-learn's manners."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from multicapa import layers, losses, optimizers, training
from multicapa.arrays import Array, Encoding
from multicapa.callbacks import as_callbacks
from multicapa.estimators import solver
from multicapa.estimators.watch import Watch
from multicapa.feed import Feed
from multicapa.history import History
from multicapa.network import Network
from multicapa.progress import Progress
from multicapa.regularization import Regularization
from multicapa.sequential import Sequential

_THEIR_NAMES = {"linear": "identity", "sigmoid": "logistic", "exponential": "exp"}


class MLP(BaseEstimator):  # type: ignore[misc]
    """The common part; see :class:`multicapa.MLPClassifier` and :class:`multicapa.MLPRegressor`."""

    network_: Network
    history_: History
    n_iter_: int
    t_: int
    loss_: float
    best_loss_: float
    best_validation_score_: float
    loss_curve_: list[float]
    validation_scores_: list[float]
    _shape: tuple[Any, ...]
    _not_improved: int
    _rate_factor: float
    _in_core: tuple[str, list[float]] | None  # name and numbers of the optimiser whose memory the core holds

    @property
    def coefs_(self) -> list[Array]:
        """The weight matrices, one per dense layer: views into the network."""
        return [view for name, view in self.network_.parameters.items() if name.endswith(".weight")]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases, one vector per dense layer: views into the network."""
        return [view for name, view in self.network_.parameters.items() if name.endswith(".bias")]

    @abstractmethod
    def _encode(self, y: Any, classes: Any, reset: bool) -> Array:
        """Targets of the network from y; with ``reset`` they define the outputs."""

    @abstractmethod
    def _decode(self, outputs: Array) -> Array:
        """Predictions from the outputs of the network."""

    @abstractmethod
    def _output(self, targets: Array) -> tuple[int, str, losses.Loss]:
        """Number of outputs, their activation, and the loss."""

    @abstractmethod
    def _score(self, y: Array, predicted: Array, weights: Array | None) -> float:
        """What early stopping watches."""

    def _class_weights(self, y: Array) -> Array | None:
        return None

    def _strata(self, targets: Array) -> Array | None:
        """What early stopping's split keeps the shares of."""
        return None

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: tuple[Any, Any] | None = None) -> Any:
        """Train the network, anew unless ``warm_start``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Sparse rows are made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
        validation_data : (X, y), optional
            Evaluated after each epoch, into ``history_``. With ``early_stopping`` it takes the place of the share of
            the samples that is otherwise held out.

        Returns
        -------
        self
        """
        solver.check_options(self)
        continues = bool(self.warm_start) and hasattr(self, "network_")
        X, targets, weights, classes_of = self._prepare(X, y, sample_weight, None, not continues)
        rng = check_random_state(self.random_state)
        network, loss = self._network(X, targets, rng, not continues)
        validation = scored = None
        if validation_data is not None:
            validation, scored = self._given_validation(validation_data)
        elif self.early_stopping:
            rows, held = self._split(targets, rng)
            scored = (X[held], self._decode_targets(targets[held]), None if weights is None else weights[held])
            validation = (X[held], targets[held])
            X, targets = X[rows], targets[rows]
            weights = None if weights is None else weights[rows]
            classes_of = None if classes_of is None else classes_of[rows]
        if self.early_stopping:
            self.validation_scores_ = self.validation_scores_ if continues else []
            self.best_validation_score_, self._not_improved = -math.inf, 0
        elif hasattr(self, "validation_scores_"):
            del self.validation_scores_, self.best_validation_score_
        X, targets, weights, mean_weight = _weighted(X, targets, weights, classes_of)
        batch, optimizer, whole = self._batch_and_optimizer(len(X), False)
        watch = Watch(self, scored if self.early_stopping else None, len(X))
        self.n_iter_, self._rate_factor, self._in_core = 0, 1.0, None
        network.fit(
            X,
            targets,
            loss=loss,
            optimizer=optimizer,
            epochs=self.max_iter,
            batch_size=None if whole else batch,
            validation_data=validation,
            callbacks=[watch, *as_callbacks(self.callbacks)],
            shuffle=bool(self.shuffle) and batch < len(X),
            sample_weight=weights,
            l2=self.alpha / (batch * mean_weight),
            clip_norm=self.clip_norm,
            verbose=False,
        )
        if not isinstance(optimizer, optimizers.LBFGS):
            self._in_core = (optimizer.name, optimizer.hyperparameters())
        if self.n_iter_ == self.max_iter and not watch.stopped:
            warnings.warn(
                f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't converged yet; "
                "raise max_iter or tol",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _partial_fit(self, X: Any, y: Any, classes: Any, sample_weight: Any) -> Any:
        solver.check_options(self)
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        fresh = not hasattr(self, "network_")
        X, targets, weights, classes_of = self._prepare(X, y, sample_weight, classes, fresh)
        network, loss = self._network(X, targets, check_random_state(self.random_state), fresh)
        X, targets, weights, mean_weight = _weighted(X, targets, weights, classes_of)
        batch, optimizer, _ = self._batch_and_optimizer(len(X), True)
        taming = Regularization(l2=self.alpha / (batch * mean_weight), clip_norm=self.clip_norm)
        self.n_iter_ = 0
        callbacks = [Watch(self, None, len(X)), *as_callbacks(self.callbacks)]
        run = training.Run(
            network, History(), 1, optimizer, loss, taming, rate_factor=self._rate_factor, callbacks=callbacks
        )
        samples = run.samples = training.Samples.prepare(network, X, targets, loss, Encoding(), weights, None)
        network.loss, network.history, network._learner = loss, run.history, None
        network._set_objective(loss, taming)
        if (optimizer.name, optimizer.hyperparameters()) != self._in_core:
            optimizers.set_in_core(network._core, optimizer)
            self._in_core = (optimizer.name, optimizer.hyperparameters())
        shuffle = bool(self.shuffle) and batch < len(X)
        with Progress(1, len(X), False) as progress, Feed(network, samples, None, None, shuffle) as feed:
            training._run_epochs(run, feed, None, batch, progress)
        return self

    def _prepare(
        self, X: Any, y: Any, sample_weight: Any, classes: Any, reset: bool
    ) -> tuple[Array, Array, Array | None, Array | None]:
        """Dense X, targets, weights of the samples and those of their classes."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=is_regressor(self),
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        y = y.toarray() if hasattr(y, "toarray") else y
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        targets = self._encode(y, classes, reset)
        return _dense(X), targets, weights, self._class_weights(y)

    def _network(self, X: Array, targets: Array, rng: Any, fresh: bool) -> tuple[Network, losses.Loss]:
        """The network to train: a new one, or the old one if its shape is still what the arguments ask for."""
        count, activation, loss = self._output(targets)
        hidden = solver.architecture(self)
        if solver.is_lbfgs(self.solver) and (self.dropout or self.batch_norm):
            raise ValueError("L-BFGS needs a cost that stays the same: no dropout and no batch_norm")
        shape = (*hidden, count, activation)
        if not fresh:
            if shape != self._shape:
                raise ValueError(f"the network is {self._shape}, but the arguments or y now ask for {shape}; fit anew")
            return self.network_, loss
        network = Sequential(
            [*solver.hidden_layers(hidden), layers.Dense(count, activation)],
            input_shape=X.shape[1],
            dtype=X.dtype,
            seed=int(rng.randint(2**31 - 1)),
        )
        self._shape = shape
        self.n_outputs_, self.out_activation_ = count, _THEIR_NAMES.get(activation, activation)
        self.n_layers_ = len(hidden[0]) + 2
        self.t_, self.loss_curve_, self.best_loss_ = 0, [], math.inf
        self._not_improved, self._rate_factor, self._in_core = 0, 1.0, None
        return network, loss

    def _batch_and_optimizer(self, count: int, continues: bool) -> tuple[int, optimizers.Optimizer, bool]:
        whole = solver.is_lbfgs(self.solver)
        if self.batch_size != "auto" and self.batch_size > count and not whole:
            warnings.warn(f"batch_size {self.batch_size} is larger than the {count} samples; clipped", stacklevel=3)
        batch = count if whole else min(200 if self.batch_size == "auto" else int(self.batch_size), count)
        return batch, solver.optimizer_of(self, count, math.ceil(count / batch), continues), whole

    def _given_validation(self, data: Any) -> tuple[Any, Any]:
        if not isinstance(data, tuple | list) or len(data) != 2:
            raise ValueError("validation_data should be a pair (X, y)")
        X, y = validate_data(
            self, *data, accept_sparse="csr", multi_output=True, dtype=(np.float64, np.float32), reset=False
        )
        if len(y.shape) == 2 and y.shape[1] == 1:
            y = column_or_1d(y)
        targets = self._encode(y.toarray() if hasattr(y, "toarray") else y, None, False)
        if len(targets) < 2 and self.early_stopping:
            raise ValueError("early_stopping needs at least two samples in validation_data")
        return (_dense(X), targets), (_dense(X), self._decode_targets(targets), None)

    def _split(self, targets: Array, rng: Any) -> tuple[Array, Array]:
        rows, held = train_test_split(
            np.arange(len(targets)),
            random_state=rng,
            test_size=self.validation_fraction,
            stratify=self._strata(targets),
        )
        if len(held) < 2:
            raise ValueError("the validation set is too small; increase validation_fraction or the number of samples")
        return rows, held

    def _decode_targets(self, targets: Array) -> Array:
        return self._decode(targets)

    def _outputs(self, X: Any) -> Array:
        check_is_fitted(self, "network_")
        X = validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        return self.network_.predict(_dense(X))

    def predict(self, X: Any) -> Array:
        """Predictions for samples.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._decode(self._outputs(X))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_in_core": None}  # the optimiser's memory stays behind

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _dense(X: Any) -> Array:
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X)


def _weighted(X: Array, targets: Array, weights: Array | None, classes_of: Array | None) -> tuple[Any, Any, Any, float]:
    """Samples without those of weight 0, their weights with mean 1, and what the mean was."""
    if classes_of is not None:
        weights = classes_of if weights is None else weights * classes_of
    if weights is None:
        return X, targets, None, 1.0
    kept = weights > 0
    if not kept.any():
        raise ValueError("sample_weight and class_weight should not be 0 for every sample")
    if not kept.all():
        X, targets, weights = X[kept], targets[kept], weights[kept]
    mean = float(weights.mean())
    return X, targets, weights / mean, mean


def loss_of(model: Any, default: str, allowed: tuple[str, ...]) -> losses.Loss:
    """The loss of an estimator, checked to suit it."""
    loss = losses.get(default if model.loss is None else model.loss)
    if not isinstance(loss, losses.CustomLoss) and loss.name not in allowed:
        raise ValueError(f"{type(model).__name__} takes {', '.join(allowed)} here, not the loss {loss.name!r}")
    return loss
