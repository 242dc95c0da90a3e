"""Layers of the user's own in NumPy, and the check of gradients that goes with them."""

import gc
import pickle
import weakref

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, assert_near, randomize, rng


def affine_forward(x, weight, shift):
    return x @ weight + shift


def affine_backward(dy, x, weight, shift):
    return dy @ weight.T, {"weight": x.T @ dy, "shift": dy.sum(axis=0)}


def affine(units, width, name=None):
    start = rng(7).normal(size=(width, units)) / np.sqrt(width)
    return mc.layers.Custom(
        affine_forward, affine_backward, {"weight": start, "shift": np.zeros(units)}, output_shape=units, name=name
    )


def product_forward(a, b, scale):
    return scale * a[:, : b.shape[1]] * b


def product_backward(dy, a, b, scale):
    da = np.zeros_like(a)
    da[:, : b.shape[1]] = scale * dy * b
    a = a[:, : b.shape[1]]
    return [da, scale * dy * a], {"scale": (dy * a * b).sum(axis=0)}


def pairs(dtype="float64", units=5, width=6):
    """A network with a dense layer of one's own, and one with the library's, with the same numbers."""
    ours = mc.Sequential(
        [mc.Dense(width, "tanh"), affine(units, width), mc.Activation("relu"), mc.Dense(3, "softmax")],
        input_shape=4,
        dtype=dtype,
        seed=0,
    )
    theirs = mc.Sequential(
        [mc.Dense(width, "tanh"), mc.Dense(units, "relu"), mc.Dense(3, "softmax")], input_shape=4, dtype=dtype, seed=0
    )
    names = {"dense_2.weight": "custom_1.weight", "dense_2.bias": "custom_1.shift"}
    for name in theirs.parameters:
        mine = names.get(name, name.replace("dense_3", "dense_2"))
        theirs.parameters[name] = ours.parameters[mine]
    return ours, theirs


def samples(count, width=4):
    return rng(1).normal(size=(count, width)), rng(2).integers(0, 3, count)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 9, 70, 700])
def test_like_the_librarys_own(dtype, count):
    ours, theirs = pairs(dtype)
    X, y = samples(count)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    assert_near(ours.predict(X), theirs.predict(X), tolerance)
    options = {"optimizer": mc.SGD(0.1), "epochs": 2, "batch_size": 50, "l2": 0.01}
    assert ours.fit(X, y, **options)["loss"] == pytest.approx(theirs.fit(X, y, **options)["loss"], rel=tolerance)
    assert_near(ours.parameters["custom_1.weight"], theirs.parameters["dense_2.weight"], 10 * tolerance)
    assert_near(ours.parameters["custom_1.shift"], theirs.parameters["dense_2.bias"], 10 * tolerance, least_scale=0.1)


def test_several_inputs_and_shapes():
    x = mc.Input((2, 3))
    flat = mc.Flatten()(x)
    product = mc.layers.Custom(product_forward, product_backward, {"scale": [1.0, -2.0, 0.5]}, output_shape=3)
    mean = mc.layers.Custom(lambda x: x.mean(1), lambda dy, x: np.repeat(dy[:, None] / 2, 2, 1), output_shape=(3,))
    h = mc.Dense(3, "tanh")(product([flat, mean(x)]))
    net = mc.Network(x, mc.Dense(2)(product([mc.Dense(4)(flat), h])), dtype="float64", seed=0)
    assert [layer["name"] for layer in net.spec if layer["type"] == "custom"] == ["custom_1", "custom_2", "custom_2:2"]
    X, y = rng(0).normal(size=(7, 2, 3)), rng(1).normal(size=(7, 2))
    report = mc.check_gradients(net, X, y)
    assert report.passed, str(report)
    assert "product_forward" in net.summary()


