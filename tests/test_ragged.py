"""Sequences of different lengths: a batch gives what its sequences give one by one, and padding reaches nothing."""

import numpy as np
import pytest

import multicapa as mc
from helpers import assert_like_reference, assert_near, randomize, rng
from test_recurrent import KINDS, make, numbers

LENGTHS = (4, 0, 9, 1, 7, 7, 2, 9, 3, 5, 8, 6, 1, 0, 9, 2, 4, 6, 8, 3)


def sequences(lengths, features=3, seed=0):
    return [rng(seed + i).normal(size=(n, features)) for i, n in enumerate(lengths)]


def garbage(padded):
    """The same with NaN where nothing is."""
    values = padded.values.astype(float)
    values[~padded.exists()] = np.nan
    return mc.data.Padded(values, padded.lengths)


def nets():
    """With one output for a sequence, or one for each step; layers that go through time in both arrangements."""
    for kind in KINDS.values():
        yield [kind(5), mc.Dense(2)]
        yield [kind(5, reverse=True), mc.Dense(2)]
        yield [mc.Dense(4, "tanh"), mc.Bidirectional(kind(5, return_sequences=True)), mc.Dense(3, "softmax")]
    yield [mc.Bidirectional(mc.LSTM(4, return_sequences=True), merge="sum"), mc.LayerNorm(), mc.GRU(3), mc.Dense(2)]
    yield [mc.LSTM(4, return_sequences=True), mc.LayerNorm(), mc.Activation("softmax"), mc.Dense(2, "sigmoid")]
    for pooling in (mc.GlobalAveragePool1D, mc.GlobalMaxPool1D):
        yield [mc.Dense(5, "tanh"), pooling(), mc.Dense(2)]
        yield [mc.LayerNorm(), mc.GRU(4, return_sequences=True), pooling(), mc.Dense(2)]


@pytest.mark.parametrize("batch", [5, 20])
def test_batch_equals_its_sequences(batch):
    X, weights = sequences(LENGTHS[:batch]), rng(9).uniform(0.5, 2, batch)
    for layers in nets():
        net = randomize(mc.Sequential(layers, input_shape=(9, 3), seed=0, dtype="float64"), rng(1), 0.5)
        per_step = net.outputs[0].steps > 0
        T = [rng(50 + i).uniform(0.1, 0.9, size=(len(x), net.output_shape[-1])) for i, x in enumerate(X)]
        if not per_step:
            T = rng(2).normal(size=(batch, 2))
        outputs = net.predict(X)
        assert net.predict(garbage(mc.data.pad(X, 9))).tobytes() == outputs.tobytes()
        cost, gradients = net.loss_and_gradient(X, T, sample_weight=weights, loss="squared_error")
        ours = {name: gradient.copy() for name, gradient in gradients.items()}
        again, gradients = net.loss_and_gradient(
            garbage(mc.data.pad(X)), T, sample_weight=weights, loss="squared_error"
        )
        assert again == cost
        assert all(gradient.tobytes() == ours[name].tobytes() for name, gradient in gradients.items())
        assert net.evaluate(X, T, sample_weight=weights, loss="squared_error")["loss"] == pytest.approx(cost, rel=1e-12)

        costs, sums = 0.0, dict.fromkeys(ours, 0.0)
        count = sum(map(len, X)) if per_step else batch
        for i, x in enumerate(X):
            if len(x) == 0:
                if per_step:
                    assert not outputs[i].any()
                    continue
                one, each = net.loss_and_gradient([x], T[i : i + 1], loss="squared_error")
                share = weights[i] / count
            else:  # a network made for sequences of just that length
                alone = mc.Sequential(layers, input_shape=(len(x), 3), seed=0, dtype="float64")
                alone.parameters.flat[:] = net.parameters.flat
                assert_near(outputs[i, : len(x)] if per_step else outputs[i], alone.predict(x[None])[0], 1e-12)
                assert not per_step or not outputs[i, len(x) :].any()
                one, each = alone.loss_and_gradient(x[None], T[i][None], loss="squared_error")
                share = weights[i] * (len(x) if per_step else 1) / count
            costs += share * one
            sums = {name: total + share * each[name] for name, total in sums.items()}
        assert cost == pytest.approx(costs, rel=1e-12)
        largest = max(np.abs(total).max() for total in sums.values())
        for name, gradient in ours.items():
            assert_near(gradient, sums[name], 1e-12, name, largest)


