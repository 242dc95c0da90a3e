"""Few rows in wide layers: pieces of the gradient go from L1 to the update, and to memory only for who may look."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, all_equal, assert_like_reference, assert_near, numbers_of, randomize, reference_of
from reference import OPTIMIZERS

ROWS = (1, 2, 7, 16, 17)
# Networks of more than 6,000 parameters, with edges around the widths of registers.
SHAPES = ((130, 129, 1), (257, 65, 7), (33, 512, 9), (1, 1025, 17), (127, 128, 8), (1040, 16, 31), (300, 63, 33))
FIT = {"loss": "half_squared_error", "epochs": 1, "shuffle": False}
TREATMENTS = {
    "nothing": {},
    "penalties": {"l1": 0.01, "l2": 0.1, "penalize_biases": True},
    "clipped values": {"clip_value": 1e-3},
    "clipped norm": {"clip_norm": 1e-2, "l2": 0.1},
    "weight noise": {"weight_noise": 0.01},
}


def network(shape, dtype="float64", hidden="relu"):
    layers = [*(mc.Dense(units, hidden) for units in shape[1:-1]), mc.Dense(shape[-1])]
    return randomize(mc.Sequential(layers, input_shape=shape[:1], dtype=dtype, seed=0), np.random.default_rng(0))


def samples(shape, rows):
    rng = np.random.default_rng(rows)
    return [rng.normal(size=(rows, width)).astype(np.float32) for width in (shape[0], shape[-1])]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradient_like_the_reference(shape, rows, dtype):
    X, T = samples(shape, rows)
    assert_like_reference(network(shape, dtype), X, T, "half_squared_error")


@pytest.mark.parametrize("rows", [1, 7])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_like_the_reference(name, rows):
    shape = (130, 129, 3)
    X, T = samples(shape, 3 * rows)
    net = network(shape, hidden="tanh")
    reference = reference_of(net)
    reference.train(X, T, "half_squared_error", OPTIMIZERS[name](), 1, rows)
    net.fit(X, T, **FIT, optimizer=name.lower(), batch_size=rows, penalize_biases=True)
    for key, view in net.parameters.items():
        assert_near(view, reference.parameters[key], 1e-11, key)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", [1, 7, 31, 32, 33, 47, 48, 49, 63, 64, 65, 129])
@pytest.mark.parametrize("layer", ["dense", "maxout"])
def test_single_samples_at_every_width(layer, units, dtype):
    """Rows of weights meet outer products of which nothing is written down; zeros of the input leave some in peace."""
    hidden = mc.Dense(units, "relu") if layer == "dense" else mc.Maxout(units, 2)
    net = mc.Sequential([hidden, mc.Dense(3)], input_shape=(6500 // units,), dtype=dtype, seed=0)
    randomize(net, np.random.default_rng(0))
    reference = reference_of(net)
    X, T = samples((6500 // units, 3), 4)
    X[:, ::3] = 0
    for optimizer in (mc.SGD(1e-3), mc.AdamW(1e-3)):
        reference.train(X, T, "half_squared_error", OPTIMIZERS[type(optimizer).__name__](1e-3), 1, 1)
        net.fit(X, T, **FIT, optimizer=optimizer, batch_size=1, penalize_biases=True)
        for key, view in net.parameters.items():
            assert_near(view, reference.parameters[key], 1e-4 if dtype == "float32" else 1e-11, key)


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize("rows", [1, 7])
@pytest.mark.parametrize("frozen", [False, True])
def test_the_gradient_that_is_kept_is_the_one_that_was_used(frozen, rows, treatment):
    """SGD moves the weights by it; so does a step whose gradient nobody keeps."""
    shape, rate = (130, 129, 3), 1 / 32
    X, T = samples(shape, 3 * rows)
    options = {**FIT, **TREATMENTS[treatment], "optimizer": mc.SGD(rate), "batch_size": rows}
    net, other = network(shape), network(shape)
    for each in (net, other):
        if frozen:
            each.freeze("dense_1")
    net.fit(X, T, **options)
    for first in range(0, 3 * rows, rows):
        before = other.parameters.flat.copy()
        other.fit(X[first : first + rows], T[first : first + rows], **options)
        if not frozen:
            assert_near(before - other.parameters.flat, rate * other.gradients.flat, 1e-10)
    assert all_equal(net.parameters.flat, other.parameters.flat)
    assert all_equal(net.gradients.flat, other.gradients.flat)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize("rows", [1, 7, 16])
def test_same_bits_for_any_number_of_threads(rows, treatment, dtype):
    shape = (257, 300, 300, 5)
    X, T = samples(shape, 4 * rows)
    found = []
    for threads in (1, 2, 3, 7):
        mc.set_num_threads(threads)
        net = network(shape, dtype)
        net.fit(X, T, **{**FIT, "epochs": 2}, **TREATMENTS[treatment], batch_size=rows)
        found.append((numbers_of(net), net.gradients.flat.tobytes()))
    assert all(result == found[0] for result in found[1:])
