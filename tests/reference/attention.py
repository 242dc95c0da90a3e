"""Attention, query by query, and what tells steps apart.

Lengths are not known here: a test gives sequences as long as they are.
"""

import numpy as np


def softmax(s):
    e = np.exp(s - s.max())
    return e / e.sum()


class Attention:
    """y_i = sum_j a_ij v_j with a_i = softmax over the keys that query i sees of s(q_i, k_j), head by head"""

    def __init__(self, parameters, score="scaled_dot", causal=False, num_heads=1, gives_weights=False):
        self.parameters, self.gradients, self.state = dict(parameters), {}, {}
        self.score, self.causal, self.heads, self.gives_weights = score, causal, num_heads, gives_weights

    def score_of(self, q, k, h):
        """s(q, k), ds/dq, ds/dk, ds/dw"""
        if self.score == "additive":
            w = np.split(self.parameters["weight"], self.heads)[h]
            t = np.tanh(q + k)
            return w @ t, w * (1 - t**2), w * (1 - t**2), t
        factor = 1 / np.sqrt(len(q)) if self.score == "scaled_dot" else 1.0
        return factor * (q @ k), factor * k, factor * q, None

    def forward(self, inputs, training=False, draw=None):
        self.inputs = inputs
        queries, keys, values = inputs[0], inputs[1], inputs[-1]
        self.flat = queries.ndim == 2  # one query for each sample, without a time
        self.q = queries[:, None] if self.flat else queries
        n, time, memory = len(queries), self.q.shape[1], keys.shape[1]
        self.a = np.zeros((n, time, self.heads, memory))
        y = np.zeros((n, time, values.shape[2]))
        for r, i, h in np.ndindex(n, time, self.heads):
            seen = min(i + 1, memory) if self.causal else memory
            if seen == 0:
                continue
            q, k, v = self.parts(r, i, h)
            self.a[r, i, h, :seen] = softmax(np.array([self.score_of(q, k[j], h)[0] for j in range(seen)]))
            y[r, i, self.columns(values, h)] = self.a[r, i, h, :seen] @ v[:seen]
        if self.gives_weights:
            y = self.a.reshape(n, time, -1)
        return y[:, 0] if self.flat else y

    def columns(self, x, h):
        width = x.shape[-1] // self.heads
        return slice(h * width, (h + 1) * width)

    def parts(self, r, i, h):
        keys, values = self.inputs[1], self.inputs[-1]
        q = self.q[r, i, self.columns(self.q, h)]
        return q, keys[r][:, self.columns(keys, h)], values[r][:, self.columns(values, h)]

    def backward(self, dy):
        """dv_j += a_ij dy_i; da_ij = dy_i v_j; ds_ij = a_ij (da_ij - sum_k a_ik da_ik); then through s"""
        keys, values = self.inputs[1], self.inputs[-1]
        dy = dy[:, None] if self.flat else dy
        dq, dk, dv = np.zeros_like(self.q), np.zeros_like(keys), np.zeros_like(values)
        if self.score == "additive":
            self.gradients["weight"] = np.zeros_like(self.parameters["weight"])
        for r, i, h in np.ndindex(self.a.shape[:3]):
            q, k, v = self.parts(r, i, h)
            a = self.a[r, i, h]
            of_keys, of_values = self.columns(keys, h), self.columns(values, h)
            if self.gives_weights:
                da = dy[r, i].reshape(self.heads, -1)[h]
            else:
                da = v @ dy[r, i, of_values]
                dv[r, :, of_values] += np.outer(a, dy[r, i, of_values])
            ds = a * (da - a @ da)
            for j in np.flatnonzero(a):
                _, to_q, to_k, to_w = self.score_of(q, k[j], h)
                dq[r, i, of_keys] += ds[j] * to_q
                dk[r, j, of_keys] += ds[j] * to_k
                if to_w is not None:
                    self.gradients["weight"][of_keys] += ds[j] * to_w
        dq = dq[:, 0] if self.flat else dq
        return [dq, dk + dv] if len(self.inputs) == 2 else [dq, dk, dv]


class PositionalEncoding:
    """y_t = x_t + p_t: p_t[2i] = sin(t / 10000^(2i/d)), p_t[2i + 1] = cos of the same"""

    def __init__(self):
        self.parameters, self.gradients, self.state = {}, {}, {}

    def forward(self, inputs, training=False, draw=None):
        _, time, d = inputs[0].shape
        p = np.zeros((time, d))
        for t in range(time):
            for f in range(d):
                angle = t / 10000 ** ((f - f % 2) / d)
                p[t, f] = np.cos(angle) if f % 2 else np.sin(angle)
        return inputs[0] + p

    def backward(self, dy):
        return [dy]


ATTENTION = {
    "attention": lambda node, p, s: Attention(
        p, node["score"], node["causal"], node["num_heads"], node["gives_weights"]
    ),
    "positional_encoding": lambda node, p, s: PositionalEncoding(),
}
