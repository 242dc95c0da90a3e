"""Networks with several inputs and outputs: how they are bound, trained, judged, kept and drawn."""

import pickle

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, assert_near, randomize, rng
from test_finite_differences import assert_gradients_match_differences


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


# ---- binding ----


def test_by_name_and_by_order_is_the_same():
    net, (X, y) = two_and_two(), samples()
    by_name, by_order = net.predict(X), net.predict([X["left"], X["right"]])
    backwards = net.predict(dict(reversed(X.items())))
    for a, b, c in zip(by_name, by_order, backwards, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    named = net.evaluate(X, y)
    assert named == net.evaluate((X["left"], X["right"]), [y["price"], y["kind"]])
    assert list(named) == ["loss", "price_loss", "kind_loss", "kind_accuracy"]


def test_order_is_that_of_the_call_and_not_of_names():
    b, a = mc.Input(2, name="b"), mc.Input(2, name="a")
    net = mc.Network([b, a], mc.Dense(1, weight_init=[[1.0], [2.0], [4.0], [8.0]])(mc.concat([a, b])), seed=0)
    assert [port.name for port in net.inputs] == ["b", "a"]
    assert net.predict([[[1.0, 0.0]], [[0.0, 1.0]]]).item() == 2 + 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: {"left": X["left"]}, "X has nothing for the input right"),
        (lambda X: X | {"rigth": X["right"]}, "there is no input 'rigth'; did you mean 'right'"),
        (lambda X: [X["right"], X["left"]], r"X\['left'\] should have samples of shape \(3,\), not \(4, 2\), which"),
        (lambda X: [X["left"]], "one for each of the inputs left, right: 2, not 1"),
        (lambda X: X["left"], "a dict by name or a list"),
        (lambda X: X | {"right": X["right"][:7]}, r"X\['right'\] has 7 samples, but X\['left'\] has 30"),
        (lambda X: X | {"left": X["left"][:, :2]}, r"X\['left'\] should have shape \(n_samples, 3\)"),
        (lambda X: X | {"left": np.full((30, 3), np.nan)}, r"X\['left'\] should be finite, but X\['left'\]\[0, 0\]"),
    ],
)
def test_wrong_inputs_are_named(change, message):
    net, (X, y) = two_and_two(), samples()
    before = net.copy_numbers()
    for call in (net.predict, lambda X: net.fit(X, y), lambda X: net.evaluate(X, y), lambda X: net.partial_fit(X, y)):
        with pytest.raises((ValueError, TypeError), match=f"(?i){message}"):  # partial_fit calls them x
            call(change(X))
    np.testing.assert_array_equal(net.parameters.flat, before[0])


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        ({"price": 0}, {}, "y has nothing for the output kind"),
        ({"prices": 0}, {}, "there is no output 'prices'; did you mean 'price'"),
        ([0], {}, "one for each of the outputs price, kind: 2, not 1"),
        ({}, {"loss": {"prise": "huber"}}, "there is no output 'prise'; did you mean 'price'"),
        ({}, {"loss": ["huber"]}, "loss should have one for each of the outputs"),
        ({}, {"loss": {"price": "cross_entropy"}}, "compares two outputs or more"),
        ({}, {"loss_weights": {"prise": 1}}, "there is no output 'prise'"),
        ({}, {"loss_weights": {"price": -1}}, "the loss weight of price should be at least 0"),
        ({}, {"loss_weights": [0, 0]}, "not be 0 for every output"),
        ({}, {"sample_weight": {"prise": np.ones(30)}}, "there is no output 'prise'"),
        ({}, {"class_weight": "balanced"}, "class_weight should be a dict by output"),
        ({}, {"target_range": (0, 1)}, "target_range should be a dict by output"),
        ({}, {"label_smoothing": 0.1}, "label_smoothing should be a dict by output"),
        ({}, {"metrics": {"prise": ["mae"]}}, "there is no output 'prise'"),
        ({}, {"augment": lambda X, rng: X}, "one input"),
    ],
)
def test_wrong_outputs_and_options_are_named(y, options, message):
    net, (X, good) = two_and_two(), samples()
    if isinstance(y, dict):
        given = {name: good.get(name, np.zeros(30)) for name in y} if y else good
    else:
        given = [good["price"]]
    before = net.copy_numbers()
    with pytest.raises((ValueError, TypeError), match=message):
        net.fit(X, given, **options)
    np.testing.assert_array_equal(net.parameters.flat, before[0])


