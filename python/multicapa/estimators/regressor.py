"""The regressor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from multicapa import losses
from multicapa.arrays import Array
from multicapa.estimators.base import MLP, loss_of
from multicapa.estimators.solver import is_lbfgs


class MLPRegressor(RegressorMixin, MLP):  # type: ignore[misc]
    """Multilayer perceptron for numbers, one or several per sample.

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
        half_squared_error (the default, and what scikit-learn calls squared_error), squared_error, absolute_error,
        huber, or poisson, whose output is exponential.
    callbacks : sequence of Callback or function(network, epoch), default=()
        See :mod:`multicapa.callbacks`.
    clip_norm : float, optional
        Rescale the whole gradient to this norm when it is larger.

    Attributes
    ----------
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
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(100, 3, random_state=0)
    >>> y /= y.std()
    >>> mc.MLPRegressor((16,), solver="lbfgs", max_iter=500, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

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
        self.callbacks = callbacks
        self.clip_norm = clip_norm

    def _encode(self, y: Any, classes: Any, reset: bool) -> Array:
        width = 1 if y.ndim == 1 else y.shape[1]
        if reset:
            self._one_column = y.ndim == 1
        elif width != self.n_outputs_:
            raise ValueError(f"y has {width} columns, but the network has {self.n_outputs_} outputs")
        return np.asarray(y, dtype=np.float64).reshape(-1, width)

    def _decode(self, outputs: Array) -> Array:
        return outputs.ravel() if self._one_column else outputs

    def _output(self, targets: Array) -> tuple[int, str, losses.Loss]:
        allowed = ("half_squared_error", "squared_error", "absolute_error", "huber", "poisson")
        loss = loss_of(self, "half_squared_error", allowed)
        return targets.shape[1], "exponential" if loss.name == "poisson" else "linear", loss

    def _score(self, y: Array, predicted: Array, weights: Array | None) -> float:
        return float(r2_score(y, predicted, sample_weight=weights))

    @available_if(lambda self: not is_lbfgs(self.solver))  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Go once through the samples; the optimiser keeps its state from call to call (not through pickle).

        Parameters
        ----------
        X, y, sample_weight
            As in :meth:`fit`.

        Returns
        -------
        self
        """
        return self._partial_fit(X, y, None, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
