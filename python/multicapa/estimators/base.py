"""What an estimator is told and remembers, and what each kind of it does in its own way."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator

from multicapa.base.arrays import Array
from multicapa.base.history import History
from multicapa.estimators.parameters import Training
from multicapa.estimators.representation import NetworkBelow
from multicapa.estimators.samples import Samples
from multicapa.losses import Loss
from multicapa.model.network import Network
from multicapa.training.memory import Key, Memory

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """The method as it is."""
        return method


__all__ = ["EstimatorBase", "with_callbacks"]


class EstimatorBase(CallbackSupportMixin, NetworkBelow, Training, BaseEstimator):  # type: ignore[misc]
    """The common part of the estimators; what they are told stands in :mod:`multicapa.estimators.parameters`."""

    network_: Network
    history_: History
    n_iter_: int
    t_: int
    loss_: float
    best_loss_: float | None
    best_validation_score_: float | None
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    _no_improvement_count: int  # epochs in a row
    _rate_factor: float  # what "adaptive" has made of the learning rate
    _updates: int  # made by the present optimiser
    _in_core: Key | None  # the optimiser whose memory the core holds
    _memory: Memory | None  # what came out of a pickle

    @abstractmethod
    def _check_loss(self) -> None:
        """Raise for a loss that is none, or none for this kind of y."""

    @abstractmethod
    def _loss_for(self, network: Network) -> Loss:
        """The loss for the network's outputs; raises where they do not go with it, or with y."""

    @abstractmethod
    def _encode(self, y: Any, classes: Any, reset: bool) -> Array:
        """Targets from y; with ``reset`` they decide on the outputs."""

    @abstractmethod
    def _output(self, targets: Array) -> tuple[int, str]:
        """How many outputs the targets ask for, and their activation."""

    @abstractmethod
    def _decode(self, outputs: Array) -> Array:
        """Predictions from the outputs of the network."""

    @abstractmethod
    def _decode_targets(self, targets: Array) -> Array:
        """What predictions are compared with."""

    @abstractmethod
    def _score(self, y: Array, predicted: Array, weights: Array | None) -> float:
        """What early stopping follows."""

    def _check_same_kind(self, targets: Array) -> None:
        """Raise where a warm start cannot go on with these targets."""

    def _factors(self, samples: Samples) -> Array | None:
        """What the samples weigh for their classes."""
        return None

    def _strata(self, targets: Array) -> Array | None:
        """What early stopping's split keeps the shares of."""
        return None

    def _signed(self) -> bool:
        """Whether the two values of a target are -1 and 1 for the network."""
        return False

    def _counting(self, samples: Samples) -> Callable[[float, float], float]:
        """From the loss of an epoch, and the penalty's part in it, to the loss as scikit-learn counts it."""
        return lambda loss, penalty: loss
