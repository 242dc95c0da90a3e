"""The costs of the core's list, each with its formula and its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from multicapa.base.checks import check_number


@dataclass(frozen=True)
class Loss:
    """A cost by its name in the core's list.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.losses.get("huber")
    Huber(delta=1.0)
    """

    name: ClassVar[str] = ""

    @property
    def parameter(self) -> float | None:
        """The one number the cost depends on, if any."""
        return None


class HalfSquaredError(Loss):
    """``1/2 sum_i (t_i - y_i)^2``: the lectures' mean squared error.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(2, weight_init=[[1.0, 2.0]])], input_shape=1, seed=0)
    >>> net.evaluate([[1.0]], [[0.0, 0.0]], loss="half_squared_error")["loss"]
    2.5
    """

    name = "half_squared_error"


class SquaredError(Loss):
    """``mean_i (t_i - y_i)^2``: the mean squared error of other libraries.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(2, weight_init=[[1.0, 2.0]])], input_shape=1, seed=0)
    >>> net.evaluate([[1.0]], [[0.0, 0.0]], loss="squared_error")["loss"]
    2.5
    """

    name = "squared_error"


class AbsoluteError(Loss):
    """``sum_i |t_i - y_i|``; derivative 0 where they agree.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(2, weight_init=[[1.0, 2.0]])], input_shape=1, seed=0)
    >>> net.evaluate([[1.0]], [[0.0, 0.0]], loss="absolute_error")["loss"]
    3.0
    """

    name = "absolute_error"


@dataclass(frozen=True)
class Huber(Loss):
    """``sum_i e^2/2`` where ``|e| <= delta``, else ``delta (|e| - delta/2)``, with ``e = y_i - t_i`` (Huber 1964).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.losses.Huber(delta=2.0).parameter
    2.0
    """

    delta: float = 1.0
    name: ClassVar[str] = "huber"

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", check_number(self.delta, "delta", above=0))

    @property
    def parameter(self) -> float:
        """Where the cost turns from quadratic to linear."""
        return self.delta


@dataclass(frozen=True)
class Quantile(Loss):
    """``sum_i max(q e, (q - 1) e)``, with ``e = t_i - y_i``: the best output is a quantile (Koenker & Bassett 1978).

    Parameters
    ----------
    quantile : float, default=0.5
        q, above 0 and below 1: the share of targets that should lie below the output. At 0.5 half the absolute error.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(1, weight_init="zeros")], input_shape=(1,), seed=0)
    >>> net.evaluate([[0.0], [0.0]], [1.0, -1.0], loss=mc.losses.Quantile(0.75))
    {'loss': 0.5}
    """

    quantile: float = 0.5
    name: ClassVar[str] = "quantile"

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantile", check_number(self.quantile, "quantile", above=0, below=1))

    @property
    def parameter(self) -> float:
        """The share of targets below the output."""
        return self.quantile


class Poisson(Loss):
    """``sum_i y_i - t_i log y_i``: counts; with an exponential output computed from its logits.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(1, "exponential", weight_init="zeros")], input_shape=1, seed=0)
    >>> net.evaluate([[3.0]], [2], loss="poisson")["loss"]
    1.0
    """

    name = "poisson"


class CrossEntropy(Loss):
    """``-sum_i t_i log y_i``; with a softmax output computed from its logits, delta = y - t.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(4, "softmax", weight_init="zeros")], input_shape=1, seed=0)
    >>> round(net.evaluate([[3.0]], [2], loss="cross_entropy")["loss"], 4)  # log 4
    1.3863
    """

    name = "cross_entropy"


class KullbackLeibler(Loss):
    """``sum_i t_i log(t_i / y_i)`` (Kullback & Leibler 1951): cross-entropy that is 0 where outputs are the targets.

    For targets that are distributions. With a softmax output computed from its logits, delta = y - t.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(2, "softmax", weight_init="zeros")], input_shape=1, seed=0)
    >>> net.evaluate([[3.0]], [[0.5, 0.5]], loss="kullback_leibler")["loss"]
    0.0
    """

    name = "kullback_leibler"


class BinaryCrossEntropy(Loss):
    """``-sum_k t_k log y_k + (1 - t_k) log(1 - y_k)``; with a sigmoid output from its logits, delta = y - t.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(1, "sigmoid", weight_init="zeros")], input_shape=1, seed=0)
    >>> round(net.evaluate([[3.0]], [1], loss="binary_cross_entropy")["loss"], 4)  # log 2
    0.6931
    """

    name = "binary_cross_entropy"


@dataclass(frozen=True)
class Focal(Loss):
    """``-sum_k t_k (1 - y_k)^gamma log y_k + (1 - t_k) y_k^gamma log(1 - y_k)`` (Lin et al. 2017).

    Binary cross-entropy in which samples that are right already count little: for rare classes among many. With a
    sigmoid output computed from its logits. The paper's balance alpha is ``fit(class_weight=...)`` here.

    Parameters
    ----------
    gamma : float, default=2
        Not negative; 0 is binary cross-entropy.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(1, "sigmoid", weight_init="zeros")], input_shape=(1,), seed=0)
    >>> round(net.evaluate([[1.0]], [1], loss=mc.losses.Focal(gamma=1.0))["loss"], 3)
    0.347
    """

    gamma: float = 2.0
    name: ClassVar[str] = "focal"

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", check_number(self.gamma, "gamma", minimum=0))

    @property
    def parameter(self) -> float:
        """How fast what is right fades."""
        return self.gamma


class Hinge(Loss):
    """``sum_i max(0, 1 - t_i y_i)`` for targets of -1 and 1; derivative 0 at the kink (Cortes & Vapnik 1995).

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(1, "tanh", weight_init="zeros")], input_shape=1, seed=0)
    >>> net.evaluate([[3.0]], [-1], loss="hinge")["loss"]
    1.0
    """

    name = "hinge"


class Perceptron(Loss):
    """``sum_i max(0, -t_i y_i)`` for targets of -1 and 1 (Rosenblatt 1958).

    Behind a step output it reads the value before the step, and the undecided 0 counts as wrong.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(1, weight_init="ones")], input_shape=1, seed=0)
    >>> net.evaluate([[-3.0]], [1], loss="perceptron")["loss"]
    3.0
    """

    name = "perceptron"


LOSSES: dict[str, type[Loss]] = {
    loss.name: loss
    for loss in (
        HalfSquaredError,
        SquaredError,
        AbsoluteError,
        Huber,
        Quantile,
        Poisson,
        CrossEntropy,
        KullbackLeibler,
        BinaryCrossEntropy,
        Focal,
        Hinge,
        Perceptron,
    )
}