def test_graphs_that_are_none():
    a, b, c = mc.Input(2, name="a"), mc.Input(2), mc.Input(2)
    h = mc.Dense(2)(mc.concat([a, b]))
    for inputs, outputs, message in [
        ([a], [h], "depends on another input"),
        ([a, b, c], h, "no output depends on"),
        ([a, a, b], h, "twice"),
        ([a, b], [h, h], "twice"),
        ([a, b], [h, a], "at once"),
        ([a, b], [], "needs outputs"),
        ([h], [h], "does not depend|what Input"),
    ]:
        with pytest.raises(ValueError, match=message):
            mc.Network(inputs, outputs)
    with pytest.raises(TypeError, match="inputs should be"):
        mc.Network([a, "b"], h)


def test_what_takes_one_input_and_output_says_so():
    net = two_and_two()
    for call in (net.stream, lambda: mc.plots.DecisionBoundaryDisplay.from_network(net, rng().normal(size=(5, 2)))):
        with pytest.raises((ValueError, TypeError), match=r"one input|input_shape"):
            call()
    one = mc.Sequential([mc.Dense(1)], input_shape=2, seed=0)
    with pytest.raises(ValueError, match="loss_weights are for networks with several outputs"):
        one.fit(np.eye(2), [0.0, 1.0], loss_weights=[2.0])


def test_one_of_each_may_be_named_too():
    net = mc.Network([x := mc.Input(2, name="x")], [mc.Dense(1, name="p")(x)], seed=0)
    assert net.predict({"x": np.eye(2)}).shape == (2, 1)
    plain = mc.Network(x, mc.Dense(1, name="p")(x), seed=0)
    history = net.fit({"x": np.eye(2)}, {"p": [0.0, 1.0]}, loss={"p": "huber"}, epochs=2)
    np.testing.assert_array_equal(plain.fit(np.eye(2), [0.0, 1.0], loss="huber", epochs=2)["loss"], history["loss"])


# ---- numbers ----


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


# ---- whatever a network can ----


def test_history_metrics_and_callbacks_by_name(tmp_path):
    net, (X, y) = two_and_two("float32"), samples(60)
    diagnosis = mc.Diagnosis()
    history = net.fit(
        X,
        y,
        epochs=4,
        validation_split=0.25,
        metrics={"price": ["mae"], "kind": ["accuracy"]},
        callbacks=[
            diagnosis,
            mc.EarlyStopping(monitor="val_kind_accuracy", patience=9),
            mc.Checkpoint(tmp_path / "best"),
        ],
        label_smoothing={"kind": 0.1},
        class_weight={"kind": "balanced"},
        l2={"middle": 0.01},
        clip_norm=1.0,
    )
    assert history.names() == [
        *("epoch", "loss", "price_loss", "kind_loss", "learning_rate", "seconds", "price_mae", "kind_accuracy"),
        *("val_loss", "val_price_loss", "val_kind_loss", "val_kind_accuracy", "val_price_mae"),
    ]
    assert list(diagnosis.records[-1]) == ["series", "middle", "price", "kind"]
    assert mc.load(tmp_path / "best").loss == net.loss


def test_metrics_of_all_outputs():
    net, (X, y) = two_and_two(), samples()

    def count(y, outputs):
        return len(outputs)

    values = net.evaluate(X, y, metrics=[count])
    assert (values["price_count"], values["kind_count"]) == (30, 30)


def test_weights_by_output():
    net, (X, y) = two_and_two(), samples()
    weights = np.zeros(30)
    weights[:10] = 3.0
    options = {"sample_weight": {"price": weights}}
    price = net.evaluate(X, y, **options)["price_loss"]
    first = {name: values[:10] for name, values in X.items()}
    assert price == pytest.approx(net.evaluate(first, {n: v[:10] for n, v in y.items()})["price_loss"], rel=1e-12)
    assert net.evaluate(X, y, **options)["kind_loss"] == net.evaluate(X, y)["kind_loss"]


