"""Random graphs beside PyTorch in float64: outputs, cost and gradients. ``python -m fuzz.graphs [count] [seed]``."""

import sys

import numpy as np

import multicapa as mc

ACTIVATIONS = ("linear", "tanh", "relu", "sigmoid", "softplus", "silu", "elu")
LOSSES = ("squared_error", "cross_entropy", "binary_cross_entropy")
LAST = {"squared_error": "linear", "cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}


def random_graph(rng, loss):
    """A network of up to eight layers, each reading any of those before."""
    x = mc.Input(int(rng.integers(1, 30)))
    nodes = [(x, x.layer.shape[0])]
    for _ in range(rng.integers(1, 8)):
        source, width = nodes[rng.integers(len(nodes))]
        kind = rng.integers(6)
        if kind <= 1:
            width = int(rng.integers(1, 60))
            made = mc.Dense(width, str(rng.choice(ACTIVATIONS)))(source)
        elif kind == 2:
            made = mc.Activation(str(rng.choice(ACTIVATIONS[1:])))(source)
        elif kind == 3 and width > 1:
            made = mc.LayerNorm()(source)
        elif kind == 4:
            made = mc.add([source, mc.Dense(width)(nodes[rng.integers(len(nodes))][0])])
        else:
            other, more = nodes[rng.integers(len(nodes))]
            made, width = mc.concat([source, other]), width + more
        nodes.append((made, width))
    outputs = int(rng.integers(2, 8))
    dangling = mc.concat([node for node, _ in nodes[1:]]) if len(nodes) > 2 else nodes[-1][0]
    return mc.Network(x, mc.Dense(outputs, LAST[loss])(dangling), dtype="float64", seed=int(rng.integers(2**31)))


def in_torch(net, X, T, loss):
    """The same forward pass, cost and gradients by name."""
    import torch
    import torch.nn.functional as F

    leaves = {name: torch.tensor(np.array(view), requires_grad=True) for name, view in net.parameters.items()}
    functions = {"linear": lambda z: z, "softmax": lambda z: torch.softmax(z, 1), **{
        name: getattr(torch if hasattr(torch, name) else F, name) for name in ACTIVATIONS[1:]
    }}  # fmt: skip
    values = {}
    for layer in net.spec:
        name, given = layer["name"], [values[i] for i in layer["inputs"]]
        match layer["type"]:
            case "input":
                values[name] = torch.tensor(X)
            case "dense":
                z = given[0] @ leaves[f"{name}.weight"] + leaves[f"{name}.bias"]
                values[name] = functions[layer.get("activation", "linear")](z)
            case "activation":
                values[name] = functions[layer["function"]](given[0])
            case "layer_norm":
                values[name] = F.layer_norm(
                    given[0], given[0].shape[1:], leaves[f"{name}.gamma"], leaves[f"{name}.beta"], layer["epsilon"]
                )
            case "add":
                values[name] = given[0] + given[1]
            case "concat":
                values[name] = torch.cat(given, dim=1)
    y, t = values[net.spec[-1]["name"]], torch.tensor(T)
    cost = {
        "squared_error": lambda: ((y - t) ** 2).mean(),
        "cross_entropy": lambda: -(t * y.log()).sum(1).mean(),
        "binary_cross_entropy": lambda: -(t * y.log() + (1 - t) * (1 - y).log()).sum(1).mean(),
    }[loss]()
    cost.backward()
    return y.detach().numpy(), cost.item(), {name: leaf.grad.numpy() for name, leaf in leaves.items()}


def check(seed):
    """Raise AssertionError where one graph's numbers differ from PyTorch's by more than rounding."""
    rng = np.random.default_rng(seed)
    loss = str(rng.choice(LOSSES))
    net = random_graph(rng, loss)
    rows = int(rng.choice([1, 2, 7, 8, 33, 200]))
    X = rng.normal(size=(rows, *net.input_shape))
    T = rng.uniform(0.1, 0.9, size=(rows, *net.output_shape))
    T = T / T.sum(1, keepdims=True) if loss == "cross_entropy" else T
    outputs, cost, gradients = in_torch(net, X, T, loss)
    np.testing.assert_allclose(net.predict(X), outputs, rtol=1e-9, atol=1e-11, err_msg=f"outputs, seed {seed}")
    found, ours = net.loss_and_gradient(X, T, loss=loss)
    assert abs(found - cost) <= 1e-9 * max(1, abs(cost)), f"cost, seed {seed}"
    largest = max(np.abs(gradient).max() for gradient in gradients.values())
    for name, gradient in gradients.items():
        np.testing.assert_allclose(
            ours[name], gradient, rtol=1e-7, atol=1e-10 * max(largest, 1), err_msg=f"{name}, seed {seed}"
        )


if __name__ == "__main__":
    count, first = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 1000), (2, 0)))
    for seed in range(first, first + count):
        check(seed)
    print(f"{count} graphs from seed {first} agree with PyTorch")
