"""A layer of one's own in NumPy: bells around centres that are learnt (radial basis functions), for two moons.

``check_gradients`` tells whether its backward is right, here also of one with a sign forgotten.
"""

import numpy as np
from sklearn.datasets import make_moons

import multicapa as mc


def bells(x, centres, width):
    """``y_j = exp(-width_j |x - centre_j|^2)``."""
    apart = x[:, None, :] - centres
    return np.exp(-width * (apart**2).sum(axis=2))


def bells_back(dy, x, centres, width):
    """The gradients with respect to x, and to the parameters."""
    apart = x[:, None, :] - centres
    squares = (apart**2).sum(axis=2)
    slope = dy * np.exp(-width * squares)
    dx = (-2 * width * slope)[:, :, None] * apart
    return dx.sum(axis=1), {"centres": -dx.sum(axis=0), "width": (-slope * squares).sum(axis=0)}


def forgotten_sign(dy, x, centres, width):
    dx, gradients = bells_back(dy, x, centres, width)
    return dx, gradients | {"centres": -gradients["centres"]}


def build(backward) -> mc.Network:
    start = {"centres": np.random.default_rng(0).uniform(-1, 2, (12, 2)), "width": np.full(12, 2.0)}
    layer = mc.layers.Custom(bells, backward, start, output_shape=12, name="bells")
    return mc.Sequential([mc.Dense(2, weight_init=np.eye(2)), layer, mc.Dense(1, "sigmoid")], input_shape=2, seed=0)


X, y = make_moons(600, noise=0.15, random_state=0)
wrong, right = (mc.check_gradients(build(backward), X[:10], y[:10]) for backward in (forgotten_sign, bells_back))
print(f"with a sign forgotten:\n{wrong}\n\nwith the right backward:\n{right}")
net = build(bells_back)
net.fit(X[:400], y[:400], optimizer=mc.Adam(0.02), epochs=100)
accuracy = net.evaluate(X[400:], y[400:])["accuracy"]
print(f"\naccuracy on other points: {accuracy:.3f}")
