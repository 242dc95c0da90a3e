"""JAX: an epoch is one compiled function, a scan over its batches in which the weights are updated in place."""

from __future__ import annotations

from functools import partial, singledispatch
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn
from jax.extend.backend import clear_backends

from comparison.convolution import Conv, Dense, Mean, Pool
from comparison.recurrence import Walk
from comparison.work import Array, Data, Weights, Work, first_weights

jax.config.update("jax_enable_x64", True)  # arrays keep the dtype they come with

ACTIVATIONS = {"relu": nn.relu, "tanh": jnp.tanh, "sigmoid": nn.sigmoid}

MANY_OPERATIONS = 1e9  # of a call

Tree = Any


@singledispatch
def forward(work: Work, weights: Tree, x: Tree) -> jax.Array:
    """Of what ends in no activation; graphs register their own."""
    if work.layers:
        return layer_by_layer(work, weights, x)
    *hidden, (W, b) = weights
    for V, a in hidden:
        x = ACTIVATIONS[work.activation](x @ V + a)
    return x @ W + b


def layer_by_layer(work: Work, weights: Tree, x: Tree) -> jax.Array:
    """Channels last, which XLA on a CPU prefers."""
    x, lengths = x if work.lengths else (x, None)
    rest, axes = iter(weights), len(work.shape) - 1
    names = ("NHWC", "HWIO", "NHWC") if axes == 2 else ("NWC", "WIO", "NWC")
    for layer in work.layers:
        match layer:
            case Conv():
                W, b = next(rest)
                padding = "SAME" if layer.same else "VALID"
                z = lax.conv_general_dilated(x, W, (1,) * axes, padding, dimension_numbers=names)
                x = ACTIVATIONS[work.activation](z + b)
            case Walk():
                W, b = next(rest)
                x = last_state(layer, W, b, x, lengths)
            case Pool():
                window = (1, *[layer.size] * axes, 1)
                x = lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
            case Mean():
                x = x.mean(axis=tuple(range(1, axes + 1)))
            case Dense():
                W, b = next(rest)
                x = x.reshape(len(x), -1) @ W + b
                x = x if layer is work.layers[-1] else ACTIVATIONS[work.activation](x)
    return x


def last_state(walk: Walk, W: jax.Array, b: jax.Array, x: jax.Array, lengths: jax.Array | None) -> jax.Array:
    """A scan over time, whose part of the inputs is one product over all steps beforehand."""
    steps, features, found = x.shape[1], x.shape[2], []
    matrices, biases = jnp.split(W, walk.ways, axis=1), jnp.split(b, walk.ways)
    exists = None if lengths is None else (jnp.arange(steps)[:, None] < lengths)[..., None]
    for way, (V, a) in enumerate(zip(matrices, biases, strict=True)):
        z = (x @ V[:features] + a).swapaxes(0, 1)
        recurrent, second = V[features : features + walk.units], V[features + walk.units :]
        zeros = jnp.zeros((len(x), walk.units), x.dtype)

        def stepped(carry: Tree, now: Tree, U: jax.Array = recurrent, bias: jax.Array = second) -> tuple[Tree, None]:
            z, there = now
            new = next_state(walk, z, carry, U, bias)
            if there is not None:
                new = jax.tree.map(lambda after, before: jnp.where(there, after, before), new, carry)
            return new, None

        found.append(lax.scan(stepped, (zeros, zeros), (z, exists), reverse=way == 1)[0][0])
    return jnp.concatenate(found, axis=1)


def next_state(walk: Walk, z: jax.Array, carry: Tree, U: jax.Array, bias: jax.Array) -> Tree:
    h, c = carry
    match walk.kind:
        case "rnn":
            return jnp.tanh(z + h @ U), c
        case "lstm":
            i, f, g, o = jnp.split(z + h @ U, 4, axis=1)
            c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
            return nn.sigmoid(o) * jnp.tanh(c), c
        case _:
            m, back = walk.units, h @ U + bias[0]
            update, reset = jnp.split(nn.sigmoid(z[:, : 2 * m] + back[:, : 2 * m]), 2, axis=1)
            return update * h + (1 - update) * jnp.tanh(z[:, 2 * m :] + reset * back[:, 2 * m :]), c


