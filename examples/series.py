"""Series: which of three signals is hidden in noise, found by filters that move along it.

Each signal is short and may lie anywhere, so that no single step tells anything; the maximum over all steps keeps the
best match of each filter, wherever it was.
"""

import numpy as np

import multicapa as mc

rng = np.random.default_rng(0)
STEPS, LENGTH = 96, 20
time = np.arange(LENGTH)
envelope = np.hanning(LENGTH)
SIGNALS = {
    "a wave": np.sin(2 * np.pi * time / 8) * envelope,
    "a rising wave": np.sin(2 * np.pi * (time / 14 + time**2 / 280)) * envelope,
    "a step": np.where(time < LENGTH // 2, -1, 1) * envelope,
}


def hidden(count):
    """Series of shape (count, STEPS, 1), and which signal is in each of them."""
    X = rng.normal(scale=0.3, size=(count, STEPS, 1))
    y = rng.integers(len(SIGNALS), size=count)
    starts = rng.integers(STEPS - LENGTH, size=count)
    for series, kind, start in zip(X, y, starts, strict=True):
        series[start : start + LENGTH, 0] += list(SIGNALS.values())[kind]
    return X, y


X, y = hidden(2000)
X_test, y_test = hidden(1000)

layers = {
    "dense": [mc.Flatten(), mc.Dense(32, "relu"), mc.Dropout(0.3), mc.Dense(16, "relu")],
    "Conv1D": [mc.Conv1D(8, 9, "relu"), mc.MaxPool1D(2), mc.Conv1D(16, 5, "relu"), mc.GlobalMaxPool1D()],
}
accuracies, networks = {}, {}
for name, hidden_layers in layers.items():
    net = mc.Sequential([*hidden_layers, mc.Dense(3, "softmax")], input_shape=(STEPS, 1), seed=0)
    history = net.fit(X, y, optimizer=mc.Adam(3e-3), epochs=40, batch_size=32)
    accuracies[name], networks[name] = net.evaluate(X_test, y_test)["accuracy"], net
    seconds = sum(history["seconds"])
    print(f"{name:7} {net.n_parameters:5} parameters, {seconds:.1f} s: right for {accuracies[name]:.1%}")

net = networks["Conv1D"]
print("\nThe confusions of the convolutional network:")
found = net.predict(X_test).argmax(axis=1)
for kind, name in enumerate(SIGNALS):
    counts = np.bincount(found[y_test == kind], minlength=3)
    print(f"  {name:14}" + "".join(f"{count:5}" for count in counts))

# The same weights serve series of any length, since no layer is tied to a number of steps.
longer = mc.Sequential([*layers["Conv1D"], mc.Dense(3, "softmax")], input_shape=(3 * STEPS, 1), seed=0)
longer.parameters.flat[:] = net.parameters.flat
X_long = np.concatenate([rng.normal(scale=0.3, size=(len(X_test), 2 * STEPS, 1)), X_test], axis=1)
accuracy_long = np.mean(longer.predict(X_long).argmax(axis=1) == y_test)
print(f"\nIn series three times as long, without training: right for {accuracy_long:.1%}")
