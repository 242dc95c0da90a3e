"""Handwritten digits of 8 x 8 pixels: split, standardise, train with early stopping on dev, judge on test."""

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

import multicapa as mc

split = mc.data.train_dev_test_split(*load_digits(return_X_y=True), seed=0)
standardizer = mc.data.Standardizer().fit(split.X_train)  # on the training samples only
X_train, X_dev, X_test = (standardizer.transform(X) for X in (split.X_train, split.X_dev, split.X_test))

layers = [mc.Dense(64, "relu"), mc.Dropout(0.2), mc.Dense(32, "relu"), mc.Dense(10, "softmax")]
net = mc.Sequential(layers, input_shape=(64,), seed=0)
print(net.summary(), "\n")

stop = mc.EarlyStopping(patience=10)
options = {"optimizer": mc.Adam(2e-3), "epochs": 100, "callbacks": [stop]}
history = net.fit(X_train, split.y_train, validation_data=(X_dev, split.y_dev), **options)
seconds = sum(history["seconds"])
print(f"{len(history)} epochs in {seconds:.2f} s; kept the weights of epoch {stop.best_epoch}, the best on dev.")

accuracy = net.evaluate(X_test, split.y_test)["accuracy"]
outputs = net.predict(X_test)
predicted = outputs.argmax(axis=1)
wrong = np.flatnonzero(predicted != split.y_test)
print(f"Right for {accuracy:.1%} of the {len(X_test)} test digits, wrong for {len(wrong)}:")
for row in wrong:
    sure = outputs[row, predicted[row]]
    print(f"  a {split.y_test[row]}, taken for a {predicted[row]} with {sure:.0%}")


def letters(pixels):
    """A digit for the terminal, two letters a pixel."""
    return "\n".join("".join(2 * " .:*#@"[int(p * 5 / 16)] for p in row) for row in pixels.reshape(8, 8))


print(f"\nThe first of them, a {split.y_test[wrong[0]]}:\n{letters(split.X_test[wrong[0]])}")

figure = Figure(figsize=(10, 4.6), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(3, 2))
mc.plots.LearningCurvesDisplay.from_history(net, best_epoch=stop.best_epoch, ax=left.subplots())
for ax, row in zip(right.subplots(3, 3).flat, wrong, strict=False):
    ax.imshow(split.X_test[row].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{split.y_test[row]} taken for {predicted[row]}", fontsize=9)
for ax in right.axes:
    ax.set_axis_off()
figure.savefig("digits.png", dpi=110)
print("\nCurves and mistakes: digits.png")
