"""Recurrent networks in everything that is built around a network."""

import copy
import pickle
import re

import numpy as np
import pytest

import multicapa as mc
from helpers import all_equal, rng


def of_sequences(**options):
    """One class for each sequence."""
    layers = [mc.Bidirectional(mc.LSTM(6, return_sequences=True)), mc.Dropout(0.1), mc.GRU(8), mc.Dense(3, "softmax")]
    return mc.Sequential(layers, input_shape=(9, 2), seed=0, **options)


def of_steps(**options):
    """One class for each step."""
    layers = [mc.GRU(10, reset_after=False, return_sequences=True), mc.LayerNorm(), mc.Dense(3, "softmax")]
    return mc.Sequential(layers, input_shape=(9, 2), seed=0, **options)


def of_series(**options):
    """Sequences of one length; what skips a recurrent layer."""
    x = mc.Input((9, 2))
    h = mc.SecondOrderRNN(8, bias=False, return_sequences=True)(x)
    h = mc.SimpleRNN(8)(mc.concat([h, x]))
    return mc.Network(x, mc.Dense(3, "softmax")(h), seed=0, **options)


THREE = pytest.mark.parametrize("build", [of_sequences, of_steps, of_series])


def samples_for(build, count):
    """Noise with a drift; the class is the direction of what has been summed up so far, or at the end."""
    lengths = rng(0).integers(1, 10, count) if build is not of_series else np.full(count, 9)
    X = [rng(i).normal(size=(n, 2)).astype(np.float32) for i, n in enumerate(lengths)]
    sums = [np.cumsum(x[:, 0]) for x in X]
    y = [np.digitize(s, (-1.0, 1.0)) for s in sums]
    return (X if build is not of_series else np.stack(X)), (y if build is of_steps else np.array([c[-1] for c in y]))


@THREE
def test_it_learns_and_early_stopping_brings_back_the_best(build, tmp_path):
    net = build()
    X, y = samples_for(build, 360)
    X, y, X_dev, y_dev = X[:240], y[:240], X[240:], y[240:]
    seen = []
    callbacks = [
        mc.EarlyStopping(patience=6),
        mc.Checkpoint(tmp_path / "best.safetensors"),
        mc.CSVLog(tmp_path / "log.csv"),
        mc.ReduceOnPlateau(patience=4),
        lambda network, epoch: seen.append(epoch["val_loss"]) and None,
    ]
    options = {"optimizer": mc.Adam(0.01), "batch_size": 20, "clip_norm": 1.0, "l2": 1e-5}
    options |= {"class_weight": {1: 1.5}, "sample_weight": np.linspace(0.5, 1.5, 240), "label_smoothing": 0.02}
    history = net.fit(X, y, epochs=40, validation_data=(X_dev, y_dev), callbacks=callbacks, **options)
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    assert seen == history["val_loss"]
    found = net.evaluate(X_dev, y_dev)
    assert found["accuracy"] > 0.75
    assert found["loss"] == pytest.approx(min(seen), rel=1e-5)
    assert mc.load(tmp_path / "best.safetensors").evaluate(X_dev, y_dev) == found
    assert len((tmp_path / "log.csv").read_text().splitlines()) == len(history) + 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@THREE
def test_files_pickles_and_copies(build, dtype, tmp_path):
    """All give the same bits; pickles and copies go on with the training too."""
    net = build(dtype=dtype)
    X, y = samples_for(build, 60)
    net.fit(X, y, epochs=2, batch_size=20)
    net.save(tmp_path / "net.safetensors", training=True)
    loaded, *others = mc.load(tmp_path / "net.safetensors"), pickle.loads(pickle.dumps(net)), copy.deepcopy(net)
    for each in (loaded, *others):
        assert each.summary() == net.summary()
        assert each.to_svg().partition("</title>")[2] == net.to_svg().partition("</title>")[2]
        assert all_equal(each.predict(X), net.predict(X))
        assert each.evaluate(X, y) == net.evaluate(X, y)
    whole = build(dtype=dtype)
    whole.fit(X, y, epochs=4, batch_size=20)
    loaded.fit(X, y, epochs=4, batch_size=20, resume=True)
    assert all_equal(loaded.parameters.flat, whole.parameters.flat)
    for each in (net, *others):
        each.fit(X, y, epochs=2, batch_size=20)
        assert all_equal(each.predict(X), net.predict(X))


@THREE
def test_weights_are_as_good_as_repetitions(build):
    net = build(dtype="float64")
    X, y = samples_for(build, 12)
    twice = [*range(12), *range(0, 12, 2)]
    weights = np.where(np.arange(12) % 2, 1.0, 2.0)
    # Means are over the steps that exist, so that with targets at each step what is compared are sums.
    counts = (12, 18) if build is not of_steps else (sum(map(len, y)), sum(len(y[i]) for i in twice))
    cost = net.evaluate(X, y, sample_weight=weights)["loss"]
    repeated = net.evaluate([X[i] for i in twice], [y[i] for i in twice])["loss"]
    assert cost * counts[0] == pytest.approx(repeated * counts[1], rel=1e-12)
    by_class = {1: 3.0, 2: 0.5}
    factors = [np.vectorize(lambda c: by_class.get(c, 1.0))(c) for c in y]
    if build is of_sequences:
        return  # its dropout makes each cost one of its own
    one, gradients = net.loss_and_gradient(X, y, sample_weight=factors)
    kept = gradients.flat.copy()
    assert np.abs(kept).max() > 0
    seen = []
    net.fit(X, y, epochs=1, batch_size=12, optimizer=mc.SGD(0.0), class_weight=by_class, verbose=False,
            callbacks=[lambda network, epoch: seen.append(epoch["loss"]) and None])  # fmt: skip
    assert seen == [pytest.approx(one, rel=1e-12)]
    np.testing.assert_allclose(net.gradients.flat, kept, rtol=1e-9, atol=1e-15)