def test_frozen_penalised_copied_and_pickled():
    net, (X, y) = pairs()[0], samples(40)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    again.freeze("custom_1")
    before = again.parameters["custom_1.weight"].copy()
    again.fit(X, y, epochs=1)
    np.testing.assert_array_equal(again.parameters["custom_1.weight"], before)
    plain, _ = net.loss_and_gradient(X, y)
    weight = (net.parameters["custom_1.weight"] ** 2).sum()
    assert net.loss_and_gradient(X, y, l2={"custom_1": 0.1})[0] == pytest.approx(plain + 0.05 * weight, rel=1e-12)
    diagnosis = mc.Diagnosis()
    net.copy().fit(X, y, epochs=1, callbacks=[diagnosis, mc.EarlyStopping()], validation_split=0.2)
    assert "custom_1" in diagnosis.records[0]


def test_what_is_not_possible_is_told(tmp_path):
    net = pairs()[0]
    with pytest.raises(ValueError, match="functions of yours cannot be saved"):
        net.save(tmp_path / "net")
    x = mc.Input((4, 3))
    twice = mc.layers.Custom(lambda x: 2 * x, lambda dy, x: 2 * dy)
    net = mc.Network(x, mc.GRU(2)(twice(x)), seed=0)
    with pytest.raises(ValueError, match='custom layer "custom_1" takes sequences of one length only'):
        net.predict([np.ones((2, 3)), np.ones((4, 3))])
    with pytest.raises(ValueError, match="functions of your own"):
        net.stream()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, lambda dy, x: dy), "functions"),
        ((np.sin, None), "functions"),
        ((np.sin, np.cos, [1.0]), "dict"),
        ((np.sin, np.cos, {"a b": [1.0]}), "name"),
        ((np.sin, np.cos, {"a": []}), "no numbers"),
        ((np.sin, np.cos, {"a": [np.nan]}), "finite"),
        ((np.sin, np.cos, {"a": ["x"]}), "real numbers"),
        ((np.sin, np.cos, None, 0), "output_shape"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        mc.layers.Custom(*arguments)


@pytest.mark.parametrize(
    ("forward", "backward", "parameters", "message"),
    [
        (lambda x: x[:, :1], lambda dy, x: dy, None, 'the forward of layer "mine" returned shape'),
        (lambda x: "y", lambda dy, x: dy, None, 'the forward of layer "mine" should return an array'),
        (lambda x: x, lambda dy, x: dy[:1], None, 'the backward of layer "mine" returned shape'),
        (
            lambda x, a: x,
            lambda dy, x, a: dy,
            {"a": [1.0]},
            'backward of layer "mine" should return the gradient .* of a',
        ),
        (
            lambda x, a: x,
            lambda dy, x, a: (dy, {}),
            {"a": [1.0]},
            'backward of layer "mine" should return gradients of a',
        ),
        (lambda x, a: x, lambda dy, x, a: (dy, {"a": np.ones(2)}), {"a": [1.0]}, 'gradient of "mine.a" returned shape'),
        (lambda x, b: x, lambda dy, x, a: dy, {"a": [1.0]}, "unexpected keyword argument 'a'"),
    ],
)
def test_functions_that_do_not_fit(forward, backward, parameters, message):
    layer = mc.layers.Custom(forward, backward, parameters, name="mine")
    net = mc.Sequential([mc.Dense(3), layer, mc.Dense(1)], input_shape=2, seed=0)
    before = net.copy_numbers()[0]
    with pytest.raises((ValueError, TypeError), match=message):
        net.fit(np.eye(2), [0.0, 1.0], epochs=1)
    np.testing.assert_array_equal(net.parameters.flat, before)


def test_errors_of_the_functions_travel_home_and_nothing_leaks():
    def fails(dy, x):
        raise LookupError("mine")

    net = mc.Sequential([mc.Dense(3), mc.layers.Custom(lambda x: x, fails)], input_shape=2, seed=0)
    with pytest.raises(LookupError, match="mine"):
        net.fit(np.eye(2), np.zeros((2, 3)), epochs=1)
    held = []
    net = mc.Sequential([mc.layers.Custom(lambda x: (held, x)[1], lambda dy, x: dy)], input_shape=2, seed=0)
    held.append(net)
    seen = weakref.ref(net)
    del net
    held.clear()
    gc.collect()
    assert seen() is None


# ---- check_gradients ----


def wrong_input(dy, x, weight, shift):
    return 1.01 * dy @ weight.T, {"weight": x.T @ dy, "shift": dy.sum(axis=0)}


def wrong_weight(dy, x, weight, shift):
    return dy @ weight.T, {"weight": x.T @ dy / len(x), "shift": dy.sum(axis=0)}


@pytest.mark.parametrize(("backward", "of"), [(wrong_input, "backward: x"), (wrong_weight, "backward: weight")])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_wrong_backward_is_found_and_named(backward, of, dtype):
    start = {"weight": rng(7).normal(size=(5, 4)), "shift": np.zeros(4)}
    wrong = mc.layers.Custom(affine_forward, backward, start, 4, name="mine")
    layers = [mc.Dense(4, "tanh"), affine(5, 4, "right"), mc.Activation("tanh"), wrong, mc.Dense(2)]
    net = mc.Sequential(layers, input_shape=3, dtype=dtype, seed=0)
    before = net.copy_numbers()[0]
    report = mc.check_gradients(net, rng(0).normal(size=(6, 3)), rng(1).normal(size=(6, 2)))
    assert not report.passed
    assert report.wrong == ["mine"]
    assert [row.of for row in report.rows if not row.passed and row.layer == "mine" and "backward" in row.of] == [of]
    assert all(row.passed for row in report.rows if row.layer == "dense_2")
    text = str(report)
    assert "WRONG" in text
    assert text.endswith("wrong gradients; look at mine")
    np.testing.assert_array_equal(net.parameters.flat, before)


def test_a_wrong_derivative_of_an_activation_is_found():
    wrong = mc.layers.CustomActivation(np.sin, lambda z: -np.cos(z), name="sine")
    net = mc.Sequential([mc.Dense(4), wrong, mc.Dense(2)], input_shape=3, seed=0)
    assert mc.check_gradients(net, rng(0).normal(size=(6, 3)), np.zeros((6, 2))).wrong == ["sine"]


def test_the_report_is_a_table():
    net = mc.Sequential([mc.Dense(4, "relu"), mc.Dense(1)], input_shape=3, seed=0)
    report = mc.check_gradients(net, rng(0).normal(size=(6, 3)), np.zeros(6), most=5)
    lines = str(report).splitlines()
    assert lines[0].split() == ["layer", "gradient", "of", "numbers", "largest", "difference"]
    assert lines[2].split()[:3] == ["dense_1", "weight", "5"]
    assert lines[-1] == "all gradients are right"
    assert report.wrong == []


def test_wrong_options_of_the_check():
    net = mc.Sequential([mc.Dense(1)], input_shape=1, seed=0)
    for options in ({"tolerance": 0}, {"most": 0}, {"loss": "x"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            mc.check_gradients(net, [[1.0]], [1.0], **options)


def test_it_passes_on_every_layer():
    """Of the catalogue, with the weights they start with and with others; kinks are stepped over."""
    from test_catalogue import CORE_LAYERS, NETWORKS

    assert NETWORKS.keys() == set(CORE_LAYERS)
    for kind, make in NETWORKS.items():
        net = make()
        for scale in (None, 0.5):
            if scale is not None and kind != "batch_norm":
                randomize(net, rng(3), scale)
            tokens = kind == "embedding"
            X = rng(4).integers(0, 7, (9, 3)) if tokens else rng(4).normal(size=(9, *net.input_shape))
            report = mc.check_gradients(net, X, rng(5).normal(size=(9, *net.output_shape)), most=20)
            assert report.passed, f"{kind}\n{report}"
