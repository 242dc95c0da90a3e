"""Recurrent layers, unrolled: plain loops over time, x_n of shape (b, features), the state before the first step zero
or what other layers give.

Backpropagation through time: what comes to a state at step n is what the step's own output brings and what comes from
step n+1; truncated, nothing comes over every `bptt` steps. With dropout W and U see x_n and h_{n-1} times masks that
are the same for all n (Gal & Ghahramani 2016).
"""

import numpy as np

from .activations import ACTIVATIONS


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Recurrent:
    """The walk through time; what happens in one step is the cell's."""

    cells = 1  # how many arrays the state has, the output first

    def __init__(self, parameters, options):
        self.parameters = dict(parameters)
        self.gradients, self.state = {}, {}
        self.sequences = options.get("return_sequences", False)
        self.reverse = options.get("reverse", False)
        self.bptt = options.get("bptt")
        self.units = options["units"]

    def first_state(self, b):
        return [np.zeros((b, self.units)) for _ in range(self.cells)]

    def forward(self, inputs, training=False, draw=None):
        """draw: masks of x_n and of h_{n-1}"""
        self.x_mask, self.h_mask = (1.0, 1.0) if draw is None or not training else draw
        x = inputs[0][:, ::-1] if self.reverse else inputs[0]
        self.given = len(inputs) - 1
        state, outputs, self.kept = [*inputs[1:], *self.first_state(len(x))[self.given :]], [], []
        for n in range(x.shape[1]):
            before = state
            state, kept = self.step(x[:, n], before)
            self.kept.append((x[:, n], before, kept))
            outputs.append(state[0])
        if not self.sequences:
            return state[0]
        y = np.stack(outputs, axis=1)
        return y[:, ::-1] if self.reverse else y

    def backward(self, dy):
        self.gradients = {name: np.zeros_like(value) for name, value in self.parameters.items()}
        if self.sequences and self.reverse:
            dy = dy[:, ::-1]
        coming = [np.zeros((len(dy), self.units)) for _ in range(self.cells)]
        dx = []
        for n in reversed(range(len(self.kept))):
            if self.bptt and (n + 1) % self.bptt == 0:
                coming = [np.zeros_like(d) for d in coming]
            if self.sequences:
                coming[0] = coming[0] + dy[:, n]
            elif n == len(self.kept) - 1:
                coming[0] = coming[0] + dy
            dxn, coming = self.step_back(*self.kept[n], coming)
            dx.insert(0, dxn)
        dx = np.stack(dx, axis=1)
        return [dx[:, ::-1] if self.reverse else dx, *coming[: self.given]]

    def affine(self, x, h, gates):
        """z = x W + h U + b for some of the gates"""
        W, U, b = self.parameters["weight"], self.parameters["recurrent_weight"], self.parameters.get("bias", 0.0)
        own = np.concatenate([np.arange(g * self.units, (g + 1) * self.units) for g in gates])
        x, h = x * self.x_mask, h * self.h_mask
        return x @ W[:, own] + h @ U[:, own] + (b[own] if "bias" in self.parameters else 0.0)

    def affine_back(self, x, h, delta):
        """grad W += x^t delta, grad U += h^t delta, grad b += sum of rows; dx and dh"""
        self.gradients["weight"] += (x * self.x_mask).T @ delta
        self.gradients["recurrent_weight"] += (h * self.h_mask).T @ delta
        if "bias" in self.parameters:
            self.gradients["bias"] += delta.sum(axis=0)
        W, U = self.parameters["weight"], self.parameters["recurrent_weight"]
        return delta @ W.T * self.x_mask, delta @ U.T * self.h_mask


class SimpleRNN(Recurrent):
    """h_n = f(W^X x_n + W^Y h_{n-1} + b)"""

    def __init__(self, parameters, options):
        super().__init__(parameters, options)
        self.f, self.p = ACTIVATIONS[options.get("activation", "tanh")], options.get("activation_parameter")

    def step(self, x, state):
        z = self.affine(x, state[0], [0])
        return [self.f.value(z, self.p)], z

    def step_back(self, x, before, z, coming):
        dx, dh = self.affine_back(x, before[0], coming[0] * self.f.derivative(z, self.p))
        return dx, [dh]


class SecondOrderRNN(SimpleRNN):
    """h_i = f(sum_jk W_jki h'_j x_k + b_i), h_0 = (1, 0, ..., 0)"""

    def first_state(self, b):
        return [np.eye(1, self.units).repeat(b, axis=0)]

    def step(self, x, state):
        h, x = state[0] * self.h_mask, x * self.x_mask
        z = np.einsum("jki,bj,bk->bi", self.parameters["weight"], h, x) + self.parameters.get("bias", 0.0)
        return [self.f.value(z, self.p)], z

    def step_back(self, x, before, z, coming):
        delta, W = coming[0] * self.f.derivative(z, self.p), self.parameters["weight"]
        h, x = before[0] * self.h_mask, x * self.x_mask
        self.gradients["weight"] += np.einsum("bi,bj,bk->jki", delta, h, x)
        if "bias" in self.parameters:
            self.gradients["bias"] += delta.sum(axis=0)
        dx, dh = np.einsum("jki,bi,bj->bk", W, delta, h), np.einsum("jki,bi,bk->bj", W, delta, x)
        return dx * self.x_mask, [dh * self.h_mask]


