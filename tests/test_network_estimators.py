"""Any network in scikit-learn's manners: from a list of layers, or from a function."""

import pickle
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.model_selection import GridSearchCV

import multicapa as mc
from estimator_helpers import SHORT_FITS

pytestmark = SHORT_FITS

X, y = load_iris(return_X_y=True)
X_numbers, numbers = load_diabetes(return_X_y=True)
numbers = (numbers - numbers.mean()) / numbers.std()


def classifier(network, **options):
    return mc.NetworkClassifier(network, **({"max_iter": 60, "learning_rate_init": 0.02, "random_state": 0} | options))


def regressor(network, **options):
    return mc.NetworkRegressor(network, **({"max_iter": 60, "learning_rate_init": 0.02, "random_state": 0} | options))


def deep(x, n_outputs, activation, units=8, blocks=1):
    h = mc.Dense(units, "tanh")(x)
    for _ in range(blocks):
        h = mc.add([mc.Dense(units, "tanh")(h), h])
    return mc.Dense(n_outputs, activation)(mc.concat([h, x]))


def outputs(model):
    last = model.network_.spec[-1]
    return last["units"], last["activation"]


@pytest.mark.parametrize(
    ("task", "expected"),
    [("two", (1, "sigmoid")), ("three", (3, "softmax")), ("labels", (4, "sigmoid"))],
)
def test_output_layer_is_added_for_classes(task, expected):
    samples, targets = {"two": (X, y == 1), "three": (X, y)}.get(task) or make_multilabel_classification(
        100, n_classes=4, random_state=0
    )
    for network in ([mc.Dense(8, "relu")], deep):
        model = classifier(network, max_iter=5).fit(samples, targets)
        assert outputs(model) == expected
        assert model.predict(samples).shape == targets.shape
        assert (model.n_outputs_, model.out_activation_) == (expected[0], expected[1].replace("sigmoid", "logistic"))


def test_output_layer_is_added_for_numbers():
    for loss, activation in (("squared_error", "linear"), ("poisson", "exponential"), (mc.losses.Huber(), "linear")):
        model = regressor([mc.Dense(4, "relu")], loss=loss, max_iter=3).fit(X_numbers, np.abs(numbers))
        assert outputs(model) == (1, activation)
    two = regressor([mc.Dense(4, "relu")], max_iter=3).fit(X_numbers, np.stack([numbers, -numbers], axis=1))
    assert outputs(two) == (2, "linear")
    assert two.predict(X_numbers).shape == (442, 2)


@pytest.mark.parametrize(
    ("layers", "targets", "last"),
    [
        ([mc.Dense(8, "relu"), mc.Dense(3, "softmax")], y, "dense_2"),
        ([mc.Dense(8, "relu"), mc.Dense(3), mc.Activation("softmax")], y, "activation_1"),
        ([mc.Dense(1, "sigmoid")], y == 1, "dense_1"),
        ([mc.Dense(2, "softmax")], y == 1, "dense_1"),
        ([], y, "dense_1"),
        ([mc.Dense(3, "sigmoid")], y, "dense_2"),  # a hidden layer
    ],
)
def test_output_layer_in_the_list_is_taken(layers, targets, last):
    model = classifier(layers, max_iter=150).fit(X, targets)
    assert model.network_.spec[-1]["name"] == last
    assert model.score(X, targets) > 0.6
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(model.classes_[model.predict_proba(X).argmax(axis=1)], model.predict(X))


def test_list_of_one_output_for_numbers():
    model = regressor([mc.Dense(8, "relu"), mc.Dense(1)], max_iter=3).fit(X_numbers, numbers)
    assert model.network_.spec[-1]["name"] == "dense_2"


def test_same_as_the_mlp_of_the_same_layers():
    dense = [mc.Dense(8, "relu", weight_init="he_uniform") for _ in range(2)]
    hidden = [dense[0], mc.Dropout(0.2), dense[1], mc.Dropout(0.2)]
    start = {
        "weight_init": ["he_uniform", "he_uniform", "fan_in_uniform"],
        "bias_init": ["zeros", "zeros", "fan_in_uniform"],
    }
    options = {"max_iter": 5, "random_state": 0, "early_stopping": True, "class_weight": {0: 2.0}}
    mlp = mc.MLPClassifier((8, 8), dropout=0.2, **start, **options).fit(X, y)
    network = mc.NetworkClassifier(hidden, **options).fit(X, y)
    np.testing.assert_array_equal(mlp.predict_proba(X), network.predict_proba(X))
    assert mlp.validation_scores_ == network.validation_scores_
    assert mlp.n_layers_ == network.n_layers_ == 4


def test_function_builds_what_it_says():
    model = classifier(partial(deep, blocks=2)).fit(X, y)
    assert [layer["type"] for layer in model.network_.spec[1:]] == [
        "dense", "dense", "add", "dense", "add", "concat", "dense"
    ]  # fmt: skip
    assert model.score(X, y) > 0.9
    assert regressor(deep).fit(X_numbers, numbers).score(X_numbers, numbers) > 0.4