@pytest.mark.parametrize("ddof", [0, 1])
def test_batch_norm_takes_its_moments_of_the_steps_there_are(ddof):
    """As of a batch whose samples are those steps, with NaN in the padding; running moments, frozen, streams too."""
    layers = [mc.Dense(5, "tanh"), mc.BatchNorm(ddof=ddof), mc.Dense(4), mc.BatchNorm(), mc.Dense(2)]
    for lengths in (LENGTHS, (0, 3, 1), (1, 0), (9,) * 3, rng(0).integers(0, 10, 150)):
        ours = randomize(mc.Sequential(layers, input_shape=(9, 3), seed=0, dtype="float64"), rng(1))
        theirs = mc.Sequential(layers, input_shape=3, seed=0, dtype="float64")
        theirs.parameters.flat[:] = ours.parameters.flat
        X = sequences(lengths)
        T = [rng(50 + i).normal(size=(n, 2)) for i, n in enumerate(lengths)]
        flat, targets, given = np.concatenate(X), np.concatenate(T), garbage(mc.data.pad(X, 9))
        for _ in range(2):
            cost, gradients = ours.loss_and_gradient(given, T)
            their_cost, wanted = theirs.loss_and_gradient(flat, targets)
            assert cost == pytest.approx(their_cost, rel=1e-11)
            for name, gradient in gradients.items():
                assert_near(gradient, wanted[name], 1e-10, name, 0.01)
            assert_near(np.concatenate([y[:n] for y, n in zip(ours.predict(given), lengths, strict=True)]),
                        theirs.predict(flat), 1e-12)  # fmt: skip
            options = {"epochs": 1, "batch_size": None, "optimizer": mc.SGD(0.01)}
            ours.fit(given, T, **options)
            theirs.fit(flat, targets, **options)
            assert_near(ours.state.flat, theirs.state.flat, 1e-11)
            for net in (ours, theirs):
                net.freeze("batch_norm_1")
    stream = ours.stream()
    first = next(i for i, n in enumerate(lengths) if n)
    assert_near(stream.step(X[first][0]), ours.predict([X[first]])[0, 0], 1e-14)


def test_batch_norm_has_the_same_bits_for_any_number_of_threads():
    found = []
    for threads in (1, 2, 3, 7):
        mc.set_num_threads(threads)
        layers = [mc.GRU(12, return_sequences=True), mc.BatchNorm(), mc.LSTM(7), mc.BatchNorm(), mc.Dense(1)]
        net = mc.Sequential(layers, input_shape=(9, 3), seed=0)
        net.fit(sequences(LENGTHS * 8), numbers(160, 1), epochs=2, batch_size=100)
        found.append(net.parameters.flat.tobytes() + net.state.flat.tobytes())
    mc.set_num_threads(2)
    assert len(set(found)) == 1


def test_an_epochs_cost_is_the_mean_over_its_steps():
    """Batches weigh as many steps as they have, so that at rate 0 it is the cost of all samples."""
    net = mc.Sequential([mc.GRU(4, return_sequences=True), mc.Dense(2)], input_shape=(9, 3), seed=0, dtype="float64")
    X = sequences([9, 9, 9, 1, 1, 1, 0, 0])
    T = [rng(i).normal(size=(len(x), 2)) for i, x in enumerate(X)]
    weights = [rng(i).uniform(size=len(x)) for i, x in enumerate(X)]
    for sample_weight in (None, weights):
        options = {"sample_weight": sample_weight, "shuffle": False}
        seen = net.fit(X, T, epochs=1, batch_size=3, optimizer=mc.SGD(0.0), l2=0.1, **options)["loss"][0]
        assert seen == pytest.approx(net.loss_and_gradient(X, T, sample_weight=sample_weight, l2=0.1)[0], rel=1e-12)