class LSTM(Recurrent):
    """[i f g o] = x W + h U + b; c = s(f) c' + s(i) tanh(g); h = s(o) tanh(c)"""

    cells = 2

    def step(self, x, state):
        i, f, g, o = np.split(self.affine(x, state[0], [0, 1, 2, 3]), 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * state[1] + i * g
        return [o * np.tanh(c), c], (i, f, g, o, c)

    def step_back(self, x, before, kept, coming):
        i, f, g, o, c = kept
        dh, dc = coming
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        delta = np.concatenate(
            [
                dc * g * i * (1 - i),
                dc * before[1] * f * (1 - f),
                dc * i * (1 - g**2),
                dh * np.tanh(c) * o * (1 - o),
            ],
            axis=1,
        )
        dx, dh = self.affine_back(x, before[0], delta)
        return dx, [dh, dc * f]


class GRU(Recurrent):
    """[z r] = s(x W + h U + b); h = z h' + (1 - z) a with
    a = tanh(x W + b + r (h' U + b')), where z and r have a b' too, or a = tanh(x W + b + (r h') U)"""

    def __init__(self, parameters, options):
        super().__init__(parameters, options)
        self.reset_after = options.get("reset_after", True)

    def step(self, x, state):
        m, x, h = self.units, x * self.x_mask, state[0] * self.h_mask
        W, U = self.parameters["weight"], self.parameters["recurrent_weight"]
        b, b2 = (self.parameters.get(name, np.zeros(3 * m)) for name in ("bias", "recurrent_bias"))
        zr = sigmoid(x @ W[:, : 2 * m] + h @ U[:, : 2 * m] + b[: 2 * m] + b2[: 2 * m])
        z, r = zr[:, :m], zr[:, m:]
        q = h @ U[:, 2 * m :] + b2[2 * m :] if self.reset_after else (r * h) @ U[:, 2 * m :]
        a = np.tanh(x @ W[:, 2 * m :] + b[2 * m :] + (r * q if self.reset_after else q))
        return [z * state[0] + (1 - z) * a], (z, r, q, a)

    def step_back(self, x, before, kept, coming):
        m, dh, (z, r, q, a) = self.units, coming[0], kept
        x, h = x * self.x_mask, before[0] * self.h_mask
        W, U = self.parameters["weight"], self.parameters["recurrent_weight"]
        da = dh * (1 - z) * (1 - a**2)
        dz = dh * (before[0] - a) * z * (1 - z)
        dbefore = np.zeros_like(h)
        if self.reset_after:
            dq, dr = da * r, da * q * r * (1 - r)
            self.gradients["recurrent_weight"][:, 2 * m :] += h.T @ dq
            dbefore = dbefore + dq @ U[:, 2 * m :].T
        else:
            drh = da @ U[:, 2 * m :].T
            dr = drh * h * r * (1 - r)
            self.gradients["recurrent_weight"][:, 2 * m :] += (r * h).T @ da
            dbefore = dbefore + drh * r
        dzr = np.concatenate([dz, dr], axis=1)
        self.gradients["recurrent_weight"][:, : 2 * m] += h.T @ dzr
        delta = np.concatenate([dzr, da], axis=1)
        self.gradients["weight"] += x.T @ delta
        if "bias" in self.parameters:
            self.gradients["bias"] += delta.sum(axis=0)
        if "recurrent_bias" in self.parameters:
            self.gradients["recurrent_bias"] += np.concatenate([dzr, dq], axis=1).sum(axis=0)
        return delta @ W.T * self.x_mask, [dh * z + (dbefore + dzr @ U[:, : 2 * m].T) * self.h_mask]


class Embedding:
    """y_n = W[token_n]"""

    def __init__(self, parameters, options):
        self.parameters, self.gradients, self.state = dict(parameters), {}, {}

    def forward(self, inputs, training=False, draw=None):
        self.tokens = inputs[0].astype(int)
        return self.parameters["weight"][self.tokens]

    def backward(self, dy):
        self.gradients["weight"] = np.zeros_like(self.parameters["weight"])
        np.add.at(self.gradients["weight"], self.tokens, dy)
        return [np.zeros(self.tokens.shape)]


RECURRENT = {
    "simple_rnn": SimpleRNN,
    "second_order_rnn": SecondOrderRNN,
    "lstm": LSTM,
    "gru": GRU,
    "embedding": Embedding,
}
