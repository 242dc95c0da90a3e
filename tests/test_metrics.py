"""Metrics in fit and evaluate, and samples held back: values as scikit-learn computes them, errors before changes."""

import numpy as np
import pytest
from sklearn import metrics as sk

import multicapa as mc
from multicapa.base.scores import rises

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype(np.float32)
THREE = (X[:, 0] > 0.3).astype(int) + (X[:, 1] > 0)
TWO = (X[:, 0] + 0.5 * RNG.normal(size=90) > 0).astype(int)
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0] + 0.1
LABELS = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)


def net(units, activation, hidden=6):
    return mc.Sequential([mc.Dense(hidden, "tanh"), mc.Dense(units, activation)], input_shape=(4,), seed=0)


def last(network, y, metrics, **options):
    """The last record of a fit whose validation data are its samples, so that both say the same."""
    history = network.fit(X, y, epochs=3, validation_data=(X, y), metrics=metrics, **options)
    for name in metrics:
        assert history[f"val_{name}"] == history[name]
    again = network.evaluate(X, y, metrics=metrics, loss=options.get("loss"))
    assert {name: again[name] for name in metrics} == {name: history[-1][name] for name in metrics}
    return history[-1]


def test_several_classes():
    network = net(3, "softmax")
    found = last(network, THREE, ["accuracy", "f1", "precision", "recall", "auc", "log_loss", "balanced_accuracy"])
    outputs = network.predict(X)
    guess = outputs.argmax(axis=1)
    assert found["accuracy"] == found["val_accuracy"] == sk.accuracy_score(THREE, guess)
    assert found["f1"] == sk.f1_score(THREE, guess, average="macro")
    assert found["precision"] == sk.precision_score(THREE, guess, average="macro")
    assert found["recall"] == found["balanced_accuracy"] == sk.recall_score(THREE, guess, average="macro")
    assert found["auc"] == sk.roc_auc_score(THREE, outputs, multi_class="ovr")
    assert found["log_loss"] == pytest.approx(found["val_loss"], rel=1e-6)


@pytest.mark.parametrize(
    ("units", "activation", "loss", "signed"),
    [(1, "sigmoid", None, False), (2, "softmax", None, False), (1, "tanh", "hinge", True), (2, "tanh", None, False)],
)
def test_two_classes(units, activation, loss, signed):
    network = net(units, activation)
    y = 2 * TWO - 1 if signed else TWO
    found = last(network, y, ["accuracy", "f1", "auc", "average_precision"], loss=loss)
    outputs = network.predict(X)
    score = outputs[:, 0] if units == 1 else outputs[:, 1] - outputs[:, 0]
    guess = score > (0.5 if activation == "sigmoid" else 0)
    assert found["accuracy"] == sk.accuracy_score(TWO, guess)
    assert found["f1"] == sk.f1_score(TWO, guess)
    assert found["auc"] == pytest.approx(sk.roc_auc_score(TWO, score), abs=1e-12)
    assert found["average_precision"] == pytest.approx(sk.average_precision_score(TWO, score), abs=1e-12)


def test_rows_of_one_hot_are_classes():
    network = net(3, "softmax")
    rows = np.eye(3)[THREE]
    assert last(network, rows, ["f1"])["f1"] == network.evaluate(X, THREE, metrics=["f1"])["f1"]


def test_several_labels():
    network = net(2, "sigmoid")
    found = last(network, LABELS, ["accuracy", "f1", "auc"])
    outputs = network.predict(X)
    assert found["accuracy"] == np.mean((outputs > 0.5) == LABELS)
    assert found["f1"] == sk.f1_score(LABELS, outputs > 0.5, average="macro")
    assert found["auc"] == sk.roc_auc_score(LABELS, outputs)


@pytest.mark.parametrize("outputs", [1, 2])
def test_numbers(outputs):
    network = net(outputs, "linear")
    y = NUMBERS if outputs == 1 else np.stack([NUMBERS, -NUMBERS], axis=1)
    found = last(network, y, ["r2", "mse", "rmse", "mae", "neg_mean_squared_error"])
    said = network.predict(X).reshape(y.shape)
    assert found["r2"] == pytest.approx(sk.r2_score(y, said), rel=1e-6)
    assert found["mse"] == -found["neg_mean_squared_error"] == pytest.approx(np.mean((y - said) ** 2), rel=1e-5)
    assert found["rmse"] == pytest.approx(np.sqrt(((y - said) ** 2).mean(axis=0)).mean(), rel=1e-5)
    assert found["mae"] == pytest.approx(np.abs(y - said).mean(), rel=1e-5)


