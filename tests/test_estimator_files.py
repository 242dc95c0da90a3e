"""Estimators in files: the same bits in predict, here and in another process, and learning that goes on."""

import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import multicapa as mc
from estimator_helpers import SHORT_FITS
from helpers import output_of

pytestmark = SHORT_FITS

X, y = load_digits(return_X_y=True)
X, y = X[:300] / 16, y[:300]
LAYERS = [mc.Dense(16), mc.BatchNorm(), mc.Activation("relu")]
MODELS = {
    "classifier": mc.MLPClassifier((24,), batch_norm=True, dropout=0.1, max_iter=5, random_state=0),
    "regressor": mc.MLPRegressor(hidden_layer_sizes=(24, 24), residual=True, max_iter=5, random_state=0),
    "lbfgs": mc.MLPClassifier((24,), solver="lbfgs", max_iter=5, random_state=0),
    "network_classifier": mc.NetworkClassifier(LAYERS, max_iter=5, random_state=0),
    "network_regressor": mc.NetworkRegressor(LAYERS, max_iter=5, random_state=0),
}
EACH = pytest.mark.parametrize("name", MODELS)
BOTH_TYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
ELSEWHERE = """
import sys, joblib, numpy
how, model, data = sys.argv[1:]
X = numpy.load(data, mmap_mode="r")
model = joblib.load(model, mmap_mode=None if how == "plain" else "r")
print(model.predict(X).tobytes().hex())
"""


def fitted(name, dtype="float64"):
    return clone(MODELS[name]).fit(X.astype(dtype), y)


@EACH
@BOTH_TYPES
def test_pickle_keeps_every_bit(name, dtype):
    model = fitted(name, dtype)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(model.predict(X.astype(dtype)), again.predict(X.astype(dtype)))
    assert again.loss_curve_ == model.loss_curve_
    assert list(again.history_) == list(model.history_)
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


@EACH
@BOTH_TYPES
def test_another_process_gives_the_same_bits(name, dtype, tmp_path):
    """From a file, and from a read-only memory map of it."""
    model = fitted(name, dtype)
    joblib.dump(model, tmp_path / "model.joblib")
    np.save(tmp_path / "X.npy", X.astype(dtype))
    expected = model.predict(X.astype(dtype)).tobytes().hex()
    for how in ("plain", "mapped"):
        assert output_of(ELSEWHERE, how, tmp_path / "model.joblib", tmp_path / "X.npy") == expected


@EACH
def test_from_a_memory_map_it_learns_on(name, tmp_path):
    model = fitted(name)
    joblib.dump(model, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    np.testing.assert_array_equal(mapped.predict(X), model.predict(X))
    for each in (model, mapped):
        each.set_params(warm_start=True).fit(X, y)
    np.testing.assert_array_equal(mapped.predict(X), model.predict(X))
    mapped.coefs_[0][:] = 0  # memory of its own


@EACH
@BOTH_TYPES
def test_safetensors_keeps_every_bit(name, dtype, tmp_path):
    model = fitted(name, dtype)
    model.network_.save(tmp_path / "net.safetensors")
    outputs = mc.load(tmp_path / "net.safetensors").predict(X.astype(dtype))
    expected = (
        model.predict_proba(X.astype(dtype)) if hasattr(model, "predict_proba") else model.predict(X.astype(dtype))
    )
    np.testing.assert_array_equal(outputs.reshape(expected.shape), expected)


@pytest.mark.parametrize("solver", ["adam", "sgd", "nadam", mc.Rprop()], ids=str)
def test_partial_fit_goes_on_after_a_pickle(solver):
    """The memory of the optimiser travels along, after a partial_fit and after a fit."""
    here = mc.MLPClassifier((24,), solver=solver, random_state=0, max_iter=3, shuffle=False)
    for learn in (lambda model: model.partial_fit(X, y, classes=range(10)), lambda model: model.fit(X, y)):
        learn(here)
        there = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(here))))  # twice
        for model in (here, there):
            model.partial_fit(X[:100], y[:100]).partial_fit(X, y)
        np.testing.assert_array_equal(here.coefs_[0], there.coefs_[0])
    forgetful = pickle.loads(pickle.dumps(here))
    forgetful._memory = None
    before = forgetful.coefs_[0].copy()
    np.testing.assert_array_equal(before, here.coefs_[0])
    if not isinstance(solver, str):  # the step sizes of Rprop have grown by now
        assert not np.array_equal(forgetful.partial_fit(X, y).coefs_[0], here.partial_fit(X, y).coefs_[0])


def test_another_optimizer_starts_afresh():
    model = mc.MLPClassifier((8,), random_state=0).partial_fit(X, y, classes=range(10))
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.set_params(solver="rmsprop").partial_fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], again.coefs_[0])


def test_pipeline_through_joblib(tmp_path):
    pipe = make_pipeline(StandardScaler(), fitted("classifier")).fit(X, y)
    joblib.dump(pipe, tmp_path / "pipe.joblib", compress=3)
    np.testing.assert_array_equal(joblib.load(tmp_path / "pipe.joblib").predict_proba(X), pipe.predict_proba(X))


def test_what_cannot_be_pickled_says_so():
    model = mc.NetworkClassifier(lambda x, n, a: mc.Dense(n, a)(x), max_iter=2).fit(X, y)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model)
