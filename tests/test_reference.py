"""The reference checks itself as a whole: graphs of layers, the lectures' worked example, PyTorch's optimisers."""

import numpy as np
import pytest

from reference import OPTIMIZERS, ReferenceNetwork, schedules
from reference.activations import softmax
from reference.differences import numeric_gradient

# ---- networks ----


def dense(rng, name, n_in, units):
    return {f"{name}.weight": rng.normal(size=(n_in, units)), f"{name}.bias": rng.normal(size=units)}


def graph(last, rng):
    """A skip (concat with the input), a residual with projection, both normalisations, Maxout, dropout, noise"""
    spec = [
        {"type": "input", "name": "x", "inputs": [], "shape": [2, 2]},
        {"type": "flatten", "name": "flat", "inputs": ["x"]},
        {
            "type": "dense",
            "name": "d1",
            "inputs": ["flat"],
            "units": 6,
            "activation": "elu",
            "activation_parameter": 0.7,
        },
        {"type": "batch_norm", "name": "bn", "inputs": ["d1"], "ddof": 1},
        {"type": "dropout", "name": "drop", "inputs": ["bn"], "rate": 0.5},
        {"type": "dense", "name": "d2", "inputs": ["drop"], "units": 5, "activation": "tanh"},
        {"type": "dense", "name": "project", "inputs": ["d1"], "units": 5, "bias": False},
        {"type": "add", "name": "residual", "inputs": ["d2", "project"]},
        {"type": "layer_norm", "name": "ln", "inputs": ["residual"], "ddof": 0},
        {"type": "gaussian_noise", "name": "noise", "inputs": ["ln"], "stddev": 0.1},
        {"type": "concat", "name": "skip", "inputs": ["noise", "flat", "d1"]},
        {"type": "maxout", "name": "mx", "inputs": ["skip"], "units": 4, "pieces": 3},
        {"type": "activation", "name": "act", "inputs": ["mx"], "function": "leaky_relu", "parameter": 0.2},
        {"type": "reshape", "name": "rs", "inputs": ["act"], "shape": [2, 2]},
        {"type": "flatten", "name": "flat2", "inputs": ["rs"]},
        {"type": "dense", "name": "out", "inputs": ["flat2"], "units": 3, "activation": last},
    ]
    parameters = {
        **dense(rng, "d1", 4, 6),
        **dense(rng, "d2", 6, 5),
        **dense(rng, "mx", 15, 12),
        **dense(rng, "out", 4, 3),
        "out.weight": 0.3 * rng.normal(size=(4, 3)),
        "project.weight": rng.normal(size=(6, 5)),
        "bn.gamma": rng.normal(size=6),
        "bn.beta": rng.normal(size=6),
        "ln.gamma": rng.normal(size=5),
        "ln.beta": rng.normal(size=5),
        "bn.running_mean": rng.normal(size=6),
        "bn.running_variance": rng.uniform(0.5, 2, 6),
    }
    draws = {"drop": rng.choice([0.0, 2.0], (7, 6)), "noise": 0.1 * rng.normal(size=(7, 5))}
    return ReferenceNetwork(spec, parameters), draws


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("last", "loss"),
    [
        ("softmax", "cross_entropy"),
        ("sigmoid", "binary_cross_entropy"),
        ("exponential", "poisson"),
        ("linear", "half_squared_error"),
        ("tanh", "huber"),
        ("softmax", "squared_error"),
        ("sigmoid", "cross_entropy"),
    ],
)
def test_graph_gradient(last, loss, training):
    rng = np.random.default_rng(5)
    net, draws = graph(last, rng)
    X, T = rng.normal(size=(7, 2, 2)), softmax(rng.normal(size=(7, 3)))
    options = {"sample_weight": rng.uniform(0.5, 2, 7), "l1": 0.01, "l2": 0.1, "training": training, "draws": draws}
    _, gradients = net.loss_and_gradient(X, T, loss, **options)
    dx = net.deltas["x"]
    assert gradients.keys() == net.parameters.keys()

    def cost():
        return net.loss_and_gradient(X, T, loss, **options)[0]

    for name, value in net.parameters.items():
        np.testing.assert_allclose(gradients[name], numeric_gradient(cost, value), rtol=1e-6, atol=1e-7, err_msg=name)
    np.testing.assert_allclose(dx, numeric_gradient(cost, X), rtol=1e-6, atol=1e-7)


