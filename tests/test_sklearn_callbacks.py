"""scikit-learn's own callbacks, from version 1.9 on: the fit and each epoch are tasks that they hear of."""

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import multicapa as mc
from estimator_helpers import SHORT_FITS

callback = pytest.importorskip("sklearn.callback")
pytestmark = SHORT_FITS

X, y = load_iris(return_X_y=True)


class Recorder:
    """Writes down every hook; stops after the epoch it is told."""

    def __init__(self, stop_at=None):
        self.seen, self.estimators, self.stop_at = [], [], stop_at

    def setup(self, estimator, context):
        self.seen.append("setup")

    def teardown(self, estimator, context):
        self.seen.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.seen.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.seen.append(f"end {context.task_name}")
        self.arguments = X, y, metadata
        self.estimators.append(fitted_estimator)
        return context.task_name == "epoch" and context.task_id == self.stop_at


def classifier(**options):
    return mc.MLPClassifier(**({"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0} | options))


def test_every_task_is_told():
    recorder = Recorder()
    classifier().set_callbacks(recorder).fit(X, y)
    epochs = ["begin epoch", "end epoch"] * 3
    assert recorder.seen == ["setup", "begin fit", *epochs, "end fit", "teardown"]


@pytest.mark.parametrize(
    "model",
    [
        mc.MLPRegressor(hidden_layer_sizes=4, max_iter=9),
        mc.MLPClassifier((4,), solver="lbfgs", max_iter=9),
        mc.NetworkClassifier([mc.Dense(4, "relu")], max_iter=9),
    ],
    ids=["mlp", "lbfgs", "network"],
)
def test_a_callback_can_stop(model):
    recorder = Recorder(stop_at=1)
    model.set_callbacks(recorder).fit(X, y)
    assert model.n_iter_ == 2
    assert recorder.seen[-2:] == ["end fit", "teardown"]


def test_the_estimator_of_each_epoch_predicts_as_it_did_then():
    recorder = Recorder()
    model = classifier(learning_rate_init=0.1).set_callbacks(recorder).fit(X, y)
    made = [each.predict_proba(X) for each in recorder.estimators]
    assert len({outputs.tobytes() for outputs in made[:3]}) == 3
    np.testing.assert_array_equal(made[-1], model.predict_proba(X))
    for epochs, outputs in enumerate(made[:3], start=1):
        np.testing.assert_array_equal(
            classifier(learning_rate_init=0.1, max_iter=epochs).fit(X, y).predict_proba(X), outputs
        )


def test_the_samples_are_those_trained_on():
    weights = np.linspace(1, 2, 150)
    recorder = Recorder()
    classifier().set_callbacks(recorder).fit(X, y, weights)
    assert recorder.arguments[0] is X
    assert recorder.arguments[1] is y
    assert recorder.arguments[2]["sample_weight"] is weights
    classifier(early_stopping=True).set_callbacks(recorder).fit(X, y, weights)
    rows, labels, metadata = recorder.arguments
    assert rows.shape == (135, 4)
    assert labels.shape == metadata["sample_weight"].shape == (135,)
    pandas = pytest.importorskip("pandas")
    classifier(early_stopping=True).set_callbacks(recorder).fit(pandas.DataFrame(X), y)
    assert isinstance(recorder.arguments[0], pandas.DataFrame)
    assert recorder.arguments[2] is None


def test_scoring_monitor():
    monitor = callback.ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    model = classifier(max_iter=5, learning_rate_init=0.05).set_callbacks(monitor).fit(X, y)
    rows = monitor.get_logs().data
    assert [row["task_name"] for row in rows] == ["fit"] + ["epoch"] * 5
    assert rows[0]["accuracy"] == rows[-1]["accuracy"] == model.score(X, y)
    assert rows[-1]["neg_log_loss"] > rows[1]["neg_log_loss"]


def test_within_a_search_and_a_pipeline():
    with sklearn.config_context(enable_metadata_routing=False):
        monitor = callback.ScoringMonitor(scoring="accuracy")
        pipe = make_pipeline(StandardScaler(), classifier().set_callbacks(monitor))
        GridSearchCV(pipe, {"mlpclassifier__alpha": [0.1, 1.0]}, cv=2, n_jobs=2).fit(X, y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 3  # the candidates in their folds, and the best on all
    assert len({row["task_id_path"] for row in epochs}) == len(epochs)


def test_progress_bar(capsys):
    pytest.importorskip("rich")
    search = GridSearchCV(classifier(), {"alpha": [0.1, 1.0]}, cv=2)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(X, y)
    shown = capsys.readouterr().out
    assert "GridSearchCV - fit" in shown
    assert "MLPClassifier - fit" in shown


def test_both_kinds_of_callbacks_at_once():
    seen, recorder = [], Recorder()
    model = classifier(callbacks=[lambda network, epoch: seen.append(epoch["epoch"])]).set_callbacks(recorder)
    model.fit(X, y)
    assert seen == [1, 2, 3]
    assert recorder.seen.count("end epoch") == 3


def test_a_failing_fit_is_torn_down():
    recorder = Recorder()
    with pytest.raises(ValueError, match="exploded"):
        classifier(solver=mc.SGD(1e300)).set_callbacks(recorder).fit(X, y)
    assert recorder.seen[-1] == "teardown"
    assert not any(name.startswith("_callback") for name in vars(classifier().set_callbacks(recorder).fit(X, y)))
    with pytest.raises(TypeError, match="FitCallback"):
        classifier().set_callbacks(mc.StopAtLoss(0.1))
