"""Layers: forward(inputs, training, draw) -> output, backward(dy) -> [dx of each input].

inputs is a list of arrays whose first axis counts samples. Random layers draw nothing themselves: `draw` hands them
their mask or noise. backward uses what the last forward kept, and leaves dCost/dparameter in `gradients`.
The 1/b of the cost is already inside dy, so a parameter's gradient is a plain sum over samples.
"""

import numpy as np

from .activations import ACTIVATIONS, softmax, softmax_backward
from .attention import ATTENTION
from .convolution import Windows, as_filters, as_images, as_samples
from .recurrent import RECURRENT


class Layer:
    """What all layers have: parameters (learnt by gradient), gradients (same names), state (not learnt by gradient)."""

    def __init__(self, parameters=None):
        self.parameters = dict(parameters or {})
        self.gradients = {}
        self.state = {}


class Input(Layer):
    """y = x"""

    def forward(self, inputs, training=False, draw=None):
        return inputs[0]

    def backward(self, dy):
        return [dy]


class Dense(Layer):
    """z = a W + b, W (n_in, units)"""

    def forward(self, inputs, training=False, draw=None):
        self.a = inputs[0]
        return self.a @ self.parameters["weight"] + self.parameters.get("bias", 0.0)

    def backward(self, delta):
        """grad W = a^t delta; grad b = sum of rows of delta; da = delta W^t; the steps of a sequence are rows too"""
        rows = delta.reshape(-1, delta.shape[-1])
        self.gradients["weight"] = self.a.reshape(-1, self.a.shape[-1]).T @ rows
        if "bias" in self.parameters:
            self.gradients["bias"] = rows.sum(axis=0)
        return [delta @ self.parameters["weight"].T]


class Activation(Layer):
    """a = g(z); softmax over the last axis"""

    def __init__(self, function, parameter=None):
        super().__init__()
        self.function, self.parameter = function, parameter

    def forward(self, inputs, training=False, draw=None):
        self.z = inputs[0]
        if self.function == "softmax":
            self.y = softmax(self.z)
        else:
            self.y = ACTIVATIONS[self.function].value(self.z, self.parameter)
        return self.y

    def backward(self, dy):
        """delta = dy g'(z); with its full Jacobian for softmax"""
        if self.function == "softmax":
            return [softmax_backward(self.y, dy)]
        return [dy * ACTIVATIONS[self.function].derivative(self.z, self.parameter)]


class Dropout(Layer):
    """Training: y = x mask, the mask 0 with probability p and 1/(1-p) otherwise. Otherwise y = x"""

    def __init__(self, rate=0.5):
        super().__init__()
        self.rate = rate

    def forward(self, inputs, training=False, draw=None):
        x = inputs[0]
        self.mask = np.ones_like(x)
        if training and self.rate > 0:
            if draw is None:
                raise ValueError("dropout needs its mask (0 or 1/(1-p)) while training")
            self.mask = draw
        return x * self.mask

    def backward(self, dy):
        return [dy * self.mask]


class GaussianNoise(Layer):
    """Training: y = x + noise, the noise already times its standard deviation. Otherwise y = x"""

    def __init__(self, stddev=0.1):
        super().__init__()
        self.stddev = stddev

    def forward(self, inputs, training=False, draw=None):
        if training and self.stddev > 0:
            if draw is None:
                raise ValueError("gaussian_noise needs its noise while training")
            return inputs[0] + draw
        return inputs[0]

    def backward(self, dy):
        return [dy]


class Reshape(Layer):
    """Same numbers (row by row), another shape per sample"""

    def __init__(self, shape):
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, inputs, training=False, draw=None):
        self.input_shape = inputs[0].shape
        return inputs[0].reshape(len(inputs[0]), *self.shape)

    def backward(self, dy):
        return [dy.reshape(self.input_shape)]


class Flatten(Reshape):
    """All units of a sample in one row"""

    def __init__(self):
        super().__init__((-1,))


class Add(Layer):
    """y = x1 + x2 + ...: with x1 = f(x), x2 = x, the residual connection"""

    def forward(self, inputs, training=False, draw=None):
        self.count = len(inputs)
        return sum(inputs[1:], start=inputs[0])

    def backward(self, dy):
        return [dy] * self.count


