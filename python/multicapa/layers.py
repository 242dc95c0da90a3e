"""Layers: small descriptions of what a network is made of. The core does the computing.

A layer is called on the output of another one to form a graph, or listed in a :class:`~multicapa.Sequential`.

>>> import multicapa as mc
>>> x = mc.Input((64,))
>>> h = mc.Dense(32, "tanh")(x)
>>> net = mc.Network(x, mc.Dense(10, "softmax")(mc.concat([h, x])), seed=0)
>>> [layer["name"] for layer in net.spec]
['input_1', 'dense_1', 'concat_1', 'dense_2']
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from multicapa import _core
from multicapa.checks import check_name, check_number

_creation = itertools.count()


@dataclass(frozen=True, eq=False)
class Symbol:
    """The output of a layer while a graph is being drawn; :class:`~multicapa.Network` makes it real."""

    layer: Layer
    inputs: tuple[Symbol, ...]
    created: int = field(default_factory=lambda: next(_creation))


@dataclass(kw_only=True, eq=False)
class Layer:
    """What all layers share: a name, the options that go to the core, and the initialisation of the weights."""

    name: str | None = None
    type: ClassVar[str] = ""
    merges: ClassVar[bool] = False

    def __call__(self, inputs: Symbol | Sequence[Symbol]) -> Symbol:
        symbols = (inputs,) if isinstance(inputs, Symbol) else tuple(inputs)
        for symbol in symbols:
            if not isinstance(symbol, Symbol):
                raise TypeError(f"a layer is called on the output of another one or on Input(...), not on {symbol!r}")
        if not self.merges and len(symbols) != 1:
            raise ValueError(f"{type(self).__name__} reads one layer, not {len(symbols)}; use concat or add to join them")
        return Symbol(self, symbols)

    def options(self) -> dict[str, Any]:
        """Everything but the name, as plain values; None where it is left to the default."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "name"}


def Input(shape: int | Sequence[int], name: str | None = None) -> Symbol:
    """Where samples enter a network.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of one sample, without the batch axis.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Input((28, 28)).layer.shape
    (28, 28)
    """
    return Symbol(InputLayer(shape, name=name), ())


@dataclass(eq=False)
class InputLayer(Layer):
    """Made by :func:`Input`."""

    shape: int | Sequence[int]
    type: ClassVar[str] = "input"

    def __post_init__(self) -> None:
        shape = (self.shape,) if isinstance(self.shape, int) else tuple(self.shape)
        if not shape:
            raise ValueError("the shape of a sample needs at least one axis")
        self.shape = tuple(int(check_number(extent, "an axis of shape", minimum=1, integer=True)) for extent in shape)


