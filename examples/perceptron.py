"""Rosenblatt's perceptron: a step output, weights that change on errors only.

On separable data it stops making errors after a finite number of changes, whatever the learning rate. On XOR it never
does, because no straight line separates the classes; one hidden layer does.
"""

import numpy as np

import multicapa as mc


def perceptron(n_features):
    """One unit, all its weights 0: the first sample already counts as wrong."""
    return mc.Sequential([mc.Dense(1, "step", weight_init="zeros")], input_shape=(n_features,), seed=0)


def epochs_until_no_error(net, X, t, epochs):
    """Train sample by sample until all are right; None when that never happens."""

    def all_right(net, epoch):
        return net.evaluate(X, t)["accuracy"] == 1

    options = {"optimizer": mc.SGD(1.0), "batch_size": 1, "callbacks": [all_right]}
    history = net.fit(X, t, loss="perceptron", epochs=epochs, **options)
    return len(history) if net.evaluate(X, t)["accuracy"] == 1 else None


# Points on both sides of a line, with a narrow gap between them.
rng = np.random.default_rng(0)
X_line = rng.uniform(-1, 1, (200, 2))
distance = X_line @ [0.6, 0.8] + 0.2
X_line, t_line = X_line[abs(distance) > 0.02], np.sign(distance[abs(distance) > 0.02])
line = perceptron(2)
epochs_on_line = epochs_until_no_error(line, X_line, t_line, epochs=500)
print(f"{len(X_line)} separable points: no error after {epochs_on_line} epochs")

# From now on every sample is right, so nothing changes any more.
before = line.parameters.flat.copy()
line.fit(X_line, t_line, loss="perceptron", optimizer=mc.SGD(1.0), epochs=10, batch_size=1)
change_when_right = abs(line.parameters.flat - before).max()
print(f"change of the weights in 10 more epochs: {change_when_right}")

# AND and OR are separable, XOR is not.
X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
gates = {"and": [-1.0, -1, -1, 1], "or": [-1.0, 1, 1, 1], "xor": [-1.0, 1, 1, -1]}
epochs_on_gates = {name: epochs_until_no_error(perceptron(2), X, t, epochs=1000) for name, t in gates.items()}
for name, epochs in epochs_on_gates.items():
    print(f"{name}: " + (f"learnt in {epochs} epochs" if epochs else "not learnt in 1000 epochs"))

# Two layers solve it: the hidden one bends the boundary. A step has no slope to learn by, so tanh takes its place.
two_layers = mc.Sequential([mc.Dense(4, "tanh"), mc.Dense(1, "tanh")], input_shape=(2,), seed=0)
two_layers.fit(X, gates["xor"], loss="half_squared_error", optimizer=mc.Adam(0.05), epochs=300, batch_size=None)
xor_outputs = two_layers.predict(X).ravel()
print(f"xor with two layers: {xor_outputs.round(2)}, wanted {gates['xor']}")
