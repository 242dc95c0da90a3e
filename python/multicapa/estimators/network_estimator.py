"""What all estimators share: one network, fitted in scikit-learn's manners."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from multicapa import layers
from multicapa._core import max_threads
from multicapa.base import threads
from multicapa.base.arrays import Array, refuse_masks
from multicapa.base.sequences import Padded
from multicapa.estimators import fitting, options
from multicapa.estimators.base import EstimatorBase, with_callbacks
from multicapa.estimators.samples import Samples, as_sequences, dense, numbers_of, outputs_of
from multicapa.estimators.tasks import Tasks
from multicapa.model.network import Network
from multicapa.network.graph import graph_spec

_RANDOM = ("dropout", "gaussian_noise", "batch_norm")
_THEIR_NAMES = {"linear": "identity", "sigmoid": "logistic", "exponential": "exp"}


def _is_stochastic(model: NetworkEstimator) -> bool:
    if options.is_lbfgs(model.solver):
        raise AttributeError("partial_fit is only available for stochastic optimizers, and L-BFGS is not stochastic")
    return True


class NetworkEstimator(EstimatorBase):
    """The common part of the estimators; what they are told stands in :mod:`multicapa.estimators.parameters`."""

    @property
    def coefs_(self) -> list[Array]:
        """The weight matrices, one per layer that has one: views into the network."""
        return [view for name, view in self.network_.parameters.items() if name.endswith(".weight")]

    @coefs_.setter
    def coefs_(self, values: list[Array]) -> None:
        _write(self.coefs_, values, "coefs_")

    @property
    def intercepts_(self) -> list[Array]:
        """The biases, one vector per layer that has one: views into the network."""
        return [view for name, view in self.network_.parameters.items() if name.endswith(".bias")]

    @intercepts_.setter
    def intercepts_(self, values: list[Array]) -> None:
        _write(self.intercepts_, values, "intercepts_")

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        validation_data: tuple[Any, Any] | None = None,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Any:
        """Train the network, anew unless ``warm_start``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Its type, float32 or float64, is that of the network; other numbers become float64. Sparse rows are made
            dense, some at a time if they are many, but all of them for L-BFGS. NetworkClassifier and NetworkRegressor
            also take images (n_samples, height, width) or (n_samples, height, width, channels), series (n_samples,
            time, features), and for recurrent layers a list of arrays (time_i, features) or (time_i,), or
            :func:`multicapa.data.pad` of it, here and wherever X stands.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
            Not negative. A sample of weight 0 is left out; the loss of a batch is the mean by the weights.
        validation_data : (X, y), optional
            Evaluated after each epoch, into ``history_``. With ``early_stopping`` it takes the place of the share of
            the samples that is otherwise held out.
        X_val, y_val : optional
            The same as two arguments, of which a Pipeline can transform the first (its ``transform_input``).

        Returns
        -------
        self
        """
        self._check()
        tasks = Tasks.of(self)
        fresh = not (self.warm_start and hasattr(self, "network_"))
        samples = self._read(X, y, sample_weight, None, fresh)
        if not fresh:
            self._check_same_kind(samples.targets)
        rng = check_random_state(self.random_state)
        self._build(samples, rng, fresh)
        validation = self._given_validation(validation_data, X_val, y_val)
        stops_early = self.early_stopping and not options.is_lbfgs(self.solver)
        seen = slice(None)
        if stops_early and validation is None:
            seen, held = self._split(samples.targets, rng)
            samples, validation = samples.rows(seen), samples.rows(held)
        if tasks is not None:
            tasks.samples = _for_callbacks(X, y, sample_weight, seen)
        samples = samples.weighed(self._factors(samples))
        with threads.at_most(self._threads()):
            fitting.fit(self, samples, validation, stops_early, tasks)
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Any:
        self._check()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.augment is not None:
            raise ValueError("partial_fit does not augment; give it samples that are augmented: augment(X, rng)")
        fresh = not hasattr(self, "network_")
        samples = self._read(X, y, sample_weight, classes, fresh)
        self._build(samples, check_random_state(self.random_state), fresh)
        samples = samples.weighed(self._factors(samples))
        with threads.at_most(self._threads()):
            fitting.go_on(self, samples)
        return self

    def _check(self) -> None:
        with options.invalid_parameters():
            options.check_options(self)
            self._check_layers()
            self._check_loss()

    def _threads(self) -> int | None:
        n: int | None = self.n_jobs
        return n if n is None or n > 0 else max(1, max_threads() + 1 + n)

    def _read(self, X: Any, y: Any, sample_weight: Any, classes: Any, reset: bool) -> Samples:
        for values, what in ((X, "X"), (y, "y"), (sample_weight, "sample_weight")):
            refuse_masks(values, what)
        about_y: dict[str, Any] = {"multi_output": True, "y_numeric": is_regressor(self)}
        sequences = self._sequences(X, reset)
        if sequences is not None:
            if self.augment is not None:
                raise ValueError("augment works on samples of one length, and these sequences have different ones")
            X, y = sequences, validate_data(self, y=y, **about_y)
            check_consistent_length(X, y)
            self.__dict__.pop("n_features_in_", None)  # sequences have none that scikit-learn could count
        else:
            X, y = self._checked(X, reset, y=y, **about_y)
        if self.augment is not None and hasattr(X, "toarray"):
            raise ValueError("augment changes dense samples, but X is sparse; make it dense first, by toarray()")
        weights = sample_weight
        if weights is not None:
            weights = _check_sample_weight(weights, numbers_of(X), ensure_non_negative=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(dense(y), warn=True)
        return Samples(X, self._encode(y, classes, reset), weights)

    def _sequences(self, X: Any, reset: bool) -> Padded | None:
        """X, if it is sequences of different lengths, or of other lengths than those of the first fit."""
        return as_sequences(X, None if reset else self.network_) if self._many_axes else None

    def _checked(self, X: Any, reset: bool, **about_y: Any) -> Any:
        """X, and y if it is given, as scikit-learn wants them."""
        if not reset:
            self._check_shape(X)
        kinds = {"accept_sparse": "csr", "dtype": (np.float64, np.float32), "allow_nd": self._many_axes}
        return validate_data(self, X, reset=reset, **kinds, **about_y)

    def _reach(self, X: Any) -> None:
        """A network for as many steps as these sequences have."""
        if isinstance(X, Padded) and X.values.shape[1] > self.network_.inputs[0].time:
            self.network_ = self.network_.with_time(X.values.shape[1])

    def _check_shape(self, X: Any) -> None:
        """Raise ValueError for images or series of another shape than those the network was built for."""
        shape = self.network_.input_shape if hasattr(self, "network_") else ()
        if len(shape) > 1 and np.shape(X)[1:] != shape:
            raise ValueError(f"X should have shape (n_samples, {', '.join(map(str, shape))}), not {np.shape(X)}")

    def _build(self, samples: Samples, rng: Any, fresh: bool) -> None:
        """The network to train: a new one, or the old one if it is still what the parameters ask for."""
        numbers = numbers_of(samples.X)
        walks = not fresh and self.network_.inputs[0].time > 0  # through sequences of any length
        x = layers.Input(self.network_.input_shape if walks else numbers.shape[1:])
        outputs = self._graph(x, *self._output(samples.targets))
        spec, _ = graph_spec([x], [outputs])
        if options.is_lbfgs(self.solver) and any(map(_is_random, spec)):
            raise ValueError("L-BFGS needs a cost that stays the same: no dropout, no noise and no batch norm")
        if not fresh:
            if _plain(spec) != _plain(self.network_.spec):
                raise ValueError("the parameters or y now ask for another network than there is; fit anew")
            self._reach(samples.X)
            return
        network = Network.__new__(Network)
        network._make(spec, numbers.dtype, int(rng.randint(2**31 - 1)))
        if isinstance(samples.X, Padded) and not samples.X.exists().all():
            network._core.check_takes_lengths()
        self._loss_for(network)
        self.network_ = network
        self.n_outputs_ = network.output_shape[0]
        self.out_activation_ = _THEIR_NAMES.get(network.output_activation, network.output_activation)
        self.n_layers_ = len(self.coefs_) + 1
        self.t_, self.loss_curve_, self.best_loss_ = 0, [], math.inf
        self.validation_scores_ = self.best_validation_score_ = None
        self._no_improvement_count, self._memory = 0, None

    def _given_validation(self, data: Any, X: Any, y: Any) -> Samples | None:
        if X is not None or y is not None:
            if data is not None or X is None or y is None:
                raise ValueError("give validation_data, or both X_val and y_val")
            data = (X, y)
        if data is None:
            return None
        if not isinstance(data, tuple | list) or len(data) != 2:
            raise ValueError("validation_data should be a pair (X, y)")
        X, y = data
        samples = self._read(X, y, None, None, False)
        self._reach(samples.X)
        if len(samples) < 2 and self.early_stopping:
            raise ValueError("early_stopping needs at least two samples in validation_data")
        return samples

    def _split(self, targets: Array, rng: Any) -> tuple[Any, Any]:
        seen, held = train_test_split(
            np.arange(len(targets)),
            random_state=rng,
            test_size=self.validation_fraction,
            stratify=self._strata(targets),
        )
        if len(held) < 2:
            raise ValueError("The validation set is too small. Increase validation_fraction or the number of samples.")
        return seen, held

    def _outputs(self, X: Any) -> Array:
        check_is_fitted(self, "network_")
        sequences, network = self._sequences(X, False), self.network_
        if sequences is None:
            X = self._checked(X, False)
        elif sequences.values.shape[1] > network.inputs[0].time:
            network = network.with_time(sequences.values.shape[1])
        with threads.at_most(self._threads()):
            return outputs_of(network, X if sequences is None else sequences)

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = self._many_axes
        return tags


def _is_random(layer: dict[str, Any]) -> bool:
    """Whether its cost is another in each step."""
    return layer["type"] in _RANDOM or bool(layer.get("dropout") or layer.get("recurrent_dropout"))


def _write(views: list[Array], values: list[Array], what: str) -> None:
    shapes, given = [view.shape for view in views], [np.shape(value) for value in values]
    if shapes != given:
        raise ValueError(f"{what} have the shapes {shapes}, not {given}")
    for view, value in zip(views, values, strict=True):
        view[...] = value


def _plain(spec: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what only mattered at its birth."""
    return [{key: value for key, value in layer.items() if not key.endswith("_init")} for layer in spec]


def _for_callbacks(X: Any, y: Any, sample_weight: Any, rows: Any) -> dict[str, Any]:
    """What scikit-learn's callbacks may ask for: the samples trained on, as they were given."""
    weights = None if sample_weight is None else {"sample_weight": sample_weight}
    if isinstance(rows, slice):
        return {"X": X, "y": y, "metadata": weights}
    return {
        "X": lambda: _safe_indexing(X, rows),
        "y": lambda: _safe_indexing(y, rows),
        "metadata": weights and (lambda: {"sample_weight": _safe_indexing(sample_weight, rows)}),
    }


stochastic_only = available_if(_is_stochastic)
