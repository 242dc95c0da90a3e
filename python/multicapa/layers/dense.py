"""Layers with a weight matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from multicapa.base.checks import check_integer
from multicapa.layers.activation import check_activation, find_activation
from multicapa.layers.base import Layer


@dataclass(eq=False)
class Dense(Layer):
    """Fully connected layer: ``a = g(x W + b)``.

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str, default="linear"
        Name of g: see :func:`multicapa.layers.activations`. Also in any case, and as other libraries call it: ReLU,
        swish, identity, logistic.
    bias : bool, default=True
        Whether there is a b.
    activation_parameter : float, optional
        Slope of leaky_relu (0.1), alpha of elu (1).
    weight_init, bias_init : str, array or callable, optional
        See :mod:`multicapa.initializers`. By default b starts uniform in ±1 / sqrt(n_in), and so does W in the output
        layer and for linear, relu and leaky_relu; W starts after He for sigmoid, after Glorot for the rest: see
        :func:`multicapa.initializers.default_for`. Beside weights that are chosen b starts at zero.

    Notes
    -----
    ``W`` has shape (n_in, units). Backward: with ``delta = dCost/dz``, ``dW = x^T delta``, ``db = sum(delta)``,
    ``dx = delta W^T`` (Rumelhart, Hinton & Williams 1986).

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(3, "relu")], input_shape=(2,), seed=0)
    >>> net.parameters["dense_1.weight"].shape
    (2, 3)
    """

    units: int
    activation: str = "linear"
    bias: bool = True
    activation_parameter: float | None = None
    weight_init: Any = None
    bias_init: Any = None
    type: ClassVar[str] = "dense"

    def __post_init__(self) -> None:
        self.units = check_integer(self.units, "units", minimum=1, below=2**31)
        self.activation = find_activation(self.activation)
        self.activation_parameter = check_activation(self.activation, self.activation_parameter)


@dataclass(eq=False)
class Maxout(Layer):
    """The largest of several linear pieces: ``y = max_j x W_j + b_j`` (Goodfellow et al. 2013).

    Parameters
    ----------
    units : int
        Number of outputs.
    pieces : int, default=2
        Linear pieces of each unit.
    weight_init, bias_init : str, array or callable, optional
        See :mod:`multicapa.initializers`; uniform in ±1 / sqrt(n_in) by default, and zeros for biases beside weights
        that are chosen.

    Notes
    -----
    ``weight`` has shape (n_in, units * pieces); unit u owns the columns ``u * pieces`` to ``(u + 1) * pieces - 1``.
    The gradient goes to the piece that won, the first of equals.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Maxout(1, weight_init=[[1.0, -1.0]])], input_shape=(1,), seed=0)
    >>> net.predict([[-3.0], [2.0]]).ravel()
    array([3., 2.], dtype=float32)
    """

    units: int
    pieces: int = 2
    weight_init: Any = None
    bias_init: Any = None
    type: ClassVar[str] = "maxout"

    def __post_init__(self) -> None:
        self.units = check_integer(self.units, "units", minimum=1, below=2**31)
        self.pieces = check_integer(self.pieces, "pieces", minimum=1, below=2**31)
