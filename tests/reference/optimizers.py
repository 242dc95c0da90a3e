"""Optimisers: theta = optimizer.step(theta, gradient, rate). g is the gradient, rho the rate of this step.

`rate` is what a schedule gives for this step; without it, the optimiser's own learning rate holds.
State (momentum, squares of gradients) starts at 0 and takes theta's shape at the first step.
Same formulas and defaults as PyTorch's.
"""

import numpy as np


class Optimizer:
    """Holds the learning rate; `update` is each optimiser's formula."""

    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def step(self, theta, gradient, rate=None):
        """theta(k) from theta(k-1) and the gradient there"""
        rho = self.learning_rate if rate is None else rate
        return self.update(np.asarray(theta, dtype=np.float64), np.asarray(gradient, dtype=np.float64), rho)

    def update(self, theta, g, rho):
        raise NotImplementedError


class SGD(Optimizer):
    """theta -= rho g"""

    def __init__(self, learning_rate=0.01):
        super().__init__(learning_rate)

    def update(self, theta, g, rho):
        return theta - rho * g


class Momentum(Optimizer):
    """delta(k) = -rho g + nu delta(k-1); theta += delta(k)"""

    def __init__(self, learning_rate=0.01, momentum=0.9):
        super().__init__(learning_rate)
        self.nu = momentum
        self.delta = 0.0

    def update(self, theta, g, rho):
        self.delta = -rho * g + self.nu * self.delta
        return theta + self.delta


class Nesterov(Optimizer):
    """v = nu v - rho g; theta += nu v - rho g"""

    def __init__(self, learning_rate=0.01, momentum=0.9):
        super().__init__(learning_rate)
        self.nu = momentum
        self.v = 0.0

    def update(self, theta, g, rho):
        self.v = self.nu * self.v - rho * g
        return theta + self.nu * self.v - rho * g


class Adagrad(Optimizer):
    """s += g^2; theta -= rho g / (sqrt(s) + eps)"""

    def __init__(self, learning_rate=0.01, epsilon=1e-10):
        super().__init__(learning_rate)
        self.epsilon = epsilon
        self.s = 0.0

    def update(self, theta, g, rho):
        self.s = self.s + g**2
        return theta - rho * g / (np.sqrt(self.s) + self.epsilon)


class Adadelta(Optimizer):
    """s = r s + (1-r) g^2; d = g sqrt(u + eps) / sqrt(s + eps); u = r u + (1-r) d^2; theta -= rho d"""

    def __init__(self, learning_rate=1.0, rho=0.9, epsilon=1e-6):
        super().__init__(learning_rate)
        self.r, self.epsilon = rho, epsilon
        self.s = 0.0
        self.u = 0.0

    def update(self, theta, g, rho):
        self.s = self.r * self.s + (1 - self.r) * g**2
        d = g * np.sqrt(self.u + self.epsilon) / np.sqrt(self.s + self.epsilon)
        self.u = self.r * self.u + (1 - self.r) * d**2
        return theta - rho * d


class RMSprop(Optimizer):
    """s = r s + (1-r) g^2; theta -= rho g / (sqrt(s) + eps)"""

    def __init__(self, learning_rate=0.01, rho=0.99, epsilon=1e-8):
        super().__init__(learning_rate)
        self.r, self.epsilon = rho, epsilon
        self.s = 0.0

    def update(self, theta, g, rho):
        self.s = self.r * self.s + (1 - self.r) * g**2
        return theta - rho * g / (np.sqrt(self.s) + self.epsilon)


class Adam(Optimizer):
    """m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; theta -= rho m^ / (sqrt(v^) + eps)
    with m^ = m / (1 - b1^k), v^ = v / (1 - b2^k); with epsilon_hat, eps stands beside sqrt(v) instead"""

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, epsilon_hat=False):
        super().__init__(learning_rate)
        self.beta1, self.beta2, self.epsilon, self.epsilon_hat = beta1, beta2, epsilon, epsilon_hat
        self.m = 0.0
        self.v = 0.0
        self.k = 0

    def update(self, theta, g, rho):
        self.k += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        m_hat = self.m / (1 - self.beta1**self.k)
        if self.epsilon_hat:
            return theta - rho * np.sqrt(1 - self.beta2**self.k) * m_hat / (np.sqrt(self.v) + self.epsilon)
        v_hat = self.v / (1 - self.beta2**self.k)
        return theta - rho * m_hat / (np.sqrt(v_hat) + self.epsilon)


