"""What the estimators take beyond scikit-learn's networks: each option in a test that fails if it is ignored."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs, make_moons, make_multilabel_classification

import multicapa as mc
from estimator_helpers import SHORT_FITS

pytestmark = SHORT_FITS


def moons():
    return make_moons(300, noise=0.2, random_state=0)


def waves():
    X = np.linspace(-1, 1, 60).reshape(-1, 2)
    return X, np.sin(3 * X[:, 0])


def classifier(**options):
    return mc.MLPClassifier(**({"hidden_layer_sizes": (8, 8), "max_iter": 5, "random_state": 0} | options))


def regressor(**options):
    return mc.MLPRegressor(**({"hidden_layer_sizes": (8, 8), "max_iter": 5, "random_state": 0} | options))


def kinds(model):
    """The layers of the network between input and output."""
    return [layer["type"] for layer in model.network_.spec[1:-1]]


def test_line_of_the_design_runs():
    X, y = load_digits(return_X_y=True)
    clf = mc.MLPClassifier(
        hidden_layer_sizes=(128, 64), activation="relu", dropout=0.2, batch_norm=True, random_state=0, max_iter=20
    ).fit(X[:1200], y[:1200])
    assert clf.score(X[1200:], y[1200:]) >= 0.9  # by writers not seen in training
    assert kinds(clf) == ["dense", "batch_norm", "activation", "dropout"] * 2


DIFFERENT = [
    {"activation": "tanh"},
    {"activation": ["selu", "relu"]},
    {"solver": "sgd"},
    {"solver": "lbfgs"},
    {"solver": "rmsprop"},
    {"solver": mc.Adamax(0.1)},
    {"hidden_layer_sizes": ()},
    {"alpha": 10.0},
    {"batch_size": 17},
    {"learning_rate_init": 0.1},
    {"learning_rate": mc.schedules.Exponential(0.001, 0.5)},
    {"max_iter": 6},
    {"shuffle": False, "batch_size": 20},
    {"random_state": 1},
    {"early_stopping": True},
    {"beta_1": 0.5},
    {"beta_2": 0.9},
    {"epsilon": 0.1},
    {"dropout": 0.5},
    {"batch_norm": True},
    {"layer_norm": True},
    {"residual": True},
    {"input_noise": 0.5},
    {"weight_noise": 0.5},
    {"target_noise": 0.5},
    {"loss": "absolute_error"},
    {"clip_norm": 1e-3},
    {"callbacks": [lambda network, epoch: epoch["epoch"] == 2]},
]
DIFFERENT_SGD = [
    {"momentum": 0.2},
    {"nesterovs_momentum": False},
    {"learning_rate": "invscaling"},
    {"learning_rate": "invscaling", "power_t": 0.1},
]


@pytest.mark.parametrize("options", DIFFERENT, ids=", ".join)
def test_option_changes_the_outputs(options):
    X, y = moons()
    base = {name: 20 for name in options if name == "batch_size" and "shuffle" in options}
    outputs = [classifier(**o).fit(X, y).predict_proba(X) for o in (options, base)]
    assert not np.array_equal(*outputs)
    outputs = [regressor(**o).fit(*waves()).predict(waves()[0]) for o in (options, base)]
    assert not np.array_equal(*outputs)


def test_option_changes_the_outputs_of_sgd():
    X, y = moons()
    made = [classifier(solver="sgd", **options).fit(X, y).predict_proba(X) for options in [{}, *DIFFERENT_SGD]]
    assert len({values.tobytes() for values in made}) == len(made)


# ---- layers ----


def test_activations_per_layer():
    X, y = moons()
    own = mc.layers.CustomActivation(np.sin, np.cos)
    given = ["logistic", mc.Activation("leaky_relu", 0.3), own, "identity"]
    clf = classifier(hidden_layer_sizes=(4, 3, 5, 2), activation=given).fit(X, y)
    assert kinds(clf) == ["dense", "dense", "activation", "dense", "custom_activation", "dense"]
    spec = clf.network_.spec
    assert [layer.get("activation") for layer in spec if layer["type"] == "dense"][::4] == ["sigmoid", "sigmoid"]
    assert (spec[3]["function"], spec[3]["parameter"]) == ("leaky_relu", 0.3)
    hidden = 1 / (1 + np.exp(-(X @ clf.coefs_[0] + clf.intercepts_[0])))
    hidden = hidden @ clf.coefs_[1] + clf.intercepts_[1]
    hidden = np.sin(np.where(hidden > 0, hidden, 0.3 * hidden) @ clf.coefs_[2] + clf.intercepts_[2])
    logits = (hidden @ clf.coefs_[3] + clf.intercepts_[3]) @ clf.coefs_[4] + clf.intercepts_[4]
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1:], 1 / (1 + np.exp(-logits)))
    one_for_all = classifier(activation=mc.Activation("leaky_relu", 0.3)).fit(X, y)
    assert [layer.get("parameter") for layer in one_for_all.network_.spec if layer["type"] == "activation"] == [0.3] * 2


def test_residual_adds_the_layer_before():
    X, y = waves()
    model = regressor(hidden_layer_sizes=(6, 6, 3, 3, 3), residual=True, activation="tanh").fit(X, y)
    assert kinds(model).count("add") == 3
    h = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    for i, skips in ((1, True), (2, False), (3, True), (4, True)):
        h = np.tanh(h @ model.coefs_[i] + model.intercepts_[i]) + (h if skips else 0)
    np.testing.assert_allclose(model.predict(X), (h @ model.coefs_[5] + model.intercepts_[5]).ravel())


@pytest.mark.parametrize("norm", ["batch_norm", "layer_norm"])
def test_order_within_a_hidden_layer(norm):
    clf = classifier(dropout=0.1, residual=True, input_noise=0.1, **{norm: True}).fit(*moons())
    layer = ["dense", norm, "activation", "dropout"]
    assert kinds(clf) == ["gaussian_noise", *layer, *layer, "add"]
    assert [
        e.get("rate") or e.get("stddev") for e in clf.network_.spec if e["type"] in ("dropout", "gaussian_noise")
    ] == [0.1] * 3


def test_dropout_and_noise_are_for_training_only():
    X, y = moons()
    clf = classifier(dropout=0.5, input_noise=1.0).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), clf.predict_proba(X))
    plain = mc.Sequential(
        [mc.Dense(8, "relu"), mc.Dense(8, "relu"), mc.Dense(1, "sigmoid")], input_shape=2, dtype="float64"
    )
    plain.parameters.flat[:] = clf.network_.parameters.flat
    np.testing.assert_array_equal(clf.predict_proba(X)[:, 1:], plain.predict(X))


# ---- losses, optimisers, schedules ----


@pytest.mark.parametrize("loss", ["hinge", "perceptron"])
@pytest.mark.parametrize("task", ["two", "three", "labels"])
def test_margins(loss, task):
    if task == "labels":
        X, y = make_multilabel_classification(300, n_classes=3, random_state=0)
        X = (X - X.mean(axis=0)) / X.std(axis=0)
    else:
        X, y = make_blobs(300, centers=[[0, 0], [3, 3], [-3, 3]][: 2 if task == "two" else 3], random_state=0)
    clf = classifier(loss=loss, learning_rate_init=0.01, max_iter=60).fit(X, y)
    assert not hasattr(clf, "predict_proba")
    assert not hasattr(classifier(loss=loss), "predict_proba")
    assert not hasattr(classifier(), "decision_function")
    margins = clf.decision_function(X)
    assert margins.shape == {"two": (300,), "three": (300, 3), "labels": (300, 3)}[task]
    if (loss, task) != ("perceptron", "labels"):  # whose cost is 0 too where all margins vanish
        assert (clf.predict(X) == y).mean() > (0.75 if task == "labels" else 0.95)
    expected = margins.argmax(axis=1) if task == "three" else margins > 0
    np.testing.assert_array_equal(clf.predict(X), expected)


def test_losses_by_object():
    X, y = waves()
    y = y + np.where(np.arange(30) % 10 == 0, 20, 0)  # outliers
    mean = [
        regressor(loss=loss, max_iter=400).fit(X, y).predict(X).mean()
        for loss in (mc.losses.Huber(0.1), "squared_error")
    ]
    assert mean[0] < mean[1] - 0.5
    quartic = mc.losses.CustomLoss(lambda y, t: ((y - t) ** 4).sum(axis=1), lambda y, t: 4 * (y - t) ** 3)
    assert regressor(loss=quartic).fit(X, y).loss_ > 1000 > regressor().fit(X, y).loss_
    double = [
        regressor(loss=loss, alpha=0).fit(X, y).loss_ for loss in (mc.losses.SquaredError(), "half_squared_error")
    ]
    assert double[0] == pytest.approx(2 * double[1], rel=0.01)


@pytest.mark.parametrize("solver", sorted(mc.optimizers.OPTIMIZERS))
def test_every_optimizer_by_name_and_object(solver):
    X, y = moons()
    first = {} if solver == "lbfgs" else {"learning_rate_init": 0.01}
    by_name = classifier(solver=solver, momentum=0.0, epsilon=1e-6, **first).fit(X, y)
    assert by_name.loss_curve_[-1] < by_name.loss_curve_[0]
    cls = mc.optimizers.OPTIMIZERS[solver]
    given = cls() if solver == "lbfgs" else cls(0.01)
    by_object = classifier(solver=given).fit(X, y)
    assert by_object.loss_curve_[-1] < by_object.loss_curve_[0]
    if solver == "sgd":
        np.testing.assert_array_equal(by_name.coefs_[0], by_object.coefs_[0])


def test_schedule_is_followed_update_by_update():
    X, y = moons()  # two updates in each epoch
    schedule = mc.schedules.Step(0.1, every=3, factor=0.5)
    clf = classifier(solver="sgd", learning_rate=schedule).fit(X, y)
    assert clf.history_["learning_rate"] == [schedule(step) for step in (1, 3, 5, 7, 9)]
    by_object = classifier(solver=mc.Nesterov(schedule)).fit(X, y)
    np.testing.assert_array_equal(clf.coefs_[0], by_object.coefs_[0])
    steps = []
    classifier(solver="adam", learning_rate=lambda step: steps.append(step) or 0.01).fit(X, y)
    assert set(steps) >= set(range(10))
    online = classifier(solver="sgd", learning_rate=schedule)
    for _ in range(3):
        online.partial_fit(X, y, classes=[0, 1])
    assert online.history_["learning_rate"] == [schedule(5)]  # counts on from call to call


# ---- validation data, callbacks, threads ----


def test_validation_data_is_watched():
    X, y = moons()
    for given in ({"validation_data": (X[200:], y[200:])}, {"X_val": X[200:], "y_val": y[200:]}):
        clf = classifier().fit(X[:200], y[:200], **given)
        assert clf.history_["val_accuracy"][-1] == clf.score(X[200:], y[200:])
        assert "val_loss" in clf.history_[0]
        stopping = classifier(early_stopping=True, max_iter=30).fit(X[:200], y[:200], **given)
        assert stopping.score(X[200:], y[200:]) == stopping.best_validation_score_  # the best weights are back
        assert stopping.t_ == 200 * stopping.n_iter_  # nothing held out
    r = regressor().fit(*waves(), validation_data=waves())
    assert r.history_["val_loss"][-1] > 0
    with pytest.raises(ValueError, match="both X_val and y_val"):
        classifier().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="pair"):
        classifier().fit(X, y, validation_data=X)
    with pytest.raises(ValueError, match="features"):
        classifier().fit(X, y, validation_data=(X[:, :1], y))
    with pytest.raises(ValueError, match="classes not in"):
        classifier().fit(X, y, validation_data=(X, y + 7))


def test_callbacks_see_and_stop():
    X, y = moons()
    seen = []
    stop = mc.EarlyStopping(patience=2, monitor="val_loss")
    clf = classifier(
        callbacks=[stop, lambda network, epoch: seen.append(epoch["loss"])],
        max_iter=300,
        tol=0,
        learning_rate_init=0.05,
    )
    clf.fit(X[:200], y[:200], validation_data=(X[200:], y[200:]))
    assert seen == clf.history_["loss"]
    assert len(seen) == clf.n_iter_ == stop.best_epoch + 2 < 300
    assert clf.network_.evaluate(X[200:], y[200:])["loss"] == min(clf.history_["val_loss"])
    lbfgs = classifier(solver="lbfgs", max_iter=300, callbacks=[mc.StopAtLoss(0.2)]).fit(X, y)
    assert lbfgs.n_iter_ < 300
    assert lbfgs.loss_ <= 0.2
    seen.clear()
    classifier(callbacks=[lambda network, epoch: seen.append(1)]).partial_fit(X, y, classes=[0, 1])
    assert seen == [1]


def test_clipping_bounds_the_first_step():
    X, y = moons()
    moved = {}
    for clip in (None, 1e-3):
        clf = classifier(solver=mc.SGD(1.0), clip_norm=clip, batch_size=300, max_iter=1, warm_start=True).fit(X, y)
        before = clf.network_.parameters.flat.copy()
        clf.fit(X, y)
        moved[clip] = np.linalg.norm(clf.network_.parameters.flat - before)
    assert moved[1e-3] == pytest.approx(1e-3, rel=1e-6)
    assert moved[None] > 1e-2


def test_n_jobs_limits_the_threads():
    """Where they are asked for: within fit, partial_fit and predict; and results do not depend on them."""
    X, y = moons()
    mc.set_num_threads(5)
    seen = []
    note = [lambda network, epoch: seen.append(mc.get_num_threads())]
    made = []
    for n_jobs in (None, 1, 3, 8, -1, -2, -9):
        model = classifier(n_jobs=n_jobs, callbacks=note, max_iter=1).fit(X, y).partial_fit(X, y)
        made.append(model.predict_proba(X).tobytes())
    assert seen[::2] == seen[1::2] == [5, 1, 3, 5, 5, 4, 1]
    assert len(set(made)) == 1
    assert mc.get_num_threads() == 5
