"""Outputs, costs and gradients against the plain NumPy reference."""

import numpy as np
import pytest

import multicapa as mc
from helpers import (
    ACTIVATIONS,
    DTYPES,
    FUSED,
    SIZES,
    TOLERANCE,
    assert_like_reference,
    assert_near,
    loss_pairs,
    randomize,
    reference_of,
    targets_for,
)
from reference import FUSED as REFERENCE_FUSED
from reference.activations import ACTIVATIONS as REFERENCE_ACTIVATIONS
from reference.losses import LOSSES as REFERENCE_LOSSES


def dense_net(n_in, units, n_out, dtype, hidden="tanh", last="linear", seed=0):
    net = mc.Sequential([mc.Dense(units, hidden), mc.Dense(n_out, last)], input_shape=(n_in,), dtype=dtype, seed=seed)
    return randomize(net, np.random.default_rng(seed))


def inputs(count, width, seed=1):
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


# ---- activations ----


def test_reference_knows_every_activation():
    assert set(ACTIVATIONS) == {*REFERENCE_ACTIVATIONS, "softmax"}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_values_and_slopes(name, dtype):
    """Through an identity matrix, the gradient of a bias is the slope."""
    z = np.unique(
        np.concatenate([np.linspace(-9, 9, 181), np.geomspace(1e-6, 30, 40), -np.geomspace(1e-6, 30, 40), [0]])
    )
    z = z.astype(np.float32)[None]
    layer = mc.Dense(z.size, name, weight_init=np.eye(z.size))
    net = mc.Sequential([layer], input_shape=(z.size,), dtype=dtype, seed=0)
    rtol, atol = TOLERANCE[dtype], {"float32": 5e-7, "float64": 1e-15}[dtype]
    reference = reference_of(net)
    a = reference.forward(z)
    np.testing.assert_allclose(net.predict(z), a, rtol=rtol, atol=atol)
    only = mc.Sequential([mc.Activation(name)], input_shape=(z.size,), dtype=dtype, seed=0)
    np.testing.assert_allclose(only.predict(z), a, rtol=rtol, atol=atol)
    if name == "softmax":
        return  # its Jacobian is tested below
    _, gradients = net.loss_and_gradient(z, np.zeros_like(z), loss="absolute_error")
    slope = REFERENCE_ACTIVATIONS[name].derivative(z.astype(np.float64)) * np.sign(net.predict(z))
    np.testing.assert_allclose(gradients["dense_1.bias"], slope[0], rtol=rtol, atol=atol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "exponential"])
def test_activations_far_out_are_finite(name, dtype):
    z = np.array([[-1e4, -800.0, -90.0, 90.0, 800.0, 1e4]], dtype=np.float32)
    net = mc.Sequential([mc.Dense(6, name, weight_init=np.eye(6))], input_shape=(6,), dtype=dtype, seed=0)
    reference = reference_of(net)
    np.testing.assert_allclose(net.predict(z), reference.forward(z), rtol=TOLERANCE[dtype], atol=1e-35)
    _, gradients = net.loss_and_gradient(z, np.zeros_like(z), loss="absolute_error")
    _, theirs = reference.loss_and_gradient(z, np.zeros_like(z), "absolute_error")
    np.testing.assert_allclose(gradients["dense_1.bias"], theirs["dense_1.bias"], rtol=TOLERANCE[dtype], atol=1e-35)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_at_every_width(name, dtype):
    rng = np.random.default_rng(2)
    for units in SIZES if name != "softmax" else SIZES[1:]:  # a softmax of one is always 1, and refused
        net = dense_net(3, units, 2, dtype, hidden=name)
        assert_like_reference(net, inputs(5, 3), rng.normal(size=(5, 2)), "half_squared_error")


