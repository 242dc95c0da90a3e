"""Parity of a string of bits: a finite automaton of two states, learnt by a second-order recurrent network.

Each input of a second-order network chooses a matrix by which the state goes on, and "a 1 swaps the two states" is one
such matrix. A first-order network of the same size has to build the exclusive or of its state and the input first.
"""

import numpy as np

import multicapa as mc

rng = np.random.default_rng(0)


def strings(count, shortest, longest):
    """Strings of bits of different lengths, each bit one of two inputs, and whether their ones are odd in number."""
    bits = [rng.integers(0, 2, rng.integers(shortest, longest + 1)) for _ in range(count)]
    return [np.eye(2)[b] for b in bits], np.array([b.sum() % 2 for b in bits])


train, train_parity = strings(1000, 1, 12)
longer, longer_parity = strings(500, 20, 40)


def accuracy_after(layer, epochs=40):
    """On the strings it was trained with, and on others that are longer than any of them."""
    net = mc.Sequential([layer, mc.Dense(1, "sigmoid")], input_shape=(40, 2), seed=1)
    net.fit(train, train_parity, epochs=epochs, optimizer=mc.Adam(0.01), clip_norm=1.0)
    return net.evaluate(train, train_parity)["accuracy"], net.evaluate(longer, longer_parity)["accuracy"]


second_seen, second_longer = accuracy_after(mc.SecondOrderRNN(4))
first_seen, first_longer = accuracy_after(mc.SimpleRNN(4))

print("accuracy        1 to 12 bits   20 to 40 bits")
print(f"second order    {second_seen:12.3f} {second_longer:15.3f}")
print(f"first order     {first_seen:12.3f} {first_longer:15.3f}")
