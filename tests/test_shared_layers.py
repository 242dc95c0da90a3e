"""Layers that are called more than once: one set of weights, the sum of the gradients."""

import copy
import pickle

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, assert_like_reference, assert_near, randomize
from test_finite_differences import assert_gradients_match_differences


def twins(x):
    """Both halves of the input through the same layers."""
    first = mc.Dense(5, "tanh", name="first")
    second = mc.Dense(4, name="second")
    halves = [mc.Dense(6, weight_init="orthogonal")(x), mc.Dense(6)(x)]
    a, b = (mc.Activation("relu")(second(first(half))) for half in halves)
    return mc.Dense(3, "softmax")(mc.concat([a, b, mc.multiply([a, b])]))


def again_and_again(x):
    step = mc.Dense(6, "tanh")
    return mc.Dense(3, "softmax")(step(step(step(x))))


def tied_maxout_and_norm(x):
    norm, maxout = mc.LayerNorm(), mc.Maxout(6)
    h = norm(maxout(x))
    return mc.Dense(3, "softmax")(norm(maxout(h)) + h)


def last_and_before(x):
    last = mc.Dense(3, "softmax")
    return last(mc.concat([last(x), mc.Dense(3)(x)]))


GRAPHS = (twins, again_and_again, tied_maxout_and_norm, last_and_before)


def build(graph, dtype="float64", width=6):
    x = mc.Input(width)
    return randomize(mc.Network(x, graph(x), dtype=dtype, seed=0), np.random.default_rng(0))


def samples(count, width=6):
    rng = np.random.default_rng(1)
    e = np.exp(rng.normal(size=(count, 3)))
    return rng.normal(size=(count, width)).astype(np.float32), e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("graph", GRAPHS)
def test_like_the_reference(graph, dtype):
    for count in (1, 5, 70, 400):
        assert_like_reference(build(graph, dtype), *samples(count), "cross_entropy", l2=0.1)


@pytest.mark.parametrize("graph", GRAPHS)
def test_finite_differences(graph):
    assert_gradients_match_differences(build(graph), *samples(7), "cross_entropy")


@pytest.mark.parametrize("batch", [1, 3, 32, 256])
def test_many_steps_are_those_of_one_long_vector(batch):
    """Wide enough that the weights of other layers get their gradient over the whole batch."""
    from reference import OPTIMIZERS, ReferenceNetwork

    x = mc.Input(40)
    tied = mc.Dense(40, "tanh")
    net = mc.Network(x, mc.Dense(3, "softmax")(mc.Dense(300, "relu")(tied(tied(x)))), dtype="float64", seed=0)
    X, T = samples(256, 40)
    reference = ReferenceNetwork(net.spec, net.parameters)
    costs = reference.train(X, T, "cross_entropy", OPTIMIZERS["SGD"](0.1), epochs=2, batch_size=batch)
    history = net.fit(X, T, optimizer=mc.SGD(0.1), epochs=2, batch_size=batch, shuffle=False)
    assert history["loss"] == pytest.approx(costs, rel=1e-11)
    for name, view in net.parameters.items():
        assert_near(view, reference.parameters[name], 1e-10, name)


def test_same_bits_for_any_number_of_threads():
    found = set()
    for threads in (1, 2, 3, 7):
        mc.set_num_threads(threads)
        x = mc.Input(40)
        tied = mc.Dense(40, "relu")
        h = mc.BatchNorm()(tied(tied(x)))
        net = mc.Network(x, mc.Dense(3, "softmax")(tied(mc.Dense(40, "tanh")(h))), seed=0)
        net.fit(*samples(500, 40), epochs=3, batch_size=200)
        found.add(net.parameters.flat.tobytes())
    assert len(found) == 1


