"""Graphs in JAX: an epoch is one compiled function, as for other networks."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn

from comparison import with_jax
from comparison.graphs import GraphData, Named, Transformer, Translation, positions
from comparison.recurrence import Walk

Tree = Any


@with_jax.forward.register
def transformer(work: Transformer, w: Tree, X: Tree) -> jax.Array:
    (x,) = X
    steps, size = work.shape[0], work.units // work.heads
    h = x @ w["in.weight"] + w["in.bias"] + jnp.asarray(positions(steps, work.units), x.dtype)
    for i in range(work.blocks):
        parts = [f"look_{i}_{part}" for part in ("query", "keys", "values")]
        # One product instead of three.
        W, b = (jnp.concatenate([w[f"{part}.{of}"] for part in parts], axis=-1) for of in ("weight", "bias"))
        made = layer_norm(h, w, f"look_norm_{i}") @ W + b
        q, k, v = (part.reshape(-1, steps, work.heads, size) for part in jnp.split(made, 3, axis=-1))
        a = nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(size))
        looked = jnp.einsum("bhqk,bkhd->bqhd", a, v).reshape(h.shape)
        h = h + looked @ w[f"look_{i}_output.weight"] + w[f"look_{i}_output.bias"]
        wide = nn.relu(layer_norm(h, w, f"norm_{i}") @ w[f"wide_{i}.weight"] + w[f"wide_{i}.bias"])
        h = h + wide @ w[f"narrow_{i}.weight"] + w[f"narrow_{i}.bias"]
    return layer_norm(h, w, "last").mean(axis=1) @ w["out.weight"] + w["out.bias"]


def layer_norm(h: jax.Array, w: Tree, name: str) -> jax.Array:
    middle = h - h.mean(axis=-1, keepdims=True)
    scale = lax.rsqrt(jnp.square(middle).mean(axis=-1, keepdims=True) + 1e-5)
    return middle * scale * w[f"{name}.gamma"] + w[f"{name}.beta"]


@with_jax.forward.register
def translation(work: Translation, w: Tree, X: Tree) -> jax.Array:
    source, read = X
    x = w["source_embedding.weight"][source]
    zeros = jnp.zeros((len(x), work.units), x.dtype)
    ways = [walked(work, w, name, x, zeros, back) for name, back in (("encoder_0", False), ("encoder_0_reverse", True))]
    memory = jnp.concatenate(ways, axis=2)
    first = jnp.tanh(memory.mean(axis=1) @ w["first_0.weight"] + w["first_0.bias"])
    h = walked(work, w, "decoder_0", w["target_embedding.weight"][read], first)
    keys = memory @ w["attention_keys.weight"] + w["attention_keys.bias"]
    query = h @ w["attention_query.weight"]
    scores = jnp.tanh(query[:, :, None] + keys[:, None]) @ w["attention.weight"]
    both = jnp.concatenate([h, nn.softmax(scores) @ memory], axis=2)
    said = jnp.tanh(both @ w["both.weight"] + w["both.bias"])
    return said @ w["next.weight"] + w["next.bias"]


def walked(work: Translation, w: Tree, name: str, x: jax.Array, first: jax.Array, back: bool = False) -> jax.Array:
    """A scan over time, whose part of the inputs is one product over all steps beforehand."""
    walk, second = Walk("gru", work.units), w[f"{name}.recurrent_bias"][None]
    z = (x @ w[f"{name}.weight"] + w[f"{name}.bias"]).swapaxes(0, 1)

    def step(h: jax.Array, z: jax.Array) -> tuple[jax.Array, jax.Array]:
        h, _ = with_jax.next_state(walk, z, (h, h), w[f"{name}.recurrent_weight"], second)
        return h, h

    return lax.scan(step, first, z, reverse=back)[1].swapaxes(0, 1)


class Training(with_jax.Training):
    def __init__(self, data: GraphData, threads: int) -> None:
        self.work: Any = data.work
        self.X, self.y = tuple(map(jnp.asarray, data.X)), jnp.asarray(data.y)
        self.rng = np.random.default_rng(0)
        self.start(data.work.first_weights)  # type: ignore[arg-type]

    def weights(self) -> Named:  # type: ignore[override]
        return {name: np.asarray(weight) for name, weight in self.carry[0].items()}