class Multiply(Layer):
    """y = x1 o x2 o ..., number by number: dx_i = dy o (product of the others)"""

    def forward(self, inputs, training=False, draw=None):
        self.inputs = inputs
        return np.prod(inputs, axis=0)

    def backward(self, dy):
        others = [[x for j, x in enumerate(self.inputs) if j != i] for i in range(len(self.inputs))]
        return [dy * np.prod(factors, axis=0) for factors in others]


class Concat(Layer):
    """y = [x1, x2, ...], side by side along the last axis"""

    def forward(self, inputs, training=False, draw=None):
        self.ends = np.cumsum([x.shape[-1] for x in inputs])
        return np.concatenate(inputs, axis=-1)

    def backward(self, dy):
        return np.split(dy, self.ends[:-1], axis=-1)


class Convolution(Layer):
    """z[i, j] = sum over taps of x[pixel of the tap] W[tap] + b, each group of channels with its own filters"""

    def __init__(self, parameters, axes, windows, groups=1):
        super().__init__(parameters)
        self.axes, self.windows, self.groups = axes, windows, groups

    def parts(self, W):
        """For each group: its channels and its filters"""
        channels, filters = W.shape[2], W.shape[3] // self.groups
        for g in range(self.groups):
            yield slice(g * channels, (g + 1) * channels), slice(g * filters, (g + 1) * filters)

    def forward(self, inputs, training=False, draw=None):
        self.shape = inputs[0].shape
        self.x = x = as_images(inputs[0], self.axes)
        W = as_filters(self.parameters["weight"])
        size = (self.windows.outputs(0, x.shape[1]), self.windows.outputs(1, x.shape[2]))
        z = np.zeros((len(x), *size, W.shape[3])) + self.parameters.get("bias", 0.0)
        for i, j, seen in self.windows.over(*x.shape[1:3]):
            for k, m, y, c in seen:
                for channels, filters in self.parts(W):
                    z[:, i, j, filters] += x[:, y, c, channels] @ W[k, m, :, filters]
        return as_samples(z, self.axes)

    def backward(self, delta):
        """grad W[tap] = sum of x[pixel]^t delta[i, j]; grad b = sum of delta; dx[pixel] += delta[i, j] W[tap]^t"""
        x, W = self.x, as_filters(self.parameters["weight"])
        delta = delta if self.axes == 2 else delta[:, None]
        dx, dW = np.zeros_like(x), np.zeros_like(W)
        for i, j, seen in self.windows.over(*x.shape[1:3]):
            for k, m, y, c in seen:
                for channels, filters in self.parts(W):
                    dW[k, m, :, filters] += x[:, y, c, channels].T @ delta[:, i, j, filters]
                    dx[:, y, c, channels] += delta[:, i, j, filters] @ W[k, m, :, filters].T
        self.gradients["weight"] = dW.reshape(self.parameters["weight"].shape)
        if "bias" in self.parameters:
            self.gradients["bias"] = delta.sum(axis=(0, 1, 2))
        return [dx.reshape(self.shape)]


class Pooling(Layer):
    """y[i, j] = the largest, or the mean, of the pixels that the window sees; windows None: one over all"""

    def __init__(self, axes, kind, windows=None):
        super().__init__()
        self.axes, self.kind, self.windows = axes, kind, windows

    def forward(self, inputs, training=False, draw=None):
        self.shape = inputs[0].shape
        self.x = x = as_images(inputs[0], self.axes)
        self.over = self.windows or Windows(x.shape[1:3])
        y = np.empty((len(x), self.over.outputs(0, x.shape[1]), self.over.outputs(1, x.shape[2]), x.shape[3]))
        for i, j, seen in self.over.over(*x.shape[1:3]):
            pixels = np.stack([x[:, y, c] for _, _, y, c in seen])
            y[:, i, j] = pixels.max(axis=0) if self.kind == "max" else pixels.mean(axis=0)
        return as_samples(y, self.axes) if self.windows else y[:, 0, 0]

    def backward(self, dy):
        """The first of the largest gets dy, or all get dy / their number"""
        x = self.x
        dy = dy.reshape(len(x), self.over.outputs(0, x.shape[1]), self.over.outputs(1, x.shape[2]), x.shape[3])
        dx = np.zeros_like(x)
        for i, j, seen in self.over.over(*x.shape[1:3]):
            pixels = np.stack([x[:, y, c] for _, _, y, c in seen])
            winner = pixels.argmax(axis=0)
            for number, (_, _, y, c) in enumerate(seen):
                share = winner == number if self.kind == "max" else 1 / len(seen)
                dx[:, y, c] += share * dy[:, i, j]
        return [dx.reshape(self.shape)]


