"""Building networks: options, names, shapes, graphs, initial weights."""

import copy
import pickle

import numpy as np
import pytest

import multicapa as mc


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: mc.Dense(0), "units"),
        (lambda: mc.Dense(-3), "units"),
        (lambda: mc.Dense(2.5), "units"),
        (lambda: mc.Dense("3"), "units"),
        (lambda: mc.Dense(True), "units"),
        (lambda: mc.Dense(3, "rele"), "relu"),
        (lambda: mc.Dense(3, None), "activation"),
        (lambda: mc.Dense(3, "relu", activation_parameter=0.1), "relu"),
        (lambda: mc.Dense(3, "leaky_relu", activation_parameter=1.5), "slope"),
        (lambda: mc.Dense(3, "leaky_relu", activation_parameter=-0.1), "slope"),
        (lambda: mc.Dense(3, "elu", activation_parameter=0), "alpha"),
        (lambda: mc.Dense(3, "elu", activation_parameter="a"), "alpha"),
        (lambda: mc.Dense(3, "elu", activation_parameter=float("nan")), "alpha"),
        (lambda: mc.Activation("swosh"), "activation"),
        (lambda: mc.Activation("tanh", 0.5), "tanh"),
        (lambda: mc.Dropout(1.0), "rate"),
        (lambda: mc.Dropout(-0.1), "rate"),
        (lambda: mc.Dropout(float("nan")), "rate"),
        (lambda: mc.Dropout("half"), "rate"),
        (lambda: mc.Reshape((2, 0)), "shape"),
        (lambda: mc.Reshape((2, 1.5)), "shape"),
        (lambda: mc.Input(()), "shape"),
        (lambda: mc.Input((3, 0)), "shape"),
        (lambda: mc.Input(-1), "shape"),
        (lambda: mc.Input(2.5), "shape"),
        (lambda: mc.Input("ab"), "shape"),
    ],
)
def test_wrong_options_are_told(make, match):
    with pytest.raises((ValueError, TypeError), match=match):
        make()


@pytest.mark.parametrize("options", [{"bias": "no"}, {"bias": 2}])
def test_wrong_bias(options):
    with pytest.raises((ValueError, TypeError), match="bias"):
        mc.Sequential([mc.Dense(3, **options)], input_shape=2, seed=0)


def test_unknown_option_is_a_type_error():
    with pytest.raises(TypeError, match="unit"):
        mc.Dense(unit=3)


def test_numbers_of_numpy_serve():
    layers = [mc.Dense(np.int64(5), "leaky_relu", activation_parameter=np.float32(0.25)), mc.Dropout(np.float32(0.5))]
    net = mc.Sequential([*layers, mc.Dense(np.int32(2))], input_shape=np.int64(3), seed=np.uint32(4))
    assert net.predict(np.zeros((1, 3))).shape == (1, 2)


# ---- graphs ----


def test_sequential_and_network_agree():
    x = mc.Input((4,))
    h = mc.Dropout(0.2)(mc.Dense(6, "relu")(x))
    graph = mc.Network(x, mc.Dense(3, "softmax")(h), seed=7)
    chain = mc.Sequential([mc.Dense(6, "relu"), mc.Dropout(0.2), mc.Dense(3, "softmax")], input_shape=(4,), seed=7)
    assert graph.spec == chain.spec
    X, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3
    np.testing.assert_array_equal(graph.predict(X), chain.predict(X))
    graph.fit(X, y, epochs=2)
    chain.fit(X, y, epochs=2)
    np.testing.assert_array_equal(graph.parameters.flat, chain.parameters.flat)


def test_names():
    x = mc.Input(4, name="here")
    h = mc.Dense(4, "relu", name="dense_1")(mc.Dense(4, "tanh")(x))
    net = mc.Network(x, mc.Dense(4, name="out.of")(mc.add([h, x], name="sum")), seed=0)
    assert [layer["name"] for layer in net.spec] == ["here", "dense_2", "dense_1", "sum", "out.of"]
    assert [layer["inputs"] for layer in net.spec] == [[], ["here"], ["dense_2"], ["dense_1", "here"], ["sum"]]
    assert list(net.parameters)[-1] == "out.of.bias"


@pytest.mark.parametrize("name", ["ünïcode", "with space", "a/b", "a.b", "a:linear", "a:b"])
def test_odd_names(name):
    """Any name will do, or is refused with its reason."""
    try:
        net = mc.Sequential([mc.Dense(4, "tanh", name=name), mc.Dense(2)], input_shape=(3,), seed=0)
    except ValueError as error:
        assert name in str(error)  # noqa: PT017
    else:
        assert net.parameters[f"{name}.weight"].shape == (3, 4)
        net.freeze(name)


@pytest.mark.parametrize("name", ["", 3, b"x"])
def test_wrong_names(name):
    with pytest.raises((ValueError, TypeError), match="name"):
        mc.Sequential([mc.Dense(4, name=name)], input_shape=(3,), seed=0)