def test_a_chain_of_one_layer_is_that_of_equal_layers():
    """What the fast way for small chains would have done."""
    X, T = samples(9)
    tied = mc.Dense(6, "tanh")
    one = mc.Sequential([tied, tied, mc.Dense(3, "softmax")], input_shape=6, dtype="float64", seed=0)
    two = mc.Sequential(
        [mc.Dense(6, "tanh"), mc.Dense(6, "tanh"), mc.Dense(3, "softmax")], input_shape=6, dtype="float64", seed=0
    )
    for name in two.parameters:
        two.parameters[name] = one.parameters[
            name.replace("dense_2", "dense_1") if "3" not in name else "dense_2" + name[7:]
        ]
    np.testing.assert_allclose(one.predict(X), two.predict(X), rtol=1e-14)
    _, ours = one.loss_and_gradient(X, T)
    _, apart = two.loss_and_gradient(X, T)
    np.testing.assert_allclose(ours["dense_1.weight"], apart["dense_1.weight"] + apart["dense_2.weight"], rtol=1e-11)
    np.testing.assert_allclose(ours["dense_1.bias"], apart["dense_1.bias"] + apart["dense_2.bias"], rtol=1e-11)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [None, 5])
def test_sequences_through_one_recurrent_layer_twice(dtype, length):
    """Whole and of different lengths, through one layer forwards of both depths."""
    x = mc.Input((5, 4))
    h = mc.GRU(4, return_sequences=True, name="gru")
    net = mc.Network(x, mc.Dense(2)(mc.LSTM(3)(h(h(x)))), dtype=dtype, seed=0)
    X = np.random.default_rng(3).normal(size=(12, 5, 4)).astype(dtype)
    y = np.random.default_rng(4).normal(size=(12, 2))
    lengths = np.full(12, 5) if length is None else np.arange(12) % 6
    cost, gradients = net.loss_and_gradient(mc.data.Padded(X, lengths), y)
    numbers = {name: gradient.copy() for name, gradient in gradients.items()}
    total, sums = 0.0, dict.fromkeys(numbers, 0.0)
    for row, steps, target in zip(X, lengths, y, strict=True):
        one, gradients = net.loss_and_gradient([row[:steps]], target[None])
        total += one / 12
        sums = {name: sums[name] + gradients[name] / 12 for name in sums}
    assert cost == pytest.approx(total, rel=1e-5 if dtype == "float32" else 1e-12)
    for name, gradient in numbers.items():
        assert_near(gradient, sums[name], 1e-5 if dtype == "float32" else 1e-12, name)


def test_both_directions_are_shared():
    x, both = mc.Input((4, 6)), mc.Bidirectional(mc.SimpleRNN(3, return_sequences=True))
    net = mc.Network(x, mc.Dense(2)(both(both(x))), seed=0)
    assert [layer["name"] for layer in net.spec if "rnn" in layer["type"]] == [
        "simple_rnn_1",
        "simple_rnn_2",
        "simple_rnn_1:2",
        "simple_rnn_2:2",
    ]
    assert not any(":" in name for name in net.parameters)


def test_names_summary_files_and_pickles(tmp_path):
    net = build(twins)
    assert [layer["name"] for layer in net.spec][3:9] == [
        "first",
        "second",
        "activation_1",
        "first:2",
        "second:2",
        "activation_2",
    ]
    assert list(net.parameters)[4:8] == ["first.weight", "first.bias", "second.weight", "second.bias"]
    assert net.n_parameters == 2 * 42 + 35 + 24 + 39
    assert "35  dense_1" in net.summary()
    assert "as first  (5,)             0  dense_2" in net.summary()
    assert "first:2" in net.to_svg()
    X, T = samples(20)
    net.save(tmp_path / "net")
    for other in (mc.load(tmp_path / "net"), pickle.loads(pickle.dumps(net)), net.copy()):
        assert other.summary() == net.summary()
        np.testing.assert_array_equal(other.predict(X), net.predict(X))
        other.fit(X, T, epochs=2)
        before = net.copy_numbers()
        net.fit(X, T, epochs=2)
        np.testing.assert_array_equal(other.parameters.flat, net.parameters.flat)
        net.restore_numbers(before)
        net._core.training_steps = 0


def test_frozen_once_and_for_all():
    net = build(twins)
    before = net.parameters["first.weight"].copy()
    net.freeze("first")
    net.fit(*samples(30), epochs=2)
    np.testing.assert_array_equal(net.parameters["first.weight"], before)


