"""A transformer that sees whether a number comes twice: each step looks for its like among all others.

A sequence of numbers is a set of vectors to a transformer, told apart by their places; attention compares each with
each, which is just what the question is about. A recurrent network of the same size has to carry all it has seen along.
"""

from pathlib import Path

import numpy as np

import multicapa as mc

rng = np.random.default_rng(0)
numbers, longest = 20, 12


def sequences(count):
    """Half of them with a number that comes twice."""
    found = []
    for i in range(count):
        sequence = rng.permutation(numbers)[: rng.integers(4, longest + 1)]
        if i % 2:
            here, there = rng.choice(len(sequence), 2, replace=False)
            sequence[there] = sequence[here]
        found.append(sequence)
    return found, np.arange(count) % 2


X, y = sequences(12000)
X_test, y_test = sequences(1000)


def block(x, units, heads):
    """Attention and a network for each step, both with a way around them."""
    h = mc.LayerNorm()(x + mc.MultiHeadAttention(heads, units // heads)(x))
    return mc.LayerNorm()(h + mc.Dense(units)(mc.Dense(2 * units, "relu")(h)))


def accuracy(made_of):
    tokens = mc.Input(longest)
    h = made_of(mc.Embedding(numbers, 24)(tokens))
    net = mc.Network(tokens, mc.Dense(1, "sigmoid")(h), seed=0)
    net.fit(X, y, epochs=25, batch_size=64, optimizer=mc.Adam(0.004), clip_norm=1.0)
    return net, net.evaluate(X_test, y_test)["accuracy"]


transformer, sees = accuracy(lambda h: mc.GlobalMaxPool1D()(block(mc.PositionalEncoding()(h), 24, 2)))
_, remembers = accuracy(mc.GRU(24))
print(f"accuracy on new sequences: transformer {sees:.3f}, recurrent {remembers:.3f}")

sample = np.array([3, 7, 11, 5, 7, 0])
names = [str(number) for number in sample]
display = mc.plots.AttentionDisplay.from_network(transformer, sample, query=names, memory=names)
display.figure_.savefig(Path("transformer.png"), dpi=150)
weights = display.weights.max(axis=0)
print(f"one 7 looks at the other with a weight of {weights[1, 4]:.2f}: transformer.png")