@pytest.mark.parametrize("name", ["leaky_relu", "elu"])
@pytest.mark.parametrize("parameter", [0.01, 0.4, 0.9])
def test_activation_parameter(name, parameter):
    dense = mc.Dense(9, name, activation_parameter=parameter)
    layers = [dense, mc.Dense(7), mc.Activation(name, parameter), mc.Dense(2)]
    net = randomize(mc.Sequential(layers, input_shape=(4,), dtype="float64", seed=0), np.random.default_rng(0))
    assert_like_reference(net, inputs(6, 4), np.ones((6, 2)), "half_squared_error")


# ---- losses ----

OF_CLASSES = ("cross_entropy", "kullback_leibler")  # refused for a single output


def test_reference_knows_every_loss():
    assert set(mc.losses.names()) == set(REFERENCE_LOSSES)
    assert set(mc.losses.LOSSES) == set(REFERENCE_LOSSES)
    assert {(activation, loss) for loss, activation in FUSED.items()} == set(REFERENCE_FUSED)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "last"), loss_pairs())
def test_every_loss_at_every_width(loss, last, dtype):
    rng = np.random.default_rng(3)
    for width in SIZES[1:] if last == "softmax" or loss in OF_CLASSES else SIZES:
        net = dense_net(4, 5, width, dtype, last=last)
        assert_like_reference(net, inputs(6, 4), targets_for(loss, rng, (6, width)), loss)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("loss", "last"), [(loss, last) for loss, last in loss_pairs() if last != "softmax" and loss not in OF_CLASSES]
)
def test_every_loss_at_every_batch_of_one_output(loss, last, dtype):
    rng = np.random.default_rng(4)
    net = dense_net(4, 5, 1, dtype, last=last)
    for batch in SIZES:
        T = targets_for(loss, rng, (batch, 1))
        assert_like_reference(net, inputs(batch, 4), T, loss)
        assert_like_reference(net, inputs(batch, 4), T[:, 0], loss, rows=T)
        weights = rng.uniform(0, 2, batch).astype(np.float32)
        assert_like_reference(net, inputs(batch, 4), T, loss, sample_weight=weights)


@pytest.mark.parametrize("delta", [0.1, 1.0, 3.0])
def test_huber_parameter(delta):
    net = dense_net(4, 5, 3, "float64")
    T = 2 * np.random.default_rng(0).normal(size=(9, 3))
    assert_like_reference(net, inputs(9, 4), T, mc.losses.Huber(delta))


def test_loss_as_name_and_as_object():
    net, X, T = dense_net(4, 5, 3, "float64", last="softmax"), inputs(5, 4), [0, 1, 2, 0, 1]
    for name, cls in mc.losses.LOSSES.items():
        if name not in ("hinge", "perceptron"):
            assert net.loss_and_gradient(X, T, loss=name)[0] == net.loss_and_gradient(X, T, loss=cls())[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("last", "loss"), [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")])
def test_saturated_outputs(last, loss, dtype):
    """Logits of ±1e4: the cost is their distance where they are wrong, the gradient y - t."""
    T = np.array([[1.0, 0.0], [0.0, 1.0]])
    net = mc.Sequential([mc.Dense(2, last, weight_init=np.eye(2))], input_shape=(2,), dtype=dtype, seed=0)
    for logits in ([[1e4, -1e4], [1e4, -1e4]], [[-1e4, 1e4], [-1e4, 1e4]], [[0.0, 1e4], [1e4, 0.0]]):
        assert_like_reference(net, np.array(logits), T, loss)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "last"), loss_pairs())
def test_saturated_outputs_are_finite_for_every_loss(loss, last, dtype):
    if last == "exponential":
        pytest.skip("exp(1e4) is infinite, and divergence is what it is")
    net = mc.Sequential([mc.Dense(3, last, weight_init=np.eye(3))], input_shape=(3,), dtype=dtype, seed=0)
    X = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]])
    T = targets_for(loss, np.random.default_rng(0), (2, 3))
    cost, gradients = net.loss_and_gradient(X, T, loss=loss)
    assert np.isfinite(cost)
    for gradient in gradients.values():
        assert np.isfinite(gradient).all()


