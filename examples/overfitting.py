"""Under- and overfitting: what the curves of train and dev tell, and what helps.

A net that is too small stays bad on both. A net with many weights learns the noise of little data by heart: the loss on
train keeps falling while the loss on dev turns and rises. L2, dropout and early stopping trade the one for the other.
"""

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import make_moons

import multicapa as mc

X_train, y_train = make_moons(80, noise=0.3, random_state=4)
X_dev, y_dev = make_moons(1000, noise=0.3, random_state=1)


def train(hidden, activation="relu", dropout=0.0, **options):
    """A net with such hidden layers after 200 epochs."""
    layers = [layer for units in hidden for layer in (mc.Dense(units, activation), mc.Dropout(dropout))]
    net = mc.Sequential([*layers, mc.Dense(2, "softmax")], input_shape=(2,), seed=1)
    options = {"optimizer": mc.Adam(0.01), "epochs": 200, "batch_size": 16, **options}
    net.fit(X_train, y_train, validation_data=(X_dev, y_dev), **options)
    return net


def losses(net):
    """On train and dev, of the net as it is now."""
    return net.evaluate(X_train, y_train)["loss"], net.evaluate(X_dev, y_dev)["loss"]


sizes = {
    "too small: a straight line": train([]),
    "about right: 8 tanh units": train([8], "tanh", l2=0.003),
    "too large: 100 + 100 relu": train([100, 100]),
}
small, right, large = (net.history for net in sizes.values())
turn = int(np.argmin(large["val_loss"]))
print("            too small       about right        too large")
print("epoch     train    dev     train    dev     train    dev")
for epoch in (0, 3, 10, 30, 100, 199):
    pairs = [f"{history['loss'][epoch]:9.3f} {history['val_loss'][epoch]:6.3f}" for history in (small, right, large)]
    print(f"{epoch:5}" + "  ".join(pairs))
print(f"\nThe large net is best on dev after epoch {turn}. What helps it:\n")

results = {
    "nothing": losses(sizes["too large: 100 + 100 relu"]),
    "L2 of 0.01": losses(train([100, 100], l2=0.01)),
    "dropout 0.5": losses(train([100, 100], dropout=0.5)),
    "early stopping": losses(train([100, 100], callbacks=[mc.EarlyStopping(20)])),
}
print("                 train    dev")
for name, (on_train, on_dev) in results.items():
    print(f"{name:15} {on_train:6.3f} {on_dev:6.3f}  {'#' * round(25 * on_dev)}")

figure = Figure(figsize=(12, 7), layout="constrained")
axes = figure.subplots(2, 3, sharey="row")
for (name, net), above, below in zip(sizes.items(), *axes, strict=True):
    mc.plots.LearningCurvesDisplay.from_history(net, metrics="loss", ax=above)
    above.set(yscale="linear", ylim=(0, 1.3))
    above.set_title(name, pad=40, loc="left")
    mc.plots.DecisionBoundaryDisplay.from_network(net, X_train, y_train, ax=below)
figure.savefig("overfitting.png", dpi=110)
print("\nCurves and boundaries: overfitting.png")