def test_metrics_of_steps():
    """Scorers and functions see the steps there are as samples: in fit, on data for validation and in evaluate."""
    from sklearn.metrics import f1_score, mean_absolute_error

    lengths = [n for n in LENGTHS * 2 if n]
    X = sequences(lengths)
    y, T = [np.digitize(x[:, 0], (-0.5, 0.5)) for x in X], [x[:, 1:] ** 2 for x in X]
    seen = []

    def largest(targets, outputs):
        seen.append((targets.shape, outputs.shape))
        return np.abs(targets - outputs).max()

    net = mc.Sequential([mc.GRU(6, return_sequences=True), mc.Dense(2)], input_shape=(9, 3), seed=0)
    history = net.fit(X, T, epochs=2, metrics=["mae", largest], validation_data=(X[:5], T[:5]))
    outputs = net.predict(X)
    made, wanted = np.concatenate([outputs[i, :n] for i, n in enumerate(lengths)]), np.concatenate(T)
    found = net.evaluate(X, T, metrics=["mae", largest])
    assert found["mae"] == pytest.approx(mean_absolute_error(wanted, made), rel=1e-5)
    assert found["largest"] == pytest.approx(np.abs(wanted - made).max(), rel=1e-5)
    assert history["mae"][-1] == pytest.approx(found["mae"], rel=1e-5)
    count = sum(lengths[:5])
    assert history["val_mae"][-1] == pytest.approx(mean_absolute_error(wanted[:count], made[:count]), rel=1e-5)
    assert {shape for pair in seen for shape in pair} == {(sum(lengths), 2), (count, 2)}

    net = mc.Sequential([mc.GRU(6, return_sequences=True), mc.Dense(3, "softmax")], input_shape=(9, 3), seed=0)
    history = net.fit(X, y, epochs=5, metrics=["f1_macro"], validation_split=0.2, optimizer=mc.Adam(0.02))
    assert len(history["val_f1_macro"]) == 5
    classes = np.concatenate([net.predict(X)[i, :n].argmax(axis=1) for i, n in enumerate(lengths)])
    weights = [rng(i).uniform(size=n) for i, n in enumerate(lengths)]
    found = net.evaluate(X, y, metrics=["f1_macro"], sample_weight=weights)["f1_macro"]
    theirs = f1_score(np.concatenate(y), classes, average="macro", sample_weight=np.concatenate(weights))
    assert found == pytest.approx(theirs, rel=1e-6)


def test_any_order_of_lengths():
    """Of the samples of one batch."""
    net = randomize(mc.Sequential([mc.LSTM(5), mc.Dense(1)], input_shape=(9, 3), seed=0, dtype="float64"), rng(1))
    X, T = sequences(LENGTHS), numbers(20, 1)
    cost, _ = net.loss_and_gradient(X, T)
    before, outputs = net.gradients.flat.copy(), net.predict(X)
    for order in (np.argsort(LENGTHS), rng(0).permutation(20)):
        assert net.loss_and_gradient([X[i] for i in order], T[order])[0] == pytest.approx(cost, rel=1e-12)
        assert_near(net.gradients.flat, before, 1e-12)
        assert_near(net.predict([X[i] for i in order]), outputs[order], 1e-13)


def strided(shape, lengths, seed):
    """Samples that lie far apart, with garbage where nothing is."""
    padded = mc.data.Padded(rng(seed).normal(size=(len(lengths), 40, *shape[1:]))[:, : shape[0]], lengths)
    padded.values[~padded.exists()] = np.nan
    return padded


