"""The reference checks itself, part by part: activations, losses and layers against finite differences and PyTorch."""

import numpy as np
import pytest

from reference import attention, layers
from reference.activations import ACTIVATIONS, softmax
from reference.differences import assert_close, numeric_gradient
from reference.losses import FUSED, LOSSES, batch_cost, batch_gradient

# ---- activations ----


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("p", [None, 0.3])
def test_activation_derivative(name, p):
    z = np.array([-6.0, -2.5, -0.7, -0.01, 0.02, 0.4, 1.9, 5.0])
    g = ACTIVATIONS[name]
    h = 1e-6
    numeric = (g.value(z + h, p) - g.value(z - h, p)) / (2 * h)
    np.testing.assert_allclose(g.derivative(z, p), numeric, rtol=1e-7, atol=1e-8)


def test_activations_at_zero():
    zero = np.zeros(1)
    value = {name: float(g.value(zero)[0]) for name, g in ACTIVATIONS.items()}
    slope = {name: float(g.derivative(zero)[0]) for name, g in ACTIVATIONS.items()}
    assert (value["step"], slope["step"]) == (1, 0)
    assert (slope["relu"], slope["leaky_relu"], slope["elu"]) == (0, 0.1, 1)
    assert (value["sigmoid"], slope["sigmoid"], slope["softsign"], value["exponential"]) == (0.5, 0.25, 1, 1)


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "exponential"])
def test_activations_far_out_are_finite(name):
    z = np.array([-1e4, -800.0, 800.0, 1e4])
    with np.errstate(over="raise", invalid="raise"):
        assert np.isfinite(ACTIVATIONS[name].value(z)).all()
        assert np.isfinite(ACTIVATIONS[name].derivative(z)).all()


def test_activations_against_torch():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    theirs = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "softsign": F.softsign,
        "relu": torch.relu,
        "leaky_relu": lambda z: F.leaky_relu(z, 0.1),
        "elu": F.elu,
        "selu": F.selu,
        "gelu": F.gelu,
        "silu": F.silu,
        "softplus": F.softplus,
        "exponential": torch.exp,
    }
    x = np.concatenate([np.linspace(-9, 9, 61), [0.0]])
    for name, function in theirs.items():
        z = torch.tensor(x, requires_grad=True)
        y = function(z)
        y.sum().backward()
        np.testing.assert_allclose(ACTIVATIONS[name].value(x), y.detach().numpy(), rtol=1e-12, atol=1e-15, err_msg=name)
        np.testing.assert_allclose(ACTIVATIONS[name].derivative(x), z.grad.numpy(), rtol=1e-9, atol=1e-15, err_msg=name)


# ---- losses ----


def targets_and_outputs(loss, rng):
    """Targets and outputs that suit the loss, away from its kinks"""
    b, m = 5, 3
    if loss in ("cross_entropy", "kullback_leibler", "binary_cross_entropy", "focal", "poisson"):
        t = rng.uniform(0.1, 0.9, (b, m))
        return t, softmax(rng.normal(size=(b, m)))
    if loss in ("hinge", "perceptron"):
        return rng.choice([-1.0, 1.0], (b, m)), rng.normal(size=(b, m))
    return rng.normal(size=(b, m)), 2 * rng.normal(size=(b, m))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_loss_gradient(name, weighted):
    rng = np.random.default_rng(1)
    t, y = targets_and_outputs(name, rng)
    w = rng.uniform(0.5, 2, len(y)) if weighted else None
    numeric = numeric_gradient(lambda: batch_cost(LOSSES[name].value(y, t), w), y)
    assert_close(batch_gradient(LOSSES[name].gradient(y, t), w), numeric)


@pytest.mark.parametrize("pair", FUSED, ids="+".join)
def test_fused_loss(pair):
    """The fused gradient is that of the fused value, and both are those of activation then loss"""
    activation, loss = pair
    rng = np.random.default_rng(2)
    t, _ = targets_and_outputs(loss, rng)
    z = rng.normal(size=t.shape)
    fused = FUSED[pair]
    assert_close(fused.gradient(z, t), numeric_gradient(lambda: fused.value(z, t).sum(), z))
    if activation == "step":
        return
    layer = layers.Activation(activation)
    y = layer.forward([z])
    assert_close(fused.value(z, t), LOSSES[loss].value(y, t), 1e-13)
    assert_close(fused.gradient(z, t), layer.backward(LOSSES[loss].gradient(y, t))[0], 1e-13)