class Maxout(Layer):
    """y_u = max over the k pieces of unit u of (a W + b); its pieces are columns u k ... u k + k - 1"""

    def __init__(self, parameters, pieces=2):
        super().__init__(parameters)
        self.k = pieces

    def forward(self, inputs, training=False, draw=None):
        self.a = inputs[0]
        z = self.a @ self.parameters["weight"] + self.parameters.get("bias", 0.0)
        z = z.reshape(len(z), -1, self.k)  # sample, unit, piece
        self.winner = z.argmax(axis=2)[:, :, None]  # the first of equals
        return np.take_along_axis(z, self.winner, axis=2)[:, :, 0]

    def backward(self, dy):
        """delta = dy for the winning piece, 0 for the others; then as Dense"""
        delta = np.zeros((*dy.shape, self.k))
        np.put_along_axis(delta, self.winner, dy[:, :, None], axis=2)
        delta = delta.reshape(len(dy), -1)
        self.gradients["weight"] = self.a.T @ delta
        if "bias" in self.parameters:
            self.gradients["bias"] = delta.sum(axis=0)
        return [delta @ self.parameters["weight"].T]


def standardise(x, axis, epsilon, ddof):
    """x^ = (x - mu) / s, mu = mean, v = sum (x - mu)^2 / (n - ddof), s = sqrt(v + eps); gives x^, mu, v, s"""
    n = x.shape[axis]
    if n <= ddof:
        raise ValueError(f"ddof={ddof} needs more than {n} value(s) to standardise over")
    mu = x.mean(axis=axis, keepdims=True)
    v = ((x - mu) ** 2).sum(axis=axis, keepdims=True) / (n - ddof)
    s = np.sqrt(v + epsilon)
    return (x - mu) / s, mu, v, s


def standardise_backward(dx_hat, x_hat, s, axis, ddof):
    """dx = [dx^ - mean(dx^) - x^ sum(dx^ x^) / (n - ddof)] / s: mu and v depend on every x"""
    n = x_hat.shape[axis]
    through_mu = dx_hat.mean(axis=axis, keepdims=True)
    through_v = x_hat * (dx_hat * x_hat).sum(axis=axis, keepdims=True) / (n - ddof)
    return (dx_hat - through_mu - through_v) / s


class Normalization(Layer):
    """y = gamma x^ + beta; a gamma or beta that is not given is left out"""

    def scale_and_shift(self, x_hat):
        return self.parameters.get("gamma", 1.0) * x_hat + self.parameters.get("beta", 0.0)

    def scale_and_shift_backward(self, dy, x_hat):
        """grad gamma = sum of rows of dy x^; grad beta = sum of rows of dy; dx^ = dy gamma"""
        if "gamma" in self.parameters:
            self.gradients["gamma"] = (dy * x_hat).sum(axis=0)
        if "beta" in self.parameters:
            self.gradients["beta"] = dy.sum(axis=0)
        return dy * self.parameters.get("gamma", 1.0)


