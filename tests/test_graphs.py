"""Graphs and targets of every kind against the plain NumPy reference."""

import numpy as np
import pytest

import multicapa as mc
from helpers import ACTIVATIONS, DTYPES, TOLERANCE, assert_like_reference, assert_near, randomize, reference_of


def skip(x):
    h = mc.Dense(9, "tanh")(x)
    return mc.Dense(3, "softmax")(mc.concat([h, x]))


def residual(x):
    h = mc.Dense(7, "relu")(x)
    h = mc.add([mc.Dense(7, "tanh")(mc.Dense(11, "sigmoid")(h)), h])
    return mc.Dense(3, "softmax")(h)


def residual_of_the_input(x):
    return mc.Dense(3, "softmax")(mc.add([mc.Dense(6, "tanh")(x), x]))


def three_readers(x):
    h = mc.Dense(5, "tanh")(x)
    parts = [mc.Dense(4, "relu")(h), mc.Dense(6, "softsign")(h), mc.Dense(2)(h)]
    return mc.Dense(3, "softmax")(mc.concat(parts))


def added_to_itself(x):
    h = mc.Dense(5, "tanh")(x)
    return mc.Dense(3, "softmax")(mc.add([h, h]))


def beside_itself(x):
    h = mc.Dense(5, "tanh")(x)
    return mc.Dense(3, "softmax")(mc.concat([h, x, h]))


def readers_that_may_work_in_place(x):
    h = mc.Dense(8)(x)
    parts = [mc.Activation("relu")(h), mc.Activation("tanh")(h), mc.Flatten()(h), h, mc.Dropout(0)(h), h]
    return mc.Dense(3, "softmax")(mc.add(parts))


def reshapes(x):
    h = mc.Reshape((2, 4))(mc.Dense(8, "gelu")(x))
    h = mc.add([h, mc.Activation("sigmoid")(h)])
    return mc.Dense(3, "softmax")(mc.Flatten()(h))


def chain_of_activations(x):
    h = mc.Activation("softsign")(mc.Activation("tanh")(mc.Activation("softplus")(x)))
    return mc.Activation("softmax")(mc.Dense(3)(mc.Flatten()(mc.Activation("relu")(mc.Dense(9, "silu")(h)))))


def late_reader(x):
    first = mc.Dense(4, "tanh")(x)
    h = first
    for _ in range(3):
        h = mc.Dense(4, "elu")(h)
    return mc.Dense(3, "softmax")(mc.concat([h, first, x]))


def ends_in_a_sum(x):
    return mc.add([mc.Dense(3, "tanh")(x), mc.Dense(3)(x)])


def ends_side_by_side(x):
    return mc.concat([mc.Dense(1, "tanh")(x), mc.Dense(2)(x)])


GRAPHS = (
    skip,
    residual,
    residual_of_the_input,
    three_readers,
    added_to_itself,
    beside_itself,
    readers_that_may_work_in_place,
    reshapes,
    chain_of_activations,
    late_reader,
    ends_in_a_sum,
    ends_side_by_side,
)


def build(graph, dtype="float64", width=6):
    x = mc.Input((width,))
    return randomize(mc.Network(x, graph(x), dtype=dtype, seed=0), np.random.default_rng(0))


def inputs(count, width=6, seed=1):
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def soft_rows(count, width=3):
    e = np.exp(np.random.default_rng(2).normal(size=(count, width)))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("graph", GRAPHS)
def test_graph(graph, dtype):
    net = build(graph, dtype)
    softmax = net.output_activation == "softmax"
    for count in (1, 5, 70):
        assert_like_reference(
            net, inputs(count), soft_rows(count), "cross_entropy" if softmax else "half_squared_error"
        )


@pytest.mark.parametrize("graph", GRAPHS)
def test_graph_leaves_its_input_alone(graph):
    net = build(graph)
    X = inputs(40).astype(np.float64)
    before = X.copy()
    net.predict(X)
    net.loss_and_gradient(X, soft_rows(40), loss="squared_error")
    net.fit(X, soft_rows(40), loss="squared_error", epochs=1)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("graph", [residual, three_readers, readers_that_may_work_in_place])