def mean_loss(work: Work, weights: Tree, x: Tree, y: jax.Array) -> jax.Array:
    z = forward(work, weights, x)
    if work.target == "numbers":
        return jnp.mean((z - y) ** 2)
    if work.target == "binary":
        return jnp.mean(nn.softplus(z) - y * z)
    return -jnp.mean(jnp.take_along_axis(nn.log_softmax(z), y[..., None], axis=-1))


def first_state(work: Work, weights: Tree) -> Tree:
    zeros = jax.tree.map(jnp.zeros_like, weights)
    match work.optimizer:
        case "adam":
            return zeros, jax.tree.map(jnp.zeros_like, weights), jnp.zeros((), work.dtype)
        case "momentum":
            return zeros
        case _:
            return ()


def update(work: Work, weights: Tree, state: Tree, gradient: Tree) -> tuple[Tree, Tree]:
    rate = work.learning_rate
    match work.optimizer:
        case "adam":
            m, v, t = state
            t = t + 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
            scale, correction = rate / (1 - 0.9**t), 1 / (1 - 0.999**t)
            weights = jax.tree.map(lambda w, m, v: w - scale * m / (jnp.sqrt(v * correction) + 1e-8), weights, m, v)
            return weights, (m, v, t)
        case "momentum":
            velocity = jax.tree.map(lambda d, g: 0.9 * d - rate * g, state, gradient)
            return jax.tree.map(jnp.add, weights, velocity), velocity
        case _:
            return jax.tree.map(lambda w, g: w - rate * g, weights, gradient), ()


def step(work: Work, carry: tuple[Tree, Tree], x: Tree, y: jax.Array) -> tuple[Tree, Tree]:
    weights, state = carry
    gradient = jax.grad(partial(mean_loss, work))(weights, x, y)
    return update(work, weights, state, gradient)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def epoch(work: Work, carry: tuple[Tree, Tree], X: Tree, y: jax.Array, order: jax.Array) -> tuple[Tree, Tree]:
    batches = order.reshape(work.steps, work.batch)
    unroll = 4 if work.batch == 1 else 1  # a loop around so little is worth unrolling, others lose by it
    return lax.scan(
        lambda carry, rows: (step(work, carry, jax.tree.map(lambda each: each[rows], X), y[rows]), None),
        carry,
        batches,
        unroll=unroll,
    )[0]


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def full_batches(work: Work, carry: tuple[Tree, Tree], X: Tree, y: jax.Array, count: int) -> tuple[Tree, Tree]:
    return lax.fori_loop(0, count, lambda _, carry: step(work, carry, X, y), carry)


class Training:
    def __init__(self, data: Data, threads: int) -> None:
        self.work = data.work
        self.X: Tree = jnp.asarray(data.X)
        if self.work.lengths:
            self.X = self.X, jnp.asarray(data.lengths)
        self.y = jnp.asarray(data.y)
        self.rng = np.random.default_rng(0)
        self.start(first_weights(self.work))

    def start(self, weights: Weights) -> None:
        tree = jax.tree.map(jnp.array, weights)
        self.carry = tree, first_state(self.work, tree)

    def run(self, epochs: int) -> None:
        if not self.work.shuffled:
            self.carry = full_batches(self.work, self.carry, self.X, self.y, epochs)
        else:
            for _ in range(epochs):  # the next order is drawn while an epoch is under way
                order = self.rng.permutation(self.work.samples).astype(np.int32)
                self.carry = epoch(self.work, self.carry, self.X, self.y, order)
        jax.block_until_ready(self.carry)

    def weights(self) -> Weights:
        return list(jax.tree.map(np.asarray, self.carry[0]))


class Prediction:
    def __init__(self, work: Work, weights: Weights, X: Array, threads: int) -> None:
        dispatch_asynchronously(len(X) * work.flops_per_sample > MANY_OPERATIONS)
        tree = jax.tree.map(jnp.array, weights)  # constants of the compiled function, which reads them quickest
        self.probabilities = jax.jit(lambda x: nn.softmax(forward(work, tree, x)))
        self.X = jnp.asarray(X)

    def run(self, calls: int) -> jax.Array:
        for _ in range(calls):
            result: jax.Array = self.probabilities(self.X).block_until_ready()
        return result


def dispatch_asynchronously(yes: bool) -> None:
    """Little is answered ten times sooner on the calling thread, but that thread shares the work with no other."""
    clear_backends()
    jax.config.update("jax_cpu_enable_async_dispatch", yes)
