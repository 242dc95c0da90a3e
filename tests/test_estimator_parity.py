"""The same numbers as scikit-learn's networks from the same weights in the same order, to the last digits."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, make_multilabel_classification
from sklearn.linear_model import PoissonRegressor
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

import multicapa as mc
from estimator_helpers import BOTH, SHORT_FITS, digits

pytestmark = SHORT_FITS


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X, y / 100


def twins(ours, theirs, X, y, weights, options):
    """Both after the same epochs from the same weights, in the order of the samples."""
    common = {"hidden_layer_sizes": (12, 7), "shuffle": False, "warm_start": True, "random_state": 0, **options}
    a, b = (cls(**common | {"max_iter": 1}).fit(X, y, weights) for cls in (ours, theirs))
    a.coefs_, a.intercepts_ = b.coefs_, b.intercepts_
    a.best_loss_, a._no_improvement_count = b.best_loss_, b._no_improvement_count
    return tuple(model.set_params(max_iter=25).fit(X, y, weights) for model in (a, b))


def assert_same(a, b, tolerance=1e-11):
    curves = a.loss_curve_[1:], b.loss_curve_[1:]  # the first epoch was before the weights were made the same
    np.testing.assert_allclose(*curves, rtol=0, atol=tolerance)
    for mine, yours in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_allclose(mine, yours, rtol=0, atol=tolerance)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(a, name) == getattr(b, name), name
    assert a.best_loss_ == pytest.approx(b.best_loss_, abs=tolerance)
    assert a.validation_scores_ is b.validation_scores_ is a.best_validation_score_ is None


SOLVERS = {
    "sgd": {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.1},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.02, "activation": "tanh"},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.02, "alpha": 1.0},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.4, "power_t": 0.3},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.2, "n_iter_no_change": 2},
    "adam": {"solver": "adam"},
    "adam_other": {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-4, "batch_size": 64, "activation": "logistic"},
    "adam_has_no_schedule": {"solver": "adam", "learning_rate": "invscaling", "activation": "identity"},
}  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("options", SOLVERS.values(), ids=SOLVERS)
@BOTH
def test_same_loss_curve_and_weights(ours, theirs, options, weighted):
    """Also where the last batch is smaller than the others, and where batches differ in weight."""
    X, y = digits() if ours is mc.MLPClassifier else diabetes()
    weights = np.random.default_rng(0).uniform(0.1, 3, len(X)) if weighted else None
    assert_same(*twins(ours, theirs, X, y, weights, options))


@pytest.mark.parametrize("kind", ["two_classes", "labels", "outputs", "poisson", "float32"])
def test_same_loss_curve_for_other_targets(kind):
    ours, theirs, options = mc.MLPClassifier, TheirClassifier, {}
    X, y = digits()
    if kind == "two_classes":
        y = np.where(y % 2, "odd", "even")
    elif kind == "labels":
        X, y = make_multilabel_classification(210, n_classes=4, random_state=0)
    elif kind == "outputs":
        ours, theirs, (X, y) = mc.MLPRegressor, TheirRegressor, diabetes()
        y = np.stack([y, -y, y**2], axis=1)
    elif kind == "poisson":
        ours, theirs, (X, y), options = mc.MLPRegressor, TheirRegressor, diabetes(), {"loss": "poisson"}
    else:
        X = X.astype(np.float32)
    a, b = twins(ours, theirs, X, y, None, options)
    assert_same(a, b, 1e-4 if kind == "float32" else 1e-11)
    assert a.coefs_[0].dtype == b.coefs_[0].dtype == X.dtype
    outputs = (a.predict_proba(X), b.predict_proba(X)) if ours is mc.MLPClassifier else (a.predict(X), b.predict(X))
    np.testing.assert_allclose(*outputs, atol=1e-4 if kind == "float32" else 1e-10)
    assert outputs[0].dtype == outputs[1].dtype


@BOTH
def test_partial_fit_follows_too(ours, theirs):
    """Momentum and the number of updates go on from call to call; so does the falling rate."""
    X, y = digits() if ours is mc.MLPClassifier else diabetes()
    for options in (SOLVERS["invscaling"], SOLVERS["adam"]):
        a, b = twins(ours, theirs, X, y, None, options)
        for rows in (slice(0, 250), slice(250, 500), slice(0, 77)):
            for model in (a, b):
                model.set_params(warm_start=False).partial_fit(X[rows], y[rows])
        assert_same(a, b, 1e-10)


@BOTH
def test_lbfgs_is_as_good(ours, theirs):
    X, y = digits() if ours is mc.MLPClassifier else diabetes()
    found = [
        cls(solver="lbfgs", max_iter=400, alpha=0.01, hidden_layer_sizes=(20,), random_state=0)
        for cls in (ours, theirs)
    ]
    losses = [model.fit(X, y).loss_ for model in found]
    assert losses[0] == pytest.approx(losses[1], rel=0.2, abs=1e-3)
    assert found[0].score(X, y) == pytest.approx(found[1].score(X, y), abs=0.05)


def test_poisson_regression_without_hidden_layers():
    X = np.linspace(0, 1, 100).reshape(-1, 1)
    y = np.random.default_rng(0).poisson(np.exp(X[:, 0] + 1))
    linear = PoissonRegressor(alpha=0, tol=1e-7).fit(X, y)
    ours = mc.MLPRegressor("poisson", (), alpha=0, solver="lbfgs", tol=1e-7, random_state=0).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), linear.predict(X), rtol=1e-4)
    with pytest.raises(ValueError, match="poisson are not negative"):
        ours.fit(X, -y - 1)
