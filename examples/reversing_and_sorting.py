"""Reversing and sorting letters, by a recurrent network and by a transformer.

Both are about places: reversing asks what stood where, sorting what comes next among all there are.
"""

import numpy as np

import multicapa as mc

rng = np.random.default_rng(0)
letters = list("abcdefgh")


def words(count):
    return ["".join(rng.choice(letters, rng.integers(2, 9))) for _ in range(count)]


def reverse(word):
    return word[::-1]


def sort(word):
    return "".join(sorted(word))


texts, new = words(3000), words(300)
exact = {}
for task in (reverse, sort):
    for architecture in ("recurrent", "transformer"):
        model = mc.Seq2Seq(architecture, units=32, seed=0)
        model.fit(texts, [task(word) for word in texts], epochs=12, batch_size=64, learning_rate=0.005)
        exact[task.__name__, architecture] = model.score(new, [task(word) for word in new])
        example = model.predict(new[:1])[0]
        print(f"{architecture:12} {task.__name__:8} {new[0]} -> {example:9} {exact[task.__name__, architecture]:.3f}")
