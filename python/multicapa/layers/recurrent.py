"""Layers that walk through time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar

from multicapa.base.checks import check_flag, check_integer, check_number
from multicapa.layers.activation import check_activation
from multicapa.layers.base import Add, Layer, Symbol
from multicapa.layers.merge import Concat


@dataclass(eq=False)
class _Recurrent(Layer):
    """What recurrent layers share."""

    merges: ClassVar[bool] = True
    first_values: ClassVar[dict[str, str]] = {
        "weight": "glorot_uniform",
        "recurrent_weight": "orthogonal_gates",
        "bias": "zeros",
        "recurrent_bias": "zeros",
    }

    units: int
    _: KW_ONLY
    return_sequences: bool = False
    reverse: bool = False
    bias: bool = True
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    weight_init: Any = None
    recurrent_weight_init: Any = None
    bias_init: Any = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(eq=False)
class SimpleRNN(_Recurrent):
    """A network recurrent on its output: ``h_t = f(x_t W + h_{t-1} U + b)``, with ``h_0 = 0``.

    With a Dense layer behind it, this is Elman's network.

    Parameters
    ----------
    units : int
        Number of outputs per step.
    activation : str, default="tanh"
        Name of f, of each unit for itself: see :func:`multicapa.layers.activations`.
    return_sequences : bool, default=False
        Outputs of shape (time, units), all of ``h_t``, instead of (units,), the last.
    reverse : bool, default=False
        Walk from the last step to the first; the outputs stay at their steps.
    bias : bool, default=True
        Whether there is a b.
    dropout, recurrent_dropout : float, default=0
        While training, set numbers of x_t and of h_{t-1} to 0 with this probability where they are multiplied by W and
        U, and divide the others by 1 minus it. Which ones is drawn once for all steps of a sequence (Gal & Ghahramani
        2016), as in Keras.
    activation_parameter : float, optional
        Slope of leaky_relu (0.1), alpha of elu (1).
    weight_init, recurrent_weight_init, bias_init : str, array or callable, optional
        See :mod:`multicapa.initializers`; Glorot's, orthogonal and zeros by default.

    Notes
    -----
    ``weight`` (W) has shape (features, units), ``recurrent_weight`` (U) (units, units). Backpropagation through time:
    ``delta_t = (dCost/dh_t + delta_{t+1} U^T) f'``, ``dW = sum_t x_t^T delta_t``, ``dU = sum_t h_{t-1}^T delta_t``
    (Elman 1990; Werbos 1990). Called on ``[x, h]`` with another layer of shape (units,), it begins with its output as
    ``h_0``, and passes a gradient back to it.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.SimpleRNN(3), mc.Dense(1)], input_shape=(5, 2), seed=0)
    >>> net.parameters["simple_rnn_1.recurrent_weight"].shape
    (3, 3)
    """

    activation: str = "tanh"
    _: KW_ONLY
    activation_parameter: float | None = None
    type: ClassVar[str] = "simple_rnn"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.activation_parameter = _check_by_element(self.activation, self.activation_parameter)


@dataclass(eq=False)
class SecondOrderRNN(Layer):
    """A recurrent network of products: ``h_i = f(sum_jk W_jki h'_j x_k + b_i)``, with h' the state of the step before.

    Each input chooses how the state goes on, which makes finite automata easy to learn.

    Parameters
    ----------
    units : int
        Number of outputs per step.
    activation : str, default="tanh"
        Name of f, of each unit for itself: see :func:`multicapa.layers.activations`.
    return_sequences, reverse, bias, dropout, recurrent_dropout, activation_parameter
        As in :class:`SimpleRNN`.
    weight_init, bias_init : str, array or callable, optional
        See :mod:`multicapa.initializers`; Glorot's, for inputs of which one is 1, and zeros by default.

    Notes
    -----
    ``weight`` has shape (units, features, units). The state before the first step is (1, 0, ..., 0), since from zeros
    the first input would have no effect (Giles et al. 1992).

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.SecondOrderRNN(4), mc.Dense(1)], input_shape=(5, 2), seed=0)
    >>> net.parameters["second_order_rnn_1.weight"].shape
    (4, 2, 4)
    """

    units: int
    activation: str = "tanh"
    _: KW_ONLY
    return_sequences: bool = False
    reverse: bool = False
    bias: bool = True
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    activation_parameter: float | None = None
    weight_init: Any = None
    bias_init: Any = None
    type: ClassVar[str] = "second_order_rnn"
    merges: ClassVar[bool] = True
    first_values: ClassVar[dict[str, str]] = {"weight": "glorot_uniform", "bias": "zeros"}

    def __post_init__(self) -> None:
        _check(self)
        self.activation_parameter = _check_by_element(self.activation, self.activation_parameter)


@dataclass(eq=False)
class LSTM(_Recurrent):
    """Long short-term memory.

    With ``[i f g o] = x_t W + h_{t-1} U + b``: ``c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g)`` and
    ``h_t = sigmoid(o) tanh(c_t)``, both zero before the first step.

    Parameters
    ----------
    units : int
        Number of outputs per step.
    return_sequences, reverse, bias, dropout, recurrent_dropout
        As in :class:`SimpleRNN`.
    weight_init, recurrent_weight_init, bias_init : str, array or callable, optional
        See :mod:`multicapa.initializers`; by default Glorot's, orthogonal for each gate, and zeros with ones for the
        forget gate (Jozefowicz et al. 2015).

    Notes
    -----
    ``weight`` has shape (features, 4 units), ``recurrent_weight`` (units, 4 units), ``bias`` (4 units,), with the gates
    in the order i f g o, as in PyTorch and Keras (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000).
    Called on ``[x, h]`` or ``[x, h, c]``, it begins with other layers' outputs as in :class:`SimpleRNN`.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.LSTM(8), mc.Dense(2, "softmax")], input_shape=(5, 3), seed=0)
    >>> net.parameters["lstm_1.weight"].shape
    (3, 32)
    """

    type: ClassVar[str] = "lstm"
    first_values: ClassVar[dict[str, str]] = {**_Recurrent.first_values, "bias": "forget_gate_at_one"}


@dataclass(eq=False)
class GRU(_Recurrent):
    """Gated recurrent units: ``h_t = z h_{t-1} + (1 - z) a``.

    With ``z = sigmoid(x_t W_z + h_{t-1} U_z + b_z)`` and the same for r, the candidate is, with zeros before the first
    step,

    - ``reset_after=True``: ``a = tanh(x_t W_a + b_a + r (h_{t-1} U_a + b'_a))``, and z and r have a b' too
    - ``reset_after=False``: ``a = tanh(x_t W_a + b_a + (r h_{t-1}) U_a)``

    Parameters
    ----------
    units : int
        Number of outputs per step.
    reset_after : bool, default=True
        Where the reset gate r acts: after the product, as in cuDNN, PyTorch and Keras, or before, as in the paper.
    return_sequences, reverse, bias, dropout, recurrent_dropout
        As in :class:`SimpleRNN`; the h_{t-1} that z carries on is never dropped.
    weight_init, recurrent_weight_init, bias_init, recurrent_bias_init : str, array or callable, optional
        See :mod:`multicapa.initializers`; Glorot's, orthogonal for each gate, and zeros by default.

    Notes
    -----
    ``weight`` has shape (features, 3 units), ``recurrent_weight`` (units, 3 units), ``bias`` (3 units,), with
    reset_after also ``recurrent_bias`` (3 units,), with the gates in the order z r a, as in Keras; PyTorch has r z a
    (Cho et al. 2014). Called on ``[x, h]``, it begins with another layer's output as in :class:`SimpleRNN`.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.GRU(8), mc.Dense(2, "softmax")], input_shape=(5, 3), seed=0)
    >>> net.parameters["gru_1.recurrent_bias"].shape
    (24,)
    """

    _: KW_ONLY
    reset_after: bool = True
    recurrent_bias_init: Any = None
    type: ClassVar[str] = "gru"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_flag(self.reset_after, "reset_after")


def _check(layer: _Recurrent | SecondOrderRNN) -> None:
    layer.units = check_integer(layer.units, "units", minimum=1)
    for what in ("return_sequences", "reverse", "bias"):
        check_flag(getattr(layer, what), what)
    for what in ("dropout", "recurrent_dropout"):
        setattr(layer, what, check_number(getattr(layer, what), what, minimum=0, below=1))


def _check_by_element(activation: str, parameter: float | None) -> float | None:
    if activation == "softmax":
        raise ValueError("a recurrent layer takes an activation of each unit for itself, not softmax")
    return check_activation(activation, parameter)


@dataclass(eq=False)
class Bidirectional(Layer):
    """A recurrent layer and its like in the other direction, side by side (Schuster & Paliwal 1997).

    Parameters
    ----------
    layer : SimpleRNN, SecondOrderRNN, LSTM or GRU
        Its like has weights of its own.
    merge : {"concat", "sum"}, default="concat"
        Their outputs side by side, or added.

    Notes
    -----
    A shorthand for two layers and what joins them, which bear names of their own. Without ``return_sequences`` both
    give their last state: the second that of the sequence's first step.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Bidirectional(mc.LSTM(4)), mc.Dense(1)], input_shape=(5, 2), seed=0)
    >>> [layer["name"] for layer in net.spec]
    ['input_1', 'lstm_1', 'lstm_2', 'concat_1', 'dense_1']
    """

    layer: Layer
    merge: str = "concat"
    type: ClassVar[str] = "bidirectional"

    def __post_init__(self) -> None:
        if not isinstance(self.layer, _Recurrent | SecondOrderRNN):
            raise TypeError(f"Bidirectional takes a recurrent layer, not {self.layer!r}")
        if self.merge not in ("concat", "sum"):
            raise ValueError(f"merge should be 'concat' or 'sum', not {self.merge!r}")
        layer: Any = self.layer
        name = None if layer.name is None else f"{layer.name}_reverse"
        self._other: Layer = replace(layer, reverse=not layer.reverse, name=name)
        self._join: Layer = Concat(name=self.name) if self.merge == "concat" else Add(name=self.name)

    def __call__(self, inputs: Symbol | Sequence[Symbol]) -> Symbol:
        return self._join([self.layer(inputs), self._other(inputs)])


@dataclass(eq=False)
class Embedding(Layer):
    """A vector for each token: ``y_t = W[token_t]``.

    Parameters
    ----------
    input_dim : int
        How many tokens there are: they are 0 to ``input_dim - 1``.
    output_dim : int
        Numbers in each vector.
    weight_init : str, array or callable, optional
        See :mod:`multicapa.initializers`; uniform by default.

    Notes
    -----
    Reads tokens of shape (time,), gives sequences of shape (time, output_dim). ``weight`` has shape
    (input_dim, output_dim); its gradient is the sum of those of the places where a token stands (Bengio et al. 2003).

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Embedding(3, 1, weight_init=[[0.0], [1.0], [4.0]])], input_shape=(2,), seed=0)
    >>> net.predict([[2, 1]]).ravel()
    array([4., 1.], dtype=float32)
    """

    input_dim: int
    output_dim: int
    weight_init: Any = None
    type: ClassVar[str] = "embedding"
    first_values: ClassVar[dict[str, str]] = {"weight": "uniform"}

    def __post_init__(self) -> None:
        self.input_dim = check_integer(self.input_dim, "input_dim", minimum=1, below=2**24)
        self.output_dim = check_integer(self.output_dim, "output_dim", minimum=1)


# Layers with a state that goes from step to step.
RECURRENT = tuple(layer.type for layer in (SimpleRNN, SecondOrderRNN, LSTM, GRU))
