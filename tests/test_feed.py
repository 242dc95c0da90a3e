"""What an epoch is fed: augmented samples, and the order to visit them in."""

import itertools
import threading

import numpy as np
import pytest

import multicapa as mc
from multicapa import _core

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


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1000])
def test_an_order_is_a_permutation_that_its_key_decides(count):
    order = np.arange(count)
    made = _core.shuffled(order, 1, 2)
    assert made.dtype == np.int64
    assert sorted(made) == list(range(count))
    np.testing.assert_array_equal(order, np.arange(count))
    np.testing.assert_array_equal(made, _core.shuffled(order, 1, 2))
    np.testing.assert_array_equal(made, _core.shuffled(count, 1, 2))
    if count > 3:
        assert (made != _core.shuffled(order, 1, 3)).any()
        assert (made != _core.shuffled(order, 2, 2)).any()


def test_every_permutation_is_as_likely_as_any_other():
    """Chi-squared over the 24 orders of four samples, at a level that one in a million fair shuffles misses."""
    trials = 24_000
    counts: dict[tuple[int, ...], int] = {}
    for stream in range(trials):
        made = tuple(_core.shuffled(4, 7, stream).tolist())
        counts[made] = counts.get(made, 0) + 1
    assert len(counts) == 24
    expected = trials / 24
    assert sum((n - expected) ** 2 / expected for n in counts.values()) < 73