def test_a_function_gets_targets_and_outputs():
    seen = []

    def wrong(y, outputs):
        seen.append((y.copy(), outputs.copy()))
        return np.float32(np.sum(y != outputs.argmax(axis=1)))

    network = net(3, "softmax")
    history = network.fit(X, THREE, epochs=2, metrics=[wrong], label_smoothing=0.2)
    assert history["wrong"][-1] == np.sum(network.predict(X).argmax(axis=1) != THREE)
    np.testing.assert_array_equal(seen[-1][0], THREE)
    np.testing.assert_array_equal(seen[-1][1], network.predict(X))
    rows = net(2, "linear")
    rows.fit(X, LABELS, epochs=1, metrics=[lambda y, outputs: float((y - LABELS).any()) + outputs.shape[1]])
    assert rows.history[-1]["<lambda>"] == 2.0


def test_metrics_change_nothing():
    plain, measured = net(3, "softmax"), net(3, "softmax")
    plain.fit(X, THREE, epochs=4)
    history = measured.fit(X, THREE, epochs=4, metrics=["accuracy", "f1"])
    assert history["loss"] == plain.history["loss"]
    np.testing.assert_array_equal(measured.parameters.flat, plain.parameters.flat)


def test_training_metrics_know_no_weights_and_no_augmentation():
    network = net(3, "softmax")
    options = {"sample_weight": RNG.uniform(size=90), "augment": lambda X, rng: X + 5, "class_weight": {0: 7.0}}
    history = network.fit(X, THREE, epochs=2, metrics=["accuracy"], **options)
    assert history["accuracy"][-1] == network.evaluate(X, THREE)["accuracy"]


def test_evaluate_weights_scorers():
    network, weights = net(3, "softmax"), RNG.uniform(size=90)
    found = network.evaluate(X, THREE, metrics=["f1"], sample_weight=weights)
    guess = network.predict(X).argmax(axis=1)
    assert found["f1"] == pytest.approx(sk.f1_score(THREE, guess, average="macro", sample_weight=weights), rel=1e-6)


def test_outputs_that_are_not_finite_have_no_score():
    network = net(1, "linear")
    network.parameters["dense_2.weight"] = np.full((6, 1), 3e38)
    with pytest.warns(RuntimeWarning, match="the loss is"):
        assert np.isnan(network.evaluate(10 * np.ones((2, 4)), [0.0, 1.0], metrics=["r2"])["r2"])


def test_by_l_bfgs():
    network = net(1, "linear")
    history = network.fit(X, NUMBERS, optimizer="lbfgs", epochs=4, batch_size=None, metrics=["mse"])
    assert history["mse"] == pytest.approx(history["loss"], rel=1e-5)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("metrics", "error", "says"),
    [
        ("f1", TypeError, "a list of names"),
        (["f2"], ValueError, "there is no metric 'f2'. There are: accuracy"),
        (["F1_macr"], ValueError, "did you mean 'f1_macro'"),
        (["loss"], ValueError, "has that name already"),
        (["f1", "f1"], ValueError, "has that name already"),
        ([3], TypeError, "a metric is the name"),
        ([dict], TypeError, "a metric is the name"),
        ([lambda y, outputs: "much"], TypeError, "should return a number, not 'much'"),
        (["neg_mean_squared_log_error", "positive_likelihood_ratio"], ValueError, "does not go with these"),
    ],
)
def test_refused_before_anything_changes(metrics, error, says):
    network = net(3, "softmax")
    before = network.copy_numbers()
    network.history = marker = mc.History()
    with pytest.raises(error, match=says):
        network.fit(X, THREE, metrics=metrics)
    with pytest.raises(error, match=says):
        network.evaluate(X, THREE, metrics=metrics)
    np.testing.assert_array_equal(network.parameters.flat, before[0])
    assert network.history is marker