# ---- sizes ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_every_size(size, dtype):
    rng = np.random.default_rng(5)
    for n_in, units, n_out, batch in ((size, 6, 3, 5), (3, size, 2, 4), (4, 5, size, 3), (3, 4, 2, size)):
        net = dense_net(n_in, units, n_out, dtype)
        assert_like_reference(net, inputs(batch, n_in), rng.normal(size=(batch, n_out)), "half_squared_error")
    classes = max(size, 2)
    net = dense_net(size, size, classes, dtype, hidden="relu", last="softmax")
    T = np.eye(classes)[rng.integers(0, classes, size)]
    assert_like_reference(net, inputs(size, size), T, "cross_entropy")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "batch"), [((20, 130, 70, 10), 333), ((64, 300, 300, 5), 40), ((7, 9, 3, 2), 5000), ((1030, 256, 1), 65)]
)
def test_large_nets(shape, batch, dtype):
    """Beyond the small kernels: BLAS, several blocks of rows, gradients per chunk."""
    layers = [mc.Dense(units, "tanh") for units in shape[1:-1]] + [mc.Dense(shape[-1])]
    net = randomize(mc.Sequential(layers, input_shape=shape[:1], dtype=dtype, seed=0), np.random.default_rng(0))
    T = np.random.default_rng(1).normal(size=(batch, shape[-1])).astype(np.float32)
    assert_like_reference(net, inputs(batch, shape[0]), T, "half_squared_error")


def test_without_bias():
    layers = [mc.Dense(5, "tanh", bias=False), mc.Dense(3, bias=False)]
    net = randomize(mc.Sequential(layers, input_shape=(4,), dtype="float64", seed=0), np.random.default_rng(0))
    assert list(net.parameters) == ["dense_1.weight", "dense_2.weight"]
    assert_like_reference(net, inputs(6, 4), np.ones((6, 3)), "squared_error")


# ---- penalties and weights ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize(("l1", "l2"), [(0.3, 0.0), (0.0, 0.2), (0.05, 0.7)])
def test_penalties(l1, l2, biases, dtype):
    for size in (3, 17, 65):
        net = dense_net(size, size, 3, dtype)
        T = np.random.default_rng(6).normal(size=(7, 3)).astype(np.float32)
        options = {"l1": l1, "l2": l2, "penalize_biases": biases}
        assert_like_reference(net, inputs(7, size), T, "half_squared_error", **options)


def test_penalty_of_a_weight_of_zero_has_no_slope():
    net = mc.Sequential([mc.Dense(2, weight_init="zeros")], input_shape=(3,), dtype="float64", seed=0)
    _, gradients = net.loss_and_gradient(np.zeros((4, 3)), np.zeros((4, 2)), loss="squared_error", l1=1.0)
    assert not gradients["dense_1.weight"].any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "last"), loss_pairs())
def test_sample_weights(loss, last, dtype):
    rng = np.random.default_rng(7)
    net = dense_net(4, 6, 3, dtype, last=last)
    weights = rng.uniform(0, 3, 21).astype(np.float32)
    weights[3] = 0
    assert_like_reference(net, inputs(21, 4), targets_for(loss, rng, (21, 3)), loss, sample_weight=weights)


def test_weight_two_is_the_sample_twice():
    net = dense_net(4, 6, 3, "float64")
    X, T = inputs(3, 4), np.ones((3, 3))
    cost, once = net.loss_and_gradient(X, T, loss="squared_error", sample_weight=[2, 1, 1])
    once = {name: view.copy() for name, view in once.items()}
    twice, gradients = net.loss_and_gradient(X[[0, 0, 1, 2]], T[[0, 0, 1, 2]], loss="squared_error")
    assert cost * 3 == pytest.approx(twice * 4, rel=1e-13)
    for name, gradient in gradients.items():
        assert_near(once[name] * 3, gradient * 4, 1e-13)
