"""How a fit ends, what it warns of and what it refuses: side by side with scikit-learn's networks."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.preprocessing import scale

import multicapa as mc
from estimator_helpers import BOTH, SHORT_FITS, digits

pytestmark = SHORT_FITS

# ---- how a fit ends ----


@pytest.mark.filterwarnings("error")
@BOTH
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_warns_at_the_limit(ours, theirs, solver):
    X, y = load_iris(return_X_y=True)
    limits = [{"max_iter": 3}, {"max_fun": 4}] if solver == "lbfgs" else [{"max_iter": 3, "warm_start": True}]
    for limit in limits:
        for cls in (ours, theirs):
            model = cls(solver=solver, random_state=0, n_iter_no_change=np.inf, **limit)
            with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge|Maximum iterations") as found:
                model.fit(X, y)
            assert found[0].filename == __file__ or cls is theirs
            assert model.n_iter_ <= 4
            if "warm_start" in limit:
                with pytest.warns(ConvergenceWarning):
                    model.set_params(max_iter=7).fit(X, y)
                assert model.n_iter_ == 7


@BOTH
def test_stops_when_nothing_improves(ours, theirs, capsys):
    """After more than n_iter_no_change epochs, the first of which always improves; it says so, and does not warn."""
    X, y = digits(2)
    for waited in (2, 10, np.inf):
        options = {"tol": 1e9, "n_iter_no_change": waited, "max_iter": 30, "solver": "sgd", "verbose": True}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if waited == np.inf else "error")
            said = []
            for cls in (ours, theirs):
                assert cls(**options).fit(X, y).n_iter_ == min(waited + 2, 30)
                said.append([line.split(", loss")[0] for line in capsys.readouterr().out.splitlines()])
        assert said[0] == said[1]
        assert said[0][0] == "Iteration 1"


@BOTH
def test_slows_down_and_stops(ours, theirs, capsys):
    X, y = digits(2)
    options = {"tol": 1e9, "n_iter_no_change": 2, "max_iter": 200, "verbose": 1, "learning_rate": "adaptive"}
    said = []
    for cls in (ours, theirs):
        cls(solver="sgd", **options).fit(X, y)
        said.append([line for line in capsys.readouterr().out.splitlines() if "Iteration" not in line])
    assert said[0] == said[1]
    assert said[0][-1].endswith("Learning rate too small. Stopping.")


@BOTH
def test_early_stopping(ours, theirs, capsys):
    X, y = digits(2)
    for cls in (ours, theirs):
        model = cls(early_stopping=True, tol=0.2, max_iter=300, random_state=0, verbose=True).fit(X, y)
        scores = list(model.validation_scores_)
        assert model.n_iter_ == len(scores) == len(model.loss_curve_) < 300
        assert model.best_validation_score_ == max(scores)
        assert model.best_loss_ is None
        assert model.t_ == model.n_iter_ * round(0.9 * len(X) - 0.5)
        said = capsys.readouterr().out
        assert said.count("Validation score: ") == len(scores)
        assert said.endswith(
            "Validation score did not improve more than tol=0.200000 for 10 consecutive epochs. Stopping.\n"
        )
        model.set_params(warm_start=True, max_iter=5, tol=0.0, n_iter_no_change=100).fit(X, y)
        assert len(model.validation_scores_) == len(scores) + 5
        capsys.readouterr()
        plain = cls(max_iter=5).fit(X, y)
        assert plain.validation_scores_ is plain.best_validation_score_ is None
        assert plain.best_loss_ == min(plain.loss_curve_)


def test_split_keeps_the_shares_of_two_classes():
    X = np.arange(8.0).reshape(4, 2)
    for cls in (mc.MLPClassifier, TheirClassifier):
        with pytest.raises(ValueError, match=r"least populated classes in y have only 1 member.*too few"):
            cls(early_stopping=True).fit(X, ["a", "a", "a", "b"])
        cls(early_stopping=True, validation_fraction=0.5, max_iter=1).fit(X, ["a", "b", "c", "b"])  # three: any split
    with pytest.raises(ValueError, match="validation set is too small"):
        mc.MLPRegressor(early_stopping=True).fit(X, np.arange(4.0))


@BOTH
def test_early_stopping_survives_divergence(ours, theirs):
    X, y = load_iris(return_X_y=True)
    options = {"activation": "identity", "solver": "sgd", "learning_rate_init": 1, "max_iter": 20, "random_state": 0}
    model = mc.MLPRegressor(early_stopping=True, **options)
    with pytest.warns(ConvergenceWarning, match="exploded"):
        model.fit(1e3 * X, y)
    assert np.isnan(model.validation_scores_[-1])
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.filterwarnings("ignore")
def test_divergence_is_a_value_error():
    X, y = make_regression(20, 2, random_state=0)
    for cls in (mc.MLPRegressor, TheirRegressor):
        with pytest.raises(ValueError, match=r"exploded|non-finite"):
            cls(solver="sgd", learning_rate_init=1e3, random_state=0).fit(1e150 * X, y)


@BOTH
def test_interrupt_keeps_what_was_learnt(ours, theirs):
    def interrupt(network, epoch):
        if epoch["epoch"] == 3:
            raise KeyboardInterrupt

    X, y = digits(2)
    model = ours(callbacks=[interrupt], random_state=0, hidden_layer_sizes=5)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y)
    assert len(model.loss_curve_) == model.n_iter_ == 3
    assert model.predict(X).shape == y.shape
    with pytest.raises(KeyboardInterrupt):
        ours(callbacks=[interrupt], solver="lbfgs").fit(X, y)


@BOTH
def test_interrupt_of_partial_fit_ends_the_loop_around_it(ours, theirs):
    calls = []

    def interrupt(network, epoch):
        calls.append(epoch)
        if len(calls) == 3:
            raise KeyboardInterrupt

    X, y = digits(2)
    model = ours(callbacks=[interrupt], random_state=0, hidden_layer_sizes=5)
    classes = {"classes": [0, 1]} if ours is mc.MLPClassifier else {}
    for _ in range(2):
        model.partial_fit(X, y, **classes)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, y)
    assert len(model.partial_fit(X, y).loss_curve_) == 4


# ---- what is refused, and as what ----

WRONG = [
    {"activation": "rleu"},
    {"alpha": -1},
    {"hidden_layer_sizes": (-1,)},
    {"solver": "adma"},
    {"learning_rate": "fast"},
    {"learning_rate_init": 0.0},
    {"max_iter": 0},
    {"max_iter": 1.5},
    {"shuffle": "yes"},
    {"tol": -1e-3},
    {"verbose": "loud"},
    {"early_stopping": 2},
    {"validation_fraction": 1.0},
    {"n_iter_no_change": 0.5},
    {"max_fun": 0},
    {"random_state": "seed"},
    {"batch_size": "all"},
]


@pytest.mark.parametrize("options", WRONG, ids=str)
@BOTH
def test_refuses_what_scikit_learn_refuses(ours, theirs, options):
    """As both a ValueError and a TypeError where the type of the parameter is wrong, like scikit-learn."""
    X, y = load_iris(return_X_y=True)
    for cls in (ours, theirs):
        with pytest.raises(ValueError):  # noqa: PT011 - the words are our own
            cls(**options).fit(X, y)
    if "random_state" not in options and "hidden_layer_sizes" not in options:
        for cls in (ours, theirs):
            with pytest.raises(TypeError):
                cls(**options).fit(X, y)


def test_warm_start_wants_the_same_classes():
    X, y = load_iris(return_X_y=True)
    for cls in (mc.MLPClassifier, TheirClassifier):
        model = cls(hidden_layer_sizes=2, warm_start=True, max_iter=2).fit(X, y)
        model.fit(X, y[::-1])
        for wrong in (np.minimum(y, 1), np.where(y == 2, 3, y), np.arange(150) % 4):
            with pytest.raises(ValueError, match="classes"):
                model.fit(X, wrong)


def test_partial_fit_wants_classes():
    for cls in (mc.MLPClassifier, TheirClassifier):
        model = cls(random_state=0)
        with pytest.raises(ValueError, match="classes must be passed on the first call"):
            model.partial_fit([[3, 2], [1, 6]], [1, 0])
        model.partial_fit([[1], [2], [3]], ["a", "b", "c"], classes=["a", "b", "c", "d"])
        model.partial_fit([[4]], ["d"])
        assert model.classes_.tolist() == ["a", "b", "c", "d"]
        with pytest.raises(ValueError, match="is not the same as on last call"):
            model.partial_fit([[4]], ["d"], classes=["a", "d"])
        with pytest.raises(ValueError, match="classes"):
            model.partial_fit([[4]], ["e"])
        assert not hasattr(cls(solver="lbfgs"), "partial_fit")
        with pytest.raises(ValueError, match="early_stopping"):
            cls(early_stopping=True).partial_fit([[1.0]], [1], classes=[0, 1])


def test_one_class_alone():
    """In a fold of a rare class, say."""
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = mc.MLPClassifier(max_iter=3).fit(X, ["only"] * 30)
    assert set(model.predict(X)) == {"only"}
    np.testing.assert_array_equal(model.predict_proba(X), 1)


def test_scaling_y_as_lists_and_columns():
    X, y = make_regression(40, 3, random_state=0)
    y = scale(y)
    plain = mc.MLPRegressor(max_iter=3, random_state=0).fit(X, y).predict(X)
    with pytest.warns(Warning, match="column-vector y was passed"):
        column = mc.MLPRegressor(max_iter=3, random_state=0).fit(X.tolist(), y.reshape(-1, 1).tolist()).predict(X)
    np.testing.assert_array_equal(plain, column)


def test_scores_of_early_stopping_are_scikit_learns():
    """They are computed without its checks, in every epoch."""
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 2, 20)
    for y in (
        rng.normal(size=20),
        rng.normal(size=(20, 3)),
        np.ones(20),
        np.stack([np.ones(20), rng.normal(size=20)], 1),
    ):
        for predicted in (y, y + rng.normal(size=y.shape)):
            for w in (None, weights):
                assert mc.MLPRegressor()._score(y, predicted, w) == pytest.approx(
                    r2_score(y, predicted, sample_weight=w)
                )
    for y in (rng.integers(0, 3, 20), np.array(["a", "b"])[rng.integers(0, 2, 20)], rng.integers(0, 2, (20, 3))):
        for w in (None, weights):
            theirs = accuracy_score(y, y[::-1], sample_weight=w)
            assert mc.MLPClassifier()._score(y, y[::-1], w) == pytest.approx(theirs)