class BatchNorm(Normalization):
    """Training: x^ over the mini-batch, channel by channel, and running = momentum running + (1 - momentum) batch.
    Otherwise x^ = (x - running mean) / sqrt(running variance + eps). The pixels of images are so many samples"""

    def __init__(self, parameters=None, state=None, epsilon=1e-5, momentum=0.9, ddof=0):
        super().__init__(parameters)
        self.state = {"running_mean": 0.0, "running_variance": 1.0, **(state or {})}
        self.epsilon, self.momentum, self.ddof = epsilon, momentum, ddof

    def forward(self, inputs, training=False, draw=None):
        self.shape, self.training = inputs[0].shape, training
        x = inputs[0].reshape(-1, self.shape[-1])
        if training:
            self.x_hat, mu, v, self.s = standardise(x, 0, self.epsilon, self.ddof)
            self.follow("running_mean", mu[0])
            self.follow("running_variance", v[0])
        else:
            self.s = np.sqrt(self.state["running_variance"] + self.epsilon)
            self.x_hat = (x - self.state["running_mean"]) / self.s
        return self.scale_and_shift(self.x_hat).reshape(self.shape)

    def follow(self, name, batch):
        """running = momentum running + (1 - momentum) batch"""
        self.state[name] = self.momentum * self.state[name] + (1 - self.momentum) * batch

    def backward(self, dy):
        dx_hat = self.scale_and_shift_backward(dy.reshape(self.x_hat.shape), self.x_hat)
        if not self.training:
            return [(dx_hat / self.s).reshape(self.shape)]
        return [standardise_backward(dx_hat, self.x_hat, self.s, 0, self.ddof).reshape(self.shape)]


class LayerNorm(Normalization):
    """x^ over all units of one sample, or of one step of a sequence (time, units)"""

    def __init__(self, parameters=None, epsilon=1e-5, ddof=0):
        super().__init__(parameters)
        self.epsilon, self.ddof = epsilon, ddof

    def forward(self, inputs, training=False, draw=None):
        x = inputs[0]
        units = x.shape[-1] if x.ndim == 3 else x[0].size
        self.x_hat, _, _, self.s = standardise(x.reshape(-1, units), 1, self.epsilon, self.ddof)
        return self.scale_and_shift(self.x_hat).reshape(x.shape)

    def backward(self, dy):
        dx_hat = self.scale_and_shift_backward(dy.reshape(self.x_hat.shape), self.x_hat)
        return [standardise_backward(dx_hat, self.x_hat, self.s, 1, self.ddof).reshape(dy.shape)]


def convolution(axes):
    def make(node, p, s):
        options = {key: node.get(key) for key in ("strides", "dilation")}
        windows = Windows(node["kernel_size"], padding=node.get("padding", "valid"), **options)
        return Convolution(p, axes, windows, node.get("groups", 1))

    return make


def pooling(axes, kind):
    def make(node, p, s):
        size = node["pool_size"]
        return Pooling(axes, kind, Windows(size, node.get("strides", size), node.get("padding", "valid")))

    return make


def global_pooling(axes, kind):
    return lambda node, p, s: Pooling(axes, kind)


# How each type of node in a spec becomes a layer: node is its plain dict, p its parameters, s its state.
LAYERS = {
    "input": lambda node, p, s: Input(),
    "dense": lambda node, p, s: Dense(p),
    "activation": lambda node, p, s: Activation(node["function"], node.get("parameter")),
    "dropout": lambda node, p, s: Dropout(node.get("rate", 0.5)),
    "gaussian_noise": lambda node, p, s: GaussianNoise(node.get("stddev", 0.1)),
    "flatten": lambda node, p, s: Flatten(),
    "reshape": lambda node, p, s: Reshape(node["shape"]),
    "add": lambda node, p, s: Add(),
    "concat": lambda node, p, s: Concat(),
    "multiply": lambda node, p, s: Multiply(),
    "maxout": lambda node, p, s: Maxout(p, node.get("pieces", 2)),
    "batch_norm": lambda node, p, s: BatchNorm(
        p, s, node.get("epsilon", 1e-5), node.get("momentum", 0.9), node.get("ddof", 0)
    ),
    **{f"conv{n}d": convolution(n) for n in (1, 2)},
    **{f"{kind}_pool{n}d": pooling(n, kind) for kind in ("max", "average") for n in (1, 2)},
    **{f"global_{kind}_pool{n}d": global_pooling(n, kind) for kind in ("max", "average") for n in (1, 2)},
    "layer_norm": lambda node, p, s: LayerNorm(p, node.get("epsilon", 1e-5), node.get("ddof", 0)),
    **ATTENTION,
    **{name: lambda node, p, s, layer=layer: layer(p, node) for name, layer in RECURRENT.items()},
}
