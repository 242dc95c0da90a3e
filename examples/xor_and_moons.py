"""What hidden units are for: XOR, two moons, and any labels at all with N - 1 hidden units for N samples."""

import numpy as np
from sklearn.datasets import make_moons

import multicapa as mc


def accuracy_with(hidden, X, y, seed=0, **options):
    """Of a net with so many hidden tanh units (none at all for 0), trained on all samples at once."""
    layers = [mc.Dense(hidden, "tanh")] if hidden else []
    net = mc.Sequential([*layers, mc.Dense(1, "sigmoid")], input_shape=(2,), dtype="float64", seed=seed)
    net.fit(X, y, **{"optimizer": "lbfgs", "batch_size": None, "epochs": 1000, **options})
    return net.evaluate(X, y)["accuracy"], net


X_xor, y_xor = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
xor = {hidden: max(accuracy_with(hidden, X_xor, y_xor, seed)[0] for seed in range(5)) for hidden in (0, 1, 2, 3)}
print("xor:   best accuracy of five starts by hidden units", xor)

X_moons, y_moons = make_moons(300, noise=0.1, random_state=0)
moons = {hidden: accuracy_with(hidden, X_moons, y_moons, l2=1e-4)[0] for hidden in (0, 2, 8, 32)}
print("moons: accuracy by hidden units", {hidden: round(accuracy, 3) for hidden, accuracy in moons.items()})

# One hidden layer of N - 1 units separates any N samples, with labels of pure chance.
rng = np.random.default_rng(0)
X_chance, y_chance = rng.normal(size=(20, 2)), rng.permutation(20) % 2
chance = accuracy_with(19, X_chance, y_chance, epochs=5000)[0]
print(f"20 samples with random labels and 19 hidden units: accuracy {chance:.2f}")

# The boundary between the moons, drawn with letters.
net = accuracy_with(8, X_moons, y_moons, l2=1e-4)[1]
across, down = np.linspace(-1.5, 2.5, 64), np.linspace(1.5, -1, 16)
grid = np.array([[x, y] for y in down for x in across])
for row in (net.predict(grid).reshape(16, 64) > 0.5).tolist():
    print("".join(".#"[inside] for inside in row))
