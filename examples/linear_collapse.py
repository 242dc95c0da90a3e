"""Layers without activations collapse: y = x W1 W2 W3 is one linear layer, however many there are.

So depth is worth nothing without nonlinear activations: the deep linear net cannot do better than a straight line, a
single hidden layer of tanh can.
"""

import numpy as np

import multicapa as mc

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (200, 3))
t = X[:, 0] * X[:, 1] + np.sin(3 * X[:, 2])  # nothing that a plane could follow
LOSS = "half_squared_error"

deep = mc.Sequential([mc.Dense(20), mc.Dense(20), mc.Dense(1)], input_shape=(3,), dtype="float64", seed=0)
deep.fit(X, t, loss=LOSS, optimizer="lbfgs", epochs=500, batch_size=None)

# One layer with the product of the matrices, and the biases carried through.
W, b = np.eye(3), np.zeros(3)
for i in (1, 2, 3):
    V, c = deep.parameters[f"dense_{i}.weight"], deep.parameters[f"dense_{i}.bias"]
    W, b = W @ V, b @ V + c
collapsed = mc.Sequential([mc.Dense(1, weight_init=W, bias_init=b)], input_shape=(3,), dtype="float64", seed=0)
difference = abs(deep.predict(X) - collapsed.predict(X)).max()
print(f"{deep.n_parameters} parameters and {collapsed.n_parameters} say the same: difference {difference:.1e}")

# What one linear layer can reach at best, and what a hidden layer with an activation reaches.
with_ones = np.c_[X, np.ones(200)]
best_plane = with_ones @ np.linalg.lstsq(with_ones, t)[0]
loss_of_plane = 0.5 * np.mean((t - best_plane) ** 2)
loss_of_deep = deep.evaluate(X, t, loss=LOSS)["loss"]
bent = mc.Sequential([mc.Dense(20, "tanh"), mc.Dense(1)], input_shape=(3,), dtype="float64", seed=0)
bent.fit(X, t, loss=LOSS, optimizer="lbfgs", epochs=500, batch_size=None)
loss_of_bent = bent.evaluate(X, t, loss=LOSS)["loss"]
print(f"loss: best plane {loss_of_plane:.5f}, three linear layers {loss_of_deep:.5f}, one of tanh {loss_of_bent:.5f}")
