"""A network in PyTorch, by its description: outputs, cost and gradients. Sequences that have lengths of their own go
through it one by one, as long as they are, so nothing is padded or masked here."""

import numpy as np
import torch
import torch.nn.functional as F

import multicapa as mc

OWN = {"linear": lambda z: z, "softmax": lambda z: torch.softmax(z, -1)}
COSTS = {  # of rows
    "squared_error": lambda y, t: ((y - t) ** 2).mean(1),
    "half_squared_error": lambda y, t: ((y - t) ** 2).sum(1) / 2,
    "absolute_error": lambda y, t: (y - t).abs().sum(1),
    "huber": lambda y, t: F.huber_loss(y, t, reduction="none").sum(1),
    "cross_entropy": lambda y, t: -(t * y.log()).sum(1),
    "binary_cross_entropy": lambda y, t: -(t * y.log() + (1 - t) * (1 - y).log()).sum(1),
}


def function(name):
    return OWN[name] if name in OWN else getattr(torch, name, None) or getattr(F, name)


class InTorch:
    """The numbers of a network as PyTorch's, and what its layers make of tensors (samples, ...) of one length."""

    def __init__(self, net):
        self.net = net
        self.leaves = {name: torch.tensor(np.array(view), requires_grad=True) for name, view in net.parameters.items()}
        self.state = {name: torch.tensor(np.array(view)) for name, view in net.state.items()}

    def forward(self, X, training):
        """The outputs of each group of samples: all at once, or each alone where some end before others."""
        rows = len(next(iter(X.values())))
        alone = any(isinstance(x, mc.data.Padded) for x in X.values())
        groups = [slice(i, i + 1) for i in range(rows)] if alone else [slice(None)]
        values = {name: [torch.tensor(_piece(x, group)) for group in groups] for name, x in X.items()}
        for layer in self.net.spec:
            if layer["type"] == "input":
                continue
            given = list(zip(*(values[name] for name in layer["inputs"]), strict=True))
            if layer["type"] == "batch_norm":
                made = self.batch_norm(layer, [x for (x,) in given], training)
            else:
                made = [getattr(self, layer["type"])(layer, *each) for each in given]
            if layer["type"] in ("dense", "conv1d", "conv2d"):
                made = [function(layer["activation"])(z) for z in made]
            values[layer["name"]] = made
        return [values[port.name] for port in self.net.outputs], groups

    def of(self, layer, parameter):
        """A parameter, None where the layer has none of that name."""
        return self.leaves.get(f"{layer.get('shares', layer['name'])}.{parameter}")

    def affine(self, layer, x):
        z, b = x @ self.of(layer, "weight"), self.of(layer, "bias")
        return z if b is None else z + b

    # ---- layers, by their types ----

    def dense(self, layer, x):
        return self.affine(layer, x)

    def maxout(self, layer, x):
        return self.affine(layer, x).unflatten(-1, (layer["units"], layer["pieces"])).max(-1).values

    def activation(self, layer, x):
        return function(layer["function"])(x)

    def add(self, layer, *given):
        return sum(given)

    def multiply(self, layer, *given):
        return torch.stack(given).prod(0)

    def concat(self, layer, *given):
        return torch.cat(given, -1)

    def flatten(self, layer, x):
        return x.flatten(1)

    def reshape(self, layer, x):
        return x.reshape(len(x), *layer["shape"])

    def embedding(self, layer, x):
        return F.embedding(x.long(), self.of(layer, "weight"))

    def layer_norm(self, layer, x):
        shape = x.shape[-1:] if x.ndim == 3 else x.shape[1:]
        gamma, beta = (self.of(layer, name).reshape(shape) for name in ("gamma", "beta"))
        return F.layer_norm(x, shape, gamma, beta, layer["epsilon"])

    def batch_norm(self, layer, groups, training):
        """Over all samples, and all places of a map."""
        rows = torch.cat([x.reshape(-1, x.shape[-1]) for x in groups])
        name = layer.get("shares", layer["name"])
        if training and len(rows) > 1:
            mean, variance = rows.mean(0), rows.var(0, correction=0)
        else:
            mean, variance = (self.state[f"{name}.running_{what}"] for what in ("mean", "variance"))
        y = (rows - mean) / (variance + layer["epsilon"]).sqrt() * self.of(layer, "gamma") + self.of(layer, "beta")
        return [
            part.reshape(x.shape) for part, x in zip(y.split([x[..., 0].numel() for x in groups]), groups, strict=True)
        ]

    def conv2d(self, layer, x):
        return _conv2d(self.of(layer, "weight"), self.of(layer, "bias"), layer, x)

    def conv1d(self, layer, x):
        return _conv2d(self.of(layer, "weight")[None], self.of(layer, "bias"), _flat(layer), x[:, None])[:, 0]

    def max_pool2d(self, layer, x):
        return _pool(F.max_pool2d, -np.inf, layer, x)

    def average_pool2d(self, layer, x):
        """The mean of what exists."""
        exists = _pool(F.avg_pool2d, 0.0, layer, torch.ones_like(x[:1, ..., :1]))
        return _pool(F.avg_pool2d, 0.0, layer, x) / exists

    def max_pool1d(self, layer, x):
        return self.max_pool2d(_flat(layer), x[:, None])[:, 0]

    def average_pool1d(self, layer, x):
        return self.average_pool2d(_flat(layer), x[:, None])[:, 0]

    def global_average_pool2d(self, layer, x):
        places = x.flatten(1, -2)
        return places.mean(1) if places.shape[1] else x.new_zeros(len(x), x.shape[-1])

    def global_max_pool2d(self, layer, x):
        places = x.flatten(1, -2)
        return places.max(1).values if places.shape[1] else x.new_zeros(len(x), x.shape[-1])

    global_average_pool1d, global_max_pool1d = global_average_pool2d, global_max_pool2d

    # ---- through time ----

    def simple_rnn(self, layer, x, h=None):
        U, f = self.of(layer, "recurrent_weight"), function(layer["activation"])
        return _walk(
            layer,
            self.affine(layer, x),
            lambda z, h: f(z + h @ U),
            x.new_zeros(len(x), layer["units"]) if h is None else h,
        )

    def second_order_rnn(self, layer, x):
        W, b, f = self.of(layer, "weight"), self.of(layer, "bias"), function(layer["activation"])
        first = torch.eye(1, layer["units"], dtype=x.dtype).expand(len(x), -1)
        return _walk(layer, x, lambda x, h: f(torch.einsum("jki,bj,bk->bi", W, h, x) + (0 if b is None else b)), first)

    def lstm(self, layer, x, h=None, c=None):
        start = [x.new_zeros(len(x), layer["units"]) if s is None else s for s in (h, c)]
        order = torch.arange(4 * layer["units"])
        return self.theirs(torch.nn.LSTM, layer, x, order, lambda: tuple(s[None] for s in start), start[0])

    def gru(self, layer, x, h=None):
        m = layer["units"]
        h = x.new_zeros(len(x), m) if h is None else h
        if layer["reset_after"]:  # z r a here, r z a there
            order = torch.cat([torch.arange(m, 2 * m), torch.arange(m), torch.arange(2 * m, 3 * m)])
            return self.theirs(torch.nn.GRU, layer, x, order, lambda: h[None], h)
        U = self.of(layer, "recurrent_weight")

        def step(given, h):
            z, r = torch.sigmoid(given[:, : 2 * m] + h @ U[:, : 2 * m]).chunk(2, 1)
            return z * h + (1 - z) * torch.tanh(given[:, 2 * m :] + (r * h) @ U[:, 2 * m :])

        return _walk(layer, self.affine(layer, x), step, h)

    def theirs(self, kind, layer, x, order, start, h):
        """By a layer of PyTorch's, whose gates stand in another order."""
        if not x.shape[1]:
            return x.new_zeros(len(x), 0, layer["units"]) if layer["return_sequences"] else h
        W, U = (self.of(layer, name) for name in ("weight", "recurrent_weight"))
        biases = [self.of(layer, name) for name in ("bias", "recurrent_bias")]
        biases = [x.new_zeros(len(order)) if b is None else b[order] for b in biases]
        numbers = [W.T[order], U.T[order], *biases]
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        module = kind(x.shape[2], layer["units"], batch_first=True, dtype=x.dtype)
        x = x.flip(1) if layer["reverse"] else x
        y, _ = torch.func.functional_call(module, dict(zip(names, numbers, strict=True)), (x, start()))
        return _outputs(layer, y)

    def positional_encoding(self, layer, x):
        time, d = x.shape[1:]
        pair = torch.arange(d, dtype=x.dtype).div(2, rounding_mode="floor")
        angles = torch.arange(time, dtype=x.dtype)[:, None] / 10000 ** (2 * pair / d)
        return x + torch.where(torch.arange(d) % 2 == 0, angles.sin(), angles.cos())

    def attention(self, layer, query, keys, values=None):
        flat, values = query.ndim == 2, keys if values is None else values
        q, k, v = (_heads(each, layer["num_heads"]) for each in (query[:, None] if flat else query, keys, values))
        if not k.shape[2] or not q.shape[2]:
            y = values.new_zeros(*q.shape[:3], k.shape[2] if layer["gives_weights"] else v.shape[3])
        elif layer["score"] == "additive" or layer["gives_weights"]:
            a = self.weights(layer, q, k)
            y = a if layer["gives_weights"] else a @ v
        else:
            scale = 1.0 if layer["score"] == "dot" else None
            y = F.scaled_dot_product_attention(q, k, v, is_causal=layer["causal"], scale=scale)
        y = y.transpose(1, 2).flatten(2)
        return y[:, 0] if flat else y

    def weights(self, layer, q, k):
        if layer["score"] == "additive":
            w = self.of(layer, "weight").reshape(layer["num_heads"], 1, 1, -1)
            s = (w * torch.tanh(q[:, :, :, None] + k[:, :, None])).sum(-1)
        else:
            s = q @ k.transpose(2, 3) / (q.shape[3] ** 0.5 if layer["score"] == "scaled_dot" else 1.0)
        sees = (
            torch.ones(s.shape[2:], dtype=torch.bool).tril()
            if layer["causal"]
            else torch.ones(s.shape[2:], dtype=torch.bool)
        )
        return torch.softmax(s.masked_fill(~sees, -torch.inf), -1)


