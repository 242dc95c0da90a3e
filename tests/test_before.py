"""Files and pickles that an earlier state of the library wrote: they load, predict the same and go on learning."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

import multicapa as mc

HERE = Path(__file__).parent / "before"
X = np.linspace(-1, 1, 24).reshape(8, 3)
Y = np.arange(8) % 3


def models():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, where its version is another one
        return pickle.loads((HERE / "models.pickle").read_bytes())


def test_pickles_load():
    """Written before estimators had weight_init and bias_init."""
    pytest.importorskip("sklearn")
    found = models()
    classes = [[0.2414145, 0.2997070, 0.4588786], [0.2677805, 0.3063626, 0.4258569]]
    np.testing.assert_allclose(found["classifier"].predict_proba(X)[:2], classes, atol=1e-6)
    numbers = [-0.1516017, -0.1172479, -0.0762489, -0.0265844]
    np.testing.assert_allclose(found["regressor"].predict(X)[:4], numbers, atol=1e-6)
    outputs = [[0.4596407, 0.5403593], [0.4564097, 0.5435903]]
    np.testing.assert_allclose(found["network"].predict(X)[:2], outputs, atol=1e-6)


def test_they_go_on_learning():
    pytest.importorskip("sklearn")
    found = models()
    classifier = found["classifier"].partial_fit(X, Y)
    assert (len(classifier.loss_curve_), classifier.t_) == (5, 40)
    assert classifier.loss_curve_[4] < classifier.loss_curve_[0]
    before = found["network"].evaluate(X, Y % 2)["loss"]
    found["network"].fit(X, Y % 2, epochs=50)
    assert found["network"].evaluate(X, Y % 2)["loss"] < before


def test_the_same_start_gives_the_same_model():
    """What estimators began with then, told to begin with it now: nothing else about a fit has changed."""
    pytest.importorskip("sklearn")
    found = models()
    classifier = mc.MLPClassifier((4,), batch_norm=True, max_iter=3, random_state=0)
    regressor = mc.MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", max_iter=3, random_state=0)
    classifier.set_params(weight_init=["he_uniform", "glorot_uniform"], bias_init="zeros")
    regressor.set_params(weight_init="glorot_uniform", bias_init="zeros")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three epochs are few
        classifier.fit(X, Y).partial_fit(X, Y)
        regressor.fit(X, 2 * X[:, 0])
    np.testing.assert_allclose(classifier.loss_curve_, found["classifier"].loss_curve_, rtol=1e-12)
    np.testing.assert_allclose(regressor.loss_curve_, found["regressor"].loss_curve_, rtol=1e-12)
    for now, then in zip(classifier.coefs_, found["classifier"].coefs_, strict=True):
        np.testing.assert_allclose(now, then, rtol=1e-9)


def test_files_load():
    network = mc.load(HERE / "network.safetensors")
    assert network.parameters["maxout_1.weight"].sum() == pytest.approx(3.0565882, rel=1e-6)
    np.testing.assert_allclose(network.predict(X)[0], [0.4596407, 0.5403593], atol=1e-6)
