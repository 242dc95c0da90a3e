"""Weights are drawn where they stand, of networks and of estimators."""

import numpy as np
import pytest

import multicapa as mc
from multicapa import plots
from plot_helpers import CLASSES, X, axes_of, build


def test_a_matrix_is_drawn_as_it_is():
    net = mc.Sequential([mc.Dense(5), mc.Dense(2)], input_shape=3, seed=0)
    display = plots.WeightsDisplay.from_network(net, "dense_2", ax=axes_of())
    (image,) = display.ax_.get_images()
    np.testing.assert_array_equal(image.get_array(), net.parameters["dense_2.weight"].astype(float))
    largest = np.abs(net.parameters["dense_2.weight"]).max()
    assert image.get_clim() == pytest.approx((-largest, largest))
    assert display.ax_.get_title(loc="left") == "dense_2: 5 × 2 weights"
    assert plots.WeightsDisplay.from_network(net, ax=axes_of()).weights.shape == (3, 5)


def test_tiles_are_the_columns():
    weights = np.arange(24.0).reshape(6, 4) - 12
    display = plots.WeightsDisplay(weights, shape=(2, 3), most=3, name="a").plot(axes_of())
    numbers = display.ax_.get_images()[1].get_array()
    seen = set(np.asarray(numbers)[~np.isnan(np.asarray(numbers, dtype=float))].tolist())
    assert seen == set(weights[:, :3].ravel().tolist())
    assert display.ax_.get_title(loc="left") == "a: 3 of 4 units over 2×3"


def test_other_matrices_and_estimators():
    net = mc.Sequential([mc.LSTM(3)], input_shape=(4, 2), seed=0)
    display = plots.WeightsDisplay.from_network(net, parameter="recurrent_weight", ax=axes_of())
    assert display.weights.shape == (3, 12)
    assert display.name == "lstm_1.recurrent_weight"
    model = mc.MLPClassifier((4,), max_iter=200, tol=1.0, n_iter_no_change=1).fit(X, CLASSES)
    shown = plots.WeightsDisplay.from_network(model, ax=axes_of()).weights
    np.testing.assert_array_equal(shown, model.coefs_[0])


@pytest.mark.parametrize(
    ("thing", "options", "message"),
    [
        (build(), {"layer": "dense_3"}, "dense_3"),
        (build(), {"layer": "input_1"}, "no matrix 'weight'"),
        (build(), {"parameter": "kernel"}, "no layer of the network has a matrix 'kernel'"),
        (build(), {"shape": (2, 2)}, "2 inputs, which are no 2×2"),
        (build(), {"shape": (2,)}, "height, width"),
        (build(), {"most": 0}, "most"),
        (mc.MLPClassifier(), {}, "not fitted yet"),
        ("net", {}, "not str"),
    ],
)
def test_wrong_arguments(thing, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        plots.WeightsDisplay.from_network(thing, **options, ax=axes_of())
