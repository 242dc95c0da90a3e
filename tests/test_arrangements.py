"""Samples as columns, the arrangement of narrow networks: at every edge of its registers, and where it steps aside."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, TOLERANCE, assert_like_reference, assert_near, randomize, reference_of, targets_for

BATCHES = (7, 8, 9, 15, 16, 17, 31, 33, 48, 100, 129, 1000)  # 7 is below the least that goes as columns
# The last two are wide: with tiles, or anyway, they want all rows at once, if these are not too many.
WIDTHS = (
    (1, 1, 1),
    (4, 16, 3),
    (2, 3, 2),
    (5, 4, 4),
    (17, 15, 5),
    (33, 31, 1),
    (64, 100, 10),
    (129, 130, 9),
    (33, 257, 257),
)


def network(widths, dtype, last="linear", hidden="tanh"):
    inner = [mc.Dense(units, hidden) for units in widths[1:-1]]
    net = mc.Sequential([*inner, mc.Dense(widths[-1], last)], input_shape=(widths[0],), dtype=dtype, seed=0)
    return randomize(net, np.random.default_rng(0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_every_edge_against_the_reference(widths, batch, dtype):
    rng = np.random.default_rng(batch)
    X = rng.normal(size=(batch, widths[0])).astype(np.float32)
    for loss, last in (
        ("half_squared_error", "linear"),
        ("squared_error", "tanh"),
        ("binary_cross_entropy", "sigmoid"),
    ):
        net = network(widths, dtype, last)
        T = targets_for(loss, rng, (batch, widths[-1])).astype(np.float32)
        assert_like_reference(net, X, T, loss)
        assert_like_reference(net, X, T, loss, sample_weight=rng.uniform(0.1, 2, batch).astype(np.float32))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("classes", [2, 3, 4, 5, 10, 17, 40])
def test_softmax_over_columns(classes, batch, dtype):
    rng = np.random.default_rng(batch)
    net = network((6, 9, classes), dtype, "softmax", "relu")
    X = rng.normal(size=(batch, 6)).astype(np.float32)
    y = rng.integers(0, classes, batch)
    assert_like_reference(net, X, y, "cross_entropy", rows=np.eye(classes)[y])
    soft = targets_for("cross_entropy", rng, (batch, classes)).astype(np.float32)
    assert_like_reference(net, X, soft, "cross_entropy", sample_weight=rng.uniform(0, 2, batch).astype(np.float32))


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_far_apart_stay_finite(dtype):
    net = network((3, 4, 3), dtype, "softmax")
    X = 1e4 * np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    net.parameters["dense_2.weight"][...] *= 1e4
    cost, gradients = net.loss_and_gradient(X, np.arange(40) % 3, loss="cross_entropy")
    assert np.isfinite(cost)
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", mc.layers.activations())
def test_every_activation(activation, dtype):
    """A hidden softmax cannot go as columns, all the others do."""
    rng = np.random.default_rng(3)
    net = network((5, 7, 2), dtype, "linear", activation)
    X, T = rng.normal(size=(37, 5)).astype(np.float32), rng.normal(size=(37, 2)).astype(np.float32)
    assert_like_reference(net, X, T, "huber")


@pytest.mark.parametrize("dtype", DTYPES)
def test_residuals_and_skips(dtype):
    rng = np.random.default_rng(4)
    x = mc.Input((6,))
    h = mc.Dense(9, "tanh")(x)
    net = mc.Network(x, mc.Dense(2)(mc.add([mc.Dense(9, "relu")(h), h])), dtype=dtype, seed=0)
    randomize(net, rng)
    X, T = rng.normal(size=(50, 6)).astype(np.float32), rng.normal(size=(50, 2)).astype(np.float32)
    assert_like_reference(net, X, T, "half_squared_error")


@pytest.mark.parametrize("source", ["float64", "float32"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_training_gathers_and_converts_what_the_order_says(dtype, source):
    """Two epochs by hand, the last batch a short one."""
    rng = np.random.default_rng(5)
    X, T = rng.normal(size=(53, 5)).astype(source), rng.normal(size=(53, 3)).astype(source)
    net, twin = network((5, 8, 3), dtype), network((5, 8, 3), dtype)
    net.fit(
        X, T, loss="half_squared_error", optimizer=mc.SGD(0.05), epochs=2, batch_size=16, shuffle=False, verbose=False
    )
    for _ in range(2):
        for first in range(0, 53, 16):
            reference = reference_of(twin)
            _, gradients = reference.loss_and_gradient(
                X[first : first + 16], T[first : first + 16], "half_squared_error"
            )
            for name, view in twin.parameters.items():
                view[...] -= 0.05 * gradients[name]
    for name, view in net.parameters.items():
        assert_near(view, twin.parameters[name], 10 * TOLERANCE[dtype], name)


def test_switching_between_the_arrangements_loses_nothing():
    """Small batches go as rows and read a transposed copy of the weights, which columns do not keep."""
    rng = np.random.default_rng(6)
    X, T = rng.normal(size=(64, 5)), rng.normal(size=(64, 3))
    net, twin = network((5, 8, 8, 3), "float64"), network((5, 8, 8, 3), "float64")
    options = {"loss": "half_squared_error", "optimizer": mc.SGD(0.05), "shuffle": False, "verbose": False}
    for batch in (32, 4, 64, 1):
        net.fit(X, T, epochs=1, batch_size=batch, **options)
        for first in range(0, 64, batch):
            rows = slice(first, first + batch)
            _, gradients = reference_of(twin).loss_and_gradient(X[rows], T[rows], "half_squared_error")
            for name, view in twin.parameters.items():
                view[...] -= 0.05 * gradients[name]
    for name, view in net.parameters.items():
        assert_near(view, twin.parameters[name], 1e-11, name)