def test_duplicate_names():
    with pytest.raises(ValueError, match='"same"'):
        mc.Sequential([mc.Dense(3, name="same"), mc.Dense(3, name="same")], input_shape=(3,))
    with pytest.raises(ValueError, match='"x"'):
        mc.Network(x := mc.Input(3, name="x"), mc.Dense(3, name="x")(x))


def test_layer_in_two_networks():
    """A description may serve again; the weights are not shared."""
    layer = mc.Dense(3)
    one, two = (mc.Sequential([layer], input_shape=2, seed=seed) for seed in (0, 1))
    assert not np.array_equal(one.parameters["dense_1.weight"], two.parameters["dense_1.weight"])
    assert not np.shares_memory(one.parameters.flat, two.parameters.flat)


def test_unconnected_graphs():
    x, other = mc.Input(3), mc.Input(3)
    with pytest.raises(ValueError, match="does not depend"):
        mc.Network(x, mc.Dense(2)(other))
    with pytest.raises(ValueError, match="another input"):
        mc.Network(x, mc.add([mc.Dense(2)(x), mc.Dense(2)(other)]))
    with pytest.raises(ValueError, match="at least one layer"):
        mc.Network(x, x)
    with pytest.raises(ValueError, match="at least one layer"):
        mc.Sequential([], input_shape=3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: mc.Network("x", "y"),
        lambda: mc.Network(mc.Input(3), mc.Dense(3)),
        lambda: mc.Network(mc.Dense(3), mc.Dense(3)),
        lambda: mc.Dense(3)("x"),
        lambda: mc.Dense(3)(mc.Dense(3)),
        lambda: mc.Dense(3)(None),
        lambda: mc.Sequential(["relu"], input_shape=3),
        lambda: mc.Sequential([mc.Dense], input_shape=3),
        lambda: mc.Sequential(mc.Dense(3), input_shape=3),
        lambda: mc.Sequential([None], input_shape=3),
    ],
)
def test_other_things_than_layers(make):
    with pytest.raises(TypeError):
        make()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: mc.add([x, mc.Dense(4)(x)]), ["add_1", r"\(3,\)", r"\(4,\)"]),
        (lambda x: mc.add([x]), ["add_1", "two or more"]),
        (lambda x: mc.concat([x]), ["concat_1", "two or more"]),
        (lambda x: mc.concat([x, mc.Reshape((3, 1))(x)]), ["concat_1", "last axis", r"\(3, 1\)"]),
        (lambda x: mc.Dense(2)(mc.Reshape((3, 1, 1))(x)), ["dense_1", "Flatten"]),
        (lambda x: mc.Reshape((2, 2))(x), ["reshape_1", r"\(2, 2\)"]),
        (lambda x: mc.Dense(2)([x, x]), ["Dense", "one layer"]),
    ],
)
def test_shapes_that_do_not_fit(make, words):
    x = mc.Input(3)
    for word in words:
        with pytest.raises(ValueError, match=word):
            mc.Network(x, make(x))


def test_add_of_nothing():
    with pytest.raises(ValueError, match=r"add|input|two"):
        mc.Network(mc.Input(3), mc.add([]))


@pytest.mark.parametrize("dtype", ["float16", "int32", "complex128", "longdouble", "nonsense", None, 3])
def test_wrong_dtypes(dtype):
    if dtype is None:
        pytest.skip("None is NumPy's float64")
    with pytest.raises((ValueError, TypeError), match=r"dtype|data type|understood|interpret"):
        mc.Sequential([mc.Dense(3)], input_shape=3, dtype=dtype)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", 2**64])
def test_wrong_seeds(seed):
    with pytest.raises((ValueError, TypeError), match="seed"):
        mc.Sequential([mc.Dense(3)], input_shape=3, seed=seed)


def test_units_beyond_memory():
    with pytest.raises((MemoryError, ValueError)):
        mc.Sequential([mc.Dense(10**13)], input_shape=(10**4,), seed=0)
    with pytest.raises((MemoryError, ValueError)):
        mc.Sequential([mc.Dense(2**40)], input_shape=(2**40,), seed=0)
    with pytest.raises((MemoryError, ValueError, OverflowError)):
        mc.Sequential([mc.Dense(2**62)], input_shape=(8,), seed=0)
    with pytest.raises((MemoryError, ValueError, OverflowError)):
        mc.Sequential([mc.Flatten()], input_shape=(2**32, 2**32), seed=0)


# ---- initial weights ----


@pytest.mark.parametrize("name", mc.initializers.INITIALIZERS)
def test_every_initialisation(name):
    net = mc.Sequential([mc.Dense(200, weight_init=name, bias_init=name if name != "orthogonal" else "ones")],
                        input_shape=(300,), dtype="float64", seed=0)  # fmt: skip
    W = net.parameters["dense_1.weight"]
    n, m = 300, 200
    variance = {"glorot_uniform": 2 / (n + m), "glorot_normal": 2 / (n + m), "he_uniform": 2 / n, "he_normal": 2 / n,
                "lecun_uniform": 1 / n, "lecun_normal": 1 / n, "uniform": 0.05**2 / 3, "normal": 0.05**2,
                "glorot_sigmoid": 2 / 3 / (n + m), "fan_in_uniform": 1 / 3 / n,
                "zeros": 0.0, "ones": 0.0, "orthogonal": 1 / n}[name]  # fmt: skip
    assert W.var() == pytest.approx(variance, rel=0.03, abs=1e-12)
    assert W.mean() == pytest.approx(1.0 if name == "ones" else 0.0, abs=4 * np.sqrt(variance / W.size) + 1e-12)
    if name == "orthogonal":
        np.testing.assert_allclose(W.T @ W, np.eye(200), atol=1e-12)
    if name.endswith("uniform"):
        assert np.abs(W).max() <= np.sqrt(3 * variance)


