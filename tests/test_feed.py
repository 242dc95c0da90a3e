"""What an epoch is fed: fit(augment=...) through the training loop."""

import itertools
import threading

import numpy as np
import pytest

import multicapa as mc

X = np.random.default_rng(0).normal(size=(40, 6))
Y = np.arange(40) % 3


def network(seed=0):
    return mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(3, "softmax")], input_shape=(6,), dtype="float64", seed=seed)


def test_each_epoch_sees_samples_of_its_own():
    seen = []

    def augment(samples, rng):
        seen.append(samples + rng.normal(size=samples.shape))
        return seen[-1]

    net = network()
    net.fit(X, Y, epochs=4, augment=augment)
    assert len(seen) == 4
    assert all((a != b).all() for a, b in itertools.pairwise(seen))
    other = network()
    other.fit(X, Y, epochs=4)
    assert (net.parameters.flat != other.parameters.flat).any()


def test_what_augment_returns_is_what_is_trained():
    net, plain = network(), network()
    net.fit(X, Y, epochs=3, shuffle=False, augment=lambda samples, rng: 2 * samples)
    plain.fit(2 * X, Y, epochs=3, shuffle=False)
    np.testing.assert_array_equal(net.parameters.flat, plain.parameters.flat)


def test_same_seed_same_bits():
    noise = mc.augment.Noise(0.5)
    a, b, c = network(1), network(1), network(2)
    for net in (a, b, c):
        net.fit(X, Y, epochs=3, augment=noise)
    np.testing.assert_array_equal(a.parameters.flat, b.parameters.flat)
    assert (a.parameters.flat != c.parameters.flat).any()


def test_it_runs_beside_the_training():
    threads = set()

    def augment(samples, rng):
        threads.add(threading.current_thread().name)
        return samples

    network().fit(X, Y, epochs=2, augment=augment)
    assert threading.current_thread().name not in threads


def test_an_error_in_augment_reaches_the_caller():
    calls = []

    def augment(samples, rng):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("no more ideas")
        return samples

    net = network()
    with pytest.raises(RuntimeError, match="no more ideas"):
        net.fit(X, Y, epochs=5, augment=augment)
    assert np.isfinite(net.predict(X)).all()


@pytest.mark.parametrize("wrong", [X[:, :5], np.full_like(X, np.nan), X[:10]])
def test_wrong_results_are_told(wrong):
    net = network()
    before = net.parameters.flat.copy()
    with pytest.raises(ValueError, match="the augmented X"):
        net.fit(X, Y, epochs=2, augment=lambda samples, rng: wrong)
    np.testing.assert_array_equal(net.parameters.flat, before)
