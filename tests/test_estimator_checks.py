"""scikit-learn's own checks of estimators, all of them, with none expected to fail."""

import inspect

import pytest
from sklearn import neural_network
from sklearn.utils.estimator_checks import parametrize_with_checks

import multicapa as mc
from helpers import output_of

OURS = {"MLPClassifier", "MLPRegressor", "NetworkClassifier", "NetworkRegressor"}


class WithSkip:
    """A function for a network of any estimator, with a name that is the same in each process that runs tests."""

    def __call__(self, x, n_outputs, activation):
        h = mc.Dense(16, "relu")(x)
        return mc.Dense(n_outputs, activation)(mc.concat([h, x]))

    def __repr__(self):
        return "with_skip"


LAYERS = [mc.Dense(16), mc.LayerNorm(), mc.Activation("tanh")]
SHORT = {"max_iter": 50, "random_state": 0}
ESTIMATORS = [
    mc.MLPClassifier(**SHORT),
    mc.MLPRegressor(**SHORT),
    mc.NetworkClassifier(LAYERS, learning_rate_init=0.01, **SHORT),
    mc.NetworkRegressor(LAYERS, learning_rate_init=0.01, **SHORT),
    mc.MLPClassifier(solver="lbfgs", **SHORT),
    mc.MLPRegressor(solver="lbfgs", hidden_layer_sizes=(16, 16), residual=True, **SHORT),
    mc.MLPClassifier(loss="hinge", **SHORT),
    mc.NetworkClassifier(WithSkip(), **SHORT),
    mc.NetworkRegressor(WithSkip(), solver="rmsprop", learning_rate_init=0.01, **SHORT),
]


@parametrize_with_checks(ESTIMATORS)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_constructor_takes_what_scikit_learn_takes(name):
    """By name, place and default; what is ours comes by name only."""
    ours = inspect.signature(getattr(mc, name)).parameters
    theirs = inspect.signature(getattr(neural_network, name)).parameters
    for parameter in theirs.values():
        assert (ours[parameter.name].kind, ours[parameter.name].default) == (parameter.kind, parameter.default)
    positional = [p.name for p in ours.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == [p.name for p in theirs.values() if p.kind is p.POSITIONAL_OR_KEYWORD]


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "score"])
def test_methods_take_what_scikit_learn_takes(name, method):
    theirs = list(inspect.signature(getattr(getattr(neural_network, name), method)).parameters)
    assert list(inspect.signature(getattr(getattr(mc, name), method)).parameters)[: len(theirs)] == theirs


@pytest.mark.parametrize("name", sorted(OURS))
def test_docstring_describes_every_parameter(name):
    cls = getattr(mc, name)
    text = inspect.getdoc(cls)
    assert "{parameters}" not in text
    assert "\nnetwork_ : Network\n" in text
    for parameter in inspect.signature(cls).parameters:
        assert f"\n{parameter} : " in text
    longest = max(map(len, cls.__doc__.splitlines()))
    assert longest <= 120


def test_import_leaves_scikit_learn_alone():
    assert output_of("import sys, multicapa; print('sklearn' in sys.modules)") == "False"
    assert set(mc.__all__) >= OURS
