"""Dropout of what recurrent layers read and recall: one mask for all steps of a sequence, made visible."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, TOLERANCE, all_equal, assert_near, randomize, rng
from reference import ReferenceNetwork
from test_recurrent import KINDS, numbers

RATES = {"dropout": 0.3, "recurrent_dropout": 0.4}
FEATURES, TIME = 3, 5


def drawn(units, batch, dtype="float64", seed=0, steps=1):
    """Masks of x and of h in each step of training: a linear layer whose states tell of them, by the gradient of a
    Dense behind it whose delta is 1."""
    layer = mc.SimpleRNN(units, "linear", **RATES)
    net = mc.Sequential([layer, mc.Dense(batch, weight_init="zeros")], input_shape=(TIME, FEATURES), dtype=dtype,
                        seed=seed)  # fmt: skip
    X, T, found = np.ones((batch, TIME, FEATURES)), -batch * np.eye(batch), []
    W, U, b = (net.parameters[f"simple_rnn_1.{name}"] for name in ("weight", "recurrent_weight", "bias"))
    for _ in range(steps):
        W[:], U[:], b[:] = np.eye(FEATURES, units), 0, 0
        of_x = net.loss_and_gradient(X, T, loss="half_squared_error")[1]["dense_1.weight"].T[:, :FEATURES].copy()
        W[:], U[:], b[:] = 0, np.eye(units), 1
        states = net.loss_and_gradient(X, T, loss="half_squared_error")[1]["dense_1.weight"].T
        found.append((of_x, np.where(states > 1.5, 1 / (1 - RATES["recurrent_dropout"]), 0.0)))
        net.fit(X, T, loss="half_squared_error", optimizer=mc.SGD(0.0), epochs=1, batch_size=None)
    return found


def test_rates_and_independence():
    """Kept numbers are divided by the share that is kept; neighbours, samples and steps of training are independent."""
    (x1, h1), (x2, h2) = drawn(50, 300, steps=2)
    for mask, rate in ((x1, 0.3), (h1, 0.4)):
        assert set(np.unique(np.round(mask, 12))) == {0.0, np.round(1 / (1 - rate), 12)}
        assert abs((mask == 0).mean() - rate) < 4 * np.sqrt(rate * (1 - rate) / mask.size)
    for one, other in ((x1, x2), (h1, h2), (h1[:, :-1], h1[:, 1:]), (h1[:-1], h1[1:]), (x1, h1[:, :FEATURES])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.15
    assert all_equal(x1, drawn(50, 300)[0][0])
    assert not all_equal(x1, drawn(50, 300, seed=1)[0][0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_like_the_reference_with_the_same_masks(kind, dtype):
    """In both arrangements of samples; layers of the same sizes draw the same from one seed for a block of samples."""
    for units, batch in ((5, 3), (17, 3), (5, 20), (17, 16)):
        masks = drawn(units, batch, dtype)[0]
        for options in ({}, {"reverse": True, "bias": False}):
            layer = KINDS[kind](units, **RATES, **options)
            net = mc.Sequential([layer, mc.Dense(2)], input_shape=(TIME, FEATURES), dtype=dtype, seed=0)
            randomize(net, rng(0), 0.5)
            X, T = numbers(batch, TIME, FEATURES), numbers(batch, 2, seed=1)
            reference = ReferenceNetwork(net.spec, net.parameters)
            draws = {net.spec[1]["name"]: masks}
            expected, theirs = reference.loss_and_gradient(X, T, "half_squared_error", draws=draws)
            cost, gradients = net.loss_and_gradient(X, T, loss="half_squared_error")
            tolerance = 20 * TOLERANCE[dtype]
            assert cost == pytest.approx(expected, rel=tolerance)
            for name, gradient in gradients.items():
                assert_near(gradient, theirs[name], tolerance, name)
            assert_near(net.predict(X), reference.forward(X), tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_finite_differences(kind):
    """The mask stays between calls of loss_and_gradient; through a layer below, so that dx is seen too."""
    layers = [mc.Dense(3, "tanh"), KINDS[kind](4, return_sequences=True, **RATES), KINDS[kind](3, **RATES), mc.Dense(1)]
    net = randomize(mc.Sequential(layers, input_shape=(6, 2), dtype="float64", seed=0), rng(1), 0.7)
    for X in (numbers(9, 6, 2), [numbers(n, 2) for n in (6, 1, 3, 0, 4, 2, 5, 3, 6)]):
        T = numbers(9, 1, seed=1)
        ours = {name: gradient.copy() for name, gradient in net.loss_and_gradient(X, T)[1].items()}
        for name, view in net.parameters.items():
            flat = view.reshape(-1)
            for i in range(0, flat.size, max(1, flat.size // 5)):
                old, costs = flat[i], []
                for h in (1e-5, -1e-5):
                    flat[i] = old + h
                    costs.append(net.loss_and_gradient(X, T)[0])
                flat[i] = old
                assert abs((costs[0] - costs[1]) / 2e-5 - ours[name].reshape(-1)[i]) < 1e-7, name


def test_only_in_training():
    """predict, evaluate and streams drop nothing; without rates nothing is drawn."""
    kinds = [mc.GRU(6, return_sequences=True, **RATES), mc.LSTM(4, **RATES), mc.Dense(1)]
    plain = [mc.GRU(6, return_sequences=True), mc.LSTM(4), mc.Dense(1)]
    ours, theirs = (mc.Sequential(layers, input_shape=(TIME, FEATURES), seed=0) for layers in (kinds, plain))
    X, T = numbers(20, TIME, FEATURES), numbers(20, 1, seed=1)
    assert all_equal(ours.predict(X), theirs.predict(X))
    assert ours.evaluate(X, T) == theirs.evaluate(X, T)
    stream = ours.stream()
    assert all_equal([stream.step(x) for x in X[0]][-1], ours.predict(X[:1])[0])
    assert ours.loss_and_gradient(X, T)[0] != theirs.loss_and_gradient(X, T)[0]


def test_truncation_and_training():
    """A truncated pass has the mask of the whole; masks are drawn anew for each batch, and training goes well."""
    layers = [mc.Bidirectional(mc.GRU(12, dropout=0.1, recurrent_dropout=0.2)), mc.Dense(1)]
    net = mc.Sequential(layers, input_shape=(8, 2), seed=0, dtype="float64")
    X = numbers(200, 8, 2)
    T = X[:, :, :1].sum(axis=1) / 3
    whole = net.loss_and_gradient(X, T)[1].flat.copy()
    assert all_equal(net.loss_and_gradient(X, T, bptt=8)[1].flat, whole)
    assert not all_equal(net.loss_and_gradient(X, T, bptt=3)[1].flat, whole)
    history = net.fit(X, T, epochs=30, optimizer=mc.Adam(0.01))
    assert net.evaluate(X, T)["loss"] < 0.2 * history["loss"][0]


def test_same_bits_for_any_number_of_threads():
    found = []
    for threads in (1, 2, 3, 7):
        mc.set_num_threads(threads)
        net = mc.Sequential([mc.LSTM(20, **RATES), mc.Dense(1)], input_shape=(7, 3), seed=0)
        net.fit([numbers(1 + i % 7, 3, seed=i) for i in range(150)], numbers(150, 1), epochs=2, batch_size=100)
        found.append(net.parameters.flat.copy())
    mc.set_num_threads(2)
    assert all_equal(*found)


def test_wrong_rates():
    for kind in (mc.LSTM, mc.SecondOrderRNN):
        for options in ({"dropout": 1.0}, {"recurrent_dropout": -0.1}, {"dropout": float("nan")}):
            with pytest.raises(ValueError, match="dropout should be"):
                kind(3, **options)
        with pytest.raises(TypeError, match="dropout"):
            kind(3, dropout="half")
    with pytest.raises(ValueError, match="L-BFGS"):
        mc.NetworkRegressor([mc.GRU(3, recurrent_dropout=0.1)], solver="lbfgs").fit(np.ones((9, 4, 2)), np.ones(9))
    text = mc.Sequential([mc.GRU(3, **RATES)], input_shape=(4, 2), seed=0).summary()
    assert "dropout 0.3, recurrent dropout 0.4" in " ".join(text.split())
