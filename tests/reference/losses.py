"""Costs: value(y, t, p) gives one number per sample, gradient(y, t, p) gives dCost/dy of each sample.

The first axis counts samples; all other axes are outputs, which are summed (averaged by squared_error).
FUSED holds the pairs (activation, loss) written on the pre-activation z, where they are stable.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .activations import sigmoid, softmax, softplus


def sum_outputs(c):
    """Sum over every axis but the first: one number per sample."""
    return c.reshape(len(c), -1).sum(axis=1)


def clamp(y):
    """max(y, smallest normal positive number of y's type), so that log y and 1/y stay finite"""
    return np.maximum(y, np.finfo(y.dtype).tiny)


def half_squared_error(y, t, p):
    """c = 1/2 sum (t - y)^2"""
    return 0.5 * sum_outputs((t - y) ** 2)


def half_squared_error_gradient(y, t, p):
    """dc/dy = y - t"""
    return y - t


def squared_error(y, t, p):
    """c = (1/m) sum (t - y)^2, m outputs"""
    return sum_outputs((t - y) ** 2) / y[0].size


def squared_error_gradient(y, t, p):
    """dc/dy = (2/m) (y - t)"""
    return 2.0 * (y - t) / y[0].size


def absolute_error(y, t, p):
    """c = sum |y - t|"""
    return sum_outputs(np.abs(y - t))


def absolute_error_gradient(y, t, p):
    """dc/dy = sign(y - t), 0 where y = t"""
    return np.sign(y - t)


def huber(y, t, p):
    """c = sum of e^2 / 2 where |e| <= p, p (|e| - p/2) elsewhere; e = y - t"""
    e = np.abs(y - t)
    return sum_outputs(np.where(e <= p, 0.5 * e**2, p * (e - 0.5 * p)))


def huber_gradient(y, t, p):
    """dc/dy = e where |e| <= p, p sign(e) elsewhere"""
    e = y - t
    return np.where(np.abs(e) <= p, e, p * np.sign(e))


def quantile(y, t, p):
    """c = sum max(p e, (p - 1) e), e = t - y"""
    return sum_outputs(np.maximum(p * (t - y), (p - 1.0) * (t - y)))


def quantile_gradient(y, t, p):
    """dc/dy = -p where y < t, 1 - p where y > t, 0 where they agree"""
    return np.where(y < t, -p, np.where(y > t, 1.0 - p, 0.0))


def poisson(y, t, p):
    """c = sum (y - t log y)"""
    return sum_outputs(y - t * np.log(clamp(y)))


def poisson_gradient(y, t, p):
    """dc/dy = 1 - t / y"""
    return 1.0 - t / clamp(y)


def cross_entropy(y, t, p):
    """c = -sum t log y"""
    return -sum_outputs(t * np.log(clamp(y)))


def cross_entropy_gradient(y, t, p):
    """dc/dy = -t / y"""
    return -t / clamp(y)


def kullback_leibler(y, t, p):
    """c = sum t log(t / y), 0 where t is 0"""
    return sum_outputs(t * (np.log(clamp(t)) - np.log(clamp(y))))


def kullback_leibler_gradient(y, t, p):
    """dc/dy = -t / y"""
    return -t / clamp(y)


def focal(y, t, p):
    """c = -sum [t (1 - y)^p log y + (1 - t) y^p log(1 - y)]"""
    y, rest = clamp(y), clamp(1.0 - y)
    return -sum_outputs(t * rest**p * np.log(y) + (1.0 - t) * y**p * np.log(rest))


def focal_gradient(y, t, p):
    """dc/dy = t [p (1 - y)^(p - 1) log y - (1 - y)^p / y] - (1 - t) [p y^(p - 1) log(1 - y) - y^p / (1 - y)]"""
    y, rest = clamp(y), clamp(1.0 - y)
    own = p * rest ** (p - 1) * np.log(y) - rest**p / y
    other = p * y ** (p - 1) * np.log(rest) - y**p / rest
    return t * own - (1.0 - t) * other


def binary_cross_entropy(y, t, p):
    """c = -sum [t log y + (1 - t) log(1 - y)]"""
    return -sum_outputs(t * np.log(clamp(y)) + (1.0 - t) * np.log(clamp(1.0 - y)))


def binary_cross_entropy_gradient(y, t, p):
    """dc/dy = -t / y + (1 - t) / (1 - y)"""
    return -t / clamp(y) + (1.0 - t) / clamp(1.0 - y)


def hinge(y, t, p):
    """c = sum max(0, 1 - t y), t = +-1"""
    return sum_outputs(np.maximum(0.0, 1.0 - t * y))


def hinge_gradient(y, t, p):
    """dc/dy = -t where t y < 1, else 0 (0 at the kink)"""
    return np.where(t * y < 1.0, -t, 0.0)


def perceptron(y, t, p):
    """c = sum max(0, -t phi), t = +-1; y is phi"""
    return sum_outputs(np.maximum(0.0, -t * y))


def perceptron_gradient(y, t, p):
    """dc/dphi = -t where the sample is wrong (t phi <= 0), else 0"""
    return np.where(t * y <= 0.0, -t, 0.0)


def softmax_cross_entropy(z, t, p):
    """c = -sum t log softmax(z) = -sum t (z - log sum e^z)"""
    z = z - z.max(axis=-1, keepdims=True)
    log_y = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    return -sum_outputs(t * log_y)


def softmax_cross_entropy_gradient(z, t, p):
    """delta = y sum(t) - t, which is y - t when the targets sum to 1"""
    return softmax(z) * t.sum(axis=-1, keepdims=True) - t


def sigmoid_binary_cross_entropy(z, t, p):
    """c = sum [softplus(z) - t z]"""
    return sum_outputs(softplus(z) - t * z)


def sigmoid_binary_cross_entropy_gradient(z, t, p):
    """delta = y - t"""
    return sigmoid(z) - t


def softmax_kullback_leibler(z, t, p):
    """c = sum t log t - sum t log softmax(z)"""
    return softmax_cross_entropy(z, t, p) + sum_outputs(t * np.log(clamp(t)))


def sigmoid_focal(z, t, p):
    """c = sum [t e^(-p softplus(z)) softplus(-z) + (1 - t) e^(-p softplus(-z)) softplus(z)]"""
    up, down = softplus(z), softplus(-z)
    return sum_outputs(t * np.exp(-p * up) * down + (1.0 - t) * np.exp(-p * down) * up)


def sigmoid_focal_gradient(z, t, p):
    """delta = -t (1 - y)^p (1 - y - p y log y) + (1 - t) y^p (y - p (1 - y) log(1 - y))"""
    up, down, y, rest = softplus(z), softplus(-z), sigmoid(z), sigmoid(-z)
    return -t * np.exp(-p * up) * (rest + p * y * down) + (1.0 - t) * np.exp(-p * down) * (y + p * rest * up)


def exponential_poisson(z, t, p):
    """c = sum [e^z - t z]"""
    return sum_outputs(np.exp(z) - t * z)


def exponential_poisson_gradient(z, t, p):
    """delta = y - t"""
    return np.exp(z) - t


@dataclass
class Loss:
    """One cost: its value per sample, its gradient, and the value its parameter takes when none is given."""

    c: Callable
    dc: Callable
    default: float | None = None

    def value(self, y, t, p=None):
        """c_i, one per sample"""
        return self.c(y, t, self.default if p is None else p)

    def gradient(self, y, t, p=None):
        """dc_i/dy_i, of the shape of y (dc_i/dz_i for the fused pairs)"""
        return self.dc(y, t, self.default if p is None else p)


LOSSES = {
    "half_squared_error": Loss(half_squared_error, half_squared_error_gradient),
    "squared_error": Loss(squared_error, squared_error_gradient),
    "absolute_error": Loss(absolute_error, absolute_error_gradient),
    "huber": Loss(huber, huber_gradient, default=1.0),
    "quantile": Loss(quantile, quantile_gradient, default=0.5),
    "poisson": Loss(poisson, poisson_gradient),
    "cross_entropy": Loss(cross_entropy, cross_entropy_gradient),
    "kullback_leibler": Loss(kullback_leibler, kullback_leibler_gradient),
    "focal": Loss(focal, focal_gradient, default=2.0),
    "binary_cross_entropy": Loss(binary_cross_entropy, binary_cross_entropy_gradient),
    "hinge": Loss(hinge, hinge_gradient),
    "perceptron": Loss(perceptron, perceptron_gradient),
}

FUSED = {
    ("softmax", "cross_entropy"): Loss(softmax_cross_entropy, softmax_cross_entropy_gradient),
    ("sigmoid", "binary_cross_entropy"): Loss(sigmoid_binary_cross_entropy, sigmoid_binary_cross_entropy_gradient),
    ("softmax", "kullback_leibler"): Loss(softmax_kullback_leibler, softmax_cross_entropy_gradient),
    ("sigmoid", "focal"): Loss(sigmoid_focal, sigmoid_focal_gradient, default=2.0),
    ("exponential", "poisson"): Loss(exponential_poisson, exponential_poisson_gradient),
    ("step", "perceptron"): LOSSES["perceptron"],  # the perceptron criterion reads phi = z, not sgn(z)
}


def batch_cost(costs, sample_weight=None) -> float:
    """Cost = (1/b) sum_i w_i c_i"""
    w = np.ones(len(costs)) if sample_weight is None else np.asarray(sample_weight)
    return float((w * costs).sum() / len(costs))


def batch_gradient(gradients, sample_weight=None):
    """dCost/dy_i = (w_i / b) dc_i/dy_i: the 1/b of the lectures' gradients enters here, once"""
    b = len(gradients)
    w = np.ones(b) if sample_weight is None else np.asarray(sample_weight)
    return gradients * (w / b).reshape(b, *[1] * (gradients.ndim - 1))
