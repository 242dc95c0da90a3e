"""The one kernel for the whole turn of a small network: at every edge of its registers, and where it steps aside."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, TOLERANCE, assert_like_reference, assert_near, randomize, reference_of, targets_for

EDGES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64)
BATCHES = (*range(1, 18), 32, 33, 64)


def network(widths, dtype, last="linear", hidden="tanh", bias=True):
    inner = [mc.Dense(units, hidden, bias=bias) for units in widths[1:-1]]
    layers = [*inner, mc.Dense(widths[-1], last, bias=bias)]
    return randomize(
        mc.Sequential(layers, input_shape=(widths[0],), dtype=dtype, seed=0), np.random.default_rng(len(widths))
    )


def check(net, batch, loss, seed=0, **options):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(batch, net.input_shape[0])).astype(np.float32)
    T = targets_for(loss, rng, (batch, net.output_shape[0])).astype(np.float32)
    assert_like_reference(net, X, T, loss, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", EDGES)
def test_every_width_in_every_place(size, dtype):
    """As inputs, hidden units and outputs, for one sample, some, and more than a register holds."""
    for batch in (1, 3, 18):
        for widths in ((size, 5, 2), (3, size, 2), (3, 5, size), (3, size, 7, 3), (4, 7, size, 6), (size, size, size)):
            check(network(widths, dtype), batch, "half_squared_error")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", BATCHES)
def test_every_batch_size(batch, dtype):
    weights = np.random.default_rng(batch).uniform(0.1, 2, batch).astype(np.float32)
    for outputs in (1, 2, 3, 4, 5, 17):
        for bias in (True, False):
            net = network((6, 9, outputs), dtype, "tanh", "sigmoid", bias)
            check(net, batch, "squared_error", batch)
            check(net, batch, "squared_error", batch, sample_weight=weights)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("outputs", [1, 2, 3, 4, 5, 12, 13, 16, 17, 40])
@pytest.mark.parametrize(("loss", "last"), [("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid")])
def test_losses_that_read_the_logits(loss, last, outputs, dtype):
    if last == "softmax" and outputs == 1:
        pytest.skip("a softmax of one is always 1, and refused")
    for batch in (1, 2, 7, 16, 19):
        net = network((5, 8, outputs), dtype, last)
        check(net, batch, loss, batch)
        check(net, batch, loss, batch, sample_weight=np.linspace(0, 2, batch, dtype=np.float32) + 0.1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", mc.layers.activations())
def test_every_activation(activation, dtype):
    """A hidden softmax does not go through the chain, all the others do. Padding must not spoil anything."""
    for batch in (1, 6):
        for outputs in (3, 6):
            check(network((5, 7, 9, outputs), dtype, "linear", activation), batch, "huber", batch)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", mc.losses.names())
def test_every_loss(loss, dtype):
    for batch in (1, 5, 16):
        for outputs in (2, 8):
            check(network((3, 6, outputs), dtype, "sigmoid"), batch, loss, batch)


@pytest.mark.parametrize("dtype", DTYPES)
def test_single_layers_and_activations_with_parameters(dtype):
    for outputs in (1, 4, 9):
        for batch in (1, 16):
            check(network((11, outputs), dtype), batch, "half_squared_error")
    x = mc.Input((4,))
    h = mc.Activation("leaky_relu", parameter=0.3)(mc.Dense(6)(x))
    net = mc.Network(x, mc.Dense(2)(mc.Activation("elu", parameter=0.7)(mc.Dense(5)(h))), dtype=dtype, seed=0)
    check(randomize(net, np.random.default_rng(0)), 9, "half_squared_error")


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_no_chain_steps_aside(dtype):
    """Skips, two activations in a row, an activation first: the same numbers by the usual way."""
    rng = np.random.default_rng(0)
    x = mc.Input((6,))
    h = mc.Dense(6, "tanh")(x)
    skip = mc.Network(x, mc.Dense(2)(mc.add([h, x])), dtype=dtype, seed=0)
    twice = mc.Sequential([mc.Dense(4, "tanh"), mc.Activation("relu"), mc.Dense(2)], input_shape=(6,), dtype=dtype)
    first = mc.Sequential([mc.Activation("tanh"), mc.Dense(2)], input_shape=(6,), dtype=dtype)
    for net in (skip, twice, first):
        check(randomize(net, rng), 5, "half_squared_error")


@pytest.mark.parametrize("source", ["float64", "float32"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [1, 2, 3, 16])
def test_training_in_any_order(batch, dtype, source):
    """Two epochs by hand, with classes and a short last batch."""
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(37, 5)).astype(source), rng.integers(0, 3, 37)
    net, twin = network((5, 8, 3), dtype, "softmax"), network((5, 8, 3), dtype, "softmax")
    net.fit(
        X, y, loss="cross_entropy", optimizer=mc.SGD(0.05), epochs=2, batch_size=batch, shuffle=False, verbose=False
    )
    for _ in range(2):
        for first in range(0, 37, batch):
            rows = slice(first, first + batch)
            _, gradients = reference_of(twin).loss_and_gradient(X[rows], np.eye(3)[y[rows]], "cross_entropy")
            for name, view in twin.parameters.items():
                view[...] -= 0.05 * gradients[name]
    for name, view in net.parameters.items():
        assert_near(view, twin.parameters[name], 10 * TOLERANCE[dtype], name)


def test_options_that_change_the_update_only():
    """A penalty, a frozen layer and a limit of the norm come after the gradient, whoever computed it."""
    rng = np.random.default_rng(1)
    X, T = rng.normal(size=(8, 5)), rng.normal(size=(8, 2))
    net = network((5, 6, 2), "float64")
    assert_like_reference(net, X, T, "half_squared_error", l2=0.1, l1=0.01)
    net.freeze("dense_1")
    before = {name: view.copy() for name, view in net.parameters.items()}
    net.fit(
        X, T, loss="half_squared_error", optimizer=mc.SGD(0.1), epochs=1, batch_size=8, clip_norm=0.5, verbose=False
    )
    moved = {name: np.abs(view - before[name]).max() for name, view in net.parameters.items()}
    assert moved["dense_1.weight"] == moved["dense_1.bias"] == 0
    assert moved["dense_2.weight"] > 0
    total = np.sqrt(sum(((net.parameters[n] - before[n]) ** 2).sum() for n in before))
    assert total <= 0.1 * 0.5 * (1 + 1e-9)