def test_graph_trains_like_the_reference(graph):
    net = build(graph)
    reference = reference_of(net)
    X, T = inputs(23), soft_rows(23)
    from reference import OPTIMIZERS

    costs = reference.train(X, T, "cross_entropy", OPTIMIZERS["Adam"](0.01), epochs=3, batch_size=8)
    history = net.fit(X, T, loss="cross_entropy", optimizer=mc.Adam(0.01), epochs=3, batch_size=8, shuffle=False)
    assert history["loss"] == pytest.approx(costs, rel=1e-12)
    for name, view in net.parameters.items():
        assert_near(view, reference.parameters[name], 1e-11, name)


def test_many_axes():
    """Images enter as they are, and flatten turns them into rows."""
    X = np.random.default_rng(3).normal(size=(9, 3, 4, 2))
    layers = [mc.Activation("tanh"), mc.Flatten(), mc.Dense(5, "relu"), mc.Dense(2)]
    net = randomize(mc.Sequential(layers, input_shape=(3, 4, 2), dtype="float64", seed=0), np.random.default_rng(0))
    assert_like_reference(net, X, np.ones((9, 2)), "half_squared_error")


def test_outputs_with_many_axes():
    X, T = inputs(9), np.random.default_rng(4).normal(size=(9, 2, 3))
    net = randomize(
        mc.Sequential([mc.Dense(6, "tanh"), mc.Reshape((2, 3))], input_shape=(6,), dtype="float64", seed=0),
        np.random.default_rng(0),
    )
    assert net.predict(X).shape == (9, 2, 3)
    assert_like_reference(net, X, T, "squared_error")


# ---- targets ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("loss", "last"),
    [
        ("cross_entropy", "softmax"),
        ("squared_error", "softmax"),
        ("binary_cross_entropy", "sigmoid"),
        ("half_squared_error", "sigmoid"),
    ],
)
def test_classes_are_one_hot_rows(loss, last, dtype):
    net = randomize(
        mc.Sequential([mc.Dense(5, "tanh"), mc.Dense(4, last)], input_shape=(6,), dtype=dtype, seed=0),
        np.random.default_rng(0),
    )
    X, classes = inputs(33), np.random.default_rng(5).integers(0, 4, 33)
    rows = np.eye(4)[classes]
    for kind in ("int64", "int32", "int8", "uint8", "uint64", ">i4"):
        assert_like_reference(net, X, classes.astype(kind), loss, rows=rows)
    assert_like_reference(net, X, classes.tolist(), loss, rows=rows)
    for kind in ("float32", "float64", "int64", "bool", "uint8"):
        assert_like_reference(net, X, rows.astype(kind), loss, rows=rows)


@pytest.mark.parametrize(
    ("loss", "last", "off"),
    [
        ("hinge", "linear", -1),
        ("perceptron", "linear", -1),
        ("half_squared_error", "tanh", -1),
        ("half_squared_error", "softsign", -1),
        ("perceptron", "step", -1),
        ("half_squared_error", "sigmoid", 0),
    ],
)
def test_classes_are_written_as_the_output_needs_them(loss, last, off):
    net = randomize(
        mc.Sequential([mc.Dense(3, last)], input_shape=(6,), dtype="float64", seed=0), np.random.default_rng(0)
    )
    classes = np.array([0, 2, 1, 1, 0])
    assert_like_reference(net, inputs(5), classes, loss, rows=off + (1 - off) * np.eye(3)[classes])


@pytest.mark.parametrize("one_hot", [False, True])
def test_target_range(one_hot):
    net = randomize(
        mc.Sequential([mc.Dense(3, "tanh")], input_shape=(6,), dtype="float64", seed=0), np.random.default_rng(0)
    )
    X, classes = inputs(5), np.array([0, 2, 1, 1, 0])
    y = np.eye(3)[classes] if one_hot else classes
    soft = -0.9 + 1.8 * np.eye(3)[classes]
    reference = reference_of(net)
    cost, theirs = reference.loss_and_gradient(X, soft, "half_squared_error")
    found, gradients = net.loss_and_gradient(X, y, loss="half_squared_error", target_range=(-0.9, 0.9))
    assert found == pytest.approx(cost, rel=1e-12)
    assert_near(gradients["dense_1.weight"], theirs["dense_1.weight"], 1e-12)
    evaluated = net.evaluate(X, y, loss="half_squared_error", target_range=(-0.9, 0.9))
    assert evaluated["loss"] == pytest.approx(cost, rel=1e-12)