def test_function_may_choose_its_outputs():
    two = classifier(lambda x, n, activation: mc.Dense(2, "softmax")(x)).fit(X, y > 0)
    assert two.predict_proba(X).shape == (150, 2)
    one_against_rest = classifier(lambda x, n, activation: mc.Dense(n, "sigmoid")(x)).fit(X, y)
    np.testing.assert_allclose(one_against_rest.predict_proba(X).sum(axis=1), 1)
    squashed = classifier(lambda x, n, activation: mc.Dense(n, "tanh")(x), loss="half_squared_error")
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    assert squashed.fit(scaled, y == 0).score(scaled, y == 0) > 0.95  # its targets are -1 and 1
    np.testing.assert_array_equal(squashed.decision_function(scaled) > 0, squashed.predict(scaled))
    assert not hasattr(squashed, "predict_proba")
    bounded = regressor(lambda x, n, activation: mc.Dense(n, "sigmoid")(x)).fit(X, y / 2)
    assert 0 <= bounded.predict(X).min() <= bounded.predict(X).max() <= 1


def test_search_over_networks():
    grid = {"network": [partial(deep, units=4), partial(deep, blocks=2), [mc.Dense(6, "relu")]]}
    search = GridSearchCV(classifier(deep), grid, cv=2, n_jobs=2).fit(X, y)
    assert search.best_score_ > 0.9
    assert len(set(search.cv_results_["mean_test_score"])) > 1


def test_layers_are_not_used_up():
    """One list serves many fits and clones, which do not share weights."""
    hidden = [mc.Dense(8, "relu")]
    a, b = classifier(hidden).fit(X, y), classifier(hidden, random_state=1).fit(X, y)
    assert not np.array_equal(a.coefs_[0], b.coefs_[0])
    np.testing.assert_array_equal(clone(a).fit(X, y).coefs_[0], a.coefs_[0])
    np.testing.assert_array_equal(a.fit(X, y).coefs_[0], clone(a).fit(X, y).coefs_[0])
    for model in (a, again := pickle.loads(pickle.dumps(a))):
        model.set_params(warm_start=True).fit(X, y)
    np.testing.assert_array_equal(a.coefs_[0], again.coefs_[0])


def test_first_weights_of_your_own():
    start = mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(3, "softmax")], input_shape=4, seed=5, dtype="float64")
    start.fit(X, y, epochs=30)
    weights = list(start.parameters.values())

    def tuned(x, n_outputs, activation):
        h = mc.Dense(8, "tanh", weight_init=weights[0], bias_init=weights[1])(x)
        return mc.Dense(n_outputs, activation, weight_init=weights[2], bias_init=weights[3])(h)

    model = classifier(tuned, solver="sgd", learning_rate_init=1e-300, max_iter=1, warm_start=True).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), start.predict(X))
    model.fit(X, y)


@pytest.mark.parametrize(
    ("network", "targets", "error", "message"),
    [
        ([mc.Dense(10, "softmax")], y, ValueError, "ends with 10 softmax outputs, but y needs 3 of softmax"),
        ([mc.Dense(3), "relu"], y, TypeError, "but the list holds 'relu'"),
        (mc.Dense(3), y, TypeError, "list of layers or a function"),
        (mc.Dense, y, TypeError, "list of layers or a function"),
        (lambda x, n, a: None, y, TypeError, "return the output of the last layer, not None"),
        (lambda x, n, a: mc.Dense(4, a)(x), y, ValueError, "softmax outputs of shape (4,), which do not fit 3 classes"),
        (lambda x, n, a: mc.Dense(n, "tanh")(x), y, ValueError, "log_loss goes with outputs of softmax or sigmoid"),
        (lambda x, n, a: mc.Dense(1, "softmax")(x), y == 1, ValueError, "always 1"),
        (lambda x, n, a: mc.Dense(n, a)(mc.Input(4)), y, ValueError, "does not depend on the input"),
    ],
)
def test_wrong_networks(network, targets, error, message):
    with pytest.raises(error) as raised:
        classifier(network).fit(X, targets)
    assert message in str(raised.value)


def test_wrong_networks_for_numbers():
    with pytest.raises(ValueError, match="outputs of shape"):
        regressor(lambda x, n, a: mc.Dense(2)(x)).fit(X_numbers, numbers)
    with pytest.raises(ValueError, match="poisson needs outputs above 0"):
        regressor(lambda x, n, a: mc.Dense(n)(x), loss="poisson").fit(X, y)
    with pytest.raises(ValueError, match="cost that stays the same"):
        regressor([mc.Dropout(0.5)], solver="lbfgs").fit(X_numbers, numbers)
    with pytest.raises(ValueError, match="fit anew"):
        regressor([mc.Dense(3)], warm_start=True).fit(X, y).set_params(network=[mc.Dense(4)]).fit(X, y)
