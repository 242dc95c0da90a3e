"""Random convolutions and poolings beside PyTorch: outputs, cost and gradients, in float64 to 1e-10 of the largest
number and in float32 to 1e-5. ``python -m fuzz.convolutions [count] [seed]``."""

import sys

import numpy as np

import multicapa as mc

KERNELS, STRIDES = (1, 2, 3, 5, (1, 3), (5, 2)), (1, 2, 3, (2, 1), (1, 3))
PADDINGS = ("valid", "same", 1, 2, (1, 0), (2, 1), ((0, 1), (2, 0)), ((3, 0), (0, 2)))
CHANNELS, BATCHES = (1, 3, 4, 16, 17), (1, 7, 16, 33)
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


def pick(rng, options):
    return options[rng.integers(len(options))]


def drawn(rng):
    """A convolution, a pooling and a convolution of one pixel over them; None where a window does not fit."""
    channels, groups = int(pick(rng, CHANNELS)), int(rng.integers(1, 3))
    groups = groups if channels % groups == 0 else 1
    filters = groups * int(rng.integers(1, 1 + pick(rng, (4, 17, 34)) // groups))
    dilation = pick(rng, (1, 2, (1, 2)))
    window = {"strides": pick(rng, STRIDES), "padding": pick(rng, PADDINGS)}
    first = mc.Conv2D(filters, pick(rng, KERNELS), "tanh", dilation=dilation, groups=groups, **window)
    dtype = pick(rng, ("float32", "float64"))
    # In float32 rounding decides now and then which of two numbers is the larger, and so where a gradient goes.
    pool = mc.AveragePool2D if dtype == "float32" else pick(rng, (mc.MaxPool2D, mc.AveragePool2D))
    size = int(rng.integers(1, 4))
    pooling = pool(size, strides=pick(rng, (None, *STRIDES)), padding=pick(rng, ("valid", "same", size // 2)))
    layers = [first, pooling, mc.Conv2D(int(rng.integers(1, 6)), 1)]
    shape = (*(int(n) for n in rng.integers(1, 18, 2)), channels)
    try:
        return mc.Sequential(layers, input_shape=shape, dtype=dtype, seed=int(rng.integers(2**31)))
    except ValueError as error:
        assert "fit" in str(error) or "nothing but padding" in str(error)  # noqa: PT017
        return None


def check(seed):
    """Raise AssertionError where a number differs by more than rounding; whether there was anything to compare."""
    from fuzz import in_torch

    rng = np.random.default_rng(seed)
    net = drawn(rng)
    if net is None:
        return False
    batch, tolerance = int(pick(rng, BATCHES)), TOLERANCE[net.dtype.name]
    X = rng.normal(size=(batch, *net.input_shape)).astype(net.dtype)
    T = rng.normal(size=(batch, *net.output_shape)).astype(net.dtype)
    (first,), (last,) = net.inputs, net.outputs
    named = {first.name: X}, {last.name: T}, {last.name: "half_squared_error"}
    (outputs,), cost, gradients = in_torch.evaluated(net, *named)
    _near(net.predict(X), outputs, tolerance, f"outputs, seed {seed}")
    found, ours = net.loss_and_gradient(X, T, loss="half_squared_error")
    assert abs(found - cost) <= tolerance * max(1, abs(cost)), f"cost, seed {seed}"
    scale = max(np.abs(gradient).max() for gradient in gradients.values())
    for name, gradient in gradients.items():
        _near(ours[name], gradient, tolerance, f"{name}, seed {seed}", 0.1 * scale)
    return True


def _near(ours, theirs, tolerance, what, scale=0.0):
    worst = np.abs(ours - theirs).max()
    assert worst <= tolerance * max(np.abs(theirs).max(), scale), f"{what}: off by {worst:.3g}"


if __name__ == "__main__":
    count, first = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 1000), (2, 0)))
    checked = sum(check(seed) for seed in range(first, first + count))
    print(f"{checked} of {count} convolutions from seed {first} fit, and agree with PyTorch")
