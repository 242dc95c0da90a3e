"""Whatever the library's own lists name has a reference, a Python spec, documentation and a check of its gradient."""

import inspect
import re

import numpy as np
import pytest

import multicapa as mc
import test_finite_differences
from helpers import ACTIVATIONS, loss_pairs, randomize, targets_for
from reference import ACTIVATIONS as ACTIVATION_FORMULAS
from reference import LAYERS as LAYER_FORMULAS
from reference import LOSSES as LOSS_FORMULAS
from reference import OPTIMIZERS as OPTIMIZER_FORMULAS
from reference import schedules as schedule_formulas
from test_finite_differences import assert_gradients_match_differences

CORE_LAYERS = [*mc._core.layers(), "input"]
SCHEDULES = [
    thing
    for thing in vars(mc.schedules).values()
    if inspect.isclass(thing) and thing.__module__ == "multicapa.schedules" and thing is not mc.schedules.Schedule
]

# What the reference has under another name, or has no need of, with the reason.
REFERENCE_NAMES = {"softmax": "softmax, a function of its own: it is not element by element"}
NO_REFERENCE = {
    "custom": "the user's own functions; test_custom_layers.py holds them to the built-in ones",
    "custom_activation": "the user's own function; test_custom.py holds it to the built-in ones",
    "lbfgs": "SciPy's; test_minimize.py holds it to solutions of linear systems",
}


def sandwich(*layers):
    """A network with weights on both sides of the layers."""
    chain = [mc.Dense(4, "tanh"), *layers, mc.Dense(2)]
    return mc.Sequential(chain, input_shape=(3,), dtype="float64", seed=0)


def over_maps(layer):
    """The same with the layer over a series of two steps and two features, or an image of 2 × 2."""
    return sandwich(mc.Reshape((2, 2)), layer, mc.Flatten())


def merged(merge):
    x = mc.Input(3)
    h = mc.Dense(4, "tanh")(x)
    return mc.Network(x, mc.Dense(2)(merge([h, mc.Dense(4, "sigmoid")(h)])), dtype="float64", seed=0)


# A small network for each kind of layer, to check its gradient in.
NETWORKS = {
    "input": lambda: sandwich(),
    "dense": lambda: sandwich(mc.Dense(5)),
    "embedding": lambda: mc.Sequential(
        [mc.Embedding(7, 3), mc.GRU(4), mc.Dense(2)], input_shape=(3,), dtype="float64", seed=0
    ),
    "simple_rnn": lambda: over_maps(mc.SimpleRNN(3, return_sequences=True)),
    "second_order_rnn": lambda: over_maps(mc.SecondOrderRNN(3, return_sequences=True)),
    "lstm": lambda: over_maps(mc.LSTM(3, return_sequences=True)),
    "gru": lambda: over_maps(mc.GRU(3, return_sequences=True)),
    "attention": lambda: over_maps(mc.Attention("additive", num_heads=2)),
    "positional_encoding": lambda: over_maps(mc.PositionalEncoding()),
    "maxout": lambda: sandwich(mc.Maxout(4, 3)),
    "activation": lambda: sandwich(mc.Activation("elu", 0.7)),
    "custom": lambda: sandwich(mc.layers.Custom(lambda x: x**2, lambda dy, x: 2 * x * dy)),
    "custom_activation": lambda: sandwich(mc.layers.CustomActivation(np.sin, np.cos)),
    "conv1d": lambda: over_maps(mc.Conv1D(3, 2, "tanh", padding="same", dilation=2)),
    "conv2d": lambda: over_maps(mc.Conv2D(3, 2, "tanh", padding=((0, 1), (1, 1)))),
    "max_pool1d": lambda: over_maps(mc.MaxPool1D(2, strides=1)),
    "max_pool2d": lambda: over_maps(mc.MaxPool2D(2, padding="same")),
    "average_pool1d": lambda: over_maps(mc.AveragePool1D(2, padding="same")),
    "average_pool2d": lambda: over_maps(mc.AveragePool2D(2, strides=1, padding=1)),
    "global_max_pool1d": lambda: over_maps(mc.GlobalMaxPool1D()),
    "global_max_pool2d": lambda: over_maps(mc.GlobalMaxPool2D()),
    "global_average_pool1d": lambda: over_maps(mc.GlobalAveragePool1D()),
    "global_average_pool2d": lambda: over_maps(mc.GlobalAveragePool2D()),
    "dropout": lambda: sandwich(mc.Dropout(0.4)),
    "gaussian_noise": lambda: sandwich(mc.GaussianNoise(0.5)),
    "batch_norm": lambda: sandwich(mc.BatchNorm(ddof=1)),
    "layer_norm": lambda: sandwich(mc.LayerNorm(ddof=1)),
    "flatten": lambda: sandwich(mc.Reshape((2, 2)), mc.Flatten()),
    "reshape": lambda: sandwich(mc.Reshape((2, 2)), mc.Activation("tanh"), mc.Reshape((4,))),
    "add": lambda: merged(mc.add),
    "concat": lambda: merged(mc.concat),
    "multiply": lambda: merged(mc.multiply),
}