def test_losses_by_hand():
    y, t = np.array([[1.0, 4.0]]), np.array([[2.0, 1.0]])
    value = {name: float(loss.value(y, t)[0]) for name, loss in LOSSES.items()}
    assert value["half_squared_error"] == 5.0
    assert value["squared_error"] == 5.0
    assert value["absolute_error"] == 4.0
    assert value["huber"] == 0.5 + 2.5
    assert LOSSES["huber"].value(y, t, 2.0)[0] == 0.5 + 4.0
    y, t = np.array([[0.5, -3.0, 2.0, 0.0]]), np.array([[1.0, 1.0, -1.0, 1.0]])
    assert LOSSES["hinge"].value(y, t)[0] == 0.5 + 4 + 3 + 1
    assert LOSSES["perceptron"].value(y, t)[0] == 5.0
    assert LOSSES["perceptron"].gradient(y, t).tolist() == [[0, -1, 1, -1]]
    assert LOSSES["hinge"].gradient(np.ones((1, 1)), np.ones((1, 1))) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saturated_outputs_stay_finite(dtype):
    y = np.array([[0.0, 1.0], [1.0, 0.0]], dtype=dtype)
    t = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=dtype)
    for name in ("cross_entropy", "binary_cross_entropy", "poisson"):
        assert np.isfinite(LOSSES[name].value(y, t)).all()
        assert np.isfinite(LOSSES[name].gradient(y, t)).all()
    z = np.array([[-1e4, 1e4], [1e4, -1e4]])
    for pair in [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")]:
        assert np.isfinite(FUSED[pair].value(z, t.astype(float))).all()
        assert np.isfinite(FUSED[pair].gradient(z, t.astype(float))).all()


# ---- layers, one by one ----


def layer_cases():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4, 6))
    normal = {"gamma": rng.normal(size=6), "beta": rng.normal(size=6)}
    running = {"running_mean": rng.normal(size=6), "running_variance": rng.uniform(0.5, 2, 6)}
    case = {
        "dense": (layers.Dense({"weight": rng.normal(size=(6, 3)), "bias": rng.normal(size=3)}), [x], True, None),
        "dense_without_bias": (layers.Dense({"weight": rng.normal(size=(6, 3))}), [x], True, None),
        "softmax": (layers.Activation("softmax"), [x], True, None),
        "tanh": (layers.Activation("tanh"), [x], True, None),
        "leaky_relu": (layers.Activation("leaky_relu", 0.2), [x], True, None),
        "dropout": (layers.Dropout(0.5), [x], True, rng.choice([0.0, 2.0], x.shape)),
        "dropout_inference": (layers.Dropout(0.5), [x], False, None),
        "gaussian_noise": (layers.GaussianNoise(0.1), [x], True, rng.normal(size=x.shape)),
        "flatten": (layers.Flatten(), [rng.normal(size=(4, 2, 3))], True, None),
        "reshape": (layers.Reshape((2, 3)), [x], True, None),
        "add": (layers.Add(), [x, rng.normal(size=x.shape), rng.normal(size=x.shape)], True, None),
        "concat": (layers.Concat(), [x, rng.normal(size=(4, 2)), rng.normal(size=(4, 1))], True, None),
        "layer_norm_plain": (layers.LayerNorm(), [x], True, None),
        "batch_norm_inference": (layers.BatchNorm(normal, running), [x], False, None),
    }
    for ddof in (0, 1):
        case[f"batch_norm_ddof{ddof}"] = (layers.BatchNorm(normal, ddof=ddof), [x], True, None)
        case[f"layer_norm_ddof{ddof}"] = (layers.LayerNorm(normal, ddof=ddof), [x], True, None)
    q, k, v = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 5, 6))
    case["positional_encoding"] = (attention.PositionalEncoding(), [q], True, None)
    for score, causal, heads in (("scaled_dot", False, 2), ("dot", True, 1), ("additive", True, 2)):
        p = {"weight": rng.normal(size=4)} if score == "additive" else {}
        case[score] = (attention.Attention(p, score, causal, heads), [q, k, v], True, None)
        case[f"{score}_memory"] = (attention.Attention(p, score, not causal, heads, True), [q[:, 0], k], True, None)
    for k in (1, 2, 3):
        p = {"weight": rng.normal(size=(6, 4 * k)), "bias": rng.normal(size=4 * k)}
        case[f"maxout_{k}"] = (layers.Maxout(p, k), [x], True, None)
    return case


@pytest.mark.parametrize("name", layer_cases())
def test_layer_gradient(name):
    layer, inputs, training, draw = layer_cases()[name]
    inputs = [x.copy() for x in inputs]
    dy = np.random.default_rng(4).normal(size=layer.forward(inputs, training, draw).shape)
    dx = layer.backward(dy)
    gradients = dict(layer.gradients)
    assert gradients.keys() == layer.parameters.keys()

    def cost():
        return float((layer.forward(inputs, training, draw) * dy).sum())

    for x, gradient in zip(inputs, dx, strict=True):
        assert_close(gradient, numeric_gradient(cost, x))
    for key, value in layer.parameters.items():
        assert_close(gradients[key], numeric_gradient(cost, value))


def test_maxout_pieces_and_ties():
    weight = np.array([[1.0, -1.0, 2.0, 2.0]])  # unit 0: max(a, -a); unit 1: max(2a, 2a)
    layer = layers.Maxout({"weight": weight, "bias": np.zeros(4)})
    assert layer.forward([np.array([[-3.0]])]).tolist() == [[3.0, -6.0]]
    layer.backward(np.ones((1, 2)))
    assert layer.gradients["bias"].tolist() == [0, 1, 1, 0]


def test_normalisation_by_hand():
    x = np.array([[1.0, 10.0], [3.0, 30.0]])
    layer = layers.BatchNorm(epsilon=0.0, momentum=0.9, ddof=1)
    np.testing.assert_allclose(layer.forward([x], True), np.array([[-1, -1], [1, 1]]) / np.sqrt(2))
    np.testing.assert_allclose(layer.state["running_mean"], [0.2, 2.0])
    np.testing.assert_allclose(layer.state["running_variance"], [0.9 + 0.2, 0.9 + 20])
    np.testing.assert_allclose(layers.LayerNorm(epsilon=0.0).forward([x]), [[-1, 1], [-1, 1]])
    with pytest.raises(ValueError, match="ddof"):
        layer.forward([x[:1]], True)
