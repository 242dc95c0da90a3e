"""Convolutions and poolings: values and gradients in either arrangement, what others got wrong, PyTorch, threads."""

import itertools

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, TOLERANCE, all_equal, assert_like_reference, assert_near, randomize, reference_of

SIZES = ((1, 1), (4, 3), (5, 7), (9, 8), (2, 17))
KERNELS = (1, 2, 3, 5, (2, 3), (5, 1))
STRIDES = (1, 2, 3, (3, 1))
PADDINGS = ("valid", "same", 2, (1, 0), ((0, 1), (2, 1)))
CHANNELS = ((1, 1, 3), (3, 1, 16), (4, 2, 6), (16, 2, 4), (17, 1, 5), (2, 2, 34))  # in, groups, filters
BATCHES = (1, 7, 16, 33)  # the first two go as rows, the others as columns


def some(count, *options, seed):
    """So many of all combinations, the same in every run."""
    everything = list(itertools.product(*options))
    chosen = np.random.default_rng(seed).permutation(len(everything))[:count]
    return [everything[i] for i in chosen]


def made(layers, shape, dtype="float64"):
    """The network with every number drawn anew; None if a window does not fit."""
    try:
        net = mc.Sequential(layers, input_shape=shape, dtype=dtype, seed=0)
    except ValueError as error:
        assert "fit" in str(error) or "nothing but padding" in str(error)  # noqa: PT017
        return None
    return randomize(net, np.random.default_rng(0))


def numbers(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# ---- against the reference ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", BATCHES)
def test_convolutions(batch, dtype):
    checked = 0
    for size, kernel, strides, padding, dilation, channels in some(
        60, SIZES, KERNELS, STRIDES, PADDINGS, (1, 2, (2, 1)), CHANNELS, seed=batch
    ):
        first = mc.Conv2D(
            channels[2], kernel, "tanh", strides=strides, padding=padding, dilation=dilation, groups=channels[1]
        )
        net = made([first, mc.Conv2D(3, 2, padding="same"), mc.Flatten(), mc.Dense(2)], (*size, channels[0]), dtype)
        if net is not None:
            X = numbers(batch, *size, channels[0])
            assert_like_reference(net, X, numbers(batch, 2), "half_squared_error", tolerance=3 * TOLERANCE[dtype])
            checked += 1
    assert checked > 20


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_poolings(kind, batch, dtype):
    """Small integers, so that many maxima are equal."""
    checked = 0
    for size, pool, strides, padding, channels in some(
        40, SIZES, (1, 2, 3, (1, 2)), (None, *STRIDES), PADDINGS, (1, 5, 17), seed=batch
    ):
        pools = [getattr(mc, f"{kind}Pool2D")(pool, strides=strides, padding=padding), mc.Conv2D(3, 1)]
        layers = [mc.Conv2D(channels, 1), *pools, getattr(mc, f"Global{kind}Pool2D")(), mc.Dense(2)]
        net = made(layers, (*size, channels), dtype)
        if net is not None:
            X = np.random.default_rng(2).integers(-2, 3, (batch, *size, channels)).astype(np.float32)
            assert_like_reference(net, X, numbers(batch, 2), "half_squared_error", tolerance=3 * TOLERANCE[dtype])
            checked += 1
    assert checked > 10


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [3, 16, 33])
def test_series(batch, dtype):
    layers = [
        mc.Conv1D(6, 3, "tanh", padding=(4, 0), dilation=2),
        mc.MaxPool1D(3, strides=2, padding=1),
        mc.Conv1D(4, 2, strides=2, groups=2),
        mc.AveragePool1D(2, padding="same"),
    ]
    for pool in (mc.GlobalMaxPool1D, mc.GlobalAveragePool1D):
        net = made([*layers, pool(), mc.Dense(2)], (19, 3), dtype)
        X = numbers(batch, 19, 3)
        assert_like_reference(net, X, numbers(batch, 2), "half_squared_error", tolerance=3 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [5, 32])
def test_blocks_of_a_residual_network(batch, dtype):
    """Residual add, concat over channels, batch normalisation per channel, activations over maps."""
    x = mc.Input((6, 5, 3))
    h = mc.Activation("relu")(mc.BatchNorm(ddof=1)(mc.Conv2D(4, 3, padding="same")(x)))
    h = mc.add([mc.Conv2D(4, 3, "softplus", padding="same")(h), h])
    h = mc.concat([mc.MaxPool2D(2)(h), mc.Conv2D(2, 2, strides=2)(h)])
    net = mc.Network(x, mc.Dense(2)(mc.GlobalAveragePool2D()(h)), dtype=dtype, seed=0)
    randomize(net, np.random.default_rng(0))
    X, T = numbers(batch, 6, 5, 3), numbers(batch, 2)
    reference = reference_of(net)
    cost, gradients = net.loss_and_gradient(X, T, loss="half_squared_error")
    their_cost, theirs = reference.loss_and_gradient(X, T, "half_squared_error")
    assert cost == pytest.approx(their_cost, rel=TOLERANCE[dtype])
    scale = max(np.abs(gradient).max() for gradient in theirs.values())
    for name, gradient in gradients.items():
        assert_near(gradient, theirs[name], 10 * TOLERANCE[dtype], name, scale)
    assert_near(net.predict(X), reference_of(net).forward(X), 10 * TOLERANCE[dtype])


