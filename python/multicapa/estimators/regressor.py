"""What estimators of numbers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from scipy.special import xlogy
from sklearn.base import RegressorMixin

from multicapa import losses
from multicapa.base.arrays import Array
from multicapa.estimators import options
from multicapa.estimators.network_estimator import NetworkEstimator, stochastic_only
from multicapa.estimators.parameters import option
from multicapa.estimators.samples import Samples, dense
from multicapa.model.network import Network

_SPELLINGS = {"squared_error": "half_squared_error"}
_ALLOWED = ("half_squared_error", "squared_error", "absolute_error", "huber", "poisson")

LOSS = (
    "str or Loss",
    '"squared_error" is scikit-learn\'s, half the squared error; "absolute_error"; "huber"; "poisson" for counts, with '
    "an exponential output; or an object of :mod:`multicapa.losses`, a loss of your own among them.",
)


@dataclass(init=False, eq=False, repr=False)
class Regressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """The common part; see :class:`multicapa.MLPRegressor` and :class:`multicapa.NetworkRegressor`."""

    _: KW_ONLY
    loss: Any = option("squared_error", *LOSS)

    def _check_loss(self) -> None:
        options.loss_of(self, _SPELLINGS, _ALLOWED)

    def _loss_for(self, network: Network) -> losses.Loss:
        activation, shape = network.output_activation, network.output_shape
        if shape != (self._width,):
            raise ValueError(f"the network has outputs of shape {shape}, but y has {self._width} columns")
        loss = options.loss_of(self, _SPELLINGS, _ALLOWED)
        if loss.name == "poisson" and activation not in ("exponential", "softplus", "sigmoid"):
            raise ValueError(f"poisson needs outputs above 0, such as those of exponential, not {activation}")
        return loss

    def _output(self, targets: Array) -> tuple[int, str]:
        is_poisson = options.loss_of(self, _SPELLINGS, _ALLOWED).name == "poisson"
        return targets.shape[1], "exponential" if is_poisson else "linear"

    def _encode(self, y: Any, classes: Any, reset: bool) -> Array:
        y = dense(y)
        width = 1 if y.ndim == 1 else y.shape[1]
        if reset:
            self._width = width
        elif width != self._width:
            raise ValueError(f"y has {width} columns, but the network has {self._width} outputs")
        return np.asarray(y, dtype=np.float64).reshape(-1, width)

    def _decode(self, outputs: Array) -> Array:
        return outputs.ravel() if self._width == 1 else outputs

    def _decode_targets(self, targets: Array) -> Array:
        return self._decode(targets)

    def _score(self, y: Array, predicted: Array, weights: Array | None) -> float:
        """scikit-learn's r2_score, whose checks would take longer than a small epoch."""
        error = np.average((y - predicted) ** 2, axis=0, weights=weights)
        spread = np.average((y - np.average(y, axis=0, weights=weights)) ** 2, axis=0, weights=weights)
        of_constant = np.where(error > 0, 0.0, 1.0)  # what r2_score gives where y does not vary
        return float(np.mean(np.where(spread > 0, 1 - error / np.where(spread > 0, spread, 1), of_constant)))

    def _counting(self, samples: Samples) -> Callable[[float, float], float]:
        """scikit-learn takes the mean of the squared errors over the outputs, and adds to poisson what makes it 0 for
        the right answer. Its gradients are those of our losses all the same."""
        width, targets = self._width, samples.targets
        if isinstance(self.loss, str) and self.loss == "squared_error":
            return lambda loss, penalty: (loss - penalty) / width + penalty
        if isinstance(self.loss, str) and self.loss == "poisson":
            constant = np.average(xlogy(targets, targets) - targets, weights=samples.weights, axis=0).sum()
            return lambda loss, penalty: loss + float(constant)
        return super()._counting(samples)

    @stochastic_only  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Go once through the samples; the optimiser goes on from call to call, also through a pickle.

        Parameters
        ----------
        X, y, sample_weight
            As in :meth:`fit`.

        Returns
        -------
        self
        """
        return self._partial_fit(X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