def snake_case(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def documentation(thing):
    """A docstring of its own, neither inherited nor what dataclass writes."""
    text = inspect.cleandoc(vars(thing).get("__doc__", thing.__doc__) or "")
    return "" if text.startswith(f"{thing.__name__}(") else text


# ---- layers ----


def test_layers_of_the_core_and_of_python_are_the_same():
    assert set(CORE_LAYERS) == set(mc.layers.LAYERS)


@pytest.mark.parametrize("name", CORE_LAYERS)
def test_layer(name):
    assert name in LAYER_FORMULAS or name in NO_REFERENCE, f"tests/reference/layers.py lacks {name}"
    cls = mc.layers.LAYERS[name]
    assert cls.type == name
    assert len(documentation(cls)) > 5
    assert name in NETWORKS, f"no network to check the gradient of {name} in"
    assert any(layer["type"] == name for layer in NETWORKS[name]().spec)


@pytest.mark.parametrize("name", CORE_LAYERS)
def test_every_option_of_a_layer_is_documented(name):
    cls = mc.layers.LAYERS[name]
    thing = mc.Input if name == "input" else cls
    for option in inspect.signature(thing).parameters:
        if option != "name":
            assert re.search(rf"^[\w, ]*\b{option}\b[\w, ]*( :|$)", documentation(thing), re.MULTILINE), option


@pytest.mark.parametrize("name", CORE_LAYERS)
@pytest.mark.parametrize("loss", ["half_squared_error", "cross_entropy"])
def test_gradient_of_layer(name, loss):
    net = NETWORKS[name]()
    randomize(net, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    T = targets_for("cross_entropy" if loss == "cross_entropy" else loss, rng, (7, 2))
    if loss == "cross_entropy":
        T, loss = rng.choice([-1.0, 1.0], (7, 2)), mc.losses.Huber(0.3)
    X = rng.integers(0, 7, size=(7, 3)) if name == "embedding" else rng.normal(size=(7, 3))
    assert_gradients_match_differences(net, X, T, loss, tolerance=1e-7)


# ---- activations, losses, optimisers, schedules, initialisations, paces ----


def cases_of(test):
    """The values that a parametrised test runs over."""
    marks = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    return [case if isinstance(case, tuple) else (case,) for mark in marks for case in mark.args[1]]


@pytest.mark.parametrize("name", mc.layers.activations())
def test_activation(name):
    assert name in ACTIVATION_FORMULAS or name in REFERENCE_NAMES, f"tests/reference/activations.py lacks {name}"
    assert len(mc.layers.activations()[name]) > 0
    assert mc.Dense(2, name).activation == name
    for test in (test_finite_differences.test_every_activation_hidden,
                 test_finite_differences.test_every_activation_as_output):  # fmt: skip
        assert (name,) in cases_of(test)


def test_parameters_of_activations_are_documented():
    for row in mc._core.activations():
        if row["parameter"] is not None:
            for cls in (mc.Dense, mc.Activation):
                assert row["name"] in documentation(cls), row["name"]
            assert ACTIVATION_FORMULAS[row["name"]].default == row["default_parameter"]


@pytest.mark.parametrize("name", mc.losses.names())
def test_loss(name):
    assert name in LOSS_FORMULAS, f"tests/reference/losses.py lacks {name}"
    cls = mc.losses.LOSSES[name]
    assert cls.name == name
    assert mc.losses.get(name) == cls()
    assert "``" in documentation(cls), f"{name} shows no formula"
    assert LOSS_FORMULAS[name].default == cls().parameter
    assert any(loss == name for loss, _ in loss_pairs())
    assert (name,) in cases_of(test_finite_differences.test_every_loss_with_weights_and_penalties)


@pytest.mark.parametrize("name", mc.optimizers.names())
def test_optimizer(name):
    cls = mc.optimizers.OPTIMIZERS[name]
    assert cls.__name__ in OPTIMIZER_FORMULAS or name in NO_REFERENCE, f"tests/reference/optimizers.py lacks {name}"
    assert cls.name == name
    assert getattr(mc, cls.__name__) is cls
    assert len(documentation(cls)) > 20
    assert len(mc.optimizers.names()[name]) > 5


@pytest.mark.parametrize("cls", SCHEDULES)
def test_schedule(cls):
    name = {"WarmUp": "warmup"}.get(cls.__name__, snake_case(cls.__name__))
    assert callable(getattr(schedule_formulas, name, None)), f"tests/reference/schedules.py lacks {name}"
    assert len(documentation(cls)) > 5


def test_schedules_of_the_lectures():
    names = {cls.__name__ for cls in SCHEDULES}
    assert names >= {"Constant", "Step", "Exponential", "InverseScaling", "Cosine", "WarmUp", "OneCycle"}


@pytest.mark.parametrize("name", mc.training.curriculum.PACING)
def test_pacing(name):
    """Its formula is checked in test_curriculum.py, whose table must be complete."""
    assert re.search(rf"\b{name}\b", documentation(mc.Curriculum))
    share = [mc.training.curriculum.PACING[name](s) for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert share == sorted(share)
    assert (share[0], share[-1]) == pytest.approx((0, 1))


# ---- initialisations ----

N_IN, N_OUT = 400, 300
SMOOTH = ("tanh", "softsign", "elu", "selu", "gelu", "silu", "softplus", "mish")
VARIANCES = {
    "glorot_uniform": 2 / (N_IN + N_OUT),
    "glorot_normal": 2 / (N_IN + N_OUT),
    "glorot_sigmoid": 2 / 3 / (N_IN + N_OUT),
    "fan_in_uniform": 1 / 3 / N_IN,
    "he_uniform": 2 / N_IN,
    "he_normal": 2 / N_IN,
    "lecun_uniform": 1 / N_IN,
    "lecun_normal": 1 / N_IN,
    "uniform": 0.05**2 / 3,
    "normal": 0.05**2,
    "orthogonal": 1 / N_IN,
    "zeros": 0.0,
    "ones": 0.0,
}


def initial(how, shape=(N_IN, N_OUT), seed=0):
    layer = mc.Dense(shape[1], weight_init=how)
    net = mc.Sequential([layer], input_shape=shape[:1], dtype="float64", seed=seed)
    return net.parameters["dense_1.weight"].copy()


def test_every_initialisation_has_its_variance_here():
    assert set(VARIANCES) == set(mc.initializers.INITIALIZERS)


@pytest.mark.parametrize("name", mc.initializers.INITIALIZERS)
def test_initialisation(name):
    W, variance = initial(name), VARIANCES[name]
    assert W.mean() == pytest.approx(float(name == "ones"), abs=5 * np.sqrt(variance / W.size))
    assert W.var() == pytest.approx(variance, rel=0.02, abs=1e-15)
    if name.endswith("uniform"):
        limit = np.sqrt(3 * variance)
        assert 0.999 * limit < np.abs(W).max() <= limit
        shares = np.histogram(W, bins=10, range=(-limit, limit))[0] / W.size
        np.testing.assert_allclose(shares, 0.1, atol=0.005)
    elif name.endswith("normal"):
        assert (W**4).mean() / variance**2 == pytest.approx(3, rel=0.05)
    assert re.search(rf"\b{name}\b", mc.initializers.__doc__)


@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (20, 20), (1, 7), (7, 1)])
def test_orthogonal(shape):
    W = initial("orthogonal", shape)
    product = W.T @ W if shape[0] >= shape[1] else W @ W.T
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-12)
    assert not np.array_equal(W, initial("orthogonal", shape, seed=1))


