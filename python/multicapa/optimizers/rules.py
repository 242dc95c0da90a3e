"""What optimisers there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from multicapa import _core
from multicapa.base.checks import check_flag, check_integer, check_number, find_name

Rate = float | Callable[[int], float]


@dataclass
class Optimizer:
    """What all optimisers share; the formulas are the core's.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Adam(mc.schedules.Step(0.5, every=2, factor=0.5)).rate(2)
    0.25
    """

    learning_rate: Rate = 0.01
    name: ClassVar[str] = ""

    def __post_init__(self) -> None:
        if not callable(self.learning_rate):
            self.learning_rate = check_number(self.learning_rate, "learning_rate", minimum=0)
        for key in self.hyperparameter_names():
            if key == "epsilon_hat":
                check_flag(getattr(self, key), key)
            elif key in ("epsilon", "shrink", "grow", "smallest", "largest"):
                check_number(getattr(self, key), key, above=0)
            elif key in ("weight_decay", "momentum_decay"):
                check_number(getattr(self, key), key, minimum=0)
            else:
                check_number(getattr(self, key), key, minimum=0, below=1)

    def in_core(self) -> Optimizer:
        """The entry of the core's list that this is."""
        return self

    @classmethod
    def hyperparameter_names(cls) -> list[str]:
        """What the core wants beside the learning rate, in its order."""
        return next((list(row["hyperparameters"]) for row in _core.optimizers() if row["name"] == cls.name), [])

    def hyperparameters(self) -> list[float]:
        """The values of :meth:`hyperparameter_names`."""
        return [float(getattr(self, key)) for key in self.hyperparameter_names()]

    def rate(self, step: int) -> float:
        """The learning rate of the update with this number, from 0."""
        rate = self.learning_rate
        return check_number(rate(step), "the scheduled learning rate", minimum=0) if callable(rate) else rate


@dataclass
class SGD(Optimizer):
    """Gradient descent, stochastic when the batches are small: ``w -= lr g``.

    Parameters
    ----------
    learning_rate : float or function of the step, default=0.01
    momentum : float, default=0
        With momentum it is :class:`Momentum`,
    nesterov : bool, default=False
        or :class:`Nesterov`.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.SGD(0.1, momentum=0.9, nesterov=True).in_core()
    Nesterov(learning_rate=0.1, momentum=0.9)
    """

    momentum: float = 0.0
    nesterov: bool = False
    name: ClassVar[str] = "sgd"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.momentum, "momentum", minimum=0, below=1)
        if check_flag(self.nesterov, "nesterov") and not self.momentum:
            raise ValueError("nesterov=True needs a momentum above 0")

    def in_core(self) -> Optimizer:
        """This one, or the one with momentum that it stands for."""
        if not self.momentum:
            return self
        return (Nesterov if self.nesterov else Momentum)(self.learning_rate, self.momentum)


@dataclass
class Momentum(Optimizer):
    """``d = momentum d - lr g; w += d`` (Polyak 1964).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Momentum(0.1, momentum=0.8)
    Momentum(learning_rate=0.1, momentum=0.8)
    """

    momentum: float = 0.9
    name: ClassVar[str] = "momentum"


@dataclass
class Nesterov(Optimizer):
    """``d = momentum d - lr g; w += momentum d - lr g`` (Nesterov 1983, in the form of Sutskever et al. 2013).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Nesterov(0.1, momentum=0.8)
    Nesterov(learning_rate=0.1, momentum=0.8)
    """

    momentum: float = 0.9
    name: ClassVar[str] = "nesterov"


@dataclass
class Adagrad(Optimizer):
    """``v += g^2; w -= lr g / (sqrt(v) + epsilon)`` (Duchi et al. 2011).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Adagrad(0.1)
    Adagrad(learning_rate=0.1, epsilon=1e-10)
    """

    epsilon: float = 1e-10
    name: ClassVar[str] = "adagrad"


@dataclass
class Adadelta(Optimizer):
    """Steps in the units of the weights, from running means of squared gradients and updates (Zeiler 2012).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Adadelta().rho
    0.9
    """

    learning_rate: Rate = 1.0
    rho: float = 0.9
    epsilon: float = 1e-6
    name: ClassVar[str] = "adadelta"


@dataclass
class RMSprop(Optimizer):
    """``v = rho v + (1 - rho) g^2; w -= lr g / (sqrt(v) + epsilon)`` (Hinton 2012).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.RMSprop(0.001, rho=0.9).rho
    0.9
    """

    rho: float = 0.99
    epsilon: float = 1e-8
    name: ClassVar[str] = "rmsprop"


