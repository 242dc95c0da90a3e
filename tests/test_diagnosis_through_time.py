"""The diagnosis of recurrent networks: gradients on their way back through time, sequences of different lengths."""

import warnings

import numpy as np
import pytest

import multicapa as mc
from helpers import all_equal, rng


def linear_rnn(factor, time, **options):
    """Deltas are multiplied by ``factor`` at each step on their way back."""
    layers = [mc.SimpleRNN(4, "linear", recurrent_weight_init=factor * np.eye(4), **options), mc.Dense(1)]
    return mc.Sequential(layers, input_shape=(time, 2), seed=0, dtype="float64")


def look(net, X, y, **options):
    """What is recorded before training has changed anything, and the warnings."""
    diagnosis = mc.Diagnosis()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(X, y, epochs=1, optimizer=mc.SGD(0.0), callbacks=[diagnosis], **options)
    return diagnosis.records[0], [str(w.message) for w in caught if w.category is mc.DiagnosisWarning]


def test_gradients_that_vanish_through_time():
    record, told = look(linear_rnn(0.5, 41), rng(0).normal(size=(20, 41, 2)), rng(1).normal(size=20))
    back = record["simple_rnn_1"]["steps_back"]
    np.testing.assert_allclose(back / back[0], 0.5 ** np.arange(41), rtol=1e-9)
    assert len(told) == 1
    assert (
        "gradients vanish through time in simple_rnn_1: the gradient is 9e-13 of the last step's 40 steps back"
        in (told[0])
    )


def test_gradients_that_explode_through_time():
    net, X, y = linear_rnn(1.7, 21), rng(0).normal(size=(20, 21, 2)), rng(1).normal(size=20)
    _, told = look(net, X, y)
    assert any("explode through time in simple_rnn_1: the gradient is 4e+04 of the last step's 20 steps back" in text
               for text in told)  # fmt: skip
    assert look(net, X, y, bptt=5)[1] == []


def test_steps_back_are_the_deltas_of_the_steps():
    """dCost/dz by the bias's gradient when a single step reads it: of a network cut off after so many steps."""
    X, y = rng(0).normal(size=(9, 6, 2)), rng(1).normal(size=9)
    for layer in (mc.LSTM(3), mc.GRU(3, reset_after=False), mc.SecondOrderRNN(3), mc.SimpleRNN(3, "softplus")):
        net = mc.Sequential([layer, mc.Dense(1)], input_shape=(6, 2), seed=0, dtype="float64")
        record, _ = look(net, X, y)
        name = net.spec[1]["name"]
        back = record[name]["steps_back"]
        assert back.shape == (6,)
        assert np.isfinite(back).all()
        one = [net.loss_and_gradient(X[i : i + 1], y[i : i + 1], bptt=1)[1][f"{name}.bias"].copy() for i in range(9)]
        np.testing.assert_allclose(back[0], np.sqrt(np.mean(np.square(one))), rtol=1e-9)


def test_sequences_of_different_lengths():
    """Statistics are those of the steps there are, whatever is in the padding; reverse walks begin at the ends."""
    lengths = [6, 0, 1, 4, 6, 3, 2, 5]
    X = [rng(i).normal(size=(n, 2)) for i, n in enumerate(lengths)]
    y, padded = rng(1).normal(size=8), mc.data.pad(X, 6)
    padded.values[~padded.exists()] = np.nan
    record, told = look(linear_rnn(0.9, 6), padded, y)
    assert told == []
    again, _ = look(linear_rnn(0.9, 6, reverse=True), [x[::-1] for x in X], y)
    for name, values in record.items():
        for key, value in values.items():
            np.testing.assert_allclose(value, again[name][key], rtol=1e-12, err_msg=f"{name} {key}")
    longest = record["simple_rnn_1"]["steps_back"]
    assert longest.shape == (6,)

    layers = [mc.Dense(3, "relu"), mc.GRU(4, return_sequences=True), mc.Dense(2)]
    net = mc.Sequential(layers, input_shape=(6, 2), seed=0, dtype="float64")
    steps = [rng(i).normal(size=(n, 2)) for i, n in enumerate(lengths)]
    record, _ = look(net, padded, steps)
    flat = mc.Sequential(layers[:1], input_shape=2, seed=0, dtype="float64")
    flat.parameters.flat[: flat.parameters.flat.size] = net.parameters.flat[: flat.parameters.flat.size]
    hidden = flat.predict(np.concatenate(X))
    assert record["dense_1"]["activation_mean"] == pytest.approx(hidden.mean(), rel=1e-12)
    assert record["dense_1"]["activation_std"] == pytest.approx(hidden.std(), rel=1e-12)
    outputs = np.concatenate([net.predict([x])[0, : len(x)] for x in X if len(x)])
    assert record["dense_2"]["activation_mean"] == pytest.approx(outputs.mean(), rel=1e-12)
    error = 2 * (outputs - np.concatenate(steps)) / outputs.shape[0]
    factor = np.sqrt(np.mean(error**2)) * 8 / record["dense_2"]["delta"]
    assert factor == pytest.approx(1.0) or factor == pytest.approx(2.0)  # half squared errors or whole ones


def test_healthy_recurrent_networks_raise_no_warning():
    X, y = rng(0).normal(size=(200, 30, 3)), np.arange(200) % 2
    for kind in (mc.LSTM, mc.GRU):
        net = mc.Sequential([kind(16), mc.Dense(2, "softmax")], input_shape=(30, 3), seed=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error", mc.DiagnosisWarning)
            net.fit(X, y, epochs=3, callbacks=[mc.Diagnosis()])


def test_watching_changes_nothing_and_goes_on():
    X, y = [rng(i).normal(size=(n, 2)) for i, n in enumerate([3, 5, 1, 4] * 10)], np.arange(40) % 2
    nets = [mc.Sequential([mc.GRU(4, dropout=0.1), mc.Dense(1, "sigmoid")], input_shape=(5, 2), seed=0) for _ in "ab"]
    diagnosis = mc.Diagnosis(every=2)
    nets[0].fit(X, y, epochs=4)
    nets[1].fit(X, y, epochs=4, callbacks=[diagnosis])
    assert all_equal(nets[0].parameters.flat, nets[1].parameters.flat)
    assert len(diagnosis.records) == 2
    mc.plots.GradientFlowDisplay.from_diagnosis(diagnosis)
