"""Wrong options of the estimators are named before anything has happened."""

import pytest
from sklearn.datasets import make_moons
from sklearn.utils._param_validation import InvalidParameterError

import multicapa as mc
from estimator_helpers import SHORT_FITS

pytestmark = SHORT_FITS


def moons():
    return make_moons(300, noise=0.2, random_state=0)


def classifier(**options):
    return mc.MLPClassifier(**({"hidden_layer_sizes": (8, 8), "max_iter": 5, "random_state": 0} | options))


def regressor(**options):
    return mc.MLPRegressor(**({"hidden_layer_sizes": (8, 8), "max_iter": 5, "random_state": 0} | options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"activation": ["relu"] * 3}, "lists 3 for 2 hidden"),
        ({"solver": "admm"}, "no solver"),
        ({"learning_rate": "fast"}, "no learning_rate"),
        ({"learning_rate": 0.1}, "is for learning_rate_init"),
        ({"learning_rate": mc.schedules.Constant(1), "learning_rate_init": 0.1}, "knows its first rate"),
        ({"learning_rate": mc.schedules.Constant(1), "solver": "lbfgs"}, "no learning rate"),
        ({"learning_rate": "adaptive", "solver": mc.SGD()}, "give the optimiser"),
        ({"loss": "poison"}, "did you mean 'poisson'|no loss 'poison'"),
        ({"loss": (100, 50)}, r"write hidden_layer_sizes=\(100, 50\)"),  # the regressor's first argument is its loss
        ({"dropout": 1.0}, "dropout"),
        ({"input_noise": -1.0}, "input_noise"),
        ({"weight_noise": -1.0}, "weight_noise"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (), "dropout": 0.5}, "need hidden layers"),
        ({"hidden_layer_sizes": (8, 4, 8), "residual": True}, "equal width"),
        ({"batch_norm": True, "layer_norm": True}, "exclude each other"),
        ({"solver": "lbfgs", "clip_norm": 1.0}, "clip_norm"),
        ({"solver": "lbfgs", "weight_noise": 1.0}, "weight_noise"),
        ({"solver": mc.Adam(), "learning_rate_init": 0.1}, "give the optimiser"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"callbacks": 3}, "callbacks should be a list"),
        ({"clip_norm": 0.0}, "clip_norm"),
        ({"weight_init": "he_unifrom"}, "initialisation of weight_init .* did you mean 'he_uniform'"),
        ({"bias_init": ["zeros", "zeros"]}, "bias_init lists 2 for 3 layers, the output layer among them"),
        ({"weight_init": [None, None, "one"]}, "did you mean 'ones'"),
        ({"weight_init": [None, {}, None]}, "weight_init should be a name, a function or an array of numbers"),
        ({"bias_init": [[0.0, float("nan")], None, None]}, "bias_init should be finite"),
    ],
    ids=str,
)
def test_wrong_options_are_named(options, message):
    for model in (classifier(**options), regressor(**options)):
        with pytest.raises(InvalidParameterError, match=message):
            model.fit(*moons())
        assert not hasattr(model, "n_features_in_")  # nothing has happened


def test_what_does_not_fit_together_is_said():
    X, y = moons()
    for options in ({"dropout": 0.5}, {"input_noise": 0.1}, {"batch_norm": True}):
        with pytest.raises(ValueError, match="cost that stays the same"):
            classifier(solver="lbfgs", **options).fit(X, y)
    with pytest.raises(ValueError, match="cross_entropy goes with outputs of softmax"):
        classifier(loss="cross_entropy").fit(X, y)
    with pytest.raises(ValueError, match=r"takes the losses .* not cross_entropy"):
        regressor(loss=mc.losses.CrossEntropy()).fit(X, y)
    with pytest.raises(ValueError, match=r"2 labels, but classes names 3"):
        classifier().partial_fit(X, [[1, 0]] * len(y), classes=[0, 1, 2])
    with pytest.raises(ValueError, match="give partial_fit a dict"):
        classifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="fit anew"):
        classifier(warm_start=True).fit(X, y).set_params(hidden_layer_sizes=(9,)).fit(X, y)
    for wrong in ([None, None, [[1.0, 2.0]]], lambda rng, shape, n, m: [[0.0]]):
        with pytest.raises(ValueError, match=r"the initial values of dense_\d.weight should have shape"):
            classifier(weight_init=wrong).fit(X, y)
    fitted = classifier().fit(X, y)
    with pytest.raises(ValueError, match="coefs_ have the shapes"):
        fitted.coefs_ = fitted.coefs_[1:]
