"""Maxout: the largest of several linear pieces, and the gradient of the one that won."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, assert_like_reference, assert_near, randomize, reference_of
from reference import OPTIMIZERS
from test_finite_differences import assert_gradients_match_differences

PIECES = (1, 2, 3, 5)


def inputs(rows=23, width=4):
    return np.random.default_rng(1).normal(size=(rows, width))


def net_of(pieces, dtype="float64", units=6, width=4, outputs=2):
    layers = [mc.Maxout(units, pieces), mc.Maxout(3, pieces), mc.Dense(outputs)]
    net = mc.Sequential(layers, input_shape=(width,), dtype=dtype, seed=0)
    return randomize(net, np.random.default_rng(0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pieces", PIECES)
def test_values_and_gradients(pieces, dtype):
    T = np.random.default_rng(2).normal(size=(23, 2))
    assert_like_reference(net_of(pieces, dtype), inputs().astype(dtype), T.astype(dtype), "half_squared_error")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("units", [1, 2, 7, 8, 9, 16, 17, 33])
@pytest.mark.parametrize("pieces", PIECES)
def test_every_width(pieces, units, dtype):
    net = net_of(pieces, dtype, units=units)
    T = np.random.default_rng(2).normal(size=(23, 2))
    assert_like_reference(net, inputs().astype(dtype), T.astype(dtype), "half_squared_error")


@pytest.mark.parametrize("rows", [1, 2, 31, 33, 300])
def test_every_number_of_rows(rows):
    net = net_of(3, units=40, width=4)
    T = np.random.default_rng(2).normal(size=(rows, 2))
    assert_like_reference(net, inputs(rows), T, "half_squared_error")


@pytest.mark.parametrize("pieces", PIECES)
def test_finite_differences(pieces):
    T = np.random.default_rng(2).normal(size=(7, 2))
    assert_gradients_match_differences(net_of(pieces), inputs(7), T, "half_squared_error")


def test_one_piece_is_a_linear_layer():
    maxout = mc.Sequential([mc.Maxout(3, 1)], input_shape=(4,), dtype="float64", seed=0)
    dense = mc.Sequential([mc.Dense(3)], input_shape=(4,), dtype="float64", seed=0)
    dense.parameters.flat[:] = maxout.parameters.flat
    np.testing.assert_allclose(maxout.predict(inputs()), dense.predict(inputs()), rtol=1e-13)


def test_two_pieces_make_relu_and_the_absolute_value():
    z = np.linspace(-3, 3, 13)[:, None]
    relu = mc.Sequential([mc.Maxout(1, weight_init=[[1.0, 0.0]])], input_shape=(1,), dtype="float64", seed=0)
    np.testing.assert_array_equal(relu.predict(z), np.maximum(z, 0))
    absolute = mc.Sequential([mc.Maxout(1, weight_init=[[1.0, -1.0]])], input_shape=(1,), dtype="float64", seed=0)
    np.testing.assert_array_equal(absolute.predict(z), np.abs(z))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pieces", [2, 3, 5])
def test_the_first_of_equal_pieces_wins(pieces, dtype):
    """All pieces are the same, at every unit: the gradient goes to the first, whole."""
    weight = np.repeat(np.random.default_rng(0).normal(size=(4, 9)), pieces, axis=1)
    net = mc.Sequential([mc.Maxout(9, pieces, weight_init=weight)], input_shape=(4,), dtype=dtype, seed=0)
    T = np.zeros((23, 9))
    _, gradients = net.loss_and_gradient(inputs(), T, loss="half_squared_error")
    for gradient in (gradients["maxout_1.weight"], gradients["maxout_1.bias"][None]):
        by_piece = gradient.reshape(len(gradient), 9, pieces)
        assert (by_piece[:, :, 0] != 0).all()
        assert (by_piece[:, :, 1:] == 0).all()


def test_ties_between_later_pieces():
    """Pieces 2 and 3 are equal and beat the first: the second gets the gradient."""
    net = mc.Sequential([mc.Maxout(1, 3, weight_init=[[0.0, 1.0, 1.0]])], input_shape=(1,), dtype="float64", seed=0)
    _, gradients = net.loss_and_gradient([[2.0]], [[0.0]], loss="half_squared_error")
    np.testing.assert_array_equal(gradients["maxout_1.weight"], [[0, 4, 0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_training_like_the_reference(dtype):
    net = net_of(3, dtype)
    reference, X, T = reference_of(net), inputs(), np.random.default_rng(2).normal(size=(23, 2))
    reference.train(X, T, "half_squared_error", OPTIMIZERS["Adam"](0.01), 3, 5, l2=0.1)
    options = {"optimizer": mc.Adam(0.01), "epochs": 3, "batch_size": 5, "shuffle": False, "l2": 0.1}
    net.fit(X, T, loss="half_squared_error", **options)
    for name, view in net.parameters.items():
        assert_near(view, reference.parameters[name], {"float32": 1e-4, "float64": 1e-11}[dtype], name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_same_bits_for_any_number_of_threads(dtype):
    X, y = np.random.default_rng(1).normal(size=(331, 64)).astype(dtype), np.arange(331) % 4
    found = []
    for threads in (1, 2, 3, 7):
        mc.set_num_threads(threads)
        layers = [mc.Maxout(90, 3), mc.Dropout(0.2), mc.Maxout(50, 2), mc.Dense(4, "softmax")]
        net = mc.Sequential(layers, input_shape=(64,), dtype=dtype, seed=0)
        history = net.fit(X, y, epochs=3, batch_size=80)
        found.append((net.parameters.flat.tobytes(), history["loss"], net.predict(X).tobytes()))
    assert all(result == found[0] for result in found[1:])


def test_learns_xor():
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0])
    net = mc.Sequential([mc.Maxout(4), mc.Dense(2, "softmax")], input_shape=(2,), seed=0)
    net.fit(X, y, optimizer=mc.Adam(0.05), epochs=200, batch_size=None)
    assert net.evaluate(X, y)["accuracy"] == 1


def test_shapes_and_fan():
    """Each piece is initialised as a unit of its own: Glorot's limit knows units, not units times pieces."""
    layer = mc.Maxout(100, 5, weight_init="glorot_uniform")
    net = mc.Sequential([layer], input_shape=(200,), dtype="float64", seed=0)
    assert net.parameters["maxout_1.weight"].shape == (200, 500)
    assert net.parameters["maxout_1.bias"].shape == (500,)
    assert net.output_shape == (100,)
    assert np.abs(net.parameters["maxout_1.weight"]).max() == pytest.approx(np.sqrt(6 / 300), rel=1e-3)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "two", True])
def test_wrong_options(wrong):
    with pytest.raises((ValueError, TypeError), match="pieces"):
        mc.Maxout(3, wrong)
    with pytest.raises((ValueError, TypeError), match="units"):
        mc.Maxout(wrong)