def test_kept_in_files_and_pickles(tmp_path):
    net, (X, y) = two_and_two(), samples()
    net.fit(X, y, epochs=2, loss={"price": mc.losses.Huber(0.5)}, loss_weights={"kind": 0.5})
    net.save(tmp_path / "net", training=True)
    others = [mc.load(tmp_path / "net"), pickle.loads(pickle.dumps(net)), net.copy()]
    for other in others:
        assert (other.loss, other.spec, repr(other)) == (net.loss, net.spec, repr(net))
        for a, b in zip(other.predict(X), net.predict(X), strict=True):
            np.testing.assert_array_equal(a, b)
    net.fit(X, y, epochs=4, resume=True)
    others[0].fit(X, y, epochs=4, resume=True)
    np.testing.assert_array_equal(net.parameters.flat, others[0].parameters.flat)
    net.fit(X, y, loss={"price": mc.losses.CustomLoss(lambda y, t: ((y - t) ** 2).sum(1), lambda y, t: 2 * (y - t))})
    with pytest.raises(ValueError, match="functions of yours"):
        net.save(tmp_path / "net")


def test_on_line_by_lbfgs_and_by_curriculum():
    net, (X, y) = two_and_two(), samples()
    one = {name: values[0] for name, values in X.items()}
    first = net.partial_fit(one, {"price": 1.0, "kind": 2}, optimizer=mc.SGD(0.1))
    for _ in range(20):
        last = net.partial_fit([one["left"], one["right"]], [1.0, 2])
    assert last < first / 2
    before = net.evaluate(X, y)["loss"]
    history = net.fit(X, y, optimizer="lbfgs", batch_size=None, epochs=15)
    assert net.evaluate(X, y)["loss"] < before / 2
    assert history[-1]["price_loss"] == pytest.approx(net.evaluate(X, y)["price_loss"], rel=1e-9)
    net.fit(X, y, epochs=3, curriculum=mc.Curriculum("loss", epochs=2))


def test_summary_and_drawing():
    net = two_and_two()
    assert repr(net) == (
        "Network([left (3,), right (4, 2)] -> [price (1,), kind (4,)], 6 layers, 281 parameters, float64)"
    )
    assert "from left (3,), right (4, 2) to price (1,), kind (4,)" in net.summary()
    drawing = net.to_svg()
    assert all(f">{name}<" in drawing for name in ("left", "right", "price", "kind"))
    assert (net.input_shape, net.output_shape) == (((3,), (4, 2)), ((1,), (4,)))


def test_a_step_can_be_looked_into():
    net, (X, y) = two_and_two(), samples(6)
    trace = net.trace(X, y, loss_weights={"kind": 0.5})
    assert list(trace.activations) == [layer["name"] for layer in net.spec]
    np.testing.assert_array_equal(trace.activations["right"], X["right"])
    np.testing.assert_array_equal(trace.activations["kind"], net.predict(X)[1])
    kind = trace.activations["kind"] - np.eye(4)[y["kind"]]
    assert_near(trace.deltas["kind"], 0.5 * kind / 6, 1e-12)
    assert [layer.name for layer in net.layers] == ["series", "concat_1", "middle", "price", "concat_2", "kind"]
    net, (X, y) = crossed(), crossed_samples()
    trace, outputs = net.trace(ragged(X), y), net.predict(ragged(X))
    for name, values in zip(("words", "total", "marks"), outputs, strict=True):
        assert_near(trace.activations[name], values, 1e-12)


def test_frozen_parts_stay():
    net, (X, y) = two_and_two(), samples()
    net.freeze("series", "price")
    before = {name: net.parameters[name].copy() for name in net.parameters}
    net.fit(X, y, epochs=2)
    changed = {name.partition(".")[0] for name in before if (before[name] != net.parameters[name]).any()}
    assert changed == {"middle", "kind"}


def test_an_output_without_parameters_disturbs_nobody():
    x, z = mc.Input(4, name="x"), mc.Input(4, name="z")
    same = mc.Activation("tanh", name="same")(mc.Flatten()(x))
    net = mc.Network([x, z], [same, mc.Dense(2, name="p")(mc.concat([x, z]))], dtype="float64", seed=0)
    X, y = [rng(0).normal(size=(9, 4)), rng(1).normal(size=(9, 4))], [np.zeros((9, 4)), rng(2).normal(size=(9, 2))]
    assert mc.check_gradients(net, X, y).passed
    assert_gradients_match_differences(
        mc.Network(x, mc.Dense(2)(x), dtype="float64", seed=0), X[0], y[1], "squared_error"
    )
