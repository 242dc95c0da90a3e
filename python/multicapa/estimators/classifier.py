"""The classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from multicapa import losses
from multicapa.arrays import Array
from multicapa.estimators.base import MLP, loss_of
from multicapa.estimators.solver import is_lbfgs

_ANY = ("half_squared_error", "squared_error", "absolute_error", "huber", "binary_cross_entropy")


class MLPClassifier(ClassifierMixin, MLP):  # type: ignore[misc]
    """Multilayer perceptron for classes: one label per sample, or several.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer; () for none.
    activation : str or sequence of str, default="relu"
        Of the hidden layers, or one for each: see :func:`multicapa.layers.activations`; also "identity" and "logistic".
    solver : str or Optimizer, default="adam"
        "adam", "sgd" (with ``momentum``), "lbfgs", any other of :mod:`multicapa.optimizers` by its name, or an object,
        which has its own learning rate and parameters.
    alpha : float, default=0.0001
        Penalty ``alpha/2 sum w^2``, divided by the batch size, or by its weight on average.
    batch_size : int or "auto", default="auto"
        "auto" is min(200, n_samples). L-BFGS takes all samples.
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        For every solver by name except L-BFGS: as it is; divided after each epoch by ``(samples seen + 1)^power_t``; or
        divided by 5 instead of stopping, down to 1e-6.
    learning_rate_init : float, default=0.001
        For every solver by name except L-BFGS.
    power_t : float, default=0.5
        Of "invscaling".
    max_iter : int, default=200
        Epochs, or iterations of L-BFGS.
    shuffle : bool, default=True
        A new order each epoch.
    random_state : int, RandomState or None
        Fixes initial weights, order, dropout and the samples held out.
    tol : float, default=1e-4
        Smaller improvements of the loss or the validation score do not count; for L-BFGS the tolerance of the gradient.
    verbose : bool, default=False
        Print the loss of every epoch.
    warm_start : bool, default=False
        Whether ``fit`` goes on with the network as it is.
    momentum, nesterovs_momentum : float, bool, default=0.9, True
        Of "sgd"; also of "momentum" and "nesterov".
    early_stopping : bool, default=False
        Stop when the score on held out samples, not the training loss, stops improving; keep the best weights.
    validation_fraction : float, default=0.1
        Share of the samples held out.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        Of "adam", "adamw", "adamax" and "nadam"; epsilon is added to the root of the corrected mean.
    n_iter_no_change : int, default=10
        Epochs without improvement to wait for.
    max_fun : int, default=15000
        Evaluations of L-BFGS.
    dropout : float, default=0
        Rate after every hidden layer.
    batch_norm, layer_norm : bool, default=False
        Normalise every hidden layer before its activation.
    loss : str or Loss, optional
        By default cross_entropy for three classes or more, binary_cross_entropy for two and for several labels.
    class_weight : dict, "balanced", list of dict or None
        Factor of each class; "balanced" is inverse to its frequency; a list has one dict per label.
    callbacks : sequence of Callback or function(network, epoch), default=()
        See :mod:`multicapa.callbacks`.
    clip_norm : float, optional
        Rescale the whole gradient to this norm when it is larger.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The labels.
    network_ : Network
        The network itself.
    history_ : History
        One record per epoch of the last fit.
    coefs_, intercepts_ : list of array
        Weights and biases of the dense layers: views into the network.
    loss_, best_loss_, loss_curve_
        Of the last epoch, the lowest, and of all epochs; penalties included.
    validation_scores_, best_validation_score_
        With ``early_stopping``.
    n_iter_, t_ : int
        Epochs of the last fit, and samples seen in all.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
        As in scikit-learn.

    Examples
    --------
    >>> import multicapa as mc
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = mc.MLPClassifier((16,), solver="lbfgs", random_state=0).fit(X, y)
    >>> clf.predict(X[:2]), clf.score(X, y) > 0.95
    (array([0, 0]), True)
    """

    classes_: Array

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        batch_norm: bool = False,
        layer_norm: bool = False,
        loss: str | losses.Loss | None = None,
        class_weight: Any = None,
        callbacks: Sequence[Any] = (),
        clip_norm: float | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.layer_norm = layer_norm
        self.loss = loss
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.clip_norm = clip_norm

    def _encode(self, y: Any, classes: Any, reset: bool) -> Array:
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError("y has several columns of more than two classes; only labels that are 0 or 1 may be many")
        several = kind == "multilabel-indicator"
        if reset:
            found = np.arange(y.shape[1]) if several else np.unique(y if classes is None else classes)
            if len(found) < 2:
                raise ValueError(f"a classifier needs at least two classes, but y holds one class: {found.tolist()}")
            self.classes_, self._several = found, several
        elif several != self._several or (several and y.shape[1] != len(self.classes_)):
            raise ValueError(f"y is of another kind ({kind}, shape {y.shape}) than in the first fit")
        if several:
            return np.asarray(y, dtype=np.float64)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"`y` has classes not in `self.classes_`: {unknown.tolist()}, not {self.classes_.tolist()}"
            )
        codes = np.searchsorted(self.classes_, y).astype(np.int64)
        return np.asarray(codes.reshape(-1, 1), dtype=np.float64) if len(self.classes_) == 2 else np.asarray(codes)

    def _decode(self, outputs: Array) -> Array:
        if self._several:
            return (outputs > 0.5).astype(int)
        codes = (outputs[:, 0] > 0.5).astype(int) if outputs.shape[1] == 1 else outputs.argmax(axis=1)
        return np.asarray(self.classes_[codes])

    def _decode_targets(self, targets: Array) -> Array:
        return np.asarray(self.classes_[targets]) if targets.ndim == 1 else self._decode(targets)

    def _output(self, targets: Array) -> tuple[int, str, losses.Loss]:
        if targets.ndim == 1:
            return len(self.classes_), "softmax", loss_of(self, "cross_entropy", ("cross_entropy", *_ANY))
        return targets.shape[1], "sigmoid", loss_of(self, "binary_cross_entropy", _ANY)

    def _class_weights(self, y: Array) -> Array | None:
        weight = self.class_weight
        if weight is None:
            return None
        if isinstance(weight, dict) and not self._several:
            unknown = [label for label in weight if label not in self.classes_.tolist()]
            if unknown:
                raise ValueError(f"class_weight names {unknown[0]!r}, but the classes are {self.classes_.tolist()}")
            factors = np.array([weight.get(label, 1.0) for label in self.classes_.tolist()], dtype=np.float64)
            made = factors[np.searchsorted(self.classes_, y)]
        else:
            made = np.asarray(compute_sample_weight(weight, y), dtype=np.float64)
        if not np.isfinite(made).all() or (made < 0).any():
            raise ValueError("class weights should be finite and not negative")
        return made

    def _strata(self, targets: Array) -> Array | None:
        return None if self._several else targets

    def _score(self, y: Array, predicted: Array, weights: Array | None) -> float:
        return float(accuracy_score(y, predicted, sample_weight=weights))

    @available_if(lambda self: not is_lbfgs(self.solver))  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Go once through the samples; the optimiser keeps its state from call to call (not through pickle).

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
            raise ValueError(f"`classes={classes!r}` is not the same as on last call to partial_fit, {self.classes_!r}")
        return self._partial_fit(X, y, classes, sample_weight)

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
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
