"""The estimators keep scikit-learn's contract, and every option does something."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import multicapa as mc
from helpers import output_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@parametrize_with_checks([mc.MLPClassifier(max_iter=50, random_state=0), mc.MLPRegressor(max_iter=50, random_state=0)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def moons():
    return make_moons(300, noise=0.2, random_state=0)


def classifier(**options):
    return mc.MLPClassifier(**({"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0} | options))


def regressor(**options):
    return mc.MLPRegressor(**({"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0} | options))


def waves():
    X = np.linspace(-1, 1, 60).reshape(-1, 2)
    return X, np.sin(3 * X[:, 0])


def test_import_leaves_scikit_learn_alone():
    assert output_of("import sys, multicapa; print('sklearn' in sys.modules)") == "False"
    assert {"MLPClassifier", "MLPRegressor"} <= set(mc.__all__)


def test_line_of_the_design_runs():
    X, y = load_digits(return_X_y=True)
    clf = mc.MLPClassifier(
        hidden_layer_sizes=(128, 64), activation="relu", dropout=0.2, batch_norm=True, random_state=0, max_iter=20
    ).fit(X[:1200], y[:1200])
    assert clf.score(X[1200:], y[1200:]) >= 0.9  # by writers not seen in training
    kinds = [layer["type"] for layer in clf.network_.spec]
    assert kinds == ["input", *["dense", "batch_norm", "activation", "dropout"] * 2, "dense"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_digits(dtype):
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(dtype)
    rows = np.random.default_rng(0).permutation(len(X))
    train, test = rows[:1300], rows[1300:]
    clf = mc.MLPClassifier((64,), max_iter=60, random_state=0).fit(X[train], y[train])
    assert clf.score(X[test], y[test]) >= 0.95
    assert clf.predict_proba(X).dtype == clf.coefs_[0].dtype == dtype
    assert clf.out_activation_ == "softmax"
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), clf.predict_proba(X), rtol=1e-5)


DIFFERENT = [
    {"activation": "tanh"},
    {"activation": ["selu"]},
    {"solver": "sgd"},
    {"solver": "lbfgs"},
    {"solver": "rmsprop"},
    {"solver": mc.Adamax(0.1)},
    {"hidden_layer_sizes": ()},
    {"alpha": 10.0},
    {"batch_size": 17},
    {"learning_rate": "invscaling"},
    {"learning_rate_init": 0.1},
    {"max_iter": 6},
    {"shuffle": False},
    {"random_state": 1},
    {"early_stopping": True},
    {"beta_1": 0.5},
    {"beta_2": 0.9},
    {"epsilon": 0.1},
    {"dropout": 0.5},
    {"batch_norm": True},
    {"layer_norm": True},
    {"loss": "absolute_error"},
    {"clip_norm": 1e-3},
    {"callbacks": [lambda network, epoch: epoch["epoch"] == 1]},
]
DIFFERENT_SGD = [
    {"momentum": 0.2},
    {"nesterovs_momentum": False},
    {"learning_rate": "invscaling"},
    {"learning_rate": "invscaling", "power_t": 0.1},
]


@pytest.mark.parametrize("options", DIFFERENT, ids=str)
def test_option_changes_the_outputs(options):
    X, y = moons()
    clf = classifier(**options).fit(X, y)
    assert not np.array_equal(clf.predict_proba(X), classifier().fit(X, y).predict_proba(X))
    r = regressor(**options).fit(*waves())
    if "batch_size" not in options and "shuffle" not in options:
        assert not np.array_equal(r.predict(X), regressor().fit(*waves()).predict(X))


def test_option_changes_the_outputs_of_sgd():
    X, y = moons()
    made = [classifier(solver="sgd", **options).fit(X, y).predict_proba(X) for options in [{}, *DIFFERENT_SGD]]
    assert len({values.tobytes() for values in made}) == len(made)


def test_class_weight():
    X, y = moons()
    y = np.where(y == 1, "yes", "no")
    share = [
        (classifier(class_weight=w, learning_rate_init=0.05).fit(X, y).predict(X) == "yes").mean()
        for w in ({"yes": 50}, {"no": 50})
    ]
    assert share[0] > share[1] + 0.5
    by_hand = np.where(y[:200] == "yes", 100 / (y[:200] == "yes").sum(), 100 / (y[:200] == "no").sum())
    balanced = classifier(class_weight="balanced").fit(X[:200], y[:200])
    np.testing.assert_allclose(balanced.coefs_[0], classifier().fit(X[:200], y[:200], by_hand).coefs_[0])
    with pytest.raises(ValueError, match="class_weight names 'maybe'"):
        classifier(class_weight={"maybe": 1}).fit(X, y)


@pytest.mark.parametrize(
    "options", [{"solver": "adam", "epsilon": 1e-14}, {"solver": "sgd", "learning_rate": "invscaling"}], ids=str
)
@pytest.mark.parametrize("weighted", [False, True])
def test_same_numbers_as_scikit_learn(options, weighted):
    """From the same weights, in the same order; the batches are equally large and weighted, as the penalty is."""
    X, y = moons()
    weights = np.tile([0.5, 2.5], 150) if weighted else None
    common = options | {
        "batch_size": 100,
        "shuffle": False,
        "alpha": 1.0,
        "activation": "tanh",
        "max_iter": 1,
        "random_state": 0,
    }
    for ours, theirs, t in ((classifier, TheirClassifier, y), (regressor, TheirRegressor, X @ [1.0, 2.0])):
        a = ours(**common, warm_start=True).fit(X, t)
        b = theirs(hidden_layer_sizes=(8,), **common, warm_start=True).fit(X, t)
        for mine, yours in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
            mine[...] = yours
        a.set_params(max_iter=4).fit(X, t, weights)
        b.set_params(max_iter=4).fit(X, t, weights)
        np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-9)
        np.testing.assert_allclose(a.loss_curve_[1:], b.loss_curve_[1:], rtol=1e-9)
        assert (a.t_, a.n_iter_, a.n_layers_, a.n_outputs_) == (b.t_, b.n_iter_, b.n_layers_, b.n_outputs_)
        assert a.out_activation_ == b.out_activation_


def test_early_stopping_and_validation_data():
    X, y = moons()
    clf = classifier(early_stopping=True, max_iter=300, n_iter_no_change=3, learning_rate_init=0.02).fit(X, y)
    assert clf.n_iter_ == len(clf.validation_scores_) < 300
    assert clf.best_validation_score_ == max(clf.validation_scores_)
    assert clf.t_ == 270 * clf.n_iter_
    given = classifier(early_stopping=True, max_iter=30).fit(X[:200], y[:200], validation_data=(X[200:], y[200:]))
    assert given.score(X[200:], y[200:]) == given.best_validation_score_  # the best weights are back
    assert given.t_ == 200 * given.n_iter_
    watched = classifier().fit(X[:200], y[:200], validation_data=(X[200:], y[200:]))
    assert watched.history_["val_accuracy"][-1] == watched.score(X[200:], y[200:])
    assert not hasattr(watched, "validation_scores_")
    large = classifier(early_stopping=True, validation_fraction=0.5).fit(X, y)
    assert large.t_ == 150 * large.n_iter_


def test_convergence():
    X, y = moons()
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(5\)"):
        classifier().fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stopped = classifier(tol=10.0, n_iter_no_change=3, max_iter=50).fit(X, y)
        assert stopped.n_iter_ == 5  # the first epoch always improves; more than 3 without improvement end it
        adaptive = classifier(tol=10.0, n_iter_no_change=3, max_iter=300, learning_rate="adaptive").fit(X, y)
    rates = sorted(set(adaptive.history_["learning_rate"]), reverse=True)
    assert rates[0] == 1e-3
    np.testing.assert_allclose(np.divide(rates[:-1], rates[1:]), 5)
    assert rates[-1] <= 1e-6


def test_solver_has_its_limits():
    X, y = moons()
    free = classifier(solver="lbfgs", max_iter=300).fit(X, y)
    assert classifier(solver="lbfgs", max_iter=300, tol=0.05).fit(X, y).n_iter_ < free.n_iter_
    assert classifier(solver="lbfgs", max_iter=300, max_fun=5).fit(X, y).n_iter_ <= 6 < free.n_iter_
    stopped = classifier(solver="lbfgs", early_stopping=True, max_iter=300, n_iter_no_change=2).fit(X, y)
    assert len(stopped.validation_scores_) == stopped.n_iter_ < 300


def test_warm_start():
    X, y = moons()
    warm = classifier(warm_start=True).fit(X, y)
    network = warm.network_
    warm.fit(X, y)
    assert warm.network_ is network
    assert len(warm.loss_curve_) == 10
    assert warm.loss_curve_[5] < warm.loss_curve_[0]
    assert len(classifier().fit(X, y).fit(X, y).loss_curve_) == 5
    with pytest.raises(ValueError, match="fit anew"):
        warm.set_params(hidden_layer_sizes=(9,)).fit(X, y)


def test_partial_fit_goes_on_where_it_was():
    X, y = moons()
    whole = classifier(shuffle=False, max_iter=4, batch_size=64).fit(X, y)
    steps = classifier(shuffle=False, batch_size=64)
    for _ in range(4):
        steps.partial_fit(X, y, classes=[0, 1])
    np.testing.assert_array_equal(whole.coefs_[0], steps.coefs_[0])
    np.testing.assert_array_equal(whole.loss_curve_, steps.loss_curve_)
    whole.partial_fit(X, y)  # after a fit too
    np.testing.assert_array_equal(whole.coefs_[0], steps.partial_fit(X, y).coefs_[0])
    pickle.loads(pickle.dumps(steps)).partial_fit(X, y)
    assert not hasattr(classifier(solver="lbfgs"), "partial_fit")
    with pytest.raises(ValueError, match="early_stopping"):
        classifier(early_stopping=True).partial_fit(X, y, [0, 1])
    with pytest.raises(ValueError, match="classes must be passed"):
        classifier().partial_fit(X, y)


def test_activation_per_layer():
    X, y = moons()
    clf = classifier(hidden_layer_sizes=(4, 3), activation=["logistic", "identity"]).fit(X, y)
    assert [layer.get("activation") for layer in clf.network_.spec[1:]] == ["sigmoid", "linear", "sigmoid"]


def test_verbose_prints(capsys):
    classifier(verbose=True).fit(*moons())
    assert capsys.readouterr().out.count("loss = ") == 5


def test_several_labels_and_outputs():
    X, Y = make_multilabel_classification(200, n_classes=3, random_state=0)
    clf = classifier(max_iter=100, learning_rate_init=0.01).fit(X, Y)
    assert clf.predict(X).shape == clf.predict_proba(X).shape == Y.shape
    assert (clf.predict(X) == Y).mean() > max(Y.mean(), 1 - Y.mean()) + 0.1
    assert clf.out_activation_ == "logistic"
    r = regressor(solver="lbfgs", max_iter=300).fit(X, X[:, :2] / 10)
    assert r.predict(X).shape == (200, 2)
    assert r.score(X, X[:, :2] / 10) > 0.9


def test_poisson():
    X, y = waves()
    r = regressor(loss="poisson", max_iter=300, learning_rate_init=0.02).fit(X, np.exp(y))
    assert r.out_activation_ == "exp"
    assert r.predict(X).min() > 0
    assert r.score(X, np.exp(y)) > 0.8


def test_sparse_rows_are_the_same():
    X, y = moons()
    dense, sparse = classifier().fit(X, y), classifier().fit(scipy.sparse.csc_matrix(X), y)
    np.testing.assert_array_equal(dense.predict_proba(X), sparse.predict_proba(scipy.sparse.csr_matrix(X)))


def test_pickle_keeps_every_bit():
    X, y = moons()
    clf = classifier(batch_norm=True).fit(X, y)
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(clf.predict_proba(X), again.predict_proba(X))
    assert again.loss_curve_ == clf.loss_curve_
    with pytest.raises(NotFittedError):
        clone(clf).predict(X)


def test_coefficients_are_views():
    X, y = moons()
    clf = classifier().fit(X, y)
    assert [w.shape for w in clf.coefs_] == [(2, 8), (8, 1)]
    assert [b.shape for b in clf.intercepts_] == [(8,), (1,)]
    clf.coefs_[-1][:] = 0
    assert len(np.unique(clf.predict_proba(X)[:, 0])) == 1


def test_grid_search_over_a_pipeline():
    X, y = moons()
    pipe = make_pipeline(StandardScaler(), classifier(max_iter=20, tol=1.0))
    grid = {"mlpclassifier__dropout": [0.0, 0.1], "mlpclassifier__activation": ["relu", "tanh"]}
    search = GridSearchCV(pipe, grid, n_jobs=2, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_decision_boundary():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from sklearn.inspection import DecisionBoundaryDisplay

    X, y = moons()
    for method in ("predict", "predict_proba"):
        display = DecisionBoundaryDisplay.from_estimator(classifier().fit(X, y), X, response_method=method)
        assert display.response.shape == (100, 100)
    pyplot.close("all")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"activation": ["relu", "relu"]}, "2 names for 1 hidden"),
        ({"solver": "admm"}, "no solver"),
        ({"learning_rate": "fast"}, "no learning_rate"),
        ({"loss": "hinge"}, "not the loss 'hinge'"),
        ({"loss": "cross_entropy"}, "not the loss 'cross_entropy'"),
        ({"dropout": 1.0}, "dropout"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (), "dropout": 0.5}, "need hidden layers"),
        ({"batch_norm": True, "layer_norm": True}, "exclude each other"),
        ({"solver": "lbfgs", "dropout": 0.5}, "no dropout"),
        ({"solver": "lbfgs", "clip_norm": 1.0}, "clip_norm"),
        ({"solver": "lbfgs", "learning_rate": "adaptive"}, "no learning rate"),
        ({"solver": mc.Adam(), "learning_rate_init": 0.1}, "its own learning rate"),
        ({"alpha": -1.0}, "alpha"),
        ({"max_iter": 0}, "max_iter"),
        ({"batch_size": 0}, "batch_size"),
    ],
    ids=str,
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        classifier(**options).fit(*moons())