def test_default_initialisations():
    for name in ACTIVATIONS:
        W = initial_of(name)
        expected = "he_uniform" if name == "sigmoid" else "glorot_uniform" if name in SMOOTH else "fan_in_uniform"
        assert mc.initializers.default_for(name) == expected
        assert W.var() == pytest.approx(VARIANCES[expected], rel=0.02), name
        assert np.abs(W).max() <= np.sqrt(3 * VARIANCES[expected])


def test_default_initialisation_of_outputs():
    """Whatever their activation: what they say at first should not be loud."""
    for name in ACTIVATIONS:
        net = mc.Sequential([mc.Dense(N_OUT, name)], input_shape=(N_IN,), dtype="float64", seed=0)
        assert net.parameters["dense_1.weight"].var() == pytest.approx(1 / 3 / N_IN, rel=0.02), name


def test_default_biases():
    """Uniform too, unless the weights are chosen: then 0, as whoever chooses them would expect."""
    for layer in (mc.Dense(N_OUT, "tanh"), mc.Maxout(N_OUT, 2)):
        net = mc.Sequential([layer, mc.Dense(2)], input_shape=(N_IN,), dtype="float64", seed=0)
        b = net.parameters[f"{layer.type}_1.bias"]
        assert 0.95 / np.sqrt(N_IN) < np.abs(b).max() <= 1 / np.sqrt(N_IN)
        assert abs(b.mean()) < 5 / np.sqrt(3 * N_IN * N_OUT)
    for how in ("he_normal", np.ones((N_IN, N_OUT)), lambda rng, shape, n, m: np.ones(shape)):
        for bias, expected in ((None, 0.0), ("ones", 1.0)):
            layers = [mc.Dense(N_OUT, "relu", weight_init=how, bias_init=bias)]
            net = mc.Sequential(layers, input_shape=(N_IN,), seed=0)
            assert (net.parameters["dense_1.bias"] == expected).all()


def initial_of(activation):
    layers = [mc.Dense(N_OUT, activation), mc.Dense(1)]
    net = mc.Sequential(layers, input_shape=(N_IN,), dtype="float64", seed=0)
    return net.parameters["dense_1.weight"]


def test_arrays_and_functions():
    given = np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(initial(given, (4, 3)), given)
    np.testing.assert_array_equal(initial(given.tolist(), (4, 3)), given)
    drawn = initial(lambda rng, shape, n, m: rng.normal(size=shape) + n + 100 * m, (4, 3))
    assert drawn.mean() == pytest.approx(304, abs=2)
    np.testing.assert_array_equal(drawn, initial(lambda rng, shape, n, m: rng.normal(size=shape) + n + 100 * m, (4, 3)))
    assert given is not initial(given, (4, 3))
