"""Networks that are graphs: a transformer that classifies, and a translation with attention. Weights bear our names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from comparison import convolution
from comparison.recurrence import Walk, stepped
from comparison.work import Array, Work, log_softmax

Named = dict[str, Array]

JUDGED = 60  # samples
START, END, FIRST = 1, 2, 3  # numbers of a beginning, an end, and the first token; 0 is what is unknown


@dataclass(frozen=True)
class Graph(Work):
    """What is trained; subclasses say its data, weights and outputs."""

    blocks: int = 1
    units: int = 64
    heads: int = 1

    @cached_property
    def first_weights(self) -> Named:
        """Uniform as Glorot & Bengio 2010; gains 1 and biases 0."""
        rng = np.random.default_rng(3)

        def first(name: str, shape: tuple[int, ...]) -> Array:
            if len(shape) == 1 and name != "attention.weight":
                return np.full(shape, name.endswith("gamma"), self.dtype)
            limit = math.sqrt(6 / (shape[0] + shape[-1]))
            return rng.uniform(-limit, limit, shape).astype(self.dtype)

        return {name: first(name, shape) for name, shape in self.weight_shapes().items()}

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        raise NotImplementedError

    def samples_and_targets(self) -> tuple[tuple[Array, ...], Array]:
        """One array for each input, and class indices."""
        raise NotImplementedError

    def logits(self, weights: Named, *inputs: Array) -> Array:
        """In float64, by NumPy alone."""
        raise NotImplementedError

    def judge(self, weights: Named, data: GraphData) -> float:
        """The mean loss on some of the samples."""
        exact = {name: weight.astype(np.float64) for name, weight in weights.items()}
        z = self.logits(exact, *(x[:JUDGED] for x in data.X))
        logs = log_softmax(z.reshape(-1, z.shape[-1]))
        return float(-np.mean(logs[np.arange(len(logs)), data.y[:JUDGED].ravel()]))


@dataclass(frozen=True)
class GraphData:
    work: Graph

    @cached_property
    def X(self) -> tuple[Array, ...]:
        return self._made[0]

    @cached_property
    def y(self) -> Array:
        return self._made[1]

    @cached_property
    def _made(self) -> tuple[tuple[Array, ...], Array]:
        return self.work.samples_and_targets()


@dataclass(frozen=True)
class Transformer(Graph):
    """Series in, classes out: blocks of attention over itself and a network for each step, each behind a norm."""

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        m = self.units
        found: dict[str, tuple[int, ...]] = {"in.weight": (self.shape[1], m), "in.bias": (m,)}
        for i in range(self.blocks):
            found |= {f"look_norm_{i}.{part}": (m,) for part in ("gamma", "beta")}
            for part in ("query", "keys", "values", "output"):
                found |= {f"look_{i}_{part}.weight": (m, m), f"look_{i}_{part}.bias": (m,)}
            found |= {f"norm_{i}.{part}": (m,) for part in ("gamma", "beta")}
            found |= {f"wide_{i}.weight": (m, 4 * m), f"wide_{i}.bias": (4 * m,)}
            found |= {f"narrow_{i}.weight": (4 * m, m), f"narrow_{i}.bias": (m,)}
        return found | {
            "last.gamma": (m,),
            "last.beta": (m,),
            "out.weight": (m, self.outputs),
            "out.bias": (self.outputs,),
        }

    def samples_and_targets(self) -> tuple[tuple[Array, ...], Array]:
        rng = np.random.default_rng(1)
        shown = rng.integers(self.outputs, size=self.samples)
        noise = rng.standard_normal((self.samples, *self.shape))
        X = (noise + convolution.patterns(self.shape, self.outputs, rng)[shown]).astype(self.dtype)
        wrong = rng.uniform(size=self.samples) < 0.1
        return (X,), np.where(wrong, rng.integers(self.outputs, size=self.samples), shown)

    def logits(self, weights: Named, *inputs: Array) -> Array:
        w, steps = weights, self.shape[0]
        h = inputs[0] @ w["in.weight"] + w["in.bias"] + positions(steps, self.units)
        for i in range(self.blocks):
            normed = layer_norm(h, w, f"look_norm_{i}")
            q, k, v = (
                (normed @ w[f"look_{i}_{part}.weight"] + w[f"look_{i}_{part}.bias"])
                .reshape(-1, steps, self.heads, self.units // self.heads)
                .swapaxes(1, 2)
                for part in ("query", "keys", "values")
            )
            a = softmax(q @ k.swapaxes(2, 3) / math.sqrt(self.units // self.heads))
            looked = (a @ v).swapaxes(1, 2).reshape(h.shape)
            h = h + looked @ w[f"look_{i}_output.weight"] + w[f"look_{i}_output.bias"]
            wide = np.maximum(layer_norm(h, w, f"norm_{i}") @ w[f"wide_{i}.weight"] + w[f"wide_{i}.bias"], 0)
            h = h + wide @ w[f"narrow_{i}.weight"] + w[f"narrow_{i}.bias"]
        return np.asarray(layer_norm(h, w, "last").mean(axis=1) @ w["out.weight"] + w["out.bias"])

    @property
    def flops_per_sample(self) -> float:
        steps, m = self.shape[0], self.units
        first = steps * self.shape[1] * m
        block = steps * (4 * m * m + 2 * steps * m + 8 * m * m)
        return 6.0 * (first + self.blocks * block + m * self.outputs) - 2 * first


@dataclass(frozen=True)
class Translation(Graph):
    """Tokens backwards: a GRU both ways, additive attention, and a GRU that is shown the true tokens before."""

    @property
    def tokens(self) -> int:
        return self.outputs

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        m, found = self.units, dict[str, tuple[int, ...]]()
        for side, walks in (("source", ("encoder_0", "encoder_0_reverse")), ("target", ("decoder_0",))):
            found[f"{side}_embedding.weight"] = (self.tokens, m)
            for walk in walks:
                found |= {f"{walk}.{part}": (m, 3 * m) for part in ("weight", "recurrent_weight")}
                found |= {f"{walk}.{part}": (3 * m,) for part in ("bias", "recurrent_bias")}
        for name, inputs in (("first_0", 2 * m), ("attention_keys", 2 * m), ("both", 3 * m)):
            found |= {f"{name}.weight": (inputs, m), f"{name}.bias": (m,)}
        found |= {"attention_query.weight": (m, m), "attention.weight": (m,)}
        return found | {"next.weight": (m, self.tokens), "next.bias": (self.tokens,)}

    def samples_and_targets(self) -> tuple[tuple[Array, ...], Array]:
        source = np.random.default_rng(1).integers(FIRST, self.tokens, (self.samples, *self.shape))
        said = source[:, ::-1].copy()
        read = np.column_stack([np.full(self.samples, START), said[:, :-1]])
        return (source, read), said

    def logits(self, weights: Named, *inputs: Array) -> Array:
        w = weights
        source, read = (w[f"{side}_embedding.weight"][x] for side, x in zip(("source", "target"), inputs, strict=True))
        ways = [self._walked(w, name, x) for name, x in
                (("encoder_0", source), ("encoder_0_reverse", source[:, ::-1]))]  # fmt: skip
        memory = np.concatenate([ways[0], ways[1][:, ::-1]], axis=2)
        first = np.tanh(memory.mean(axis=1) @ w["first_0.weight"] + w["first_0.bias"])
        h = self._walked(w, "decoder_0", read, first)
        keys = memory @ w["attention_keys.weight"] + w["attention_keys.bias"]
        query = h @ w["attention_query.weight"]
        scores = np.tanh(query[:, :, None] + keys[:, None]) @ w["attention.weight"]
        both = np.concatenate([h, softmax(scores) @ memory], axis=2)
        said = np.tanh(both @ w["both.weight"] + w["both.bias"])
        return np.asarray(said @ w["next.weight"] + w["next.bias"])

    def scores(self, weights: Named, sources: Array, said: Array) -> Array:
        """The mean log-probabilities of tokens and the end behind them."""
        exact = {name: weight.astype(np.float64) for name, weight in weights.items()}
        count = len(said)
        read, ended = np.column_stack([np.full(count, START), said]), np.column_stack([said, np.full(count, END)])
        z = self.logits(exact, sources, read)
        logs = log_softmax(z.reshape(-1, self.tokens)).reshape(z.shape)
        return np.asarray(np.take_along_axis(logs, ended[:, :, None], axis=2)[:, :, 0].mean(axis=1))

    def _walked(self, w: Named, name: str, x: Array, h: Array | None = None) -> Array:
        """All states on the way."""
        walk = Walk("gru", self.units)
        W = np.vstack([w[f"{name}.weight"], w[f"{name}.recurrent_weight"], w[f"{name}.recurrent_bias"]])
        h, found = np.zeros((len(x), self.units)) if h is None else h, []
        for t in range(x.shape[1]):
            h, _ = stepped(walk, W, w[f"{name}.bias"], x[:, t], h, h)
            found.append(h)
        return np.stack(found, axis=1)

    @property
    def flops_per_sample(self) -> float:
        steps, m = self.shape[0], self.units
        walks = 3 * steps * 6 * m * m
        attention = steps * (2 * m * m + m * m + steps * 3 * m)
        return 6.0 * (walks + attention + 2 * m * m + steps * (3 * m * m + m * self.tokens))


def positions(steps: int, units: int) -> Array:
    """Vaswani et al. 2017."""
    waves = np.arange(steps)[:, None] / 10_000 ** (np.arange(0, units, 2) / units)
    return np.stack([np.sin(waves), np.cos(waves)], axis=2).reshape(steps, units)


def layer_norm(h: Array, w: Named, name: str) -> Array:
    middle = h - h.mean(axis=-1, keepdims=True)
    scaled = middle / np.sqrt(np.square(middle).mean(axis=-1, keepdims=True) + 1e-5)
    return np.asarray(scaled * w[f"{name}.gamma"] + w[f"{name}.beta"])


def softmax(z: Array) -> Array:
    e: Array = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))