def test_initial_arrays_and_functions():
    W = np.arange(6.0).reshape(3, 2)
    layer = mc.Dense(
        2, weight_init=W, bias_init=lambda rng, shape, fan_in, fan_out: np.full(shape, fan_in + 10 * fan_out)
    )
    net = mc.Sequential([layer], input_shape=3, seed=0)
    np.testing.assert_array_equal(net.parameters["dense_1.weight"], W)
    np.testing.assert_array_equal(net.parameters["dense_1.bias"], [23, 23])
    for wrong in (np.zeros((2, 3)), np.full((3, 2), np.nan), "he", lambda *a: np.zeros(3)):
        with pytest.raises(ValueError, match="initial"):
            mc.Sequential([mc.Dense(2, weight_init=wrong)], input_shape=3, seed=0)


def test_default_initialisation_follows_the_activation():
    def limit(activation):
        net = mc.Sequential([mc.Dense(100, activation), mc.Dense(9)], input_shape=200, dtype="float64", seed=0)
        assert np.abs(net.parameters["dense_1.bias"]).max() == pytest.approx(np.sqrt(1 / 200), rel=0.05)
        return np.abs(net.parameters["dense_1.weight"]).max()

    assert limit("relu") == pytest.approx(np.sqrt(1 / 200), rel=1e-3)
    assert limit("tanh") == pytest.approx(np.sqrt(6 / 300), rel=1e-3)
    assert limit("sigmoid") == pytest.approx(np.sqrt(6 / 200), rel=1e-3)


def test_seed_fixes_the_weights():
    def make(seed):
        return mc.Sequential([mc.Dense(9), mc.Dense(9)], input_shape=9, seed=seed).parameters

    assert make(3).flat.tobytes() == make(3).flat.tobytes()
    assert make(3).flat.tobytes() != make(4).flat.tobytes()
    assert make(None).flat.tobytes() != make(None).flat.tobytes()
    assert not np.array_equal(make(3)["dense_1.weight"], make(3)["dense_2.weight"])


@pytest.mark.parametrize(
    ("kind", "options", "shape"),
    [
        (mc.Dense, {"units": 2, "bias": True}, (4,)),
        (mc.Conv1D, {"filters": 2, "kernel_size": 2, "bias": False}, (4, 3)),
        (mc.Dropout, {"rate": 0.5, "whole_channels": True}, (4, 3)),
        (mc.GRU, {"units": 2, "return_sequences": True, "reverse": True, "reset_after": False}, (4, 3)),
        (mc.Attention, {"causal": True, "gives_weights": True}, (4, 3)),
        (mc.MultiHeadAttention, {"num_heads": 2, "key_dim": 2, "causal": True, "bias": False}, (4, 3)),
    ],
)
def test_flags_of_numpy(kind, options, shape):
    """As a comparison of arrays gives them."""
    theirs = {key: np.bool_(value) if isinstance(value, bool) else value for key, value in options.items()}
    specs = []
    for given in (options, theirs):
        x = mc.Input(shape)
        specs.append(mc.Network(x, kind(**given)(x), seed=0).spec)
    assert specs[0] == specs[1]
    assert not any(isinstance(value, np.bool_) for layer in specs[1] for value in layer.values())


# ---- looking and copying ----


def test_shapes_and_repr():
    net = mc.Sequential([mc.Reshape((2, 3)), mc.Flatten(), mc.Dense(5, "tanh")], input_shape=6, dtype="float64", seed=0)
    assert (net.input_shape, net.output_shape, net.n_parameters, net.output_activation) == ((6,), (5,), 35, "tanh")
    assert repr(net) == "Sequential((6,) -> (5,), 3 layers, 35 parameters, float64)"
    assert "dense_1.weight" in repr(net.parameters)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_are_whole_and_apart(clone):
    net = mc.Sequential([mc.Dense(5, "relu"), mc.Dropout(0.5), mc.Dense(3, "softmax")], input_shape=4, seed=0)
    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 3
    net.fit(X, y, epochs=2)
    net.freeze("dense_1")
    other = clone(net)
    assert type(other) is type(net)
    np.testing.assert_array_equal(other.predict(X), net.predict(X))
    assert not np.shares_memory(other.parameters.flat, net.parameters.flat)
    for each in (net, other):
        each.fit(X, y, epochs=2)  # same order of samples, same dropout, same frozen layer
    np.testing.assert_array_equal(other.parameters.flat, net.parameters.flat)
