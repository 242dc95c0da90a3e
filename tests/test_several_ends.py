"""Networks with several inputs and outputs: costs, gradients and lengths."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, assert_near, randomize, rng


def two_and_two(dtype="float64", seed=0):
    """A number and a series in; a number, which is read on, and a class out."""
    left, right = mc.Input(3, name="left"), mc.Input((4, 2), name="right")
    h = mc.Dense(8, "tanh", name="middle")(mc.concat([left, mc.LSTM(5, name="series")(right)]))
    price = mc.Dense(1, name="price")(h)
    kind = mc.Dense(4, "softmax", name="kind")(mc.concat([h, price]))
    return mc.Network([left, right], [price, kind], dtype=dtype, seed=seed)


def samples(count=30, seed=1):
    r = rng(seed)
    X = {"left": r.normal(size=(count, 3)), "right": r.normal(size=(count, 4, 2))}
    return X, {"price": r.normal(size=count), "kind": r.integers(0, 4, count)}


def crossed(dtype="float64"):
    """Sequences of two inputs with lengths of their own; one through a layer of both ends' lengths."""
    source, target = mc.Input((6, 3), name="source"), mc.Input((5, 2), name="target")
    state = mc.GRU(4)(source)
    steps = mc.Bidirectional(mc.LSTM(4, return_sequences=True))(mc.Dense(3, "tanh")(target))
    words = mc.Dense(3, "softmax", name="words")(mc.LayerNorm()(steps))
    total = mc.Dense(2, name="total")(mc.concat([state, mc.SimpleRNN(3)(steps)]))
    marks = mc.Dense(1, name="marks")(mc.GRU(3, return_sequences=True)(source))
    return mc.Network([source, target], [words, total, marks], dtype=dtype, seed=0)


SOURCE, TARGET = np.array([3, 6, 0, 1, 5, 2, 6, 4]), np.array([5, 1, 2, 4, 1, 5, 0, 3])


def crossed_samples(dtype="float64"):
    r = rng(2)
    X = {"source": r.normal(size=(8, 6, 3)).astype(dtype), "target": r.normal(size=(8, 5, 2)).astype(dtype)}
    y = {
        "words": r.integers(0, 3, (8, 5)),
        "total": r.normal(size=(8, 2)),
        "marks": r.normal(size=(8, 6, 1)),
    }
    return X, y


def ragged(X, padding=np.nan):
    """The crossed samples with their lengths; what lies beyond the ends is never to be read."""
    made = {}
    for name, lengths in (("source", SOURCE), ("target", TARGET)):
        values = X[name].copy()
        values[np.arange(values.shape[1]) >= lengths[:, None]] = padding
        made[name] = mc.data.Padded(values, lengths)
    return made


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_cost_is_the_weighted_sum(dtype):
    net, (X, y) = two_and_two(dtype), samples()
    weights = rng(3).uniform(0.5, 2, 30)
    parts = {}
    for name in y:
        options = {"loss": {"price": "huber"}, "sample_weight": weights}
        value, gradients = net.loss_and_gradient(X, y, loss_weights={n: float(n == name) for n in y}, **options)
        parts[name] = value, {n: g.copy() for n, g in gradients.items()}
        assert net.evaluate(X, y, **options)[f"{name}_loss"] == pytest.approx(value, rel=1e-5)
    value, gradients = net.loss_and_gradient(
        X, y, loss={"price": "huber"}, loss_weights={"price": 3, "kind": 0.25}, sample_weight=weights
    )
    assert value == pytest.approx(3 * parts["price"][0] + 0.25 * parts["kind"][0], rel=1e-6)
    for name, gradient in gradients.items():
        expected = 3 * parts["price"][1][name] + 0.25 * parts["kind"][1][name]
        assert_near(gradient, expected, 1e-5 if dtype == "float32" else 1e-12, name)


def test_finite_differences():
    net, (X, y) = randomize(two_and_two(), rng(0), 0.5), samples(7)
    report = mc.check_gradients(net, X, y, loss={"price": "huber"}, loss_weights=[2.0, 0.5])
    assert report.passed, str(report)
    X, y = crossed_samples()
    assert mc.check_gradients(randomize(crossed(), rng(0), 0.5), ragged(X), y).passed


@pytest.mark.parametrize("dtype", DTYPES)
def test_sequences_with_lengths_of_their_own(dtype):
    """A batch is what its samples are one by one, whatever lies beyond an end."""
    net, (X, y) = randomize(crossed(dtype), rng(0), 0.5), crossed_samples(dtype)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    given = ragged(X)
    outputs = net.predict(given)
    for i in range(8):
        one = {name: [X[name][i, :length]] for name, length in (("source", SOURCE[i]), ("target", TARGET[i]))}
        for mine, alone in zip(outputs, net.predict(one), strict=True):
            assert_near(mine[i], alone[0], tolerance, least_scale=1)
    assert (outputs[0][np.arange(5) >= TARGET[:, None]] == 0).all()
    assert (outputs[2][np.arange(6) >= SOURCE[:, None]] == 0).all()
    both = np.flatnonzero((SOURCE > 0) & (TARGET > 0))
    part = {name: given[name][both] for name in given}
    answers = {name: values[both] for name, values in y.items()}
    for kept, count in (("words", TARGET[both]), ("total", np.ones(len(both))), ("marks", SOURCE[both])):
        chosen = dict.fromkeys(y, 0.0) | {kept: 1.0}
        cost, gradients = net.loss_and_gradient(part, answers, loss_weights=chosen)
        mine = {name: gradient.copy() for name, gradient in gradients.items()}
        total, sums = 0.0, dict.fromkeys(mine, 0.0)
        for i, share in zip(both, count / count.sum(), strict=True):
            one = {name: [X[name][i, :length]] for name, length in (("source", SOURCE[i]), ("target", TARGET[i]))}
            alone = {
                "words": [y["words"][i, : TARGET[i]]],
                "total": y["total"][i : i + 1],
                "marks": [y["marks"][i, : SOURCE[i]]],
            }
            value, found = net.loss_and_gradient(one, alone, loss_weights=chosen)
            total += value * share
            sums = {name: sums[name] + found[name] * share for name in sums}
        assert cost == pytest.approx(total, rel=tolerance)
        for name, gradient in mine.items():
            assert_near(gradient, sums[name], tolerance, f"{kept}: {name}", least_scale=1e-3)


