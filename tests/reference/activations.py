"""Activations a = g(z) and their derivatives g'(z), element by element; softmax, which is not, stands apart.

Every function takes (z, p); p is the activation's one parameter (slope, alpha), unused by most.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import erfc

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def linear(z, p):
    """g(z) = z"""
    return z.copy()


def linear_derivative(z, p):
    """g'(z) = 1"""
    return np.ones_like(z)


def step(z, p):
    """g(z) = sgn(z): +1 when z >= 0, -1 otherwise"""
    return np.where(z >= 0, 1.0, -1.0)


def step_derivative(z, p):
    """g'(z) = 0"""
    return np.zeros_like(z)


def sigmoid(z, p=None):
    """g(z) = 1 / (1 + e^-z), written as e^z / (1 + e^z) for z < 0 so that nothing overflows"""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def sigmoid_derivative(z, p):
    """g'(z) = a (1 - a); and 1 - a is sigmoid(-z)"""
    return sigmoid(z) * sigmoid(-z)


def tanh(z, p):
    """g(z) = tanh z"""
    return np.tanh(z)


def tanh_derivative(z, p):
    """g'(z) = 1 - a^2"""
    return 1.0 - np.tanh(z) ** 2


def softsign(z, p):
    """g(z) = z / (1 + |z|)"""
    return z / (1.0 + np.abs(z))


def softsign_derivative(z, p):
    """g'(z) = 1 / (1 + |z|)^2"""
    return 1.0 / (1.0 + np.abs(z)) ** 2


def relu(z, p):
    """g(z) = max(0, z)"""
    return np.maximum(0.0, z)


def relu_derivative(z, p):
    """g'(z) = [z > 0]; 0 at z = 0"""
    return np.where(z > 0, 1.0, 0.0)


def leaky_relu(z, p):
    """g(z) = z for z > 0, p z otherwise: max(p z, z) for a slope p < 1"""
    return np.where(z > 0, z, p * z)


def leaky_relu_derivative(z, p):
    """g'(z) = 1 for z > 0, p otherwise; p at z = 0"""
    return np.where(z > 0, 1.0, p)


def elu(z, p):
    """g(z) = z for z > 0, p (e^z - 1) otherwise; p is alpha"""
    return np.where(z > 0, z, p * np.expm1(np.minimum(z, 0.0)))


def elu_derivative(z, p):
    """g'(z) = 1 for z > 0, p e^z otherwise"""
    return np.where(z > 0, 1.0, p * np.exp(np.minimum(z, 0.0)))


def selu(z, p):
    """g(z) = SCALE elu(z) with alpha = ALPHA"""
    return SELU_SCALE * elu(z, SELU_ALPHA)


def selu_derivative(z, p):
    """g'(z) = SCALE elu'(z) with alpha = ALPHA"""
    return SELU_SCALE * elu_derivative(z, SELU_ALPHA)


def normal_cdf(z):
    """Phi(z) = (1 + erf(z / sqrt 2)) / 2 = erfc(-z / sqrt 2) / 2; erfc keeps its digits for very negative z"""
    return 0.5 * erfc(-z / math.sqrt(2.0))


def normal_pdf(z):
    """phi(z) = e^(-z^2 / 2) / sqrt(2 pi)"""
    return np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)


def gelu(z, p):
    """g(z) = z Phi(z)"""
    return z * normal_cdf(z)


def gelu_derivative(z, p):
    """g'(z) = Phi(z) + z phi(z)"""
    return normal_cdf(z) + z * normal_pdf(z)


def silu(z, p):
    """g(z) = z sigmoid(z)"""
    return z * sigmoid(z)


def silu_derivative(z, p):
    """g'(z) = s + z s (1 - s), s = sigmoid(z)"""
    return sigmoid(z) + z * sigmoid_derivative(z, p)


def softplus(z, p=None):
    """g(z) = log(1 + e^z)"""
    return np.logaddexp(0.0, z)


def softplus_derivative(z, p):
    """g'(z) = sigmoid(z)"""
    return sigmoid(z)


def mish(z, p):
    """z tanh(log(1 + e^z))"""
    return z * np.tanh(softplus(z))


def mish_derivative(z, p):
    """t + z sigmoid(z) (1 - t^2) with t = tanh(log(1 + e^z))"""
    t = np.tanh(softplus(z))
    return t + z * softplus_derivative(z, p) * (1 - t**2)


def exponential(z, p):
    """g(z) = e^z; g' = g"""
    return np.exp(z)


@dataclass
class Activation:
    """One activation: g, g' and the value its parameter takes when none is given."""

    g: Callable
    g_prime: Callable
    default: float | None = None

    def value(self, z, p=None):
        """a = g(z)"""
        return self.g(np.asarray(z), self.default if p is None else p)

    def derivative(self, z, p=None):
        """g'(z)"""
        return self.g_prime(np.asarray(z), self.default if p is None else p)


ACTIVATIONS = {
    "linear": Activation(linear, linear_derivative),
    "step": Activation(step, step_derivative),
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "tanh": Activation(tanh, tanh_derivative),
    "softsign": Activation(softsign, softsign_derivative),
    "relu": Activation(relu, relu_derivative),
    "leaky_relu": Activation(leaky_relu, leaky_relu_derivative, default=0.1),
    "elu": Activation(elu, elu_derivative, default=1.0),
    "selu": Activation(selu, selu_derivative),
    "gelu": Activation(gelu, gelu_derivative),
    "silu": Activation(silu, silu_derivative),
    "softplus": Activation(softplus, softplus_derivative),
    "mish": Activation(mish, mish_derivative),
    "exponential": Activation(exponential, exponential),
}


def softmax(z):
    """y_i = e^(z_i) / sum_j e^(z_j), over the last axis; taking max z off first changes nothing but the overflow"""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(y, dy):
    """dz_j = sum_i dy_i y_i ([i = j] - y_j), that is dz = y (dy - sum(dy y)): the full Jacobian"""
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))
