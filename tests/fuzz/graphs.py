"""Random graphs of every kind of layer beside PyTorch in float64: outputs, cost and gradients.
``python -m fuzz.graphs [count] [seed]``."""

import sys

import numpy as np

import multicapa as mc
from fuzz.networks import CELLS, pick

ACTIVATIONS = ("linear", "tanh", "relu", "sigmoid", "softplus", "silu", "elu")
LAST = {"squared_error": "linear", "half_squared_error": "tanh", "absolute_error": "linear", "huber": "linear",
        "cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}  # fmt: skip
ROWS, RAGGED_ROWS = (1, 2, 7, 8, 33, 200), (1, 3, 9, 20)
MOST = 2000  # numbers of a sample in one layer


class Drawing:
    """A graph while it is drawn: symbols and their shapes, and the inputs whose time they are in."""

    def __init__(self, rng, ragged):
        self.rng, self.ragged = rng, ragged
        self.nodes, self.shapes, self.times = [], [], []
        self.inputs, self.read, self.layers = [], set(), []

    def add(self, symbol, shape, time=None):
        self.nodes.append(symbol)
        self.shapes.append(tuple(int(n) for n in shape))
        self.times.append(time)

    def new_input(self):
        n = lambda low, high: int(self.rng.integers(low, high))  # noqa: E731
        kind = "sequence" if self.ragged and not self.inputs else pick(self.rng, ("row", "sequence", "tokens", "image"))
        kind = "row" if self.ragged and kind == "image" else kind
        shape = {"row": (n(1, 30),), "sequence": (n(1, 14), n(1, 7)), "tokens": (n(1, 14),),
                 "image": (n(3, 12), n(3, 12), n(1, 5))}[kind]  # fmt: skip
        x = mc.Input(shape)
        self.inputs.append(x)
        if kind == "tokens":
            units = n(1, 8)
            self.add(mc.Embedding(n(1, 9), units)(x), (*shape, units), x)
        else:
            self.add(x, shape, x if kind == "sequence" else None)

    def like(self, test):
        """The place of a random node of those whose shape and time pass; None where there is none."""
        places = [i for i in range(len(self.nodes)) if test(self.shapes[i], self.times[i])]
        return int(pick(self.rng, places)) if places else None

    def grow(self, places, layer, shape, time):
        """Call a layer on nodes; whether it could be."""
        if int(np.prod(shape)) > MOST:
            return
        symbols = [self.nodes[i] for i in places]
        self.add(layer(symbols if len(symbols) > 1 else symbols[0]), shape, time)
        self.read.update(places)
        if len(places) == 1 and not layer.merges and not isinstance(layer, mc.MultiHeadAttention):
            self.layers.append((layer, self.shapes[places[0]], shape, time))

    def step(self):
        i = int(self.rng.integers(len(self.nodes)))
        shape = self.shapes[i]
        (self.after_row, self.after_sequence, self.after_image)[len(shape) - 1](i, shape)

    def again(self, i):
        """Call a layer that has been called on such numbers before."""
        before = [
            row for row in self.layers if row[1] == self.shapes[i] and (row[3] is None) == (self.times[i] is None)
        ]
        if before:
            layer, _, made, time = pick_row(self.rng, before)
            self.grow([i], layer, made, self.times[i] if time is not None else None)

    def after_row(self, i, shape):
        rng, (width,) = self.rng, shape
        kind = pick(
            rng,
            ("dense", "activation", "norm", "batch_norm", "maxout", "add", "multiply", "concat", "again", "reshape"),
        )
        units = int(rng.integers(1, 60))
        if kind == "dense":
            self.grow([i], mc.Dense(units, pick(rng, ACTIVATIONS), bias=bool(rng.integers(4))), (units,), None)
        elif kind == "activation":
            self.grow([i], mc.Activation(pick(rng, ACTIVATIONS[1:])), shape, None)
        elif kind == "norm" and width > 1:
            self.grow([i], mc.LayerNorm(), shape, None)
        elif kind == "batch_norm":
            self.grow([i], mc.BatchNorm(), shape, None)
        elif kind == "maxout":
            self.grow([i], mc.Maxout(units, 3), (units,), None)
        elif kind in ("add", "multiply"):
            j = self.like(lambda s, _: len(s) == 1)
            self.grow([j], mc.Dense(width, "tanh"), shape, None)
            self.grow([i, len(self.nodes) - 1], mc.layers.Add() if kind == "add" else mc.layers.Multiply(), shape, None)
        elif kind == "concat":
            j = self.like(lambda s, _: len(s) == 1)
            self.grow([i, j], mc.layers.Concat(), (width + self.shapes[j][0],), None)
        elif kind == "reshape" and not self.ragged and width % 2 == 0:
            self.grow([i], mc.Reshape((width // 2, 2)), (width // 2, 2), None)
        else:
            self.again(i)

    def after_sequence(self, i, shape):
        rng, (time, features), source = self.rng, shape, self.times[i]
        kinds = ("dense", "activation", "norm", "recurrent", "recurrent", "both", "attention", "heads", "positions",
                 "pool", "add", "concat", "again")  # fmt: skip
        kind = pick(rng, kinds if self.ragged else (*kinds, "batch_norm", "conv", "window", "flatten"))
        units = int(rng.integers(1, 20))
        if kind == "dense":
            self.grow([i], mc.Dense(units, pick(rng, (*ACTIVATIONS, "softmax"))), (time, units), source)
        elif kind == "activation":
            self.grow([i], mc.Activation(pick(rng, ACTIVATIONS[1:])), shape, source)
        elif kind == "norm" and features > 1:
            self.grow([i], mc.LayerNorm(), shape, source)
        elif kind == "batch_norm":
            self.grow([i], mc.BatchNorm(), shape, source)
        elif kind == "recurrent":
            self.recurrent(i, time, source)
        elif kind == "both":
            merge, whole = pick(rng, ("concat", "sum")), bool(rng.integers(2))
            wide = units * (2 if merge == "concat" else 1)
            layer = mc.Bidirectional(self.cell(units, return_sequences=whole)[0], merge=merge)
            self.grow([i], layer, (time, wide) if whole else (wide,), source if whole else None)
        elif kind == "attention":
            self.attention(i, shape)
        elif kind == "heads":
            heads, width = int(rng.integers(1, 4)), int(rng.integers(1, 5))
            self.grow(
                [i], mc.MultiHeadAttention(heads, width, bool(rng.integers(2)), units=units), (time, units), source
            )
        elif kind == "positions":
            self.grow([i], mc.PositionalEncoding(), shape, source)
        elif kind == "pool":
            self.grow([i], pick(rng, (mc.GlobalAveragePool1D, mc.GlobalMaxPool1D))(), (features,), None)
        elif kind in ("add", "concat"):
            self.join(i, shape, source, kind)
        elif kind == "conv":
            self.conv(i, mc.Conv1D, 1)
        elif kind == "window":
            self.window(i, (mc.MaxPool1D, mc.AveragePool1D), 1)
        elif kind == "flatten":
            self.grow([i], mc.Flatten(), (time * features,), None)
        else:
            self.again(i)

    def after_image(self, i, shape):
        rng = self.rng
        kind = pick(
            rng, ("conv", "conv", "window", "global", "activation", "norm", "batch_norm", "flatten", "concat", "again")
        )
        if kind == "conv":
            self.conv(i, mc.Conv2D, 2)
        elif kind == "window":
            self.window(i, (mc.MaxPool2D, mc.AveragePool2D), 2)
        elif kind == "global":
            self.grow([i], pick(rng, (mc.GlobalAveragePool2D, mc.GlobalMaxPool2D))(), shape[-1:], None)
        elif kind == "activation":
            self.grow([i], mc.Activation(pick(rng, ACTIVATIONS[1:])), shape, None)
        elif kind == "norm" and np.prod(shape) > 1:
            self.grow([i], mc.LayerNorm(), shape, None)
        elif kind == "batch_norm":
            self.grow([i], mc.BatchNorm(), shape, None)
        elif kind == "flatten":
            self.grow([i], mc.Flatten(), (np.prod(shape),), None)
        elif kind == "concat":
            j = self.like(lambda s, _: s[:-1] == shape[:-1])
            self.grow([i, j], mc.layers.Concat(), (*shape[:-1], shape[-1] + self.shapes[j][-1]), None)
        else:
            self.again(i)

    # ---- layers with choices of their own ----

    def cell(self, units, **options):
        """A recurrent layer, and how many states it begins with at most."""
        rng, kind = self.rng, pick(self.rng, CELLS)
        options |= {"reverse": bool(rng.integers(2)), "bias": bool(rng.integers(4))}
        if kind is mc.GRU:
            return mc.GRU(units, reset_after=bool(rng.integers(2)), **options), 1
        if kind is mc.LSTM:
            return mc.LSTM(units, **options), 2
        return kind(units, pick(rng, ("tanh", "sigmoid", "softsign")), **options), int(kind is mc.SimpleRNN)

    def recurrent(self, i, time, source):
        rng, whole, units = self.rng, bool(self.rng.integers(2)), int(self.rng.integers(1, 20))
        layer, most = self.cell(units, return_sequences=whole)
        states = []
        for _ in range(rng.integers(0, most + 1)):
            j = self.like(lambda s, _: len(s) == 1)
            if j is None:
                break
            self.grow([j], mc.Dense(units, "tanh"), (units,), None)
            states.append(len(self.nodes) - 1)
        self.grow([i, *states], layer, (time, units) if whole else (units,), source if whole else None)

    def attention(self, i, shape):
        """Of a query, which may be a row, in a memory."""
        rng, (time, features) = self.rng, shape
        j = self.like(lambda s, _: len(s) < 3)
        asks, heads, units = self.shapes[j], int(rng.integers(1, 3)), 2 * int(rng.integers(1, 6))
        flat, fits = len(asks) == 1, features % heads == 0
        options = {"causal": not flat and bool(rng.integers(2)), "num_heads": heads if fits else 1}
        gives_weights = not self.ragged and bool(rng.integers(4) == 0)
        layer = mc.Attention(pick(rng, mc.layers.attention.SCORES), units=units, gives_weights=gives_weights, **options)
        wide = options["num_heads"] * time if gives_weights else features
        self.grow([j, i], layer, (wide,) if flat else (asks[0], wide), self.times[j])

    def join(self, i, shape, source, kind):
        j = self.like(lambda s, t: len(s) == 2 and s[0] == shape[0] and (t is source or not self.ragged))
        if kind == "concat":
            self.grow([i, j], mc.layers.Concat(), (shape[0], shape[1] + self.shapes[j][1]), source)
        else:
            self.grow([j], mc.Dense(shape[1], "tanh"), shape, self.times[j])
            self.grow([i, len(self.nodes) - 1], pick(self.rng, (mc.layers.Add, mc.layers.Multiply))(), shape, source)

    def conv(self, i, kind, axes):
        rng, shape = self.rng, self.shapes[i]
        groups = int(pick(rng, [g for g in (1, 2, 3) if shape[-1] % g == 0]))
        filters = groups * int(rng.integers(1, 12))
        size, stride, dilation = ([int(n) for n in rng.integers(1, most, axes)] for most in (4, 3, 3))
        options = {"strides": stride, "dilation": dilation, "padding": pick(rng, ("valid", "same", 1))}
        options |= {"groups": groups, "bias": bool(rng.integers(4))}
        extents = outputs(shape, size, stride, dilation, options["padding"])
        if min(extents) > 0:
            short = {k: v[0] if axes == 1 and isinstance(v, list) else v for k, v in options.items()}
            layer = kind(filters, size[0] if axes == 1 else tuple(size), pick(rng, ACTIVATIONS), **tuples(short))
            self.grow([i], layer, (*extents, filters), None)

    def window(self, i, kinds, axes):
        rng, shape = self.rng, self.shapes[i]
        size, stride = ([int(n) for n in rng.integers(1, 4, axes)] for _ in range(2))
        padding = pick(rng, ("valid", "same"))
        extents = outputs(shape, size, stride, [1] * axes, padding)
        if min(extents) > 0:
            flat = axes == 1
            layer = pick(rng, kinds)(
                size[0] if flat else tuple(size), strides=stride[0] if flat else tuple(stride), padding=padding
            )
            self.grow([i], layer, (*extents, shape[-1]), None)

    # ---- ends ----

    def ends(self):
        """Outputs that read all that nobody has read, and what PyTorch needs to know of them."""
        rng, ends, rows = self.rng, [], []
        for i in range(len(self.nodes)):
            if i in self.read and not (i == len(self.nodes) - 1 and not ends and not rows):
                continue
            symbol, shape = self.nodes[i], self.shapes[i]
            if len(shape) == 2 and self.times[i] is not None and len(ends) < 2:
                ends.append(self.end(symbol))
            elif len(shape) == 3 and len(ends) < 2 and rng.integers(2):
                ends.append((mc.Conv2D(2, 1)(symbol), "squared_error"))
            else:
                pool = (None, mc.GlobalAveragePool1D, mc.GlobalAveragePool2D)[len(shape) - 1]
                rows.append(pool()(symbol) if pool else symbol)
        if rows:
            joined = mc.concat(rows) if len(rows) > 1 else rows[0]
            ends.append(self.end(joined))
            if rng.integers(3) == 0:  # an output that is read on
                ends.append(self.end(mc.concat([joined, ends[-1][0]])))
        return ends

    def end(self, symbol):
        loss = pick(self.rng, tuple(LAST))
        last = LAST[loss] if self.rng.integers(4) or loss not in ("squared_error", "huber") else "tanh"
        least = 2 if last == "softmax" else 1
        return mc.Dense(int(self.rng.integers(least, 8)), last)(symbol), loss


def pick_row(rng, rows):
    return rows[int(rng.integers(len(rows)))]


def tuples(options):
    return {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}


def outputs(shape, size, stride, dilation, padding):
    """Places of a window along each axis."""
    if padding == "same":
        return [-(-n // s) for n, s in zip(shape[:-1], stride, strict=True)]
    zeros = 0 if padding == "valid" else 2 * padding
    return [
        (n + zeros - ((k - 1) * d + 1)) // s + 1 for n, k, s, d in zip(shape[:-1], size, stride, dilation, strict=True)
    ]


def random_graph(rng, ragged):
    """A network of some ten layers, each reading any of those before; with the losses of its outputs by name."""
    drawing = Drawing(rng, ragged)
    for _ in range(pick(rng, (1, 1, 2, 3))):
        drawing.new_input()
    for _ in range(rng.integers(1, 11)):
        drawing.step()
    ends = drawing.ends()
    net = mc.Network(drawing.inputs, [end for end, _ in ends], dtype="float64", seed=int(rng.integers(2**31)))
    for view in net.parameters.values():
        view += 0.1 * rng.normal(size=view.shape)
    for view in net.state.values():
        view += rng.uniform(-0.3, 0.3, view.shape)
    return net, {port.name: loss for port, (_, loss) in zip(net.outputs, ends, strict=True)}


def samples(net, losses, rng, ragged):
    """Inputs and targets by name."""
    rows, X, T = int(pick(rng, RAGGED_ROWS if ragged else ROWS)), {}, {}
    for port in net.inputs:
        shape = (rows, *port.shape)
        X[port.name] = (
            rng.integers(0, port.vocabulary, shape).astype(float) if port.vocabulary else rng.normal(size=shape)
        )
        if ragged and port.time:
            lengths = rng.integers(0, port.time + 1, rows)
            lengths[-1] = port.time  # there is something to learn from
            X[port.name] = mc.data.Padded(X[port.name], lengths)
    for port in net.outputs:
        t = rng.uniform(0.1, 0.9, (rows, *port.shape))
        T[port.name] = t / t.sum(-1, keepdims=True) if losses[port.name] == "cross_entropy" else t
    return X, T


def check(seed):
    """Raise AssertionError where one graph's numbers differ from PyTorch's by more than rounding."""
    from fuzz import in_torch

    rng = np.random.default_rng(seed)
    ragged = rng.integers(3) == 0
    net, losses = random_graph(rng, ragged)
    X, T = samples(net, losses, rng, ragged)
    weights = rng.uniform(0.2, 2, len(next(iter(T.values())))) if rng.integers(2) else None
    shares = {name: float(rng.uniform(0.5, 2)) for name in losses} if len(losses) > 1 else None
    outputs, cost, gradients = in_torch.evaluated(net, X, T, losses, weights, shares)
    found = net.predict(X)
    for port, ours, theirs in zip(net.outputs, found if len(outputs) > 1 else [found], outputs, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11, err_msg=f"output {port.name}, seed {seed}")
    found, ours = net.loss_and_gradient(X, T, loss=losses, sample_weight=weights, loss_weights=shares)
    assert abs(found - cost) <= 1e-9 * max(1, abs(cost)), f"cost, seed {seed}"
    largest = max(np.abs(gradient).max() for gradient in gradients.values())
    for name, gradient in gradients.items():
        np.testing.assert_allclose(
            ours[name], gradient, rtol=1e-7, atol=1e-10 * max(largest, 1), err_msg=f"{name}, seed {seed}"
        )


if __name__ == "__main__":
    count, first = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 1000), (2, 0)))
    for seed in range(first, first + count):
        check(seed)
    print(f"{count} graphs from seed {first} agree with PyTorch")
