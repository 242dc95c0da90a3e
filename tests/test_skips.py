"""Layer-skipping feed-forward nets: every layer with weights reads the input and all layers before it."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, assert_like_reference, assert_near, randomize, reference_of
from reference import OPTIMIZERS
from test_finite_differences import assert_gradients_match_differences


def inputs(rows=23, width=4):
    return np.random.default_rng(1).normal(size=(rows, width))


def skipping(layers, width=4, dtype="float64", seed=0):
    return mc.Sequential(layers, input_shape=width, skip_connections=True, dtype=dtype, seed=seed)


def plain_layers(*units, last="linear"):
    return [*[mc.Dense(u, "tanh") for u in units], mc.Dense(2, last)]


def test_shapes():
    """Each pair of layers has weights of its own: the matrices grow by what came before."""
    net = skipping(plain_layers(5, 6, 7))
    shapes = [net.parameters[f"dense_{i}.weight"].shape for i in (1, 2, 3, 4)]
    assert shapes == [(4, 5), (4 + 5, 6), (4 + 5 + 6, 7), (4 + 5 + 6 + 7, 2)]
    assert net.output_shape == (2,)


def test_values_by_hand():
    """y = g([x, h1, h2] W): three matrices on top of each other."""
    net = randomize(skipping(plain_layers(5, 6)), np.random.default_rng(0))
    W = [net.parameters[f"dense_{i}.weight"] for i in (1, 2, 3)]
    b = [net.parameters[f"dense_{i}.bias"] for i in (1, 2, 3)]
    x = inputs()
    h1 = np.tanh(x @ W[0] + b[0])
    h2 = np.tanh(x @ W[1][:4] + h1 @ W[1][4:] + b[1])
    y = x @ W[2][:4] + h1 @ W[2][4:9] + h2 @ W[2][9:] + b[2]
    np.testing.assert_allclose(net.predict(x), y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layers", [
    lambda: plain_layers(5),
    lambda: plain_layers(5, 6, 7),
    lambda: plain_layers(17, 8, 33, 9, last="softmax"),
    lambda: [mc.Maxout(5, 3), mc.Dense(6, "relu"), mc.Maxout(2)],
    lambda: [mc.Dense(5), mc.LayerNorm(), mc.Activation("relu"), mc.Dense(6, "gelu"), mc.Dense(2)],
    lambda: [mc.Dense(2)],
], ids=["one", "three", "four", "maxout", "norm", "none"])  # fmt: skip
def test_like_the_reference(layers, dtype):
    net = randomize(skipping(layers(), dtype=dtype), np.random.default_rng(0))
    rng = np.random.default_rng(2)
    softmax = net.output_activation == "softmax"
    T = np.eye(2)[rng.integers(0, 2, 23)] if softmax else rng.normal(size=(23, 2))
    assert_like_reference(net, inputs(), T, "cross_entropy" if softmax else "half_squared_error")


@pytest.mark.parametrize("dtype", DTYPES)
def test_trains_like_the_reference(dtype):
    net = randomize(skipping(plain_layers(5, 6, 7), dtype=dtype), np.random.default_rng(0))
    reference, T = reference_of(net), np.random.default_rng(2).normal(size=(23, 2))
    reference.train(inputs(), T, "half_squared_error", OPTIMIZERS["Adam"](0.01), 3, 5)
    options = {"optimizer": mc.Adam(0.01), "epochs": 3, "batch_size": 5, "shuffle": False}
    net.fit(inputs(), T, loss="half_squared_error", **options)
    for name, view in net.parameters.items():
        assert_near(view, reference.parameters[name], {"float32": 1e-4, "float64": 1e-11}[dtype], name)


def test_one_layer_in_several_places_of_a_concat():
    """The cost is 1/2 (h + 10 h + 100 h - 110)^2 at h = 1: its slope is 111 times the error of 1."""
    x = mc.Input(1)
    h = mc.Dense(1, weight_init="ones")(x)
    y = mc.Dense(1, weight_init=[[1.0], [10.0], [100.0]])(mc.concat([h, h, h]))
    net = mc.Network(x, y, dtype="float64", seed=0)
    _, gradients = net.loss_and_gradient([[1.0]], [[110.0]], loss="half_squared_error")
    np.testing.assert_allclose(gradients["dense_1.weight"], [[111]], rtol=1e-12)


@pytest.mark.parametrize("skips", [False, True])
def test_finite_differences(skips):
    layers = [mc.Dense(3, "tanh"), mc.Dense(4, "silu"), mc.Maxout(2), mc.Dense(3, "tanh"), mc.Dense(2)]
    net = mc.Sequential(layers, input_shape=4, skip_connections=skips, dtype="float64", seed=0)
    randomize(net, np.random.default_rng(0))
    T = np.random.default_rng(2).normal(size=(7, 2))
    assert_gradients_match_differences(net, inputs(7), T, "half_squared_error")


def test_it_is_the_graph_drawn_by_hand():
    x = mc.Input(4)
    h1 = mc.Dense(5, "tanh")(x)
    h2 = mc.Dense(6, "tanh")(mc.concat([x, h1]))
    graph = mc.Network(x, mc.Dense(2)(mc.concat([x, h1, h2])), dtype="float64", seed=0)
    net = skipping(plain_layers(5, 6))
    assert net.spec == graph.spec
    np.testing.assert_array_equal(net.predict(inputs()), graph.predict(inputs()))


def test_what_follows_a_layer_belongs_to_it():
    """Dropout, normalisation and activation stand between a layer and all its readers."""
    net = skipping([mc.Dense(5), mc.BatchNorm(), mc.Activation("relu"), mc.Dropout(0.2), mc.Dense(6), mc.Dense(2)])
    reads = {layer["name"]: layer["inputs"] for layer in net.spec}
    assert reads["dense_2"] == ["concat_1"]
    assert reads["concat_1"] == ["input_1", "dropout_1"]
    assert reads["concat_2"] == ["input_1", "dropout_1", "dense_2"]


def test_what_stands_before_the_first_layer_belongs_to_the_input():
    net = skipping([mc.GaussianNoise(0.1), mc.Dense(5, "tanh"), mc.Dense(2)])
    reads = {layer["name"]: layer["inputs"] for layer in net.spec}
    assert reads["concat_1"] == ["gaussian_noise_1", "dense_1"]


def test_images_are_flattened_first():
    layers = [mc.Flatten(), mc.Dense(5, "tanh"), mc.Dense(2)]
    net = mc.Sequential(layers, input_shape=(2, 3), skip_connections=True, seed=0)
    assert net.parameters["dense_2.weight"].shape == (11, 2)


def test_off_by_default():
    net = mc.Sequential(plain_layers(5, 6), input_shape=4, seed=0)
    assert net.parameters["dense_3.weight"].shape == (6, 2)
    assert not any(layer["type"] == "concat" for layer in net.spec)


def test_saved_and_loaded(tmp_path):
    net = skipping(plain_layers(5, 6))
    net.save(tmp_path / "net")
    np.testing.assert_array_equal(mc.load(tmp_path / "net").predict(inputs()), net.predict(inputs()))


def test_same_bits_for_any_number_of_threads():
    X, y = np.random.default_rng(1).normal(size=(331, 40)), np.arange(331) % 3
    found = []
    for threads in (1, 2, 3, 7):
        mc.set_num_threads(threads)
        net = skipping([mc.Dense(80, "relu"), mc.Dense(60, "tanh"), mc.Dense(3, "softmax")], width=40)
        net.fit(X, y, epochs=3, batch_size=100)
        found.append(net.parameters.flat.tobytes())
    assert len(set(found)) == 1


def test_xor_with_one_hidden_unit():
    """With skips one hidden unit is enough for XOR; without, it is not."""
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0])

    def solved(skips):
        layers = [mc.Dense(1, "tanh"), mc.Dense(1, "sigmoid")]
        nets = [mc.Sequential(layers, input_shape=2, skip_connections=skips, seed=seed) for seed in range(5)]
        for net in nets:
            net.fit(X, y, optimizer=mc.Adam(0.05), epochs=500, batch_size=None)
        return max(net.evaluate(X, y)["accuracy"] for net in nets)

    assert solved(True) == 1
    assert solved(False) < 1