def test_concat_of_channels_as_columns():
    x = mc.Input((4, 4, 2))
    h = mc.concat([mc.Conv2D(3, 3, "tanh", padding="same")(x), x, mc.Conv2D(1, 1)(x)])
    net = mc.Network(x, mc.Dense(2)(mc.Flatten()(mc.Conv2D(2, 2)(h))), dtype="float64", seed=0)
    randomize(net, np.random.default_rng(0))
    assert_like_reference(net, numbers(33, 4, 4, 2), numbers(33, 2), "half_squared_error")


# ---- against PyTorch ----


@pytest.mark.parametrize("batch", BATCHES)
def test_pytorch_agrees(batch):
    torch = pytest.importorskip("torch")
    for size, kernel, strides, padding, dilation, channels in some(
        25, SIZES, KERNELS, STRIDES, ("valid", 2, (1, 0)), (1, 2), CHANNELS, seed=batch + 100
    ):
        options = {"strides": strides, "dilation": dilation, "groups": channels[1]}
        net = made([mc.Conv2D(channels[2], kernel, padding=padding, **options)], (*size, channels[0]))
        if net is None:
            continue
        X = numbers(batch, *size, channels[0]).astype(np.float64)
        T = numbers(batch, *net.output_shape).astype(np.float64)
        W = torch.tensor(net.parameters["conv2d_1.weight"].transpose(3, 2, 0, 1).copy(), requires_grad=True)
        b = torch.tensor(net.parameters["conv2d_1.bias"].copy(), requires_grad=True)
        x = torch.tensor(X.transpose(0, 3, 1, 2).copy())
        zeros = 0 if padding == "valid" else padding
        z = torch.nn.functional.conv2d(
            x, W, b, stride=strides, padding=zeros, dilation=dilation, groups=channels[1]
        ).permute(0, 2, 3, 1)
        cost = 0.5 * ((z - torch.tensor(T)) ** 2).sum() / batch
        cost.backward()
        assert_near(net.predict(X), z.detach().numpy(), 1e-10)
        ours, gradients = net.loss_and_gradient(X, T, loss="half_squared_error")
        assert ours == pytest.approx(cost.item(), rel=1e-10)
        assert_near(gradients["conv2d_1.weight"].transpose(3, 2, 0, 1), W.grad.numpy(), 1e-10)
        assert_near(gradients["conv2d_1.bias"], b.grad.numpy(), 1e-10)


# ---- what others got wrong ----