def test_accuracy_is_for_classes():
    with pytest.raises(ValueError, match="accuracy is for classes; squared_error fits numbers"):
        net(1, "linear").fit(X, NUMBERS, metrics=["accuracy"])


# ---- samples held back ----


def test_a_share_is_held_back():
    network, twin = net(3, "softmax"), net(3, "softmax")
    seen = []
    number = {tuple(row): i for i, row in enumerate(X.tolist())}

    def look(X, rng):
        seen.append({number[tuple(row)] for row in X.tolist()})
        return X

    history = network.fit(X, THREE, epochs=3, validation_split=0.2, metrics=["accuracy"], augment=look)
    (kept,) = {frozenset(rows) for rows in seen}
    held = sorted(set(range(90)) - kept)
    assert len(held) == 18
    assert held != list(range(72, 90))
    assert history["val_accuracy"][-1] == network.evaluate(X[held], THREE[held])["accuracy"]
    rest = sorted(kept)
    assert history["accuracy"][-1] == network.evaluate(X[rest], THREE[rest])["accuracy"]
    apart = twin.fit(X[rest], THREE[rest], epochs=3, validation_data=(X[held], THREE[held]))
    assert (apart["loss"], apart["val_loss"]) == (history["loss"], history["val_loss"])
    assert net(3, "softmax").fit(X, THREE, epochs=3, validation_split=0.2)["val_loss"] == history["val_loss"]


def test_weights_go_with_their_samples_and_smoothing_stays_with_training():
    weights = np.where(THREE == 1, 0.0, 1.0)
    network = net(3, "softmax")
    options = {"sample_weight": weights, "label_smoothing": 0.1, "metrics": ["accuracy", "log_loss"]}
    history = network.fit(X, THREE, epochs=40, optimizer=mc.Adam(0.05), validation_split=0.5, **options)
    assert history["val_loss"][-1] == pytest.approx(history["val_log_loss"][-1], rel=1e-5)
    assert not (network.predict(X).argmax(axis=1) == 1).any()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"validation_split": 1.0}, "validation_split should be at least 0 and below 1"),
        ({"validation_split": -0.1}, "validation_split should be at least 0"),
        ({"validation_split": 0.001}, "would leave one side without any"),
        ({"validation_split": 0.2, "validation_data": (X, THREE)}, "exclude each other"),
    ],
)
def test_splits_that_make_no_sense(options, says):
    with pytest.raises(ValueError, match=says):
        net(3, "softmax").fit(X, THREE, **options)


def test_resumed_with_metrics_and_split():
    options = {"validation_split": 0.3, "metrics": ["accuracy", "f1"]}
    whole = net(3, "softmax").fit(X, THREE, epochs=6, **options)
    parts = net(3, "softmax")
    parts.fit(X, THREE, epochs=3, **options)
    resumed = parts.fit(X, THREE, epochs=6, resume=True, **options)
    for name in ("loss", "accuracy", "f1", "val_loss", "val_f1"):
        assert resumed[name] == whole[name]


# ---- who follows them ----


def test_early_stopping_follows_the_right_way():
    for monitor in ("val_f1", "val_mae_like"):
        values = iter([0.2, 0.5, 0.4, 0.3, 0.1])
        stop = mc.EarlyStopping(patience=1, monitor=monitor, mode="auto" if monitor == "val_f1" else "max")
        stop.on_fit_begin(None)
        stop.restore_best = False
        done = [stop.on_epoch_end(None, {"epoch": i, monitor: next(values)}) for i in (1, 2, 3)]
        assert (done, stop.best_epoch) == ([False, False, True], 2)
    stop = mc.EarlyStopping(patience=2, monitor="val_f1")
    network = net(3, "softmax")
    history = network.fit(X, THREE, epochs=30, validation_split=0.3, metrics=["f1"], callbacks=[stop])
    assert stop.best_epoch == 1 + int(np.argmax(history["val_f1"]))


def test_every_scorer_rises():
    for name in sk.get_scorer_names():
        assert rises(name), name
        assert rises(f"val_{name}"), name
    assert not rises("val_mse")
    assert not rises("log_loss")