def assert_same_of(net, X, each):
    """However the samples lie, and in whatever order they come; `each` does something to every input."""
    outputs = net.predict(X)
    assert np.isfinite(outputs).all()
    assert (
        net.predict(each(lambda part: mc.data.Padded(part.values.copy(), part.lengths))).tobytes() == outputs.tobytes()
    )
    order = rng(5).permutation(len(outputs))
    moved = net.predict(each(lambda part: mc.data.Padded(part.values[order], part.lengths[order])))
    assert_near(moved, outputs[order], 1e-13)


def test_samples_that_lie_far_apart():
    descending = np.sort(LENGTHS)[::-1]
    X = strided((9, 3), descending, 2)
    for layers in nets():
        net = randomize(mc.Sequential(layers, input_shape=(9, 3), dtype="float64", seed=0), rng(1), 0.5)
        assert_same_of(net, X, lambda change: change(X))


def test_a_second_input_is_sorted_for_itself():
    first, second = mc.Input((9, 3), name="first"), mc.Input((7, 2), name="second")
    joined = mc.concat([mc.GRU(4)(first), mc.LSTM(5)(second)])
    net = randomize(mc.Network([first, second], mc.Dense(2)(joined), dtype="float64", seed=0), rng(1), 0.5)
    lengths = np.sort(LENGTHS)[::-1], rng(4).permutation(np.minimum(LENGTHS, 7))
    X = [strided((9, 3), lengths[0], 2), strided((7, 2), lengths[1], 3)]
    assert_same_of(net, X, lambda change: [change(part) for part in X])


def test_short_arrays_and_truncation():
    """An array of fewer steps than the network takes is one of sequences that all end early."""
    net = randomize(mc.Sequential([mc.GRU(5, return_sequences=True), mc.Dense(1)], input_shape=(9, 3), seed=0), rng(1))
    X, T = numbers(20, 4, 3), numbers(20, 4, 1)
    assert net.predict(X).tobytes() == net.predict(list(X)).tobytes()
    alone = mc.Sequential([mc.GRU(5, return_sequences=True), mc.Dense(1)], input_shape=(4, 3), seed=0)
    alone.parameters.flat[:] = net.parameters.flat
    assert net.predict(X)[:, :4].tobytes() == alone.predict(X).tobytes()
    for bptt in (None, 3):
        _, gradients = net.loss_and_gradient(X, T, bptt=bptt)
        _, theirs = alone.loss_and_gradient(X, T, bptt=bptt)
        for name, gradient in gradients.items():
            assert_near(gradient, theirs[name], 2e-6)


def test_classes_of_steps_weights_and_accuracy():
    net = mc.Sequential([mc.Bidirectional(mc.LSTM(8, return_sequences=True)), mc.Dense(3, "softmax")],
                        input_shape=(9, 3), seed=0)  # fmt: skip
    lengths = [n for n in LENGTHS * 3 if n]
    X = sequences(lengths)
    y = [x.argmax(axis=1) for x in X]
    history = net.fit(X, y, epochs=40, optimizer=mc.Adam(0.02), validation_data=(X, y), class_weight="balanced")
    assert history["val_accuracy"][-1] > 0.95
    outputs = net.predict(X)
    right = np.concatenate([outputs[i, : len(x)].argmax(axis=1) == y[i] for i, x in enumerate(X)])
    found = net.evaluate(X, y)
    assert found["accuracy"] == pytest.approx(right.mean())
    weights = [rng(i).uniform(size=len(x)) for i, x in enumerate(X)]
    assert net.evaluate(X, y, sample_weight=weights)["accuracy"] == pytest.approx(
        np.average(right, weights=np.concatenate(weights)), rel=1e-6
    )
    whole = mc.data.pad(y, 9).values
    assert net.evaluate(mc.data.pad(X), whole)["loss"] == found["loss"]


