"""Ten training steps of every activation and loss that PyTorch has too, in float64."""

import numpy as np
import pytest

import multicapa as mc
from helpers import ACTIVATIONS, assert_near, randomize, targets_for

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional

STEPS = 10
# Where the name alone does not lead to PyTorch's function, or its defaults differ.
NAMED_OTHERWISE = {
    "linear": nn.Identity(),
    "leaky_relu": nn.LeakyReLU(0.1),  # PyTorch's default slope is 0.01, the lectures' 0.1
    "softplus": nn.Softplus(threshold=1e9),  # PyTorch's goes over to z above 20
    "exponential": torch.exp,
    "softmax": nn.Softmax(dim=-1),
}


def same(name):
    """PyTorch's function for an activation, or None."""
    return NAMED_OTHERWISE.get(name) or getattr(F, name, None)


# PyTorch averages over all numbers; here outputs are summed and samples averaged. y is the output, z what is before it.
LOSSES = {
    "half_squared_error": lambda y, z, t: 0.5 * F.mse_loss(y, t, reduction="sum") / len(t),
    "squared_error": lambda y, z, t: F.mse_loss(y, t),
    "absolute_error": lambda y, z, t: F.l1_loss(y, t, reduction="sum") / len(t),
    "huber": lambda y, z, t: F.huber_loss(y, t, reduction="sum") / len(t),
    "poisson": lambda y, z, t: F.poisson_nll_loss(z, t, log_input=True, reduction="sum") / len(t),
    "cross_entropy": lambda y, z, t: F.cross_entropy(z, t),
    "binary_cross_entropy": lambda y, z, t: F.binary_cross_entropy_with_logits(z, t, reduction="sum") / len(t),
    "quantile": lambda y, z, t: 0.5 * F.l1_loss(y, t, reduction="sum") / len(t),
    "kullback_leibler": lambda y, z, t: F.kl_div(F.log_softmax(z, dim=1), t, reduction="batchmean"),
    "focal": lambda y, z, t: -(t * (1 - y) ** 2 * F.logsigmoid(z) + (1 - t) * y**2 * F.logsigmoid(-z)).sum() / len(t),
    "hinge": lambda y, z, t: F.relu(1 - t * y).sum() / len(t),
    "perceptron": lambda y, z, t: F.relu(-t * y).sum() / len(t),
}
FUSED = {row["name"]: row["fused_activation"] for row in mc._core.losses()}


def same_steps(hidden, loss, last):
    """Trains both for ten steps of the whole batch and compares all weights."""
    layers = [mc.Dense(7, hidden), mc.Dense(6, hidden), mc.Dense(3, last)]
    net = mc.Sequential(layers, input_shape=(5,), dtype="float64", seed=0)
    randomize(net, np.random.default_rng(0), 0.7)
    X = np.random.default_rng(1).normal(size=(20, 5))
    T = targets_for(loss, np.random.default_rng(2), (20, 3))
    linears = [nn.Linear(5, 7), nn.Linear(7, 6), nn.Linear(6, 3)]
    with torch.no_grad():
        for i, linear in enumerate(linears, 1):
            linear.double()
            linear.weight.copy_(torch.tensor(net.parameters[f"dense_{i}.weight"].T.copy()))
            linear.bias.copy_(torch.tensor(net.parameters[f"dense_{i}.bias"].copy()))
    optimizer = torch.optim.SGD([p for linear in linears for p in linear.parameters()], 0.05)
    x, t = torch.tensor(X), torch.tensor(T)
    for _ in range(STEPS):
        z = linears[2](same(hidden)(linears[1](same(hidden)(linears[0](x)))))
        optimizer.zero_grad()
        LOSSES[loss](same(last)(z), z, t).backward()
        optimizer.step()
    net.fit(X, T, loss=loss, optimizer=mc.SGD(0.05), epochs=STEPS, batch_size=None, shuffle=False)
    for i, linear in enumerate(linears, 1):
        assert_near(net.parameters[f"dense_{i}.weight"], linear.weight.detach().numpy().T, 1e-6)
        assert_near(net.parameters[f"dense_{i}.bias"], linear.bias.detach().numpy(), 1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    if same(name) is None:
        pytest.skip("PyTorch has no such activation")
    same_steps("softsign" if name == "exponential" else name, "half_squared_error", name)


@pytest.mark.parametrize("name", mc.losses.names())
def test_loss(name):
    assert name in LOSSES, f"write {name} with PyTorch's functions"
    last = FUSED[name] if FUSED[name] and same(FUSED[name]) else "linear"
    same_steps("tanh", name, last)


def test_dropout_has_the_same_mean_and_scale():
    """The masks differ; what PyTorch keeps, it divides by 1 - p as well."""
    kept = nn.Dropout(0.3)(torch.ones(1000, dtype=torch.float64)).numpy()
    net = mc.Sequential(
        [mc.Dropout(0.3), mc.Dense(1, weight_init="zeros")], input_shape=(1000,), dtype="float64", seed=0
    )
    _, gradients = net.loss_and_gradient(np.ones((1, 1000)), [[-1.0]], loss="half_squared_error")
    ours = gradients["dense_1.weight"].ravel()
    np.testing.assert_allclose(np.unique(ours), np.unique(kept), rtol=1e-12)
