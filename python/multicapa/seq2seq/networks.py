"""The encoder, the decoder and both as one: each a graph of the same layers by the same names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa import layers
from multicapa.layers import Input, Symbol
from multicapa.model.network import Network

CELLS: dict[str, Callable[..., layers.Layer]] = {
    "gru": layers.GRU,
    "lstm": layers.LSTM,
    "simple_rnn": layers.SimpleRNN,
}


@dataclass(frozen=True)
class Plan:
    """What decides on the layers."""

    architecture: str
    cell: str
    units: int
    n_layers: int
    bidirectional: bool
    attention: str | None
    heads: int
    dropout: float
    source_tokens: int
    target_tokens: int
    source_time: int
    target_time: int
    dtype: str
    seed: int

    @property
    def recurrent(self) -> bool:
        return self.architecture == "recurrent"

    @property
    def memory_units(self) -> int:
        return self.units * (2 if self.recurrent and self.bidirectional else 1)


def whole(plan: Plan) -> Network:
    """From source and target, shifted by a beginning, to the probabilities of each next token."""
    source, target = Input(plan.source_time, "source"), Input(plan.target_time, "target")
    memory, *states = _encode(plan, source)
    return _network(plan, [source, target], [_decode(plan, target, memory, states)])


def encoder(plan: Plan) -> Network:
    """From a source to what the decoder wants of it: the memory, and first states where it has any."""
    source = Input(plan.source_time, "source")
    return _network(plan, [source], _encode(plan, source))


def decoder(plan: Plan) -> Network:
    """From a beginning of the target, the memory and the first states."""
    target = Input(plan.target_time, "target")
    memory = Input((plan.source_time, plan.memory_units), "memory")
    states = [Input(plan.units, f"state_{i}") for i in range(_state_count(plan))]
    read = [target, memory, *states] if _looks(plan) else [target, *states]
    return _network(plan, read, [_decode(plan, target, memory, states)])


def copy_numbers(source: Network, target: Network) -> None:
    """The numbers of the layers that both have."""
    for theirs, ours in ((source.parameters, target.parameters), (source.state, target.state)):
        for name in ours:
            ours[name][...] = theirs[name]


def _network(plan: Plan, inputs: list[Symbol], outputs: Sequence[Symbol]) -> Network:
    return Network(inputs, list(outputs) if len(outputs) > 1 else outputs[0], dtype=plan.dtype, seed=plan.seed)


def _looks(plan: Plan) -> bool:
    return not plan.recurrent or plan.attention is not None


def _state_count(plan: Plan) -> int:
    return plan.n_layers if plan.recurrent else 0


def _embedded(plan: Plan, tokens: Symbol, count: int, side: str) -> Symbol:
    # Vectors of length 1 or so, beside which the waves of positions are no louder than what they are added to.
    h = layers.Embedding(count, plan.units, weight_init=_normal, name=f"{side}_embedding")(tokens)
    return _dropped(plan, h if plan.recurrent else layers.PositionalEncoding(name=f"{side}_positions")(h))


def _normal(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Any:
    return rng.normal(size=shape)


def _dropped(plan: Plan, h: Symbol) -> Symbol:
    return layers.Dropout(plan.dropout)(h) if plan.dropout > 0 else h


def _encode(plan: Plan, source: Symbol) -> list[Symbol]:
    """The memory, and for each layer of a recurrent decoder the state it begins with: of the mean of the memory."""
    h = _embedded(plan, source, plan.source_tokens, "source")
    for i in range(plan.n_layers):
        h = _walk(plan, h, i) if plan.recurrent else _block(plan, h, f"encoder_{i}")
    if not plan.recurrent:
        return [layers.LayerNorm(name="memory")(h)]
    mean = layers.GlobalAveragePool1D(name="mean")(h)
    states = [layers.Dense(plan.units, "tanh", name=f"first_{i}")(mean) for i in range(_state_count(plan))]
    return [h, *states] if _looks(plan) else states


def _walk(plan: Plan, h: Symbol, i: int) -> Symbol:
    cell = CELLS[plan.cell](plan.units, return_sequences=True, name=f"encoder_{i}")
    if plan.bidirectional:
        return _dropped(plan, layers.Bidirectional(cell, name=None)(h))
    return _dropped(plan, cell(h))


def _decode(plan: Plan, target: Symbol, memory: Symbol, states: Sequence[Symbol]) -> Symbol:
    h = _embedded(plan, target, plan.target_tokens, "target")
    for i in range(plan.n_layers):
        if plan.recurrent:
            h = _dropped(plan, CELLS[plan.cell](plan.units, return_sequences=True, name=f"decoder_{i}")([h, states[i]]))
        else:
            h = _block(plan, h, f"decoder_{i}", memory)
    if plan.recurrent and plan.attention is not None:
        found = layers.Attention(plan.attention, units=plan.units, name="attention")([h, memory])
        h = _dropped(plan, layers.Dense(plan.units, "tanh", name="both")(layers.concat([h, found])))
    if not plan.recurrent:
        h = layers.LayerNorm(name="decoded")(h)
    return layers.Dense(plan.target_tokens, "softmax", name="next")(h)


def _block(plan: Plan, h: Symbol, name: str, memory: Symbol | None = None) -> Symbol:
    """Attention over itself, over the memory, a network for each step; each behind a norm, with a way around it."""

    def look(h: Symbol, part: str, at: Symbol | None) -> Symbol:
        normed = layers.LayerNorm(name=f"{name}_{part}_norm")(h)
        heads = layers.MultiHeadAttention(
            plan.heads,
            plan.units // plan.heads,
            causal=memory is not None and at is None,
            units=plan.units,
            name=f"{name}_{part}",
        )
        return h + _dropped(plan, heads(normed if at is None else [normed, at]))

    h = look(h, "self", None)
    if memory is not None:
        h = look(h, "memory", memory)
    normed = layers.LayerNorm(name=f"{name}_norm")(h)
    wide = layers.Dense(4 * plan.units, "gelu", name=f"{name}_wide")(normed)
    return h + _dropped(plan, layers.Dense(plan.units, name=f"{name}_narrow")(wide))