@dataclass
class Adam(Optimizer):
    """Running means of the gradient and its square, both corrected for their start at 0 (Kingma & Ba 2015).

    ``m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
    w -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)``

    Parameters
    ----------
    learning_rate : float or function of the step, default=0.001
    beta1, beta2 : float, default=0.9, 0.999
    epsilon : float, default=1e-8
        Outside the root.
    epsilon_hat : bool, default=False
        Whether epsilon stands beside the root of v before its correction, ``lr' m / (sqrt(v) + epsilon)`` with
        ``lr' = lr sqrt(1 - beta2^t) / (1 - beta1^t)``: the paper's shorter form, which scikit-learn and Keras have.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Adam(3e-4).learning_rate
    0.0003
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    epsilon_hat: bool = field(default=False, kw_only=True)
    name: ClassVar[str] = "adam"


@dataclass
class AdamW(Adam):
    """Adam with weight decay beside the gradient: ``w *= 1 - lr weight_decay`` first (Loshchilov & Hutter 2019).

    Like all penalties here it applies to weights; to biases only with ``fit(penalize_biases=True)``.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.AdamW(0.001, weight_decay=0.05).weight_decay
    0.05
    """

    weight_decay: float = 0.01
    name: ClassVar[str] = "adamw"


@dataclass
class Adamax(Optimizer):
    """Adam with the largest gradient instead of the mean square (Kingma & Ba 2015).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Adamax().learning_rate
    0.002
    """

    learning_rate: Rate = 0.002
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    name: ClassVar[str] = "adamax"


@dataclass
class Nadam(Optimizer):
    """Adam with Nesterov's momentum and its warming schedule (Dozat 2016).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Nadam().learning_rate
    0.002
    """

    learning_rate: Rate = 0.002
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    momentum_decay: float = 4e-3
    name: ClassVar[str] = "nadam"


@dataclass
class Rprop(Optimizer):
    """A step size for each weight, from the signs of its gradients alone; for whole batches (Riedmiller & Braun 1993).

    The learning rate is the first step size; afterwards steps grow and shrink by themselves.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(1)], input_shape=1, seed=0)
    >>> history = net.fit([[0.0], [1.0]], [1.0, 3.0], optimizer="rprop", batch_size=None, epochs=100)
    >>> history["loss"][-1] < 1e-6
    True
    """

    shrink: float = 0.5
    grow: float = 1.2
    smallest: float = 1e-6
    largest: float = 50.0
    name: ClassVar[str] = "rprop"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.shrink, "shrink", below=1)
        check_number(self.grow, "grow", above=1)


@dataclass
class LBFGS(Optimizer):
    """A quasi-Newton method with a line search, through SciPy, on all samples at once (Liu & Nocedal 1989).

    One epoch is one iteration. There is no learning rate: the line search finds the length of each step.

    Parameters
    ----------
    memory : int, default=10
        Corrections that the approximate Hessian is built from.
    gradient_tolerance : float, default=1e-5
        Stop when no component of the gradient is larger.
    loss_tolerance : float, default=2.2e-9
        Stop when an iteration lowers the loss by less than this share.
    max_evaluations : int, default=15000

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(1)], input_shape=1, seed=0)
    >>> history = net.fit([[0.0], [1.0]], [1.0, 3.0], optimizer="lbfgs", batch_size=None, epochs=20)
    >>> history["loss"][-1] < 1e-6
    True
    """

    learning_rate: Rate = 1.0
    memory: int = 10
    gradient_tolerance: float = 1e-5
    loss_tolerance: float = 2.2e-9
    max_evaluations: int = 15000
    name: ClassVar[str] = "lbfgs"

    def __post_init__(self) -> None:
        if self.learning_rate != 1.0:
            raise ValueError("L-BFGS has no learning rate; its line search finds the length of each step")
        check_integer(self.memory, "memory", minimum=1)
        check_number(self.gradient_tolerance, "gradient_tolerance", minimum=0)
        check_number(self.loss_tolerance, "loss_tolerance", minimum=0)
        check_integer(self.max_evaluations, "max_evaluations", minimum=1)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    optimizer.name: optimizer
    for optimizer in (SGD, Momentum, Nesterov, Adagrad, Adadelta, RMSprop, Adam, AdamW, Adamax, Nadam, Rprop, LBFGS)
}


def names() -> dict[str, str]:
    """The names of the optimisers and their formulas.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.optimizers.names()["momentum"]
    'd = momentum d - lr g; w += d'
    """
    formulas = {row["name"]: row["formula"] for row in _core.optimizers()}
    return formulas | {LBFGS.name: "w -= H g along a line search, H from the last gradients (SciPy)"}


def get(optimizer: str | Optimizer) -> Optimizer:
    """An optimiser from itself or its name, in any case.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.optimizers.get("Adam")
    Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, epsilon_hat=False)
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    return OPTIMIZERS[find_name(optimizer, OPTIMIZERS, "optimizer", {})]()
