"""Gestures of different lengths: which figure a hand has drawn, and in which direction, quickly or slowly.

Each sample is a list of steps (dx, dy), as many as the hand took. A recurrent network reads them as they are; a dense
one needs sequences of one length, so that they are cut off or filled up with zeros.
"""

import numpy as np
from sklearn.model_selection import cross_val_score

import multicapa as mc

rng = np.random.default_rng(0)
FIGURES = {
    "circle": lambda s: (np.cos(2 * np.pi * s), np.sin(2 * np.pi * s)),
    "circle, the other way round": lambda s: (np.cos(2 * np.pi * s), -np.sin(2 * np.pi * s)),
    "eight": lambda s: (np.sin(4 * np.pi * s), np.sin(2 * np.pi * s)),
    "zigzag": lambda s: (s, np.abs((4 * s) % 2 - 1)),
}


def drawn(figure):
    """A figure begun anywhere, in 12 to 60 steps of a trembling hand."""
    steps = rng.integers(12, 61)
    s = (rng.uniform() + np.linspace(0, 1, steps + 1)) % 1.0
    path = np.stack(figure(s), axis=1) * rng.uniform(0.7, 1.4)
    return np.diff(path, axis=0) * (steps / 20) + rng.normal(scale=0.15, size=(steps, 2))


kinds = rng.integers(len(FIGURES), size=600)
gestures = [drawn(list(FIGURES.values())[kind]) for kind in kinds]
names = np.array(list(FIGURES))[kinds]
print(f"{len(gestures)} gestures of {min(map(len, gestures))} to {max(map(len, gestures))} steps\n")

options = {
    "early_stopping": True,
    "n_iter_no_change": 8,
    "learning_rate_init": 0.01,
    "batch_size": 32,
    "random_state": 0,
}
recurrent = mc.NetworkClassifier([mc.Bidirectional(mc.GRU(16))], **options)
scores = cross_val_score(recurrent, gestures, names, cv=3)

filled = mc.data.pad(gestures).values
dense = mc.NetworkClassifier([mc.Flatten(), mc.Dense(64, "relu")], **options)
dense_scores = cross_val_score(dense, filled, names, cv=3)

print(f"dense on {filled.shape[1]} steps, filled up   {dense_scores.mean():.1%} right")
print(f"GRU in both directions        {scores.mean():.1%} right")

model = recurrent.fit(gestures, names)
slow = np.repeat(gestures[0] / 2, 2, axis=0)
print(f"\nA {names[0]} drawn at half the speed, in {len(slow)} steps: {model.predict([slow])[0]}")