def perceptron_net(activation="step"):
    spec = [
        {"type": "input", "name": "x", "inputs": [], "shape": [2]},
        {"type": "dense", "name": "d", "inputs": ["x"], "units": 1, "activation": activation},
    ]
    return ReferenceNetwork(spec, {"d.weight": np.zeros((2, 1)), "d.bias": np.zeros(1)})


def test_perceptron_learns_or_but_not_xor():
    X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    for T, learns in [([-1.0, 1, 1, 1], True), ([-1.0, 1, 1, -1], False)]:
        net = perceptron_net()
        net.train(X, np.array(T)[:, None], "perceptron", OPTIMIZERS["SGD"](1.0), epochs=30, batch_size=1)
        assert (net.forward(X)[:, 0] == T).all() == learns


def test_perceptron_changes_only_on_a_wrong_sample():
    net = perceptron_net()
    net.parameters["d.bias"][...] = 1.0
    _, right = net.loss_and_gradient([[3.0, 4.0]], [[1.0]], "perceptron")
    _, wrong = net.loss_and_gradient([[3.0, 4.0]], [[-1.0]], "perceptron")
    assert not right["d.weight"].any()
    assert wrong["d.weight"].tolist() == [[3.0], [4.0]]


def test_penalty():
    net = perceptron_net("linear")
    net.parameters["d.weight"][...] = [[2.0], [-3.0]]
    net.parameters["d.bias"][...] = 4.0
    X, T = np.zeros((2, 2)), np.full((2, 1), 4.0)
    cost, gradients = net.loss_and_gradient(X, T, "half_squared_error", l1=0.1, l2=1.0)
    assert cost == pytest.approx(6.5 + 0.25)
    assert gradients["d.weight"].ravel() == pytest.approx([2.05, -3.05])
    assert gradients["d.bias"] == 0
    cost, gradients = net.loss_and_gradient(X, T, "half_squared_error", l1=0.1, l2=1.0, penalize_bias=True)
    assert cost == pytest.approx(14.5 + 0.45)
    assert gradients["d.bias"] == pytest.approx(4.05)


def test_train_orders_batches_and_counts():
    """The losses and the weights of `train` are those of the same steps done one after another"""
    rng = np.random.default_rng(6)
    X, T, w = rng.normal(size=(7, 2)), rng.normal(size=(7, 1)), rng.uniform(size=7)
    orders = [rng.permutation(7) for _ in range(2)]
    net, by_hand = perceptron_net("tanh"), perceptron_net("tanh")
    losses = net.train(
        X,
        T,
        "half_squared_error",
        OPTIMIZERS["Adam"](),
        2,
        3,
        order=orders,
        sample_weight=w,
        l2=0.1,
        schedule=lambda k: 0.1 / (k + 1),
    )
    adam, k = OPTIMIZERS["Adam"](), 0
    for order, loss in zip(orders, losses, strict=True):
        costs = []
        for rows in (order[:3], order[3:6], order[6:]):
            cost, g = by_hand.loss_and_gradient(X[rows], T[rows], "half_squared_error", sample_weight=w[rows], l2=0.1)
            by_hand.update(adam, g, 0.1 / (k + 1))
            costs += [cost] * len(rows)
            k += 1
        assert loss == pytest.approx(np.mean(costs))
    np.testing.assert_array_equal(net.parameters["d.weight"], by_hand.parameters["d.weight"])