def test_tokens_of_different_lengths():
    net = randomize(mc.Sequential([mc.Embedding(6, 3), mc.GRU(4), mc.Dense(1)], input_shape=(8,), seed=0), rng(1))
    tokens = [rng(i).integers(0, 6, n) for i, n in enumerate((3, 8, 1, 5, 0, 2, 7, 4, 6, 8))]
    whole = net.predict(tokens)
    for i, sequence in enumerate(tokens):
        if len(sequence):
            alone = mc.Sequential([mc.Embedding(6, 3), mc.GRU(4), mc.Dense(1)], input_shape=(len(sequence),), seed=0)
            alone.parameters.flat[:] = net.parameters.flat
            assert_near(whole[i], alone.predict(sequence[None])[0], 1e-6)
    history = net.fit(tokens, [[len(t) / 8] for t in tokens], epochs=100, batch_size=10, optimizer=mc.Adam(0.02))
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    with pytest.raises(ValueError, match=r"X\[1, 2\] is 6"):
        net.predict([[1, 2], [1, 2, 6]])


def test_padded():
    padded = mc.data.pad([np.ones((2, 3)), np.zeros((0, 3)), np.ones((4, 3))], time=5)
    assert padded.values.shape == (3, 5, 3)
    assert padded.lengths.tolist() == [2, 0, 4]
    assert padded.exists().sum() == 6
    assert len(padded[1:]) == 2


def test_what_is_refused():
    net = mc.Sequential([mc.LSTM(3, return_sequences=True), mc.Dense(2)], input_shape=(5, 3), seed=0)
    before = net.parameters.flat.tobytes()
    ones = np.ones
    for X, y, words in (
        ([ones((2, 3)), ones((2, 4))], None, "sequence 1"),
        ([], None, "no samples"),
        ([ones((2, 4))], None, r"steps of shape \(3,\)"),
        ([ones((2, 3)), ones((6, 3))], None, r"X\[1\] has 6 steps"),
        ([ones((2, 3)), np.full((3, 3), np.nan)], None, r"X\[1, 0, 0\] is nan"),
        ([ones((2, 3)), ones((3, 3))], [ones((2, 2)), ones((2, 2))], r"y\[1\] has 2 steps, but X\[1\] has 3"),
        ([ones((2, 3)), ones((3, 3))], [ones((2, 2))], "2 samples"),
        ([ones((0, 3)), ones((0, 3))], [ones((0, 2)), ones((0, 2))], "length 0"),
    ):
        with pytest.raises(ValueError, match=words):
            net.fit(X, [ones((len(x), 2)) for x in X] if y is None else y)
    for lengths, words in (([6, 1], "sequence 0 has length 6"), ([1], "one for each"), ([1, -1], "sequence 1")):
        with pytest.raises(ValueError, match=words):
            mc.data.Padded(ones((2, 5, 3)), lengths)
    flat = mc.Sequential([mc.LSTM(3, return_sequences=True), mc.Flatten(), mc.Dense(1)], input_shape=(5, 3), seed=0)
    with pytest.raises(ValueError, match='flatten layer "flatten_1" takes sequences of one length'):
        flat.predict([ones((2, 3)), ones((3, 3))])
    with pytest.raises(ValueError, match="augment"):
        net.fit([ones((2, 3)), ones((3, 3))], [ones((2, 2)), ones((3, 2))], augment=lambda X, rng: X)
    assert net.parameters.flat.tobytes() == before


def test_on_line():
    """Sequences as they arrive, one or a few, of any length."""
    net = mc.Sequential([mc.GRU(6), mc.Dense(1)], input_shape=(9, 3), seed=0)
    X = sequences(LENGTHS)
    T = [[float(x.sum() > 0)] for x in X]
    first = [net.partial_fit(X[i : i + 2], T[i : i + 2], optimizer=mc.Adam(0.02)) for i in range(0, 20, 2)]
    for _ in range(20):
        last = [net.partial_fit(X[i : i + 2], T[i : i + 2], optimizer=mc.Adam(0.02)) for i in range(0, 20, 2)]
    assert np.mean(last) < 0.5 * np.mean(first)
    assert net.partial_fit(numbers(9, 3), [1.0]) >= 0