def first_gradient(net, X, y, **options):
    """What a step of fit sees: the gradients stay readable after it."""
    history = net.fit(X, y, optimizer=mc.SGD(0.1), epochs=1, batch_size=None, shuffle=False, **options)
    return history[0]["loss"], net.gradients


@pytest.mark.parametrize("target_range", [None, (0.1, 0.9)])
@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize(("loss", "last"), [("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid")])
def test_label_smoothing(loss, last, one_hot, target_range):
    net = randomize(
        mc.Sequential([mc.Dense(4, last)], input_shape=(6,), dtype="float64", seed=0), np.random.default_rng(0)
    )
    X, classes = inputs(9), np.arange(9) % 4
    reference = reference_of(net)
    smooth = 0.8 * np.eye(4)[classes] + 0.2 / 4
    off, on = target_range or (0, 1)
    cost, theirs = reference.loss_and_gradient(X, off + (on - off) * smooth, loss)
    y = np.eye(4)[classes] if one_hot else classes
    found, gradients = first_gradient(net, X, y, loss=loss, label_smoothing=0.2, target_range=target_range)
    assert found == pytest.approx(cost, rel=1e-12)
    assert_near(gradients["dense_1.weight"], theirs["dense_1.weight"], 1e-12)


def test_label_smoothing_of_two_classes_in_one_output():
    """0 and 1 become s/2 and 1 - s/2, as for two outputs."""
    net = randomize(
        mc.Sequential([mc.Dense(1, "sigmoid")], input_shape=(6,), dtype="float64", seed=0), np.random.default_rng(0)
    )
    X, y = inputs(8), np.arange(8) % 2
    cost, _ = reference_of(net).loss_and_gradient(X, 0.1 + 0.8 * y[:, None], "binary_cross_entropy")
    found, _ = first_gradient(net, X, y, loss="binary_cross_entropy", label_smoothing=0.2)
    assert found == pytest.approx(cost, rel=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_of_the_other_type_are_read_as_they_are(dtype):
    """float64 samples of a float32 network, and the reverse: converted as they are gathered."""
    net = build(skip, dtype)
    X, T = inputs(37), soft_rows(37)
    for x in (X, X.astype(np.float64)):
        for t in (T, T.astype(np.float32)):
            rows = t.astype(dtype)
            reference = reference_of(net)
            cost, _ = reference.loss_and_gradient(x, rows, "cross_entropy")
            assert net.loss_and_gradient(x, t, loss="cross_entropy")[0] == pytest.approx(cost, rel=TOLERANCE[dtype])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_in_a_graph(name):
    """Its input is read by another layer too, so it must not be overwritten."""
    x = mc.Input(5)
    h = mc.Dense(6)(x)
    net = mc.Network(
        x, mc.Dense(2)(mc.concat([mc.Activation(name)(h), h, mc.Activation(name)(h)])), dtype="float64", seed=0
    )
    randomize(net, np.random.default_rng(0))
    assert_like_reference(net, inputs(17, 5), np.ones((17, 2)), "half_squared_error")


def test_a_copy_is_a_network_of_its_own():
    X, y = np.eye(4), [0, 1, 1, 0]
    net = mc.Sequential([mc.Dense(5, "tanh"), mc.BatchNorm(), mc.Dense(2, "softmax")], input_shape=4, seed=3)
    net.freeze("dense_1")
    net.fit(X, y, epochs=3)
    twin = net.copy()
    assert type(twin) is mc.Sequential
    assert twin.history["loss"] == net.history["loss"]
    before = net.copy_numbers()
    twin.fit(X, y, epochs=2)
    for now, then in zip(net.copy_numbers(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    np.testing.assert_array_equal(twin.parameters["dense_1.weight"], net.parameters["dense_1.weight"])
    assert (twin.parameters["dense_2.weight"] != net.parameters["dense_2.weight"]).any()
    net.fit(X, y, epochs=2)
    np.testing.assert_array_equal(net.parameters.flat, twin.parameters.flat)
