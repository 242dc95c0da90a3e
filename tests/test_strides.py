"""Rows as NumPy can lay them out: reversed, repeated, overlapping. Outputs are those of a copy, to the last bit."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import multicapa as mc
from helpers import DTYPES, all_equal

ROWS = 96
SHAPES = {"narrow": (5, 9, 3), "wide": (700, 700, 3)}  # the second is the business of BLAS on v2 and v3


def layouts(width, dtype):
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(ROWS, width)).astype(dtype)
    line = rng.normal(size=ROWS + 3 * width).astype(dtype)
    bytes_of = np.dtype(dtype).itemsize
    raw = np.zeros(ROWS * (width * bytes_of + 1) + 1, np.uint8)
    unaligned = np.ndarray((ROWS, width), dtype, raw.data, offset=1, strides=(width * bytes_of + 1, bytes_of))
    unaligned[...] = plain
    return {
        "reversed": plain[::-1],
        "every other, reversed": np.repeat(plain, 2, axis=0)[::-2],
        "repeated": np.broadcast_to(plain[0], (ROWS, width)),
        "overlapping": sliding_window_view(line, width)[:ROWS],
        "overlapping, reversed": sliding_window_view(line, width)[:ROWS][::-1],
        "apart": np.hstack([plain, plain, plain])[:, width : 2 * width],
        "features reversed": plain[:, ::-1],
        "fortran": np.asfortranarray(plain),
        "one row": plain[3:4][::-1],
        "unaligned": unaligned,
        "swapped bytes": plain.astype(np.dtype(dtype).newbyteorder()),
    }


def entries(net, X, y):
    """What each entry finds, and the numbers after a fit and an on-line update."""
    found = [net.predict(X), net.evaluate(X, y)["loss"], net.loss_and_gradient(X, y)[0], net.gradients.flat.copy()]
    history = net.fit(X, y, epochs=1, batch_size=32, shuffle=False, optimizer="sgd", validation_data=(X, y))
    found += [history["loss"], history["val_loss"], net.partial_fit(X, y), net.parameters.flat.copy()]
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_any_stride(shape, given, dtype):
    inputs, units, outputs = SHAPES[shape]
    for name, X in layouts(inputs, given).items():
        found = []
        for x in (X, np.array(X, order="C")):
            layers = [mc.Dense(units, "tanh"), mc.Dense(units, "relu"), mc.Dense(outputs)]
            net = mc.Sequential(layers, input_shape=(inputs,), dtype=dtype, seed=1)
            y = np.arange(3.0 * len(X)).reshape(-1, 3)[::-1] / len(X)
            found.append(entries(net, x, y))
        assert all(all_equal(*pair) for pair in zip(*found, strict=True)), name


def test_targets_and_weights_of_any_stride():
    X, wide = np.random.default_rng(0).normal(size=(2, 50, 4))
    for y, weights in (
        (wide[::-1], np.linspace(0, 1, 100)[::-2]),
        (np.broadcast_to(wide[0], (50, 4)), np.broadcast_to(0.5, 50)),
        (sliding_window_view(wide.ravel(), 4)[:50], np.arange(1.0, 51)[::-1]),
    ):
        nets = [mc.Sequential([mc.Dense(4)], input_shape=(4,), seed=0) for _ in range(2)]
        one, other = (
            (net.evaluate(X, t, sample_weight=w), net.fit(X, t, sample_weight=w, epochs=2)["loss"])
            for net, t, w in zip(nets, (y, y.copy()), (weights, weights.copy()), strict=True)
        )
        assert one == other


@pytest.mark.parametrize(
    "layer", [mc.GRU(5), mc.Conv1D(5, 2), mc.Attention(), mc.LayerNorm()], ids=lambda each: each.type
)
def test_windows_over_a_series(layer):
    """Samples (time, features) that overlap, forwards and backwards, and steps in reverse order."""
    series = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    windows = sliding_window_view(series, 7, axis=0).swapaxes(1, 2)
    for X in (windows, windows[::-3], windows[:, ::-1], windows[..., ::-1], np.broadcast_to(windows[4], (40, 7, 3))):
        found = []
        for x in (X, np.array(X, order="C")):
            net = mc.Sequential([layer, mc.Flatten(), mc.Dense(3)], input_shape=(7, 3), seed=1)
            found.append(entries(net, x, np.arange(3.0 * len(X)).reshape(-1, 3) / 100))
        assert all(all_equal(*pair) for pair in zip(*found, strict=True))


def test_rows_beyond_counting():
    """More rows than any memory holds: refused before sizes wrap around, and not looked through one by one."""
    net = mc.Sequential([mc.Dense(64, "tanh"), mc.Dense(1)], input_shape=(1,), seed=0)
    X = np.broadcast_to(np.float32(1), (2**58, 1))
    for call in (net.loss_and_gradient, net.evaluate, lambda X, y: net.fit(X, y, batch_size=None, shuffle=False)):
        with pytest.raises(MemoryError):
            call(X, X)
    with pytest.raises((MemoryError, ValueError)):  # NumPy's own, for the outputs
        mc.Sequential([mc.Dense(64)], input_shape=(1,)).predict(X)
    assert net.predict(X[:2]).shape == (2, 1)


def test_layers_wider_than_blas_counts():
    with pytest.raises(ValueError, match=r"dense_1.*32 bits"):
        mc.Sequential([mc.Dense(2**31 - 1)], input_shape=(1,))
