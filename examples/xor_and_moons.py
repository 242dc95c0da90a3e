"""What hidden units are for: XOR, two moons, and any labels at all with N - 1 hidden units for N samples."""

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import make_moons

import multicapa as mc


def train(hidden, X, y, seed=0, **options):
    """A net with so many hidden tanh units, none at all for 0, and its accuracy; all samples at once."""
    layers = [mc.Dense(hidden, "tanh")] if hidden else []
    net = mc.Sequential([*layers, mc.Dense(1, "sigmoid")], input_shape=(2,), dtype="float64", seed=seed)
    net.fit(X, y, **{"optimizer": "lbfgs", "batch_size": None, "epochs": 1000, **options})
    return net.evaluate(X, y)["accuracy"], net


def best_of(starts, hidden, X, y, **options):
    """The most accurate of nets that start from different weights."""
    return max((train(hidden, X, y, seed, **options) for seed in range(starts)), key=lambda pair: pair[0])


X_xor, y_xor = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
X_moons, y_moons = make_moons(300, noise=0.1, random_state=0)
xor_nets = {hidden: best_of(5, hidden, X_xor, y_xor, l2=1e-3) for hidden in (0, 1, 2, 3)}
moon_nets = {hidden: train(hidden, X_moons, y_moons, seed=1, l2=1e-4) for hidden in (0, 2, 4, 8)}
xor, moons = ({hidden: pair[0] for hidden, pair in nets.items()} for nets in (xor_nets, moon_nets))
for name, accuracies in (("XOR", xor), ("two moons", moons)):
    print(f"\n{name}: accuracy by hidden units")
    for hidden, accuracy in accuracies.items():
        print(f"{hidden:3}  {'#' * round(40 * accuracy):40} {accuracy:.3f}")

# One hidden layer of N - 1 units separates any N samples, with labels of pure chance.
rng = np.random.default_rng(0)
X_chance, y_chance = rng.normal(size=(20, 2)), rng.permutation(20) % 2
chance = train(19, X_chance, y_chance, epochs=5000)[0]
print(f"\n20 samples with random labels and 19 hidden units: accuracy {chance:.2f}\n")

# The boundary between the moons, drawn with letters ...
net = moon_nets[8][1]
across, down = np.linspace(-1.5, 2.5, 64), np.linspace(1.5, -1, 16)
grid = np.array([[x, y] for y in down for x in across])
for row in (net.predict(grid).reshape(16, 64) > 0.5).tolist():
    print("".join(".#"[inside] for inside in row))

# ... and as a picture, with the lines along which the hidden units change sides.
figure = Figure(figsize=(11, 9), layout="constrained")
axes = figure.subplots(2, 2)
panels = [("XOR", 1, xor_nets), ("XOR", 2, xor_nets), ("Two moons", 2, moon_nets), ("Two moons", 8, moon_nets)]
for (name, hidden, nets), ax in zip(panels, axes.flat, strict=True):
    X, y, margin = (X_xor, y_xor, 0.4) if name == "XOR" else (X_moons, y_moons, 0.15)
    mc.plots.DecisionBoundaryDisplay.from_network(nets[hidden][1], X, y, hidden=True, margin=margin, ax=ax)
    ax.set_title(f"{name}, {hidden} hidden unit{'s' if hidden > 1 else ''}", pad=22, loc="left")
figure.savefig("xor_and_moons.png", dpi=110)
print("\nBoundaries: xor_and_moons.png")