@dataclass(eq=False)
class Dense(Layer):
    """Fully connected layer: ``a = g(x W + b)``.

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str, default="linear"
        Name of g: see :func:`multicapa.layers.activations`.
    bias : bool, default=True
        Whether there is a b.
    activation_parameter : float, optional
        Slope of leaky_relu (0.1), alpha of elu (1).
    weight_init, bias_init : str, array or callable, optional
        See :mod:`multicapa.initializers`. By default He's for the relu family, LeCun's for selu, else Glorot's; zeros
        for b.

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
        self.units = int(check_number(self.units, "units", minimum=1, integer=True))
        check_activation(self.activation, self.activation_parameter)


@dataclass(eq=False)
class Activation(Layer):
    """An activation as a layer of its own.

    Parameters
    ----------
    function : str
        Its name: see :func:`multicapa.layers.activations`.
    parameter : float, optional
        Slope of leaky_relu (0.1), alpha of elu (1).

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Activation("relu")], input_shape=(2,), seed=0)
    >>> net.predict([[-1.0, 2.0]])
    array([[0., 2.]], dtype=float32)
    """

    function: str
    parameter: float | None = None
    type: ClassVar[str] = "activation"

    def __post_init__(self) -> None:
        check_activation(self.function, self.parameter)


@dataclass(eq=False)
class Dropout(Layer):
    """While training, set each unit to 0 with probability ``rate`` and divide the others by ``1 - rate``.

    Parameters
    ----------
    rate : float
        At least 0 and below 1. In ``predict`` and ``evaluate`` the layer does nothing.

    Notes
    -----
    Srivastava et al. 2014, with inverted scaling. The same units are dropped for any number of threads.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dropout(0.5)], input_shape=(2,), seed=0)
    >>> net.predict([[1.0, 2.0]])
    array([[1., 2.]], dtype=float32)
    """

    rate: float
    type: ClassVar[str] = "dropout"

    def __post_init__(self) -> None:
        self.rate = check_number(self.rate, "rate", minimum=0, below=1)


@dataclass(eq=False)
class GaussianNoise(Layer):
    """While training, add noise from the normal distribution: to inputs or hidden units, wherever it stands.

    Parameters
    ----------
    stddev : float
        Not negative. In ``predict`` and ``evaluate`` the layer does nothing.

    Notes
    -----
    Bishop 1995. For noise on weights and targets see ``fit(weight_noise=..., target_noise=...)``.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.GaussianNoise(0.1), mc.Dense(2, "softmax")], input_shape=(2,), seed=0)
    """

    stddev: float
    type: ClassVar[str] = "gaussian_noise"

    def __post_init__(self) -> None:
        self.stddev = check_number(self.stddev, "stddev", minimum=0)


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
        See :mod:`multicapa.initializers`; Glorot's and zeros by default.

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
        self.units = int(check_number(self.units, "units", minimum=1, integer=True))
        self.pieces = int(check_number(self.pieces, "pieces", minimum=1, integer=True))


@dataclass(eq=False)
class BatchNorm(Layer):
    """Normalise every unit over the batch: ``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``.

    Parameters
    ----------
    epsilon : float, default=1e-5
    momentum : float, default=0.9
        Share of the old running mean and variance that an update keeps.
    ddof : {0, 1}, default=0
        The variance divides by ``b - ddof``: 0 as in the paper and in all libraries, 1 as in the lectures.

    Notes
    -----
    Ioffe & Szegedy 2015. The statistics are those of the whole batch for any number of threads. Outside training the
    running mean and variance serve instead; they use the same divisor as the normalisation (PyTorch's running variance
    divides by ``b - 1`` always). A batch of one row has no variance: it is normalised by the running statistics and does
    not change them.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(8), mc.BatchNorm(), mc.Activation("relu")], input_shape=(4,), seed=0)
    >>> sorted(net.state)
    ['batch_norm_1.running_mean', 'batch_norm_1.running_variance']
    """

    epsilon: float = 1e-5
    momentum: float = 0.9
    ddof: int = 0
    type: ClassVar[str] = "batch_norm"

    def __post_init__(self) -> None:
        self.epsilon = check_number(self.epsilon, "epsilon", above=0)
        self.momentum = check_number(self.momentum, "momentum", minimum=0, below=1)
        _check_ddof(self.ddof)


@dataclass(eq=False)
class LayerNorm(Layer):
    """Normalise every sample over its units: ``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``.

    Parameters
    ----------
    epsilon : float, default=1e-5
    ddof : {0, 1}, default=0
        The variance divides by ``M - ddof``, M the number of units.

    Notes
    -----
    Ba, Kiros & Hinton 2016. The same in training and outside it.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.LayerNorm()], input_shape=(2,), seed=0, dtype="float64")
    >>> net.predict([[1.0, 3.0]]).round(3)
    array([[-1.,  1.]])
    """

    epsilon: float = 1e-5
    ddof: int = 0
    type: ClassVar[str] = "layer_norm"

    def __post_init__(self) -> None:
        self.epsilon = check_number(self.epsilon, "epsilon", above=0)
        _check_ddof(self.ddof)


@dataclass(eq=False)
class CustomActivation(Layer):
    """An activation of your own, as two functions on arrays.

    Parameters
    ----------
    value : callable
        From z of shape (n_samples, n_units) to a of the same shape.
    derivative : callable
        From z to da/dz, of the same shape.

    Notes
    -----
    Slower than the built-in ones: the core calls Python for every block of samples, on one thread. A network with one
    cannot be saved to a file.

    Examples
    --------
    >>> import multicapa as mc, numpy as np
    >>> sine = mc.layers.CustomActivation(np.sin, np.cos)
    >>> net = mc.Sequential([sine], input_shape=(1,), seed=0)
    >>> net.predict([[0.0]])
    array([[0.]], dtype=float32)
    """

    value: Callable[[Any], Any]
    derivative: Callable[[Any], Any]
    type: ClassVar[str] = "custom_activation"

    def __post_init__(self) -> None:
        if not callable(self.value) or not callable(self.derivative):
            raise TypeError("value and derivative should be functions from arrays to arrays")


@dataclass(eq=False)
class Flatten(Layer):
    """Samples of any shape as one row of numbers.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Sequential([mc.Flatten()], input_shape=(8, 8), seed=0).output_shape
    (64,)
    """

    type: ClassVar[str] = "flatten"


@dataclass(eq=False)
class Reshape(Layer):
    """The same numbers under another shape, given without the batch axis.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Sequential([mc.Reshape((8, 8))], input_shape=(64,), seed=0).output_shape
    (8, 8)
    """

    shape: Sequence[int]
    type: ClassVar[str] = "reshape"

    def __post_init__(self) -> None:
        self.shape = tuple(int(check_number(n, "an axis of shape", minimum=1, integer=True)) for n in self.shape)


@dataclass(eq=False)
class Add(Layer):
    """The sum of layers of one shape: a residual connection is ``add([f(x), x])`` (He et al. 2016)."""

    type: ClassVar[str] = "add"
    merges: ClassVar[bool] = True


@dataclass(eq=False)
class Concat(Layer):
    """Flat layers side by side: what reads the result reads all of them, each with its own weights."""

    type: ClassVar[str] = "concat"
    merges: ClassVar[bool] = True


def add(inputs: Sequence[Symbol], name: str | None = None) -> Symbol:
    """Sum of layers of one shape; short for ``Add()(inputs)``.

    Examples
    --------
    >>> import multicapa as mc
    >>> x = mc.Input(4)
    >>> net = mc.Network(x, mc.add([mc.Dense(4, "tanh")(x), x]), seed=0)
    """
    return Add(name=name)(inputs)


def concat(inputs: Sequence[Symbol], name: str | None = None) -> Symbol:
    """Flat layers side by side; short for ``Concat()(inputs)``.

    Examples
    --------
    >>> import multicapa as mc
    >>> x = mc.Input(4)
    >>> mc.Network(x, mc.concat([mc.Dense(3, "tanh")(x), x]), seed=0).output_shape
    (7,)
    """
    return Concat(name=name)(inputs)


LAYERS: dict[str, type[Layer]] = {
    layer.type: layer
    for layer in (
        InputLayer,
        Dense,
        Maxout,
        Activation,
        CustomActivation,
        Dropout,
        GaussianNoise,
        BatchNorm,
        LayerNorm,
        Flatten,
        Reshape,
        Add,
        Concat,
    )
}


def activations() -> dict[str, str]:
    """The names of the activations and their formulas.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.layers.activations()["softsign"]
    'z / (1 + |z|)'
    """
    return {row["name"]: row["formula"] for row in _core.activations()}


def _check_ddof(ddof: int) -> None:
    if ddof not in (0, 1):
        raise ValueError(f"ddof should be 0 or 1, not {ddof!r}")


def check_activation(name: str, parameter: float | None) -> None:
    """Raise unless there is such an activation and it takes such a parameter."""
    rows = {row["name"]: row for row in _core.activations()}
    check_name(name, rows, "activation")
    if parameter is None:
        return
    if rows[name]["parameter"] is None:
        raise ValueError(f"the activation {name} has no parameter")
    if name == "leaky_relu":
        check_number(parameter, "the slope of leaky_relu", minimum=0, below=1)
    else:
        check_number(parameter, f"the {rows[name]['parameter']} of {name}", above=0)