def test_attention_from_one_input_over_another():
    """An encoder and a decoder: steps of the target look at those of the source, each with lengths of its own."""
    source, target = mc.Input((6, 3), name="source"), mc.Input((5, 2), name="target")
    states = mc.GRU(4, return_sequences=True)(source)
    steps = mc.GRU(4, return_sequences=True)(target)
    seen = mc.concat([steps, mc.Attention()([steps, states])])
    net = mc.Network([source, target], mc.Dense(3, "softmax")(seen), dtype="float64", seed=0)
    X, y = crossed_samples()
    outputs = net.predict(ragged(X))
    for i in range(8):
        one = {name: [X[name][i, :length]] for name, length in (("source", SOURCE[i]), ("target", TARGET[i]))}
        assert_near(outputs[i], net.predict(one)[0], 1e-12, least_scale=1)
    assert mc.check_gradients(net, ragged(X), y["words"]).passed


def test_padding_reaches_nothing_to_the_last_bit():
    (X, y), found = crossed_samples(), []
    for padding in (0.0, np.nan, 1e300):
        net = crossed()
        net.fit(ragged(X, padding), y, epochs=3, batch_size=5, validation_data=(ragged(X, padding), y))
        found.append((net.parameters.flat.tobytes(), net.history["val_loss"]))
    assert found[0] == found[1] == found[2]


def test_steps_of_two_inputs_cannot_be_joined():
    a, b = mc.Input((4, 2), name="a"), mc.Input((4, 2), name="b")
    rnn = mc.GRU(3, return_sequences=True)
    net = mc.Network([a, b], mc.Dense(1)(mc.GRU(2)(mc.add([rnn(a), rnn(b)]))), seed=0)
    values = rng().normal(size=(3, 4, 2))
    assert net.predict([values, values]).shape == (3, 1)  # of one length there is nothing to confuse
    with pytest.raises(ValueError, match='joins steps of "a" with those of "b", whose lengths are others'):
        net.predict([mc.data.Padded(values, [1, 2, 3]), mc.data.Padded(values, [3, 2, 1])])


def test_a_batch_norm_behind_sequences_of_many_blocks():
    """Each block finds its lengths again on the way back."""
    x = mc.Input((6, 3))
    net = mc.Network(x, mc.Dense(2)(mc.BatchNorm()(mc.GRU(40)(x))), dtype="float64", seed=0)
    X, lengths = rng(0).normal(size=(300, 6, 3)), rng(1).integers(0, 7, 300)
    y = rng(2).normal(size=(300, 2))
    report = mc.check_gradients(net, mc.data.Padded(X, lengths), y, most=20)
    assert report.passed, str(report)


@pytest.mark.parametrize("build", [two_and_two, crossed])
def test_same_bits_for_any_number_of_threads(build):
    found = set()
    for threads in (1, 2, 3, 7):
        mc.set_num_threads(threads)
        net = build("float32")
        if build is two_and_two:
            net.fit(*samples(700), epochs=2, batch_size=300, loss_weights=[0.3, 2])
            outputs = net.predict(samples(700)[0])
        else:
            X, y = crossed_samples()
            X, y = (
                {n: np.tile(v, (40, 1, 1)) for n, v in X.items()},
                {n: np.tile(v, (40, *[1] * (v.ndim - 1))) for n, v in y.items()},
            )
            given = {
                n: mc.data.Padded(X[n], np.tile(lengths, 40)) for n, lengths in (("source", SOURCE), ("target", TARGET))
            }
            net.fit(given, y, epochs=2, batch_size=100)
            outputs = net.predict(given)
        found.add((net.parameters.flat.tobytes(), *(values.tobytes() for values in outputs)))
    assert len(found) == 1


def test_samples_as_rows_and_as_columns_agree():
    """Narrow layers take samples as columns, a look at each sample as rows."""
    a, b = mc.Input(3), mc.Input(4)
    h = mc.Dense(6, "tanh")(mc.concat([mc.Dense(5, "relu")(a), b]))
    net = mc.Network([a, b], [mc.Dense(2, name="p")(h), mc.Dense(3, "softmax", name="q")(h)], dtype="float64", seed=0)
    X, y = [rng(0).normal(size=(40, 3)), rng(1).normal(size=(40, 4))], [rng(2).normal(size=(40, 2)), np.arange(40) % 3]
    net.loss_and_gradient(X, y)
    kept = net.gradients.flat.copy()
    total = np.zeros_like(kept)
    for i in range(40):
        net.loss_and_gradient([x[i : i + 1] for x in X], [t[i : i + 1] for t in y])
        total += net.gradients.flat / 40
    assert_near(kept, total, 1e-12)
