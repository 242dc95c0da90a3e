"""Vanishing and exploding gradients, dead and saturated units: the numbers, and the warnings that name the layers."""

import warnings

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, assert_near, randomize, reference_of

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 8))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def deep(activation, depth=30, residual=False, seed=0, **options):
    """A net of equally wide layers; with residuals, each pair of layers is skipped by a sum."""
    x = mc.Input(8)
    h = mc.Dense(16, activation, **options)(x)
    if residual:
        for _ in range((depth - 2) // 2):
            h = mc.add([mc.Dense(16)(mc.Dense(16, activation, **options)(h)), h])
    else:
        for _ in range(depth - 2):
            h = mc.Dense(16, activation, **options)(h)
    return mc.Network(x, mc.Dense(2, "softmax")(h), seed=seed)


def warnings_of(net, inputs=X, targets=Y, **options):
    """The messages of the diagnosis during a fit."""
    diagnosis = mc.Diagnosis()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(inputs, targets, callbacks=[diagnosis], **{"epochs": 2, **options})
    assert all(issubclass(w.category, mc.DiagnosisWarning) for w in caught)
    return [str(w.message) for w in caught], diagnosis


# ---- the lectures' case ----


def test_thirty_layers_of_sigmoids_vanish():
    """The warning names the first layers, not the last ones, and says what to try; and the net learns nothing."""
    net = deep("sigmoid")
    messages, diagnosis = warnings_of(net, epochs=5)
    assert len(messages) == 1, "once for each kind of trouble"
    assert messages[0].startswith("gradients vanish in dense_1, dense_2, dense_3")
    for word in ("relu", "He", "BatchNorm", "residual"):
        assert word in messages[0]
    for name in ("dense_29", "dense_30"):
        assert f"{name}," not in messages[0]
        assert f"{name}:" not in messages[0]
    first, last = (diagnosis.records[-1][name]["delta"] for name in ("dense_1", "dense_30"))
    assert first < 1e-10 * last
    assert net.evaluate(X, Y)["accuracy"] < 0.65


def test_thirty_layers_of_relu_he_and_residuals_train():
    net = deep("relu", residual=True)
    assert sum(layer["type"] == "dense" for layer in net.spec) == 30
    messages, _ = warnings_of(net, epochs=60, optimizer=mc.Adam(1e-3))
    assert messages == []
    assert net.evaluate(X, Y)["accuracy"] > 0.95


def test_the_warning_is_a_warning_of_its_own():
    with pytest.warns(mc.DiagnosisWarning, match="gradients vanish in dense_1"):
        deep("sigmoid").fit(X, Y, epochs=1, callbacks=[mc.Diagnosis()])
    assert issubclass(mc.DiagnosisWarning, UserWarning)


# ---- the other troubles ----


def test_exploding_gradients():
    net = deep("linear", depth=12, weight_init=lambda rng, shape, n, m: rng.normal(size=shape) * 2)
    messages, _ = warnings_of(net, epochs=1, optimizer=mc.SGD(1e-12))
    assert [m for m in messages if m.startswith("gradients explode in dense_1, dense_2, dense_3")]
    assert "clip_norm" in " ".join(messages)


def test_dead_relus():
    """A bias far below zero: no sample wakes a unit."""
    layers = [mc.Dense(16, "relu"), mc.Dense(16, "relu", bias_init=np.full(16, -100.0)), mc.Dense(2, "softmax")]
    messages, diagnosis = warnings_of(mc.Sequential(layers, input_shape=(8,), seed=0))
    dead = [m for m in messages if m.startswith("dead units in dense_2: ")]
    assert len(dead) == 1
    assert "leaky_relu" in dead[0]
    assert diagnosis.records[0]["dense_2"]["dead"] == 1
    assert diagnosis.records[0]["dense_1"]["dead"] < 0.5


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softsign"])
def test_saturated_units(activation):
    """Inputs that were not standardised."""
    layers = [mc.Dense(16, activation), mc.Dense(2, "softmax")]
    messages, diagnosis = warnings_of(mc.Sequential(layers, input_shape=(8,), seed=0), inputs=1e5 * X, epochs=1)
    saturated = [m for m in messages if m.startswith("saturated units in dense_1: ")]
    assert len(saturated) == 1
    assert "standardised inputs" in saturated[0]
    assert diagnosis.records[0]["dense_1"]["saturated"] > 0.9


@pytest.mark.parametrize(("activation", "trouble"), [("relu", "dead"), ("tanh", "saturated"), ("sigmoid", "saturated")])
def test_activations_as_layers_of_their_own(activation, trouble):
    """Behind a batch normalisation the activation is a layer without weights; its units can be dead all the same."""
    norm = mc.BatchNorm()
    layers = [mc.Dense(16), norm, mc.Activation(activation, name="squash"), mc.Dense(2, "softmax")]
    net = mc.Sequential(layers, input_shape=(8,), seed=0)
    net.parameters["batch_norm_1.beta"] = np.full(16, -100.0)
    messages, _ = warnings_of(net, epochs=1)
    assert [m for m in messages if m.startswith(f"{trouble} units in ")]


def test_healthy_networks_raise_no_warning():
    for layers in (
        [mc.Dense(16, "tanh"), mc.Dense(16, "relu"), mc.Dense(2, "softmax")],
        [mc.Dense(16), mc.BatchNorm(), mc.Activation("relu"), mc.Dropout(0.2), mc.Dense(2, "softmax")],
        [mc.Maxout(8), mc.LayerNorm(), mc.GaussianNoise(0.1), mc.Dense(2, "softmax")],
        [mc.Dense(2, "softmax")],
    ):
        assert warnings_of(mc.Sequential(layers, input_shape=(8,), seed=0), epochs=5)[0] == []


def test_a_confident_sigmoid_output_is_no_trouble():
    X_easy = np.where(Y[:, None] > 0, 5.0, -5.0) + 0 * X
    net = mc.Sequential([mc.Dense(1, "sigmoid")], input_shape=(8,), seed=0)
    assert warnings_of(net, X_easy, Y, epochs=50, optimizer=mc.SGD(1.0))[0] == []


# ---- the numbers ----

HIDDEN = ("linear", "relu", "sigmoid", "tanh", "softsign", "elu", "gelu", "silu", "softplus", "softmax")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_statistics_are_those_of_the_reference(hidden, dtype):
    """Before training (rate 0): activations, dCost/dz times the number of samples, norms of weights and gradients."""
    layers = [mc.Dense(6, hidden), mc.Dense(5, "tanh"), mc.Dense(2, "softmax")]
    net = randomize(mc.Sequential(layers, input_shape=(8,), dtype=dtype, seed=0), np.random.default_rng(0))
    diagnosis = mc.Diagnosis(warn=False)
    net.fit(X[:50], Y[:50], epochs=1, optimizer=mc.SGD(0.0), callbacks=[diagnosis])
    record, reference = diagnosis.records[0], reference_of(net)
    _, gradients = reference.loss_and_gradient(X[:50], np.eye(2)[Y[:50]], "cross_entropy")
    tolerance = {"float32": 1e-4, "float64": 1e-10}[dtype]
    for name in ("dense_1", "dense_2", "dense_3"):
        a = reference.outputs.get(f"{name}:activation", reference.outputs[name])
        a = reference.forward(X[:50]) if name == "dense_3" else a
        delta = np.sqrt((reference.deltas[name] ** 2).mean()) * 50
        expected = {"activation_mean": a.mean(), "activation_std": a.std(), "delta": delta}
        own = [key for key in gradients if key.startswith(f"{name}.")]
        expected["gradient_norm"] = np.sqrt(sum((gradients[key] ** 2).sum() for key in own))
        expected["weight_norm"] = np.sqrt(sum((net.parameters[key].astype(float) ** 2).sum() for key in own))
        expected["update_norm"] = 0.0
        for key, value in expected.items():
            assert record[name][key] == pytest.approx(value, rel=tolerance, abs=tolerance), (name, key)


def test_last_layers_activation_statistics_are_its_outputs():
    net = mc.Sequential([mc.Dense(2, "softmax")], input_shape=(8,), seed=0)
    diagnosis = mc.Diagnosis(warn=False)
    net.fit(X, Y, epochs=1, optimizer=mc.SGD(0.0), callbacks=[diagnosis])
    assert diagnosis.records[0]["dense_1"]["activation_mean"] == pytest.approx(0.5, rel=1e-6)


def test_update_norm_is_that_of_the_epoch():
    net = mc.Sequential([mc.Dense(4, "tanh"), mc.Dense(2, "softmax")], input_shape=(8,), dtype="float64", seed=0)
    start = {name: view.copy() for name, view in net.parameters.items()}
    diagnosis = mc.Diagnosis()
    net.fit(X, Y, epochs=1, callbacks=[diagnosis])
    for layer in ("dense_1", "dense_2"):
        moved = [net.parameters[f"{layer}.{p}"] - start[f"{layer}.{p}"] for p in ("weight", "bias")]
        expected = np.sqrt(sum((m**2).sum() for m in moved))
        assert diagnosis.records[0][layer]["update_norm"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("every", [1, 2, 3])
def test_every(every):
    diagnosis = mc.Diagnosis(every=every)
    mc.Sequential([mc.Dense(2, "softmax")], input_shape=(8,), seed=0).fit(X, Y, epochs=7, callbacks=[diagnosis])
    assert len(diagnosis.records) == -(-7 // every)


def test_serves_again():
    diagnosis = mc.Diagnosis()
    for epochs in (3, 2):
        with pytest.warns(mc.DiagnosisWarning, match="vanish"):
            deep("sigmoid").fit(X, Y, epochs=epochs, callbacks=[diagnosis])
        assert len(diagnosis.records) == epochs


@pytest.mark.parametrize("extra", [{}, {"weight_noise": 0.1}, {"clip_norm": 0.1}, {"optimizer": "adam", "l2": 0.1}])
def test_watching_does_not_change_training(extra):
    watched, alone = (mc.Sequential([mc.Dense(9, "relu"), mc.Dropout(0.3), mc.Dense(2, "softmax")], input_shape=(8,),
                                    dtype="float64", seed=0) for _ in "ab")  # fmt: skip
    alone.fit(X, Y, epochs=4, **extra)
    watched.fit(X, Y, epochs=4, callbacks=[mc.Diagnosis()], **extra)
    assert_near(watched.parameters.flat, alone.parameters.flat, 0, "weights")


def test_gradients_are_those_before_clipping():
    """What the diagnosis looks for must not be hidden by the remedy against it."""
    found = []
    for extra in ({}, {"clip_norm": 1e-6}, {"clip_value": 1e-9}):
        diagnosis = mc.Diagnosis()
        net = mc.Sequential([mc.Dense(2, "softmax")], input_shape=(8,), dtype="float64", seed=0)
        net.fit(X, Y, epochs=1, optimizer=mc.SGD(0.0), callbacks=[diagnosis], **extra)
        found.append(diagnosis.records[0]["dense_1"]["gradient_norm"])
    assert found == pytest.approx([found[0]] * 3, rel=1e-9)


def test_under_lbfgs():
    diagnosis = mc.Diagnosis()
    net = mc.Sequential([mc.Dense(4, "tanh"), mc.Dense(2, "softmax")], input_shape=(8,), seed=0)
    history = net.fit(X, Y, optimizer="lbfgs", epochs=5, batch_size=None, callbacks=[diagnosis])
    assert len(diagnosis.records) == len(history)
    assert all(record["dense_1"]["update_norm"] > 0 for record in diagnosis.records)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "each"])
def test_wrong_options(wrong):
    with pytest.raises((ValueError, TypeError), match="every"):
        mc.Diagnosis(every=wrong)


# ---- divergence ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [1, 16, None])
def test_learning_rate_of_a_thousand_stops_at_once(batch, dtype):
    """With a clear message and the last finite weights."""
    net = mc.Sequential([mc.Dense(16, "tanh"), mc.Dense(1)], input_shape=(8,), dtype=dtype, seed=0)
    with pytest.raises(mc.DivergenceError, match=r"learning rate 1000\b.*last finite weights.*smaller") as caught:
        net.fit(X, X[:, 0], loss="squared_error", optimizer=mc.SGD(1e3), epochs=500, batch_size=batch)
    assert len(net.history) + 1 == caught.value.epoch < (500 if batch is None else 20)
    assert np.isfinite(net.parameters.flat).all()
    assert np.isfinite(net.predict(X)).all()


def test_weights_that_overflow_in_the_last_update_of_an_epoch():
    """The loss is still finite then; the next epoch must not take these weights for the last finite ones."""
    net = mc.Sequential([mc.Dense(2, "softmax")], input_shape=(1,), dtype="float32", seed=0)
    with pytest.raises(mc.DivergenceError):
        net.fit([[1e36], [1e36]], [0, 1][::-1], optimizer=mc.SGD(1e4), epochs=3, batch_size=1)
    assert np.isfinite(net.parameters.flat).all()
    net = mc.Sequential([mc.Dense(1, weight_init="zeros")], input_shape=(1,), dtype="float32", seed=0)
    with pytest.raises(mc.DivergenceError):
        net.fit([[1e30]], [1.0], loss="half_squared_error", optimizer=mc.SGD(1e10), epochs=3, batch_size=None)
    assert np.isfinite(net.parameters.flat).all()
