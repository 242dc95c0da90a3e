"""The estimators among scikit-learn's tools: pipelines, searches, calibration, routing, and several processes."""

import os

import joblib
import numpy as np
import pytest
import sklearn
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, make_moons, make_regression
from sklearn.ensemble import BaggingRegressor, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - lets the next import in
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_score
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import multicapa as mc
from estimator_helpers import SHORT_FITS

pytestmark = SHORT_FITS

X, y = load_iris(return_X_y=True)


def classifier(**options):
    return mc.MLPClassifier(**({"hidden_layer_sizes": (8,), "max_iter": 40, "random_state": 0} | options))


def quick(**options):
    return classifier(learning_rate_init=0.02, **options)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_pipeline_with_a_search():
    pipe = make_pipeline(StandardScaler(), quick())
    grid = {"mlpclassifier__dropout": [0.0, 0.1], "mlpclassifier__hidden_layer_sizes": [(4,), (8, 8)]}
    alone = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    both = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(alone.cv_results_["mean_test_score"], both.cv_results_["mean_test_score"])
    assert both.best_score_ > 0.9
    assert both.best_estimator_.predict(X).shape == y.shape


def test_halving_search():
    search = HalvingGridSearchCV(
        quick(), {"alpha": [1e-4, 1e-2], "activation": ["relu", "tanh"]}, resource="max_iter", max_resources=40,
        min_resources=5, cv=2, n_jobs=2, random_state=0,
    ).fit(X, y)  # fmt: skip
    assert search.best_score_ > 0.8
    assert search.best_estimator_.max_iter > 5


def test_cross_validation():
    assert cross_val_score(quick(), X, y, n_jobs=2).mean() > 0.9
    numbers = make_regression(150, 4, random_state=0)
    model = make_pipeline(StandardScaler(), mc.MLPRegressor(hidden_layer_sizes=8, solver="lbfgs", max_iter=500))
    assert cross_val_score(model, *numbers, n_jobs=2).mean() > 0.9


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_calibration(loss):
    calibrated = CalibratedClassifierCV(quick(loss=loss), cv=2, n_jobs=2).fit(X, y)
    assert calibrated.score(X, y) > 0.9
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)


def test_permutation_importance():
    rng = np.random.default_rng(0)
    useless = np.hstack([X, rng.normal(size=(150, 1))])
    found = permutation_importance(quick(max_iter=100).fit(useless, y), useless, y, n_jobs=2, random_state=0)
    assert found.importances_mean[2:4].min() > found.importances_mean[4]


def test_ensembles_and_chains():
    voting = VotingClassifier([("a", quick()), ("b", quick(random_state=1))], voting="soft", n_jobs=2).fit(X, y)
    assert voting.score(X, y) > 0.9
    model = mc.MLPRegressor(hidden_layer_sizes=4, max_iter=5)
    assert BaggingRegressor(model, n_estimators=3, n_jobs=2).fit(X, y).predict(X).shape == (150,)
    labels = np.stack([y == 0, y == 1], axis=1).astype(int)
    assert ClassifierChain(quick(max_iter=150), order=[1, 0]).fit(X, labels).score(X, labels) > 0.8


def test_output_of_transformers_as_tables():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"kind": np.where(y == 0, "a", "b"), "width": X[:, 0], "length": X[:, 2]})
    encode = make_column_transformer((OneHotEncoder(sparse_output=False), ["kind"]), remainder=StandardScaler())
    pipe = make_pipeline(encode, quick()).set_output(transform="pandas").fit(table, y)
    assert pipe[-1].feature_names_in_.tolist() == [
        "onehotencoder__kind_a", "onehotencoder__kind_b", "remainder__width", "remainder__length"
    ]  # fmt: skip
    assert pipe.score(table, y) > 0.8


# ---- metadata ----


@pytest.mark.usefixtures("routing")
def test_sample_weight_is_routed():
    weights = np.linspace(0.1, 2, 150)
    asks = quick().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), asks).fit(X, y, sample_weight=weights)
    by_hand = quick().fit(StandardScaler().fit_transform(X), y, weights)
    np.testing.assert_array_equal(pipe[-1].coefs_[0], by_hand.coefs_[0])
    search = GridSearchCV(asks, {"alpha": [0.1, 1.0]}, cv=2, n_jobs=2).fit(X, y, sample_weight=weights)
    assert search.best_score_ > 0.8
    quick().set_partial_fit_request(sample_weight=True).partial_fit(X, y, weights, [0, 1, 2])


@pytest.mark.usefixtures("routing")
def test_validation_data_is_routed_and_transformed():
    """X_val goes through the steps before, as the pipeline's transform_input says; y_val does not."""
    asks = quick(early_stopping=True).set_fit_request(X_val=True, y_val=True)
    pipe = make_pipeline(StandardScaler(), asks, transform_input=["X_val"])
    pipe.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    scale = StandardScaler().fit(X[::2])
    by_hand = quick(early_stopping=True).fit(
        scale.transform(X[::2]), y[::2], validation_data=(scale.transform(X[1::2]), y[1::2])
    )
    assert pipe[-1].validation_scores_ == by_hand.validation_scores_
    whole = quick().set_fit_request(validation_data=True)
    scaled = make_pipeline(StandardScaler(), whole).fit(X, y, validation_data=(scale.transform(X), y))
    assert "val_loss" in scaled[-1].history_[0]


# ---- processes and threads ----


def threads_within(_):
    """In a worker: how many threads the core may use while it fits."""
    X, y = np.random.default_rng(0).normal(size=(4000, 64)), np.arange(4000) % 3
    seen = []
    model = mc.MLPClassifier((256,), max_iter=2, batch_size=2000)
    model.set_params(callbacks=[lambda network, epoch: seen.append(mc.get_num_threads())])
    model.fit(X, y).predict(X)
    return os.getpid(), seen[-1], os.environ.get("OMP_NUM_THREADS")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("inner", [None, 1, 2])
def test_workers_do_not_take_more_threads_than_they_are_given(inner):
    """loky tells its workers by OMP_NUM_THREADS: the processors shared out, or what the user asks for."""
    with parallel_config("loky", n_jobs=2, inner_max_num_threads=inner):
        found = Parallel()(delayed(threads_within)(i) for i in range(4))
    given = max(joblib.cpu_count() // 2, 1) if inner is None else inner
    for process, threads, environment in found:
        assert environment == str(given)
        assert threads == min(given, joblib.cpu_count())
        assert process != os.getpid()


def test_two_threads_of_python_train_side_by_side():
    with parallel_config("threading", n_jobs=2):
        found = Parallel()(delayed(clone(quick(n_jobs=i % 2 + 1)).fit)(X, y) for i in range(6))
    assert len({model.predict_proba(X).tobytes() for model in found}) == 1


def test_decision_boundary():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from sklearn.inspection import DecisionBoundaryDisplay

    moons = make_moons(100, noise=0.2, random_state=0)
    for method in ("predict", "predict_proba"):
        display = DecisionBoundaryDisplay.from_estimator(quick().fit(*moons), moons[0], response_method=method)
        assert display.response.shape == (100, 100)
    pyplot.close("all")


def test_representations():
    model = mc.MLPClassifier(dropout=0.2, random_state=0)
    assert repr(model) == "MLPClassifier(dropout=0.2, random_state=0)"
    page = model._repr_html_()
    assert "MLPClassifier" in page
    assert "hidden_layer_sizes" in page
    assert "NetworkClassifier" in mc.NetworkClassifier([mc.Dense(3)])._repr_html_()
