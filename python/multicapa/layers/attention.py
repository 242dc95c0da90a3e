"""Layers that look around: from each step of a sequence over all steps of another one, or of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar

from multicapa.base.checks import check_flag, check_integer
from multicapa.layers.base import Layer, Symbol
from multicapa.layers.dense import Dense

SCORES = ("scaled_dot", "dot", "additive")


def _read_by(layer: Layer, inputs: Symbol | Sequence[Symbol]) -> tuple[Symbol, ...]:
    """One layer looks at itself."""
    given = (inputs, inputs) if isinstance(inputs, Symbol) else tuple(inputs)
    if len(given) not in (2, 3):
        raise ValueError(
            f"{type(layer).__name__} reads query and memory, or query, keys and values, not {len(given)} layers"
        )
    return given


def _part(layer: Layer, part: str) -> str | None:
    return None if layer.name is None else f"{layer.name}_{part}"


@dataclass(eq=False)
class Attention(Layer):
    """For each step of a query, the mean of a memory's steps, weighted by how well they go with it.

    ``y_i = sum_j a_ij v_j`` with ``a_i = softmax_j(s(q_i, k_j))``; called on ``[query, memory]``, where the memory is
    both keys k and values v, on ``[query, keys, values]``, or on one layer that looks at itself.

    Parameters
    ----------
    score : {"scaled_dot", "dot", "additive"}, default="scaled_dot"
        ``q.k / sqrt(features)``, ``q.k``, or ``sum(w * tanh(q + k))`` with a ``weight`` of shape (features,).
    causal : bool, default=False
        Step i of the query sees steps 0 to i of the memory only.
    units : int, optional
        Query and keys are multiplied by weights of their own first, to so many features: ``tanh(q W + k U + b)`` is
        the additive score of Bahdanau, ``(q W).(k U)`` Luong's general one. By default they are compared as they are.
    num_heads : int, default=1
        The features are cut into so many parts, each of which has weights a of its own.
    gives_weights : bool, default=False
        The output is ``a``, of shape (time, num_heads * time of the memory), the heads side by side, and not ``y``.
    weight_init : str, array or callable, optional
        Of the additive score's weight; see :mod:`multicapa.initializers`.

    Notes
    -----
    Query (time, features) or (features,), memory (time, features); lengths of sequences are kept to, and what sees
    nothing gives zeros and passes no gradient. Only the sums over steps are kept, never all scores. With
    ``da_ij = dy_i.v_j``: ``ds_ij = a_ij (da_ij - sum_k a_ik da_ik)`` and ``dv_j = sum_i a_ij dy_i`` (Bahdanau, Cho &
    Bengio 2015; Luong, Pham & Manning 2015; Vaswani et al. 2017).

    Examples
    --------
    The last state of a recurrent layer asks all the states on the way:

    >>> import multicapa as mc
    >>> x = mc.Input((9, 3))
    >>> states = mc.GRU(8, return_sequences=True)(x)
    >>> found = mc.Attention("additive", units=6)([mc.GRU(8)(x), states])
    >>> mc.Network(x, mc.Dense(1)(found), seed=0).parameters["attention_1.weight"].shape
    (6,)
    """

    score: str = "scaled_dot"
    causal: bool = False
    _: KW_ONLY
    units: int | None = None
    num_heads: int = 1
    gives_weights: bool = False
    weight_init: Any = None
    type: ClassVar[str] = "attention"
    merges: ClassVar[bool] = True
    first_values: ClassVar[dict[str, str]] = {"weight": "fan_in_uniform"}

    def __post_init__(self) -> None:
        if self.score not in SCORES:
            raise ValueError(f"score should be one of {', '.join(SCORES)}, not {self.score!r}")
        check_flag(self.causal, "causal")
        check_flag(self.gives_weights, "gives_weights")
        self.num_heads = check_integer(self.num_heads, "num_heads", minimum=1)
        if self.units is None:
            return
        self.units = check_integer(self.units, "units", minimum=1)
        self._query = Dense(self.units, bias=False, name=_part(self, "query"))
        self._keys = Dense(self.units, bias=self.score == "additive", name=_part(self, "keys"))
        self._compared = replace(self, units=None)

    def __call__(self, inputs: Symbol | Sequence[Symbol]) -> Symbol:
        given = _read_by(self, inputs)
        if self.units is None:
            return super().__call__(given)
        return self._compared((self._query(given[0]), self._keys(given[1]), given[-1]))


@dataclass(eq=False)
class MultiHeadAttention(Layer):
    """Several heads that look at different features: each projects query, keys and values and is an attention.

    ``y = concat_h(softmax(q_h k_h^T / sqrt(key_dim)) v_h) W + b`` with ``q_h = q W_h + b_h`` and so on.

    Parameters
    ----------
    num_heads : int
        How many.
    key_dim : int
        Features of each head.
    causal : bool, default=False
        Step i of the query sees steps 0 to i of the memory only.
    units : int, optional
        Features of the output, ``num_heads * key_dim`` by default.
    bias : bool, default=True
        Whether the projections have one.

    Notes
    -----
    A shorthand for four Dense layers and an :class:`Attention` between them, which bear names of their own. It is
    called as Attention is; on one layer alone it is self-attention (Vaswani et al. 2017).

    Examples
    --------
    A block of a transformer:

    >>> import multicapa as mc
    >>> x = mc.Input((10, 16))
    >>> h = mc.LayerNorm()(x + mc.MultiHeadAttention(4, 4)(x))
    >>> h = mc.LayerNorm()(h + mc.Dense(16)(mc.Dense(64, "relu")(h)))
    >>> mc.Network(x, h, seed=0).output_shape
    (10, 16)
    """

    num_heads: int
    key_dim: int
    causal: bool = False
    _: KW_ONLY
    units: int | None = None
    bias: bool = True
    type: ClassVar[str] = "multi_head_attention"

    def __post_init__(self) -> None:
        self.num_heads = check_integer(self.num_heads, "num_heads", minimum=1)
        self.key_dim = check_integer(self.key_dim, "key_dim", minimum=1)
        check_flag(self.causal, "causal")
        check_flag(self.bias, "bias")
        width = self.num_heads * self.key_dim
        self.units = width if self.units is None else check_integer(self.units, "units", minimum=1)
        self._projections = [self._projection(part, width) for part in ("query", "keys", "values")]
        self._attention = Attention(causal=self.causal, num_heads=self.num_heads, name=self.name)
        self._output = self._projection("output", self.units)

    def _projection(self, part: str, units: int) -> Dense:
        return Dense(units, bias=self.bias, weight_init="glorot_uniform", name=_part(self, part))

    def __call__(self, inputs: Symbol | Sequence[Symbol]) -> Symbol:
        given = _read_by(self, inputs)
        sources = (*given[:2], given[-1])
        return self._output(
            self._attention([project(source) for project, source in zip(self._projections, sources, strict=True)])
        )


@dataclass(eq=False)
class PositionalEncoding(Layer):
    """Adds to each step what tells it from the others: ``p_t = (sin w_0 t, cos w_0 t, sin w_1 t, cos w_1 t, ...)``.

    The waves are ``w_i = 10000^(-2i / features)``; without them attention does not know the order of steps.

    Notes
    -----
    Has no parameters (Vaswani et al. 2017).

    Examples
    --------
    >>> import multicapa as mc, numpy as np
    >>> net = mc.Sequential([mc.PositionalEncoding()], input_shape=(3, 2), seed=0)
    >>> net.predict(np.zeros((1, 3, 2)))[0].round(2)
    array([[ 0.  ,  1.  ],
           [ 0.84,  0.54],
           [ 0.91, -0.42]], dtype=float32)
    """

    type: ClassVar[str] = "positional_encoding"