def test_wrong_names_are_told():
    spec = [{"type": "input", "name": "x", "inputs": []}, {"type": "dense", "name": "d", "inputs": ["x"]}]
    with pytest.raises(ValueError, match="bias"):
        ReferenceNetwork(spec, {"d.weight": np.zeros((2, 1))})
    with pytest.raises(ValueError, match=r"e\.weight"):
        ReferenceNetwork(spec, {"d.weight": np.zeros((2, 1)), "d.bias": np.zeros(1), "e.weight": np.zeros(1)})


# ---- optimisers and schedules ----


def test_worked_example():
    """f(x) = (x - 4)^2 + 3, x0 = 7, rho = 0.6"""
    x, path, sgd = 7.0, [], OPTIMIZERS["SGD"](0.6)
    for _ in range(4):
        x = sgd.step(x, 2 * (x - 4))
        path.append(float(x))
    assert path == pytest.approx([3.4, 4.12, 3.976, 4.0048], abs=1e-12)


def torch_optimizers(torch):
    o = torch.optim
    return {
        "SGD": lambda p: o.SGD(p, 0.01),
        "Momentum": lambda p: o.SGD(p, 0.01, momentum=0.9),
        "Nesterov": lambda p: o.SGD(p, 0.01, momentum=0.9, nesterov=True),
        "Adagrad": o.Adagrad,
        "Adadelta": o.Adadelta,
        "RMSprop": o.RMSprop,
        "Adam": o.Adam,
        "AdamW": o.AdamW,
        "Adamax": o.Adamax,
        "Nadam": o.NAdam,
        "Rprop": o.Rprop,
    }


@pytest.fixture
def torch_float64():
    """torch with float64 as its default type: its NAdam keeps the product of the mu in the default type"""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_against_torch(name, torch_float64):
    """Ten steps with torch's defaults on gradients that change sign, vanish, and are large and small"""
    torch = torch_float64
    rng = np.random.default_rng(7)
    theta = rng.normal(size=12)
    theirs = torch.tensor(theta.copy(), requires_grad=True)
    ours, optimizer = OPTIMIZERS[name](), torch_optimizers(torch)[name]([theirs])
    for _ in range(10):
        g = rng.normal(size=12) * 10.0 ** rng.integers(-4, 3, 12)
        g[0] = 0.0
        theirs.grad = torch.tensor(g)
        optimizer.step()
        theta = ours.step(theta, g)
        np.testing.assert_allclose(theta, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_a_given_rate_wins():
    for name in OPTIMIZERS:
        a = OPTIMIZERS[name](0.5).step(np.ones(2), np.array([1.0, -2.0]))
        b = OPTIMIZERS[name]().step(np.ones(2), np.array([1.0, -2.0]), rate=0.5)
        np.testing.assert_array_equal(a, b)


def test_schedules():
    assert schedules.constant(9, 0.1) == 0.1
    assert [schedules.step(k, 1.0, 2, 0.5) for k in range(5)] == [1, 1, 0.5, 0.5, 0.25]
    assert [schedules.exponential(k, 1.0, 0.5) for k in range(3)] == [1, 0.5, 0.25]
    assert [schedules.inverse_scaling(k, 1.0) for k in (0, 3, 15)] == [1, 0.5, 0.25]
    assert [schedules.cosine(k, 1.0, 4, 0.2) for k in (0, 2, 4, 9)] == pytest.approx([1, 0.6, 0.2, 0.2])
    assert [schedules.warmup(k, 1.0, 4) for k in (0, 1, 3, 8)] == [0.25, 0.5, 1, 1]


def test_one_cycle_against_torch():
    torch = pytest.importorskip("torch")
    sgd = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(sgd, 0.1, total_steps=20, cycle_momentum=False)
    for k in range(20):
        assert schedules.one_cycle(k, 0.1, 20) == pytest.approx(theirs.get_last_lr()[0], rel=1e-12)
        sgd.step()
        if k < 19:
            theirs.step()
