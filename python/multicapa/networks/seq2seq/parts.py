"""The encoder, the decoder and both as one: each a graph of the same layers by the same names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa import layers
from multicapa.layers import Input, Symbol
from multicapa.model.network import Network
from multicapa.network.core import CoreNetwork
from multicapa.network.graph import graph_spec

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
    return Network(*_ends(plan), dtype=plan.dtype, seed=plan.seed)


def is_of(network: CoreNetwork, plan: Plan) -> bool:
    """Whether it is the whole of the plan, by its layers alone: nothing of the plan's size is built."""
    if plan.dtype != network.dtype.name or plan.n_layers > len(network.spec):
        return False
    inputs, outputs = _ends(plan)
    described = [_without_beginnings(spec) for spec in (graph_spec(inputs, [outputs])[0], network.spec)]
    return described[0] == described[1]


def _ends(plan: Plan) -> tuple[list[Symbol], Symbol]:
    source, target = Input(plan.source_time, "source"), Input(plan.target_time, "target")
    return [source, target], _decode(plan, target, _encode(plan, source))[0]


def _without_beginnings(spec: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A file tells the numbers, not the function that drew the first ones."""
    return [{key: value for key, value in layer.items() if key != "weight_init"} for layer in spec]


def encoder(plan: Plan) -> CoreNetwork:
    """From a source to what the decoder wants of it: the memory, and first states where it has any."""
    source = Input(plan.source_time, "source")
    return _network(plan, [source], _encode(plan, source))


def decoder(plan: Plan) -> CoreNetwork:
    """From a beginning of the target, and what the encoder made."""
    target, made = Input(plan.target_time, "target"), _made(plan)
    return _network(plan, [target, *made], [_decode(plan, target, made)[0]])


def stepper(plan: Plan) -> CoreNetwork:
    """From one token, the memory and the states before it to the next token and the states after it."""
    target, made = Input(1, "target"), _made(plan)
    following, states = _decode(plan, target, made)
    after = [layers.Flatten(name=f"after_{i}")(state) for i, state in enumerate(states)]
    return _network(plan, [target, *made], [following, *after])


def memories(plan: Plan) -> CoreNetwork:
    """From a source to the keys and values that each block of a transformer's decoder finds in the memory."""
    source = Input(plan.source_time, "source")
    (memory,) = _encode(plan, source)
    names = [f"decoder_{i}_memory_{part}" for i in range(plan.n_layers) for part in ("keys", "values")]
    return _network(plan, [source], [layers.Dense(plan.units, name=name)(memory) for name in names])


def links(plan: Plan) -> list[CoreNetwork]:
    """A transformer's decoder for one token, cut where it looks at the tokens before it.

    The first makes query, keys and values of the token; each other reads these of all tokens so far, and of the memory,
    and makes those of the next block; the last one the probabilities of the next token.
    """
    token = Input(plan.units, "token")
    made = [_network(plan, [token], _asked(plan, token, 0))]
    for i in range(plan.n_layers):
        token, query = Input(plan.units, "token"), Input(plan.units, "query")
        before = [Input((plan.target_time, plan.units), name) for name in ("keys", "values")]
        memory = [Input((plan.source_time, plan.units), name) for name in ("memory_keys", "memory_values")]
        h = token + _looked(plan, [query, *before], f"decoder_{i}_self")
        normed = layers.LayerNorm(name=f"decoder_{i}_memory_norm")(h)
        asked = layers.Dense(plan.units, name=f"decoder_{i}_memory_query")(normed)
        h = _widened(plan, h + _looked(plan, [asked, *memory], f"decoder_{i}_memory"), f"decoder_{i}")
        is_last = i == plan.n_layers - 1
        outputs = [_next(plan, layers.LayerNorm(name="decoded")(h))] if is_last else [h, *_asked(plan, h, i + 1)]
        made.append(_network(plan, [token, query, *before, *memory], outputs))
    return made


def positions(plan: Plan) -> Any:
    """What is added to the vectors of a target's tokens, of shape (time, units)."""
    x = Input((plan.target_time, plan.units))
    waves = _network(plan, [x], [layers.PositionalEncoding()(x)])
    return waves.predict(np.zeros((1, *waves.input_shape)))[0]


def _asked(plan: Plan, h: Symbol, i: int) -> list[Symbol]:
    normed = layers.LayerNorm(name=f"decoder_{i}_self_norm")(h)
    return [layers.Dense(plan.units, name=f"decoder_{i}_self_{part}")(normed) for part in ("query", "keys", "values")]


def _looked(plan: Plan, read: list[Symbol], name: str) -> Symbol:
    return layers.Dense(plan.units, name=f"{name}_output")(layers.Attention(num_heads=plan.heads, name=name)(read))


def _made(plan: Plan) -> list[Symbol]:
    """What the encoder makes, as inputs: the memory, its keys, and first states, of these what there is."""
    memory = {"memory": plan.memory_units} | ({"keys": plan.units} if plan.recurrent else {})
    looked_at = [Input((plan.source_time, units), name) for name, units in memory.items()] if _looks(plan) else []
    return looked_at + [Input(plan.units, f"state_{i}") for i in range(_state_count(plan))]


def copy_numbers(source: CoreNetwork, target: CoreNetwork) -> None:
    """The numbers of the layers that both have."""
    for theirs, ours in ((source.parameters, target.parameters), (source.state, target.state)):
        for name in ours:
            ours[name][...] = theirs[name]


def _network(plan: Plan, inputs: list[Symbol], outputs: Sequence[Symbol]) -> CoreNetwork:
    """Whose numbers are to be copied, so that none are drawn."""
    network = CoreNetwork.__new__(CoreNetwork)
    network._build(graph_spec(inputs, list(outputs))[0], plan.dtype, plan.seed, sys.maxsize)
    return network


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
    """The memory, its keys, and what each layer of a recurrent decoder begins with, made of the mean of the memory."""
    h = _embedded(plan, source, plan.source_tokens, "source")
    for i in range(plan.n_layers):
        h = _walk(plan, h, i) if plan.recurrent else _block(plan, h, f"encoder_{i}")
    if not plan.recurrent:
        return [layers.LayerNorm(name="memory")(h)]
    mean = layers.GlobalAveragePool1D(name="mean")(h)
    states = [layers.Dense(plan.units, "tanh", name=f"first_{i}")(mean) for i in range(_state_count(plan))]
    if not _looks(plan):
        return states
    return [h, layers.Dense(plan.units, bias=plan.attention == "additive", name="attention_keys")(h), *states]


def _walk(plan: Plan, h: Symbol, i: int) -> Symbol:
    cell = CELLS[plan.cell](plan.units, return_sequences=True, name=f"encoder_{i}")
    if plan.bidirectional:
        return _dropped(plan, layers.Bidirectional(cell, name=None)(h))
    return _dropped(plan, cell(h))


def _decode(plan: Plan, target: Symbol, made: list[Symbol]) -> tuple[Symbol, list[Symbol]]:
    """The probabilities of the next tokens, and the states of each recurrent layer."""
    h = _embedded(plan, target, plan.target_tokens, "target")
    if not plan.recurrent:
        for i in range(plan.n_layers):
            h = _block(plan, h, f"decoder_{i}", made[0])
        return _next(plan, layers.LayerNorm(name="decoded")(h)), []
    states = []
    for i, first in enumerate(made[-plan.n_layers :]):
        states.append(CELLS[plan.cell](plan.units, return_sequences=True, name=f"decoder_{i}")([h, first]))
        h = _dropped(plan, states[-1])
    if plan.attention is not None:
        memory, keys = made[:2]
        query = layers.Dense(plan.units, bias=False, name="attention_query")(h)
        found = layers.Attention(plan.attention, name="attention")([query, keys, memory])
        h = _dropped(plan, layers.Dense(plan.units, "tanh", name="both")(layers.concat([h, found])))
    return _next(plan, h), states


def _next(plan: Plan, h: Symbol) -> Symbol:
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
    return _widened(plan, h if memory is None else look(h, "memory", memory), name)


def _widened(plan: Plan, h: Symbol, name: str) -> Symbol:
    """The network for each step."""
    normed = layers.LayerNorm(name=f"{name}_norm")(h)
    wide = layers.Dense(4 * plan.units, "gelu", name=f"{name}_wide")(normed)
    return h + _dropped(plan, layers.Dense(plan.units, name=f"{name}_narrow")(wide))