@pytest.mark.parametrize("batch", [3, 20])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_without_a_step_ends_as_it_begins(kind, batch):
    """Alone and among others, with both arrangements; a network of second order begins with (1, 0, ..., 0)."""
    net = make([KINDS[kind](5)], (4, 3))
    outputs = net.predict([np.zeros((0, 3)), *sequences([1 + i % 4 for i in range(batch - 1)])])
    assert outputs[0].tolist() == net.predict([np.zeros((0, 3))])[0].tolist() == [kind == "second_order", 0, 0, 0, 0]
    assert outputs[1:].all()


def test_what_has_left_time_has_no_lengths():
    """A state made into steps anew has all of them, whatever length its sequence had."""
    layers = [mc.GRU(6), mc.Reshape((3, 2)), mc.LSTM(4, return_sequences=True), mc.Flatten(), mc.Dense(1)]
    net = randomize(mc.Sequential(layers, input_shape=(5, 2), seed=0, dtype="float64"), rng(1), 0.5)
    X = [numbers(length, 2, seed=length) for length in (2, 5, 0, 1)]
    one_by_one = [net.predict([x])[0] for x in X]
    assert_near(net.predict(X), np.array(one_by_one), 1e-12)
    sums = {name: np.zeros_like(view) for name, view in net.parameters.items()}
    for x in X:
        for name, gradient in net.loss_and_gradient([x], [[1.0]])[1].items():
            sums[name] += gradient / len(X)
    for name, gradient in net.loss_and_gradient(X, np.ones((4, 1)))[1].items():
        assert_near(gradient, sums[name], 1e-11, name)


def test_joins_of_steps_with_and_without_lengths():
    x = mc.Input((5, 2))
    state = mc.Reshape((5, 2))(mc.GRU(10)(x))
    net = mc.Network(x, mc.Dense(1)(mc.LSTM(3)(mc.add([x, state]))), seed=0)
    net.predict(numbers(3, 5, 2))
    with pytest.raises(ValueError, match=r"add_1.*lengths"):
        net.predict([numbers(3, 2), numbers(5, 2)])


def test_convolution_before_recurrence():
    """Over steps of one length, with samples as rows and as columns; of different lengths an error that says so."""
    layers = [mc.Conv1D(5, 3, "relu"), mc.MaxPool1D(2), mc.LSTM(4), mc.Dense(2)]
    net = randomize(mc.Sequential(layers, input_shape=(13, 3), seed=0, dtype="float64"), rng(1), 0.5)
    for batch in (3, 40):
        assert_like_reference(net, numbers(batch, 13, 3), numbers(batch, 2, seed=1), "squared_error", tolerance=1e-10)
    with pytest.raises(ValueError, match=r"conv1d_1.*one length"):
        net.predict([numbers(13, 3), numbers(9, 3)])


def test_batch_norm_behind_sequences_of_many_blocks():
    """Each block finds its lengths again on the way back."""
    layers = [mc.GRU(40), mc.BatchNorm(), mc.Dense(2)]
    net = mc.Sequential(layers, input_shape=(6, 3), dtype="float64", seed=0)
    X = mc.data.Padded(rng(0).normal(size=(300, 6, 3)), rng(1).integers(0, 7, 300))
    y, step = rng(2).normal(size=(300, 2)), 1e-6
    gradients = net.loss_and_gradient(X, y)[1].flat.copy()
    for place in rng(3).choice(len(gradients), 20, replace=False):
        start, costs = net.parameters.flat[place], []
        for change in (step, -step):
            net.parameters.flat[place] = start + change
            costs.append(net.loss_and_gradient(X, y)[0])
        net.parameters.flat[place] = start
        assert gradients[place] == pytest.approx((costs[0] - costs[1]) / (2 * step), rel=1e-5, abs=1e-8)
