"""Handwritten digits of 8 x 8 pixels as images: a small sister of LeNet-5 beside a dense network of about its size.

Both see the digits moved by up to a pixel, anew in each epoch. A filter finds a stroke wherever it lies; a dense layer
has to learn it for each place anew, so it gains nothing.
"""

import numpy as np
from sklearn.datasets import load_digits

import multicapa as mc

X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8) / 16
EPOCHS, BATCH = 50, 32


def convolutional(seed):
    """(Convolution, pooling) twice as in LeNet-5, on images too small for filters of 5 x 5."""
    layers = [mc.Conv2D(24, 3, "relu", padding="same"), mc.MaxPool2D(2)]
    layers += [mc.Conv2D(48, 3, "relu", padding="same"), mc.MaxPool2D(2)]
    layers += [mc.Flatten(), mc.Dropout(0.3), mc.Dense(64, "relu"), mc.Dense(10, "softmax")]
    return mc.Sequential(layers, input_shape=(8, 8), seed=seed)


def dense(seed):
    layers = [mc.Flatten(), mc.Dense(160, "relu"), mc.Dropout(0.2), mc.Dense(72, "relu"), mc.Dense(10, "softmax")]
    return mc.Sequential(layers, input_shape=(8, 8), seed=seed)


print(convolutional(0).summary(), "\n")

accuracies = {"convolutional": [], "dense": [], "dense, not moved": []}
seconds = dict.fromkeys(accuracies, 0.0)
for seed in range(5):
    split = mc.data.train_dev_test_split(X, y, seed=seed)
    steps = EPOCHS * -(-len(split.X_train) // BATCH)
    for name, build, augment in (
        ("convolutional", convolutional, mc.augment.Crop(1)),
        ("dense", dense, mc.augment.Crop(1)),
        ("dense, not moved", dense, None),
    ):
        net = build(seed)
        options = {"optimizer": mc.Adam(mc.schedules.Cosine(4e-3, steps)), "augment": augment}
        history = net.fit(split.X_train, split.y_train, epochs=EPOCHS, batch_size=BATCH, **options)
        accuracies[name].append(net.evaluate(split.X_test, split.y_test)["accuracy"])
        seconds[name] += sum(history["seconds"])

print(f"Accuracy on {len(split.y_test)} test digits, of five splits and seeds:")
for name, reached in accuracies.items():
    low, median, high = np.percentile(reached, [0, 50, 100])
    print(f"{name:17} {low:.2%} to {high:.2%}, median {median:.2%}; {seconds[name] / 5:.1f} s each")