@pytest.mark.parametrize(("extent", "size", "stride"), [(5, 2, 2), (6, 3, 2), (7, 4, 3), (4, 1, 3), (3, 5, 1)])
def test_same_pads_the_odd_one_below_and_right(extent, size, stride):
    net = mc.Sequential(
        [mc.Conv2D(1, size, strides=stride, padding="same", weight_init="ones")],
        input_shape=(extent, extent),
        dtype="float64",
        seed=0,
    )
    outputs = -(-extent // stride)
    zeros = max((outputs - 1) * stride + size - extent, 0)
    X = numbers(1, extent, extent).astype(np.float64)
    padded = np.pad(X[0], (zeros // 2, zeros - zeros // 2))
    expected = [[padded[i : i + size, j : j + size].sum() for j in range(0, outputs * stride, stride)]
                for i in range(0, outputs * stride, stride)]  # fmt: skip
    np.testing.assert_allclose(net.predict(X)[0, :, :, 0], expected, rtol=1e-12)


def test_padding_is_never_pooled():
    X = np.full((1, 3, 3), -5.0)
    for pool in (mc.MaxPool2D, mc.AveragePool2D):
        net = mc.Sequential([pool(2, padding="same")], input_shape=(3, 3), dtype="float64", seed=0)
        np.testing.assert_array_equal(net.predict(X)[0, :, :, 0], np.full((2, 2), -5.0))


def test_the_first_of_equal_maxima_gets_the_gradient():
    net = mc.Sequential(
        [mc.Conv2D(1, 1, weight_init="zeros"), mc.MaxPool2D(2, strides=1)], input_shape=(3, 3), dtype="float64", seed=0
    )
    X = np.arange(9.0).reshape(1, 3, 3)
    _, gradients = net.loss_and_gradient(X, -np.ones((1, 2, 2, 1)), loss="half_squared_error")
    assert gradients["conv2d_1.weight"].item() == X[0, :2, :2].sum()


@pytest.mark.parametrize("batch", [1, 20])
def test_nan_goes_through_a_maximum(batch):
    net = mc.Sequential([mc.Conv2D(1, 1), mc.MaxPool2D(2), mc.Flatten()], input_shape=(2, 2), seed=0)
    net.parameters["conv2d_1.weight"][...] = np.nan
    assert np.isnan(net.predict(np.ones((batch, 2, 2)))).all()


def test_flatten_goes_height_width_channel():
    X = numbers(2, 2, 3, 2)
    net = mc.Sequential([mc.Flatten()], input_shape=(2, 3, 2), seed=0)
    np.testing.assert_array_equal(net.predict(X), X.reshape(2, -1))


def test_images_without_channels_have_one():
    flat, deep = (mc.Sequential([mc.Conv2D(2, 3)], input_shape=shape, seed=0) for shape in ((5, 4), (5, 4, 1)))
    X = numbers(3, 5, 4)
    np.testing.assert_array_equal(flat.predict(X), deep.predict(X[..., None]))


# ---- wrong options ----


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: mc.Conv2D(0, 3), "filters"),
        (lambda: mc.Conv2D(4, 0), "kernel_size"),
        (lambda: mc.Conv2D(4, (3, 3, 3)), "vertical, horizontal"),
        (lambda: mc.Conv2D(4, "3"), "kernel_size"),
        (lambda: mc.Conv1D(4, (3, 3)), "kernel_size"),
        (lambda: mc.Conv2D(4, 3, strides=0), "strides"),
        (lambda: mc.Conv2D(4, 3, dilation=(1, 0)), "dilation"),
        (lambda: mc.Conv2D(4, 3, padding="full"), "same"),
        (lambda: mc.Conv2D(4, 3, padding=-1), "padding"),
        (lambda: mc.Conv2D(4, 3, padding=(1, 2, 3)), "padding"),
        (lambda: mc.Conv2D(4, 3, groups=3), "groups"),
        (lambda: mc.Conv2D(4, 3, "rele"), "relu"),
        (lambda: mc.MaxPool2D(0), "pool_size"),
        (lambda: mc.AveragePool1D(2, strides=0), "strides"),
        (lambda: mc.Sequential([mc.Conv2D(4, 3)], input_shape=8, seed=0), "height, width"),
        (lambda: mc.Sequential([mc.Conv1D(4, 3)], input_shape=(8, 8, 3), seed=0), "time, features"),
        (lambda: mc.Sequential([mc.Conv2D(4, 3, groups=2)], input_shape=(8, 8, 3), seed=0), "3 channels"),
        (lambda: mc.Sequential([mc.Conv2D(4, 9)], input_shape=(8, 8), seed=0), "does not fit"),
        (lambda: mc.Sequential([mc.MaxPool2D(2, padding=2)], input_shape=(8, 8), seed=0), "nothing but padding"),
    ],
)
def test_wrong_options_are_told(make, match):
    with pytest.raises((ValueError, TypeError), match=match):
        make()


# ---- training ----


def small_network(dtype="float32", **options):
    layers = [mc.Conv2D(6, 3, "relu", **options), mc.MaxPool2D(2), mc.Dropout(0.2, whole_channels=True)]
    layers += [mc.Conv2D(8, 2, "tanh"), mc.BatchNorm(), mc.Flatten(), mc.Dense(3, "softmax")]
    return mc.Sequential(layers, input_shape=(8, 8, 2), dtype=dtype, seed=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("plain", [False, True])
def test_same_bits_for_any_number_of_threads(plain, dtype):
    X, y = numbers(150, 8, 8, 2), np.arange(150) % 3
    results = []
    for threads in (1, 2, 3, 7):
        mc.set_num_threads(threads)
        if plain:
            layers = [mc.Conv2D(6, 3, "relu"), mc.MaxPool2D(2), mc.Conv2D(32, 2), mc.Flatten(), mc.Dense(3, "softmax")]
            net = mc.Sequential(layers, input_shape=(8, 8, 2), dtype=dtype, seed=0)
        else:
            net = small_network(dtype)
        net.fit(X, y, epochs=2, batch_size=48, verbose=False)
        results.append(np.concatenate([net.parameters.flat, net.predict(X).ravel()]))
    mc.set_num_threads(2)
    assert all_equal(*results)


def test_whole_channels_are_dropped():
    """The gradient of a weight over ones is the mask, times what the weights share."""
    layers = [mc.Dropout(0.5, whole_channels=True), mc.Flatten(), mc.Dense(1, weight_init="ones")]
    net = mc.Sequential(layers, input_shape=(4, 5, 60), seed=0)
    assert "whole channels" in net.summary()
    _, gradients = net.loss_and_gradient(np.ones((1, 4, 5, 60)), [[-1.0]], loss="half_squared_error")
    mask = gradients["dense_1.weight"].reshape(20, 60)
    assert (mask == mask[0]).all()
    assert len(np.unique(mask)) == 2
    assert 15 <= (mask[0] == 0).sum() <= 45


def test_shapes_are_learnt():
    """A bar across, a bar down, or a square, anywhere."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    X = 0.3 * rng.normal(size=(300, 8, 8, 2)).astype(np.float32)
    for i, label in enumerate(y):
        r, c = rng.integers(0, 5, 2)
        X[i, r : r + (1, 4, 3)[label], c : c + (4, 1, 3)[label]] += 1
    net = small_network()
    net.fit(X, y, epochs=150, batch_size=32, verbose=False)
    assert net.evaluate(X, y)["accuracy"] > 0.97