def _piece(x, group):
    """Samples of an input; of one that ends early what there is of it."""
    return x.values[group, : x.lengths[group.start]] if isinstance(x, mc.data.Padded) else x[group]


def _outputs(layer, y):
    """From all steps, in the order walked."""
    if not layer["return_sequences"]:
        return y[:, -1]
    return y.flip(1) if layer["reverse"] else y


def _walk(layer, x, step, h):
    x, states = x.flip(1) if layer["reverse"] else x, []
    for t in range(x.shape[1]):
        h = step(x[:, t], h)
        states.append(h)
    if not states:
        return h.new_zeros(len(h), 0, h.shape[1]) if layer["return_sequences"] else h
    return _outputs(layer, torch.stack(states, 1))


def _heads(x, count):
    return x.unflatten(2, (count, -1)).transpose(1, 2)


def _flat(layer):
    """The options of a window over time as those of one over images of a single row."""
    made = dict(layer)
    for name in ("kernel_size", "pool_size", "strides", "dilation"):
        if layer.get(name) is not None:
            made[name] = (1, layer[name])
    if isinstance(layer["padding"], tuple):
        made["padding"] = (0, 0, *layer["padding"])
    return made


def sides(layer, extents, axis, size):
    """Zeros before and after; "same" as TensorFlow defines it, which PyTorch has for strides of 1 only."""
    padding = layer["padding"]
    if padding == "valid":
        return 0, 0
    if padding == "same":
        stride = (layer.get("strides") or layer["pool_size"])[axis]
        span = (size[axis] - 1) * layer.get("dilation", (1, 1))[axis] + 1
        zeros = max((-(-extents[axis] // stride) - 1) * stride + span - extents[axis], 0)
        return zeros // 2, zeros - zeros // 2
    return padding[2 * axis], padding[2 * axis + 1]


def _padded(layer, x, value=0.0):
    """As (samples, channels, rows, columns)."""
    size = layer.get("kernel_size") or layer["pool_size"]
    h = x.permute(0, 3, 1, 2)
    around = (*sides(layer, h.shape[2:], 1, size), *sides(layer, h.shape[2:], 0, size))
    return F.pad(h, around, value=value)


def _conv2d(weight, bias, layer, x):
    """All laid out anew: of what is permuted, the gradients of PyTorch's oneDNN write out of bounds."""
    options = {"stride": layer["strides"], "dilation": layer["dilation"], "groups": layer["groups"]}
    y = F.conv2d(_laid_out(_padded(layer, x)), _laid_out(weight.permute(3, 2, 0, 1)), bias, **options)
    if y.requires_grad:
        y.register_hook(_laid_out)
    return y.permute(0, 2, 3, 1)


def _laid_out(x):
    return x.clone(memory_format=torch.contiguous_format)


def _pool(pool, value, layer, x):
    return pool(_padded(layer, x, value), layer["pool_size"], layer.get("strides")).permute(0, 2, 3, 1)


def evaluated(net, X, T, losses, weights=None, loss_weights=None):
    """Outputs, cost and gradients by name; X, T and losses by the names of inputs and outputs."""
    theirs = InTorch(net)
    with torch.no_grad():
        outputs, groups = theirs.forward(X, training=False)
    whole = [_whole(port, made) for port, made in zip(net.outputs, outputs, strict=True)]
    outputs, groups = theirs.forward(X, training=True)
    w = torch.ones(len(next(iter(T.values()))), dtype=torch.float64) if weights is None else torch.tensor(weights)
    cost = torch.zeros((), dtype=outputs[0][0].dtype)
    for port, made in zip(net.outputs, outputs, strict=True):
        costs, rows = 0.0, 0
        for y, group in zip(made, groups, strict=True):
            t = torch.tensor(T[port.name][group])
            shares = w[group]
            if port.steps:  # each is a row
                t, shares = t[:, : y.shape[1]].flatten(0, 1), shares.repeat_interleave(y.shape[1])
                y = y.flatten(0, 1)
            costs = costs + (shares * COSTS[losses[port.name]](y.flatten(1), t.flatten(1))).sum()
            rows += len(y)
        cost = cost + (1.0 if loss_weights is None else loss_weights[port.name]) * costs / max(rows, 1)
    cost.backward()
    zeros = {name: np.zeros(leaf.shape) for name, leaf in theirs.leaves.items()}
    return (
        whole,
        cost.item(),
        {n: zeros[n] if leaf.grad is None else leaf.grad.numpy() for n, leaf in theirs.leaves.items()},
    )


def _whole(port, made):
    """An output for all samples, zeros where a sequence has ended."""
    whole = np.zeros((sum(map(len, made)), *port.shape))
    first = 0
    for y in made:
        whole[(slice(first, first + len(y)), *(slice(n) for n in y.shape[1:]))] = y.numpy()
        first += len(y)
    return whole