class AdamW(Adam):
    """theta *= 1 - rho weight_decay; then Adam"""

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01, epsilon_hat=False):
        super().__init__(learning_rate, beta1, beta2, epsilon, epsilon_hat)
        self.weight_decay = weight_decay

    def update(self, theta, g, rho):
        return super().update(theta * (1 - rho * self.weight_decay), g, rho)


class Adamax(Optimizer):
    """m = b1 m + (1-b1) g; u = max(b2 u, |g| + eps); theta -= rho m^ / u with m^ = m / (1 - b1^k)"""

    def __init__(self, learning_rate=0.002, beta1=0.9, beta2=0.999, epsilon=1e-8):
        super().__init__(learning_rate)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.m = 0.0
        self.u = 0.0
        self.k = 0

    def update(self, theta, g, rho):
        self.k += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.u = np.maximum(self.beta2 * self.u, np.abs(g) + self.epsilon)
        m_hat = self.m / (1 - self.beta1**self.k)
        return theta - rho * m_hat / self.u


class Nadam(Optimizer):
    """Adam with Nesterov's look ahead; mu_k = b1 (1 - 0.96^(k psi) / 2), psi the momentum decay, P_k = mu_1 ... mu_k:
    theta -= rho [(1 - mu_k) g / (1 - P_k) + mu_(k+1) m / (1 - P_(k+1))] / (sqrt(v^) + eps)"""

    def __init__(self, learning_rate=0.002, beta1=0.9, beta2=0.999, epsilon=1e-8, momentum_decay=4e-3):
        super().__init__(learning_rate)
        self.beta1, self.beta2, self.epsilon, self.psi = beta1, beta2, epsilon, momentum_decay
        self.m = 0.0
        self.v = 0.0
        self.k = 0
        self.P = 1.0

    def mu(self, k):
        return self.beta1 * (1 - 0.5 * 0.96 ** (k * self.psi))

    def update(self, theta, g, rho):
        self.k += 1
        mu, mu_next = self.mu(self.k), self.mu(self.k + 1)
        self.P = self.P * mu
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        v_hat = self.v / (1 - self.beta2**self.k)
        m_hat = (1 - mu) * g / (1 - self.P) + mu_next * self.m / (1 - self.P * mu_next)
        return theta - rho * m_hat / (np.sqrt(v_hat) + self.epsilon)


class Rprop(Optimizer):
    """Each weight has its own step d, at first rho: d *= eta+ where g keeps its sign, d *= eta- where it turns
    (and there g counts as 0); theta -= d sign(g). The rate matters at the first step only."""

    def __init__(self, learning_rate=0.01, etas=(0.5, 1.2), step_sizes=(1e-6, 50.0)):
        super().__init__(learning_rate)
        self.eta_minus, self.eta_plus = etas
        self.d_min, self.d_max = step_sizes
        self.d = None
        self.g_previous = 0.0

    def update(self, theta, g, rho):
        if self.d is None:
            self.d = np.full_like(theta, rho)
        turn = np.sign(g * self.g_previous)
        factor = np.where(turn > 0, self.eta_plus, np.where(turn < 0, self.eta_minus, 1.0))
        self.d = np.clip(self.d * factor, self.d_min, self.d_max)
        g = np.where(turn < 0, 0.0, g)
        self.g_previous = g
        return theta - self.d * np.sign(g)


OPTIMIZERS = {
    "SGD": SGD,
    "Momentum": Momentum,
    "Nesterov": Nesterov,
    "Adagrad": Adagrad,
    "Adadelta": Adadelta,
    "RMSprop": RMSprop,
    "Adam": Adam,
    "AdamW": AdamW,
    "Adamax": Adamax,
    "Nadam": Nadam,
    "Rprop": Rprop,
}