def test_a_shared_batch_norm_sees_both_and_is_frozen_in_both():
    x, norm = mc.Input(3), mc.BatchNorm(momentum=0.5)
    net = mc.Network(x, norm(mc.Dense(3)(norm(x))), dtype="float64", seed=0)
    X, y = np.random.default_rng(0).normal(2, 1, (50, 3)), np.zeros((50, 3))
    net.fit(X, y, epochs=1, batch_size=None, optimizer=mc.SGD(1e-9))
    first = 0.5 * X.mean(axis=0)
    assert_gradients_match_differences(net, X[:9], y[:9] + 1, "squared_error")
    found = net.state["batch_norm_1.running_mean"]
    assert not np.allclose(found, first)  # the second call has added its part
    z = ((X - X.mean(axis=0)) / X.std(axis=0)) @ net.parameters["dense_1.weight"] + net.parameters["dense_1.bias"]
    np.testing.assert_allclose(found, 0.5 * first + 0.5 * z.mean(axis=0), rtol=1e-3, atol=1e-6)
    net.freeze("batch_norm_1")
    before = net.state.flat.copy()
    net.fit(X, y, epochs=1)
    np.testing.assert_array_equal(net.state.flat, before)


def test_what_a_shared_layer_reads_must_have_one_width():
    x, dense = mc.Input(3), mc.Dense(4)
    with pytest.raises(ValueError, match=r'"dense_1:2".*weight of "dense_1", of shape \(3, 4\), but needs \(4, 4\)'):
        mc.Network(x, dense(dense(x)))


def test_a_layer_of_one_branch_can_be_looked_into():
    """Also where the first call is not on the way to it."""
    from multicapa.network.inner import up_to

    net = build(twins)
    X, _ = samples(3)
    half = up_to(net, "second:2").predict(X)
    h = X @ net.parameters["dense_2.weight"] + net.parameters["dense_2.bias"]
    h = np.tanh(h @ net.parameters["first.weight"] + net.parameters["first.bias"])
    np.testing.assert_allclose(half, h @ net.parameters["second.weight"] + net.parameters["second.bias"], rtol=1e-12)


def test_networks_do_not_share_layers():
    """Each would have weights of its own without a word."""
    x, layer, relu = mc.Input(3), mc.Dense(4, name="encoder"), mc.Activation("relu")
    h = relu(layer(x))
    whole = mc.Network(x, mc.Dense(3)(h), seed=0)
    with pytest.raises(ValueError, match=r"Dense 'encoder' of this network is in another one already.*deepcopy"):
        mc.Network(x, h, seed=0)
    with pytest.raises(ValueError, match="in another one already"):
        mc.Network(y := mc.Input(3), layer(y))
    z = mc.Input(3)
    other = mc.Network(z, relu(copy.deepcopy(layer)(z)), seed=1)  # what has no weights is anybody's
    for name in ("weight", "bias"):
        other["encoder"].parameters[name] = whole["encoder"].parameters[name]
    np.testing.assert_array_equal(other.parameters["encoder.weight"], whole.parameters["encoder.weight"])


def test_a_network_that_failed_or_went_takes_no_layers_along():
    x, layer = mc.Input(3), mc.Dense(1)
    with pytest.raises(ValueError, match="always 1"):
        mc.Network(x, mc.Activation("softmax")(layer(x)))
    net = mc.Network(x, layer(x), seed=0)
    twin = net.copy()  # has weights of its own, and says so
    del net
    again = mc.Network(x, layer(x), seed=0)
    np.testing.assert_array_equal(again.parameters.flat, twin.parameters.flat)


def test_layers_with_an_owner_are_copied_and_pickled():
    layer = mc.Dense(2)
    net = mc.Network(x := mc.Input(3), layer(x), seed=0)
    for made in (copy.deepcopy(layer), copy.copy(layer), pickle.loads(pickle.dumps(layer))):
        again = mc.Network(x := mc.Input(3), made(x), seed=0)
        np.testing.assert_array_equal(again.parameters.flat, net.parameters.flat)
