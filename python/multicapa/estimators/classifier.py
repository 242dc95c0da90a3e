"""What estimators of classes share: labels in, labels and probabilities out."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from multicapa import losses
from multicapa.base.arrays import Array
from multicapa.estimators import options
from multicapa.estimators.network_estimator import NetworkEstimator, stochastic_only
from multicapa.estimators.parameters import option
from multicapa.estimators.samples import Samples, dense
from multicapa.model.network import Network

_MARGINS = ("hinge", "perceptron")
_ALLOWED = ("cross_entropy", "binary_cross_entropy", "half_squared_error", "squared_error", "absolute_error", "huber",
            *_MARGINS)  # fmt: skip
_SIGNED = ("tanh", "softsign", "step")  # outputs between -1 and 1


def _gives_probabilities(model: Classifier) -> bool:
    if hasattr(model, "network_"):
        return model.network_.output_activation in ("softmax", "sigmoid")
    return model.loss not in _MARGINS


@dataclass(init=False, eq=False, repr=False)
class Classifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """The common part; see :class:`multicapa.MLPClassifier` and :class:`multicapa.NetworkClassifier`."""

    _: KW_ONLY
    loss: Any = option(
        "log_loss",
        "str or Loss",
        '"log_loss" is cross_entropy for softmax outputs, binary_cross_entropy for sigmoid ones. Of '
        ":mod:`multicapa.losses` also those of errors, and hinge and perceptron, which give a ``decision_function`` "
        "instead of probabilities; or one of your own.",
    )
    class_weight: Any = option(
        None,
        'dict, "balanced", list of dict or None',
        'Factor of each class; "balanced" is inverse to its frequency in the samples trained on; with several labels '
        "per sample, a list of one dict for each.",
    )

    def _check_loss(self) -> None:
        options.loss_of(self, {"log_loss": "cross_entropy"}, _ALLOWED)

    def _loss_for(self, network: Network) -> losses.Loss:
        activation, shape = network.output_activation, network.output_shape
        count = len(self.classes_)
        wanted = [(count,)] if self._several or count > 2 else [(1,), (count,)]
        if shape not in wanted or (activation == "softmax" and (self._several or shape == (1,))):
            what = f"{count} labels" if self._several else f"{count} classes"
            raise ValueError(f"the network has {activation} outputs of shape {shape}, which do not fit {what}")
        natural = losses.default_for(activation)
        if isinstance(self.loss, str) and self.loss == "log_loss" and activation not in ("softmax", "sigmoid"):
            raise ValueError(f"log_loss goes with outputs of softmax or sigmoid, not {activation}; choose another loss")
        loss = options.loss_of(self, {"log_loss": natural}, _ALLOWED)
        if loss.name == "cross_entropy" and activation != "softmax":
            raise ValueError(f"cross_entropy goes with outputs of softmax, not {activation}")
        return loss

    def _output(self, targets: Array) -> tuple[int, str]:
        count = len(self.classes_)
        name = self.loss if isinstance(self.loss, str) else self.loss.name
        several_outputs = self._several or count > 2
        plain = "softmax" if several_outputs and not self._several else "sigmoid"
        return (count if several_outputs else 1), "linear" if name in _MARGINS else plain

    def _signed(self) -> bool:
        network = self.network_
        return self._loss_for(network).name in _MARGINS or network.output_activation in _SIGNED

    # ---- labels to targets and back ----

    def _encode(self, y: Any, classes: Any, reset: bool) -> Array:
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError("y has several columns of more than two classes; only labels that are 0 or 1 may be many")
        several = kind == "multilabel-indicator"
        is_sparse = scipy.sparse.issparse(y)
        y = dense(y)
        if reset:
            self.classes_ = np.arange(y.shape[1]) if several else np.unique(y if classes is None else classes)
            self._several, self._sparse = several, is_sparse
        elif several != self._several or (several and y.shape[1] != len(self.classes_)):
            raise ValueError(f"y is of another kind ({kind}, shape {y.shape}) than in the first fit")
        if several:
            return np.asarray(y, dtype=np.float64)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"`y` has classes not in `self.classes_`: {unknown.tolist()}, not {self.classes_.tolist()}"
            )
        return np.asarray(np.searchsorted(self.classes_, y), dtype=np.int64)

    def _check_same_kind(self, targets: Array) -> None:
        present = self.classes_ if self._several else self.classes_[np.unique(targets)]
        if len(present) < len(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously "
                f"got {self.classes_}, `y` has {present}"
            )

    def _decode(self, outputs: Array) -> Array:
        middle = 0.0 if self._signed() else 0.5
        if self._several:
            return (outputs > middle).astype(int)
        if len(self.classes_) == 1:
            return np.repeat(self.classes_, len(outputs))
        codes = (outputs[:, 0] > middle).astype(int) if outputs.shape[1] == 1 else outputs.argmax(axis=1)
        return np.asarray(self.classes_[codes])

    def _decode_targets(self, targets: Array) -> Array:
        return targets.astype(int) if self._several else np.asarray(self.classes_[targets])

    def _factors(self, samples: Samples) -> Array | None:
        weight = self.class_weight
        if weight is None:
            return None
        if self._several:
            made = np.asarray(compute_sample_weight(weight, samples.targets), dtype=np.float64)
        else:
            made = self._factor_of_each_class(samples)[samples.targets]
        if not np.isfinite(made).all() or (made < 0).any():
            raise ValueError("class weights should be finite and not negative")
        return made

    def _factor_of_each_class(self, samples: Samples) -> Array:
        weight, labels = self.class_weight, self.classes_.tolist()
        if weight == "balanced":  # by the weights of the samples, so that a weight of 2 is as good as a sample twice
            totals = np.bincount(samples.targets, samples.weights, minlength=len(labels))
            return np.asarray(totals.sum() / (np.count_nonzero(totals) * np.where(totals > 0, totals, np.inf)))
        if not isinstance(weight, dict):
            raise TypeError(f"class_weight should be a dict of class to weight, 'balanced' or None, not {weight!r}")
        unknown = [label for label in weight if label not in labels]
        if unknown:
            raise ValueError(f"class_weight names {unknown[0]!r}, but the classes are {labels}")
        return np.array([weight.get(label, 1.0) for label in labels], dtype=np.float64)

    def _strata(self, targets: Array) -> Array | None:
        """As in scikit-learn only for two classes: a class of more may have too few members to be in both parts."""
        return self._decode_targets(targets) if len(self.classes_) == 2 and not self._several else None

    def _score(self, y: Array, predicted: Array, weights: Array | None) -> float:
        """scikit-learn's accuracy_score, whose checks would take longer than a small epoch."""
        right = y == predicted
        return float(np.average(right.all(axis=1) if right.ndim == 2 else right, weights=weights))

    # ---- what users call ----

    @stochastic_only  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Go once through the samples; the optimiser goes on from call to call, also through a pickle.

        Parameters
        ----------
        X, y, sample_weight
            As in :meth:`fit`.
        classes : array-like, optional
            All classes there will be; needed in the first call.

        Returns
        -------
        self
        """
        if not hasattr(self, "network_"):
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {self.classes_!r}"
            )
        if isinstance(self.class_weight, str):
            raise ValueError("class_weight='balanced' needs all samples at once; give partial_fit a dict of weights")
        return self._partial_fit(X, y, sample_weight, classes)

    def predict(self, X: Any) -> Any:
        """The labels of samples.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Or of shape (n_samples, n_labels), of 0 and 1, and sparse if the labels of ``fit`` were.
        """
        labels = super().predict(X)
        return scipy.sparse.csr_matrix(labels) if self._sparse else labels

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Probabilities of the classes, in the order of ``classes_``; with several labels, of each label.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        outputs = self._outputs(X)
        if self._several:
            return outputs
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs]) if len(self.classes_) == 2 else np.ones_like(outputs)
        if self.network_.output_activation == "sigmoid":
            outputs /= outputs.sum(axis=1, keepdims=True)
        return outputs

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    @available_if(lambda self: not _gives_probabilities(self))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Array:
        """How far on the side of each class samples lie, where outputs are no probabilities (hinge, perceptron).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        outputs = self._outputs(X)
        if self._several or len(self.classes_) > 2:
            return outputs
        return outputs[:, -1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs.ravel()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