@THREE
def test_penalties(build):
    """l/2 sum of squares and l/2 sum of absolute values of all weights, those between steps too; not of biases."""
    net = build(dtype="float64")
    X, y = samples_for(build, 12)
    if build is of_sequences:
        net = mc.Sequential([mc.GRU(8), mc.Dense(3, "softmax")], input_shape=(9, 2), seed=0, dtype="float64")
    plain, gradients = net.loss_and_gradient(X, y)
    before = {name: gradient.copy() for name, gradient in gradients.items()}
    cost, gradients = net.loss_and_gradient(X, y, l1=0.1, l2=0.2)
    weights = {name: view for name, view in net.parameters.items() if name.endswith("weight")}
    assert any("recurrent_weight" in name for name in weights)
    added = sum(0.05 * np.abs(w).sum() + 0.1 * (w**2).sum() for w in weights.values())
    assert cost == pytest.approx(plain + added, rel=1e-12)
    for name, gradient in gradients.items():
        extra = 0.05 * np.sign(weights[name]) + 0.2 * weights[name] if name in weights else 0.0
        np.testing.assert_allclose(gradient, before[name] + extra, rtol=1e-9, atol=1e-14)


def test_frozen_recurrent_layers_stay():
    net = of_sequences()
    X, y = samples_for(of_sequences, 40)
    net.freeze("gru_1")
    before = {name: view.copy() for name, view in net.parameters.items()}
    net.fit(X, y, epochs=2)
    for name, view in net.parameters.items():
        assert all_equal(view, before[name]) == name.startswith("gru_1"), name


def test_summary():
    layers = [mc.Embedding(9, 4), mc.SimpleRNN(3, "relu", reverse=True, return_sequences=True)]
    layers += [mc.GRU(5, reset_after=False, return_sequences=True), mc.SecondOrderRNN(2, bias=False), mc.Dense(1)]
    text = mc.Sequential(layers, input_shape=(7,), seed=0).summary(width=120)
    for line in (
        r"embedding_1\s+embedding\s+\(7, 4\)\s+36",
        r"simple_rnn_1\s+simple_rnn, relu, reverse\s+\(7, 3\)\s+24",
        r"gru_1\s+gru, reset before\s+\(7, 5\)\s+135",
        r"second_order_rnn_1\s+second_order_rnn, no bias\s+\(2,\)\s+20",
    ):
        assert re.search(line, text), line


def test_the_loop_is_drawn():
    """From the side of each recurrent layer back to it; nowhere else, and within the drawing."""
    net = of_sequences()
    svg = net.to_svg()
    boxes = {
        name: tuple(map(float, numbers))
        for name, *numbers in re.findall(
            r'<title>(\w+):[^<]*</title><rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', svg
        )
    }
    assert set(boxes) == {layer["name"] for layer in net.spec}
    ways = [[tuple(map(float, p.split())) for p in re.findall(r"[ML]([\d. ]+)", path)]
            for path in re.findall(r'<path d="(M[^"Z]+)"/>', svg)]  # fmt: skip
    width = float(re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+)', svg)[1])
    for name, (x, y, w, h) in boxes.items():
        side = [way for way in ways if way[0][0] == pytest.approx(x + w, abs=0.02) and y < way[0][1] < y + h]
        assert len(side) == (name.startswith(("lstm", "gru"))), name
        for way in side:
            assert y < way[-1][1] < way[0][1]
            assert all(x + w - 0.02 <= point[0] < width for point in way)


def test_with_time():
    """A copy for longer or shorter sequences gives the same bits; what has weights for each step cannot."""
    net = of_sequences()
    X, y = samples_for(of_sequences, 30)
    net.fit(X, y, epochs=1)
    longer = net.with_time(20)
    assert longer.input_shape == (20, 2)
    assert all_equal(longer.predict(X), net.predict(X))
    assert longer.predict([np.zeros((15, 2))]).shape == (1, 3)
    short = [x for x in X if len(x) <= 4]
    assert all_equal(net.with_time(4).predict(short), net.predict(short))
    longer.parameters.flat[:] = 0
    assert net.parameters.flat.any()
    assert net.with_time(9).history["loss"] == net.history["loss"]
    flat = mc.Sequential([mc.GRU(3, return_sequences=True), mc.Flatten(), mc.Dense(1)], input_shape=(5, 2), seed=0)
    for other, time, words in (
        (flat, 6, "5 steps only"),
        (flat, 4, "5 steps only"),
        (net, 0, "time should be at least 1"),
        (mc.Sequential([mc.Dense(1)], input_shape=2, seed=0), 3, "no layer of this network walks"),
    ):
        with pytest.raises(ValueError, match=words):
            other.with_time(time)
