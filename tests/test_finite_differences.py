"""Gradients against central differences of the network's own cost, in float64: no reference needed."""

import numpy as np
import pytest

import multicapa as mc
from helpers import ACTIVATIONS, loss_pairs, randomize, targets_for

H = 1e-5


def assert_gradients_match_differences(net, X, T, loss, tolerance=2e-8, **options):
    """Every number of every parameter moved by ±H."""
    _, gradients = net.loss_and_gradient(X, T, loss=loss, **options)
    gradients = {name: view.copy() for name, view in gradients.items()}
    scale = max(np.abs(gradient).max() for gradient in gradients.values())
    for name, view in net.parameters.items():
        for place in np.ndindex(view.shape):
            kept = view[place]
            view[place] = kept + H
            above = net.loss_and_gradient(X, T, loss=loss, **options)[0]
            view[place] = kept - H
            below = net.loss_and_gradient(X, T, loss=loss, **options)[0]
            view[place] = kept
            numeric = (above - below) / (2 * H)
            assert abs(gradients[name][place] - numeric) <= tolerance * max(scale, 1), (name, place, numeric)


def net_of(layers, width=3, seed=0):
    net = mc.Sequential(layers, input_shape=(width,), dtype="float64", seed=seed)
    return randomize(net, np.random.default_rng(seed))


def inputs(count=7, width=3):
    return np.random.default_rng(1).normal(size=(count, width))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_hidden(name):
    net = net_of([mc.Dense(4, name), mc.Dense(3, name), mc.Dense(2)])
    T = np.random.default_rng(2).normal(size=(7, 2))
    assert_gradients_match_differences(net, inputs(), T, "half_squared_error")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_as_output(name):
    net = net_of([mc.Dense(4, "tanh"), mc.Dense(3, name)])
    T = np.random.default_rng(2).uniform(0.2, 0.8, size=(7, 3))
    assert_gradients_match_differences(net, inputs(), T, "squared_error")


@pytest.mark.parametrize(("loss", "last"), loss_pairs())
def test_every_loss(loss, last):
    if last == "step":
        pytest.skip("the perceptron's criterion behind a step is piecewise linear in z; see test_values.py")
    net = net_of([mc.Dense(4, "tanh"), mc.Dense(3, last)])
    T = targets_for(loss, np.random.default_rng(3), (7, 3))
    assert_gradients_match_differences(net, inputs(), T, loss, tolerance=1e-7)


@pytest.mark.parametrize("loss", mc.losses.names())
def test_every_loss_with_weights_and_penalties(loss):
    net = net_of([mc.Dense(3, "tanh"), mc.Dense(2, "sigmoid")])
    T = targets_for(loss, np.random.default_rng(3), (7, 2))
    weights = np.random.default_rng(4).uniform(0, 2, 7)
    assert_gradients_match_differences(net, inputs(), T, loss, tolerance=1e-7, sample_weight=weights, l1=0.1, l2=0.3)


def test_step_output_passes_the_perceptrons_gradient_to_z():
    """The same gradient as without the step, which is the one that differences of the criterion give."""
    T = targets_for("perceptron", np.random.default_rng(3), (7, 3))
    plain, stepped = net_of([mc.Dense(3)]), net_of([mc.Dense(3, "step")])
    assert_gradients_match_differences(plain, inputs(), T, "perceptron")
    _, expected = plain.loss_and_gradient(inputs(), T, loss="perceptron")
    _, gradients = stepped.loss_and_gradient(inputs(), T, loss="perceptron")
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, expected[name])


def test_graph():
    x = mc.Input(3)
    h = mc.Dense(4, "tanh")(x)
    h = mc.add([mc.Dense(4, "silu")(h), h, h])
    net = mc.Network(x, mc.Dense(2, "softmax")(mc.concat([h, x, mc.Activation("gelu")(h)])), dtype="float64", seed=0)
    randomize(net, np.random.default_rng(0))
    T = targets_for("cross_entropy", np.random.default_rng(3), (7, 2))
    assert_gradients_match_differences(net, inputs(), T, "cross_entropy")


def test_dropout():
    """loss_and_gradient uses the mask of the next step, the same at every call."""
    net = net_of([mc.Dense(8, "tanh"), mc.Dropout(0.5), mc.Dense(2)])
    T = np.random.default_rng(2).normal(size=(7, 2))
    assert_gradients_match_differences(net, inputs(), T, "half_squared_error")
