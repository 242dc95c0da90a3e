"""Inputs and outputs bound by name or in the order given; what is missing, unknown or of another kind is named."""

import numpy as np
import pytest

import multicapa as mc
from helpers import rng
from test_several_ends import samples, two_and_two


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
