"""Graphs against PyTorch in float64: skips, shared layers, several inputs and outputs, layers of one's own."""

import numpy as np
import pytest

import multicapa as mc
from helpers import assert_near, randomize, rng

torch = pytest.importorskip("torch")
F = torch.nn.functional

ROWS, TOLERANCE = 23, 1e-10


class Theirs:
    """The network's parameters as PyTorch's, and layers that read them."""

    def __init__(self, net):
        self.parameters = {
            name: torch.tensor(np.array(view), requires_grad=True) for name, view in net.parameters.items()
        }
        self.state = {name: np.array(view) for name, view in net.state.items()}

    def __getitem__(self, name):
        return self.parameters[name]

    def dense(self, name, x):
        return x @ self[f"{name}.weight"] + self[f"{name}.bias"]

    def lstm(self, name, x, units):
        """Gates in the order i f g o, as in PyTorch."""
        h = c = torch.zeros(len(x), units, dtype=torch.float64)
        steps = []
        for t in range(x.shape[1]):
            z = x[:, t] @ self[f"{name}.weight"] + h @ self[f"{name}.recurrent_weight"] + self[f"{name}.bias"]
            i, f, g, o = z.chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            steps.append(h)
        return torch.stack(steps, dim=1)


def cross_entropy(z, classes):
    return F.cross_entropy(z, torch.tensor(classes))


def squared(y, t):
    return ((y - torch.tensor(t).reshape(y.shape)) ** 2).mean()


def numbers(*shape, seed=0):
    return rng(seed).normal(size=(ROWS, *shape))


def classes(count, seed=9):
    return rng(seed).integers(0, count, ROWS)


def skip():
    x = mc.Input(4)
    h = mc.Dense(6, "tanh")(x)
    net = mc.Network(x, mc.Dense(3, "softmax")(mc.concat([h, x, mc.Dense(2, "relu")(h)])), dtype="float64", seed=0)

    def cost(p, X, y):
        h = torch.tanh(p.dense("dense_1", X))
        return cross_entropy(p.dense("dense_3", torch.cat([h, X, torch.relu(p.dense("dense_2", h))], 1)), y)

    return net, numbers(4), classes(3), {}, cost


def residual():
    x = mc.Input(5)
    h = mc.Dense(5, "elu")(x) + x
    h = mc.Dense(5, "sigmoid")(h) * h + x
    net = mc.Network(x, mc.Dense(2)(h), dtype="float64", seed=0)

    def cost(p, X, y):
        h = F.elu(p.dense("dense_1", X)) + X
        return squared(p.dense("dense_3", torch.sigmoid(p.dense("dense_2", h)) * h + X), y)

    return net, numbers(5), numbers(2, seed=1), {}, cost


def siamese():
    a, b = mc.Input(4, name="a"), mc.Input(4, name="b")
    first, second = mc.Dense(7, "tanh", name="first"), mc.Dense(3, name="second")
    ends = [second(first(x)) for x in (a, b)]
    net = mc.Network([a, b], mc.Dense(1, "sigmoid", name="same")(mc.multiply(ends)), dtype="float64", seed=0)

    def cost(p, X, y):
        u, v = (p.dense("second", torch.tanh(p.dense("first", x))) for x in X)
        return F.binary_cross_entropy_with_logits(p.dense("same", u * v)[:, 0], torch.tensor(y, dtype=torch.float64))

    return net, [numbers(4), numbers(4, seed=1)], classes(2), {}, cost


def unrolled():
    """One layer three times in a row, and its weights once more beside it."""
    x = mc.Input(5)
    step = mc.Dense(5, "tanh", name="step")
    h = step(step(step(x)))
    net = mc.Network(x, mc.Dense(2)(mc.concat([h, step(x)])), dtype="float64", seed=0)

    def cost(p, X, y):
        h = X
        for _ in range(3):
            h = torch.tanh(p.dense("step", h))
        return squared(p.dense("dense_1", torch.cat([h, torch.tanh(p.dense("step", X))], 1)), y)

    return net, numbers(5), numbers(2, seed=1), {}, cost


def shared_norm():
    x = mc.Input(4)
    norm = mc.BatchNorm(name="norm")
    net = mc.Network(x, mc.Dense(2)(norm(mc.Dense(4, "relu")(norm(x)))), dtype="float64", seed=0)

    def cost(p, X, y):
        def norm(x):
            return F.batch_norm(x, None, None, p["norm.gamma"], p["norm.beta"], training=True, eps=1e-5)

        return squared(p.dense("dense_2", norm(torch.relu(p.dense("dense_1", norm(X))))), y)

    return net, numbers(4), numbers(2, seed=1), {}, cost


def two_outputs():
    x = mc.Input(4)
    h = mc.Dense(8, "tanh")(x)
    ends = [mc.Dense(1, name="price")(h), mc.Dense(3, "softmax", name="kind")(h)]
    net = mc.Network(x, ends, dtype="float64", seed=0)
    options = {"loss": {"price": "huber"}, "loss_weights": {"price": 0.3, "kind": 2.5}}

    def cost(p, X, y):
        h = torch.tanh(p.dense("dense_1", X))
        price = F.huber_loss(p.dense("price", h)[:, 0], torch.tensor(y[0]))
        return 0.3 * price + 2.5 * cross_entropy(p.dense("kind", h), y[1])

    return net, numbers(4), [numbers(seed=1), classes(3)], options, cost


