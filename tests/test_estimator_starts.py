"""The first weights of the estimators: scikit-learn's, unless another start is asked for."""

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

import multicapa as mc
from estimator_helpers import BOTH, SHORT_FITS

pytestmark = SHORT_FITS

X, y = load_digits(return_X_y=True)
X, y = X[:100] / 16, y[:100]
AT_ONCE = {"max_iter": 1, "learning_rate_init": 1e-12, "random_state": 0}  # what is left is the start


def start(**options):
    """A classifier with its first weights."""
    return mc.MLPClassifier(**AT_ONCE | options).fit(X, y)


def limits(model, factor):
    """The bounds that scikit-learn draws each layer from."""
    return [np.sqrt(factor / sum(W.shape)) for W in model.coefs_]


@BOTH
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_drawn_as_scikit_learn_draws(ours, theirs, activation):
    """Weights and biases of every layer, the output layer too."""
    options = AT_ONCE | {"hidden_layer_sizes": (50, 40), "activation": activation}
    a, b = (cls(**options).fit(X, y) for cls in (ours, theirs))
    bounds = limits(a, 2 if activation == "logistic" else 6)
    for W, V, limit in zip(a.coefs_, b.coefs_, bounds, strict=True):
        assert (0.97 if W.size > 100 else 0.8) * limit < np.abs(W).max() <= limit * (1 + 1e-9)
        assert ks_2samp(W.ravel(), V.ravel()).pvalue > 1e-3
    for w, v, limit in zip(a.intercepts_[:2], b.intercepts_[:2], bounds[:2], strict=True):
        assert 0.8 * limit < np.abs(w).max() <= limit * (1 + 1e-9)
        assert ks_2samp(w, v).pvalue > 1e-3
    assert np.abs(a.intercepts_[2]).max() <= bounds[2] * (1 + 1e-9)
    assert a.intercepts_[2].any()


def test_each_layer_goes_by_its_own_activation():
    """And the output layer by that of the last hidden one, as in scikit-learn."""
    for activations, factors in ((["relu", "logistic"], (6, 2, 2)), (["sigmoid", mc.Activation("selu")], (2, 6, 6))):
        model = start(hidden_layer_sizes=(60, 60), activation=activations)
        found = [np.abs(W).max() ** 2 * sum(W.shape) for W in model.coefs_]
        np.testing.assert_allclose(found, factors, rtol=0.05)
    for activation, factor in (("logistic", 2), ("sigmoid", 2), ("relu", 6), ([], 6)):
        (W,) = start(hidden_layer_sizes=(), activation=activation).coefs_
        assert np.abs(W).max() ** 2 * sum(W.shape) == pytest.approx(factor, rel=0.05)


def test_norms_do_not_change_the_start():
    plain = start(hidden_layer_sizes=(30,))
    for options in ({"batch_norm": True}, {"layer_norm": True}, {"activation": mc.Activation("relu")}):
        model = start(hidden_layer_sizes=(30,), **options)
        np.testing.assert_allclose(model.coefs_[0], plain.coefs_[0], atol=1e-9)


def test_equal_random_states_start_equally():
    a, b, c = (start(random_state=seed) for seed in (3, 3, 4))
    assert a.coefs_[0].tobytes() == b.coefs_[0].tobytes()
    assert a.intercepts_[0].tobytes() == b.intercepts_[0].tobytes()
    assert a.coefs_[0].tobytes() != c.coefs_[0].tobytes()


def test_a_name_for_all_layers():
    model = start(hidden_layer_sizes=(30, 20), weight_init="ones", bias_init="zeros")
    for W, b in zip(model.coefs_, model.intercepts_, strict=True):
        np.testing.assert_allclose(W, 1, atol=1e-9)
        np.testing.assert_allclose(b, 0, atol=1e-9)
    usual = start(hidden_layer_sizes=(30, 20), weight_init="ones")  # biases are left to scikit-learn's start
    assert np.abs(usual.intercepts_[0]).max() > 0.1


def test_one_for_each_layer():
    """Names, arrays and functions; None leaves a layer to scikit-learn's start."""
    first = np.arange(64.0 * 5).reshape(64, 5)

    def by_shape(rng, shape, fan_in, fan_out):
        return np.full(shape, fan_in + 100.0 * fan_out)

    model = start(
        hidden_layer_sizes=(5, 4),
        weight_init=[first, by_shape, None],
        bias_init=(None, "ones", np.arange(10.0)),
    )
    np.testing.assert_allclose(model.coefs_[0], first, atol=1e-9)
    np.testing.assert_allclose(model.coefs_[1], 405, atol=1e-9)
    np.testing.assert_allclose(model.coefs_[2], start(hidden_layer_sizes=(5, 4)).coefs_[2], atol=1e-9)
    assert 0 < np.abs(model.intercepts_[0]).max() <= np.sqrt(6 / 69) * (1 + 1e-9)
    np.testing.assert_allclose(model.intercepts_[1], 1, atol=1e-9)
    np.testing.assert_allclose(model.intercepts_[2], np.arange(10), atol=1e-9)


def test_they_are_parameters_like_others():
    model = mc.MLPRegressor(hidden_layer_sizes=(4,), weight_init=["he_normal", np.ones((4, 1))], bias_init="zeros")
    again = clone(model)
    assert again.get_params()["weight_init"][0] == "he_normal"
    np.testing.assert_array_equal(again.get_params()["weight_init"][1], np.ones((4, 1)))
    grid = {"weight_init": [None, "he_uniform", ["he_uniform", "zeros"]]}
    search = GridSearchCV(mc.MLPClassifier((8,), solver="lbfgs", max_iter=50, random_state=0), grid, cv=2).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    warm = start(hidden_layer_sizes=(8,), warm_start=True)
    warm.set_params(weight_init="ones").fit(X, y)  # goes on where it was: starts matter at birth only
    assert np.abs(warm.coefs_[0] - 1).min() > 0.1


@pytest.mark.parametrize("kind", [TheirClassifier, TheirRegressor])
def test_scores_are_scikit_learns(kind):
    """From many starts on average, where He's start without biases fell behind."""
    ours = mc.MLPClassifier if kind is TheirClassifier else mc.MLPRegressor
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, (300, 5))
    target = np.sin(3 * inputs[:, 0]) + inputs[:, 1] * inputs[:, 2]
    target = target > 0 if kind is TheirClassifier else target
    scores = [
        [
            cls(hidden_layer_sizes=(50,), max_iter=60, learning_rate_init=0.01, random_state=seed)
            .fit(inputs[:200], target[:200])
            .score(inputs[200:], target[200:])
            for cls in (ours, kind)
        ]
        for seed in range(6)
    ]
    difference = np.subtract(*np.transpose(scores))
    assert difference.mean() > -2 * difference.std(ddof=1) / np.sqrt(len(scores)) - 0.005
