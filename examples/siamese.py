"""A siamese net: do two images show the same digit? One encoder, called twice, whose weights both calls share.

It is then asked about digits that it has never seen, 8 and 9, which a classifier could not name: there it does better
than guessing, and far from as well as on those it was trained on.
"""

import numpy as np
from sklearn.datasets import load_digits

import multicapa as mc


def pairs(images: np.ndarray, labels: np.ndarray, count: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Half of them of one digit, half of two."""
    rng = np.random.default_rng(seed)
    left = rng.integers(0, len(images), count)
    same = rng.random(count) < 0.5
    right = np.array([rng.choice(np.flatnonzero((labels == labels[i]) == s)) for i, s in zip(left, same, strict=True)])
    return {"left": images[left], "right": images[right]}, same.astype(int)


def build() -> mc.Network:
    """The encoder is a list of layers; the product of codes says how alike they are."""
    left, right = mc.Input((8, 8), name="left"), mc.Input((8, 8), name="right")
    encoder = [mc.Conv2D(16, 3, "relu"), mc.MaxPool2D(2), mc.Flatten(), mc.Dense(32, "relu"), mc.Dense(16, "tanh")]
    ends = []
    for end in (left, right):
        for layer in encoder:
            end = layer(end)
        ends.append(end)
    return mc.Network([left, right], mc.Dense(1, "sigmoid", name="same")(mc.multiply(ends)), seed=0)


images, labels = load_digits(return_X_y=True)
images = (images / 16).reshape(-1, 8, 8).astype(np.float32)
known, fresh = labels < 8, labels >= 8
train, test = np.arange(len(labels)) < 1200, np.arange(len(labels)) >= 1200
X, y = pairs(images[known & train], labels[known & train], 12000, seed=1)
net = build()
print(net.summary())
net.fit(X, y, optimizer=mc.Adam(2e-3), epochs=15, batch_size=64)
scores = {}
for name, rows in (("digits 0 to 7, other images", known & test), ("digits 8 and 9, never seen", fresh)):
    scores[name] = net.evaluate(*pairs(images[rows], labels[rows], 2000, seed=2))["accuracy"]
    print(f"same digit or not, {name}: {scores[name]:.3f}")