def output_that_is_read_on():
    x = mc.Input(4)
    early = mc.Dense(3, "softmax", name="early")(mc.Dense(6, "tanh")(x))
    late = mc.Dense(2, name="late")(mc.concat([early, x]))
    net = mc.Network(x, [late, early], dtype="float64", seed=0)

    def cost(p, X, y):
        z = p.dense("early", torch.tanh(p.dense("dense_1", X)))
        return squared(p.dense("late", torch.cat([torch.softmax(z, 1), X], 1)), y["late"]) + 0.5 * cross_entropy(
            z, y["early"]
        )

    y = {"early": classes(3), "late": numbers(2, seed=1)}
    return net, numbers(4), y, {"loss_weights": {"early": 0.5}}, cost


def two_and_two():
    a, b = mc.Input(3, name="a"), mc.Input((5, 2), name="b")
    steps = mc.LSTM(4, return_sequences=True, name="steps")(b)
    h = mc.concat([a, mc.LSTM(3, name="last")(steps)])
    ends = [mc.Dense(2, name="each")(steps), mc.Dense(3, "softmax", name="all")(h)]
    net = mc.Network([a, b], ends, dtype="float64", seed=0)

    def cost(p, X, y):
        steps = p.lstm("steps", X[1], 4)
        h = torch.cat([X[0], p.lstm("last", steps, 3)[:, -1]], 1)
        return squared(p.dense("each", steps), y[0]) + cross_entropy(p.dense("all", h), y[1])

    return net, [numbers(3), numbers(5, 2, seed=1)], [numbers(5, 2, seed=2), classes(3)], {}, cost


def own_layer():
    def forward(x, scale, shift):
        return scale * np.sin(x) + shift

    def backward(dy, x, scale, shift):
        return dy * scale * np.cos(x), {"scale": (dy * np.sin(x)).sum(0), "shift": dy.sum(0)}

    x = mc.Input(4)
    wave = mc.layers.Custom(forward, backward, {"scale": np.ones(4), "shift": np.zeros(4)}, name="wave")
    net = mc.Network(x, mc.Dense(2)(wave(mc.Dense(4, "tanh")(wave(x)))), dtype="float64", seed=0)

    def cost(p, X, y):
        def wave(x):
            return p["wave.scale"] * torch.sin(x) + p["wave.shift"]

        return squared(p.dense("dense_2", wave(torch.tanh(p.dense("dense_1", wave(X))))), y)

    return net, numbers(4), numbers(2, seed=1), {}, cost


def own_join_of_two_inputs():
    """Distances between two inputs through one layer, by a layer of one's own."""
    a, b = mc.Input(4, name="a"), mc.Input(4, name="b")
    embed = mc.Dense(3, "softsign", name="embed")
    squares = mc.layers.Custom(lambda u, v: (u - v) ** 2, lambda dy, u, v: [2 * dy * (u - v), -2 * dy * (u - v)])
    distance = squares([embed(a), embed(b)])
    ends = [mc.Dense(1, "sigmoid", name="same")(distance), mc.Dense(2, name="gap")(distance)]
    net = mc.Network([a, b], ends, dtype="float64", seed=0)

    def cost(p, X, y):
        u, v = (F.softsign(p.dense("embed", x)) for x in X)
        d = (u - v) ** 2
        same = F.binary_cross_entropy_with_logits(p.dense("same", d)[:, 0], torch.tensor(y[0], dtype=torch.float64))
        return same + 4 * squared(p.dense("gap", d), y[1])

    return net, [numbers(4), numbers(4, seed=1)], [classes(2), numbers(2, seed=2)], {"loss_weights": [1, 4]}, cost


GRAPHS = (
    skip,
    residual,
    siamese,
    unrolled,
    shared_norm,
    two_outputs,
    output_that_is_read_on,
    two_and_two,
    own_layer,
    own_join_of_two_inputs,
)


def as_tensors(X):
    return [torch.tensor(x) for x in X] if isinstance(X, list) else torch.tensor(X)


@pytest.mark.parametrize("graph", GRAPHS)
def test_cost_gradient_and_steps(graph):
    net, X, y, options, cost = graph()
    if graph is not shared_norm:
        randomize(net, rng(5), 0.7)
    theirs = Theirs(net)
    value = cost(theirs, as_tensors(X), y)
    value.backward()
    found, gradients = net.loss_and_gradient(X, y, **options)
    assert found == pytest.approx(value.item(), rel=TOLERANCE)
    for name, gradient in gradients.items():
        assert_near(gradient, theirs[name].grad.numpy(), TOLERANCE, name, least_scale=1e-3)
    optimizer = torch.optim.SGD(theirs.parameters.values(), 0.05)
    for _ in range(5):
        optimizer.zero_grad()
        cost(theirs, as_tensors(X), y).backward()
        optimizer.step()
    net.fit(X, y, optimizer=mc.SGD(0.05), epochs=5, batch_size=None, shuffle=False, **options)
    for name, view in net.parameters.items():
        assert_near(view, theirs[name].detach().numpy(), TOLERANCE, name)


@pytest.mark.parametrize("graph", [g for g in GRAPHS if "own" not in g.__name__])
def test_same_bits_for_any_number_of_threads(graph):
    found = set()
    for threads in (1, 2, 3, 7):
        mc.set_num_threads(threads)
        net, X, y, options, _ = graph()
        net.fit(X, y, epochs=3, batch_size=10, **options)
        found.add(net.parameters.flat.tobytes())
    assert len(found) == 1
