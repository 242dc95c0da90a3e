"""Filters and feature maps: each tile is what it stands for, in its place, on the scale that the text speaks of."""

import numpy as np
import pytest

import multicapa as mc
from multicapa import plots
from multicapa.network.inner import up_to
from plot_helpers import axes_of
from reference import ReferenceNetwork


def images(**options):
    layers = [
        mc.Conv2D(3, (2, 3), "tanh", padding="same"),
        mc.BatchNorm(),
        mc.MaxPool2D(2),
        mc.Conv2D(10, 2, "relu"),
        mc.layers.CustomActivation(np.sin, np.cos),
        mc.Flatten(),
        mc.Dense(2, "softmax"),
    ]
    net = mc.Sequential(layers, input_shape=(8, 7, 2), seed=0, **options)
    X = np.random.default_rng(0).normal(size=(20, 8, 7, 2))
    net.fit(X, np.arange(20) % 2, epochs=2)
    return net, X


def series():
    net = mc.Sequential([mc.Conv1D(5, 4), mc.MaxPool1D(2)], input_shape=(20, 2), seed=0)
    return net, np.random.default_rng(0).normal(size=(20, 2))


def tiles_of(ax, shape):
    """The tiles of a sheet, row by row, one number a pixel; gaps and room that is left are NaN in the picture."""
    sheet = np.ma.filled(ax.images[-1].get_array(), np.nan)
    rows, columns = (~np.isnan(sheet)).any(axis=1), (~np.isnan(sheet)).any(axis=0)

    def starts(seen):
        return np.flatnonzero(np.diff(np.r_[False, seen].astype(int)) == 1)

    fine = (rows.sum() // len(starts(rows))) // shape[0]
    found = [
        sheet[top : top + fine * shape[0] : fine, left : left + fine * shape[1] : fine]
        for top in starts(rows)
        for left in starts(columns)
    ]
    return [tile for tile in found if not np.isnan(tile).all()]


def test_filters_are_the_weights():
    net, _ = images()
    W = net.parameters["conv2d_1.weight"]
    ax = axes_of()
    display = plots.FiltersDisplay.from_network(net, ax=ax)
    assert display.ax_ is ax
    np.testing.assert_array_equal(display.filters, W)
    expected = [W[:, :, channel, n] for channel in range(2) for n in range(3)]  # a row for each channel
    np.testing.assert_array_equal(tiles_of(ax, (2, 3)), expected)
    assert ax.images[-1].get_clim() == pytest.approx((-np.abs(W).max(), np.abs(W).max()))
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "2"]
    assert ax.get_title(loc="left") == "conv2d_1: 3 filters of 2×3"


def test_filters_of_one_channel_lie_in_rows():
    net = mc.networks.lenet5(seed=0)
    display = plots.FiltersDisplay.from_network(net)
    W = net.parameters["conv2d_1.weight"]
    np.testing.assert_array_equal(tiles_of(display.ax_, (5, 5)), np.moveaxis(W[:, :, 0], -1, 0))


def test_filters_of_series_are_steps_across():
    net, _ = series()
    display = plots.FiltersDisplay.from_network(net)
    W = net.parameters["conv1d_1.weight"]
    np.testing.assert_array_equal(tiles_of(display.ax_, (2, 4)), [W[:, :, n].T for n in range(5)])


def test_of_many_filters_the_first_are_shown_and_it_is_said():
    net = mc.Sequential([mc.Conv2D(30, 3), mc.Conv2D(40, 3)], input_shape=(9, 9), seed=0)
    display = plots.FiltersDisplay.from_network(net, "conv2d_2", most=12)
    assert display.filters.shape == (3, 3, 12, 12)
    assert display.ax_.get_title(loc="left") == "conv2d_2: 12 of 40 filters of 3×3, 12 of 30 channels"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_up_to_a_layer_puts_out_what_the_layer_does(dtype):
    net, X = images(dtype=dtype)
    np.testing.assert_array_equal(up_to(net, "dense_1").predict(X), net.predict(X))
    middle = up_to(net, "conv2d_2")
    assert middle.output_shape == (3, 2, 10)
    before = middle.predict(X)
    net.parameters.flat[:] = 0  # numbers of its own
    np.testing.assert_array_equal(middle.predict(X), before)


def test_inner_outputs_of_a_graph():
    x = mc.Input((6, 6))
    a, b = mc.Conv2D(2, 3, name="a")(x), mc.Conv2D(2, 3, "tanh", name="b")(x)
    net = mc.Network(x, mc.Dense(1)(mc.Flatten()(mc.add([b, a], name="sum"))), dtype="float64", seed=0)
    X = np.random.default_rng(0).normal(size=(3, 6, 6))
    both = up_to(net, "a").predict(X) + up_to(net, "b").predict(X)
    np.testing.assert_allclose(up_to(net, "sum").predict(X), both, rtol=1e-14)


def test_maps_are_those_of_the_reference():
    layers = [mc.Conv2D(3, 3, "relu"), mc.MaxPool2D(2), mc.Conv2D(10, 2)]
    net = mc.Sequential(layers, input_shape=(8, 9), dtype="float64", seed=0)
    image = np.random.default_rng(0).random((8, 9))
    display = plots.FeatureMapsDisplay.from_network(net, image, most=9)
    assert list(display.maps) == ["conv2d_1", "max_pool2d_1", "conv2d_2"]
    expected = ReferenceNetwork(net.spec, dict(net.parameters)).forward(image[None])[0]
    np.testing.assert_allclose(display.maps["conv2d_2"], expected, rtol=1e-12)
    sample, *rest = display.axes_
    np.testing.assert_array_equal(sample.images[-1].get_array(), image)
    for ax, maps in zip(rest, display.maps.values(), strict=True):
        np.testing.assert_array_equal(tiles_of(ax, maps.shape[:2]), np.moveaxis(maps, -1, 0)[:9])
    assert rest[0].images[-1].get_clim() == (0, display.maps["conv2d_1"].max())  # nothing negative: black is 0
    low, high = rest[2].images[-1].get_clim()
    assert low == -high == -np.abs(display.maps["conv2d_2"][..., :9]).max()
    titles = [ax.get_title(loc="left") for ax in display.axes_]
    assert titles == ["sample: 8 × 9", "conv2d_1: 6 × 7 × 3", "max_pool2d_1: 3 × 3 × 3",
                      "conv2d_2: 2 × 2 × 10, the first 9"]  # fmt: skip


def test_colours_and_other_channels_of_the_sample():
    three = mc.Sequential([mc.Conv2D(2, 3)], input_shape=(5, 5, 3), seed=0)
    picture = np.random.default_rng(0).normal(size=(5, 5, 3)).astype(np.float32)
    shown = plots.FeatureMapsDisplay.from_network(three, picture).ax_.images[-1].get_array()
    np.testing.assert_allclose(shown, (picture - picture.min()) / np.ptp(picture), rtol=1e-6)
    net, X = images()
    display = plots.FeatureMapsDisplay.from_network(net, X[0])
    np.testing.assert_array_equal(tiles_of(display.ax_, (8, 7)), np.moveaxis(X[0], -1, 0))


def test_maps_of_series():
    net, X = series()
    display = plots.FeatureMapsDisplay.from_network(net, X)
    first, *rest = display.axes_
    np.testing.assert_allclose([line.get_ydata() for line in first.get_lines()], X.T, rtol=1e-6)
    for ax, maps in zip(rest, display.maps.values(), strict=True):
        np.testing.assert_array_equal(ax.images[-1].get_array(), maps.T)


def test_layers_can_be_chosen():
    net, X = images()
    display = plots.FeatureMapsDisplay.from_network(net, X[0], layers=["batch_norm_1", "custom_activation_1"])
    assert list(display.maps) == ["batch_norm_1", "custom_activation_1"]
    assert len(display.axes_) == 3
    one = plots.FeatureMapsDisplay.from_network(net, X[0], layers="conv2d_1", ax=axes_of())
    assert list(one.maps) == ["conv2d_1"]


@pytest.mark.parametrize(
    ("draw", "match"),
    [
        (lambda net, x: plots.FiltersDisplay.from_network(net, "conv2d_3"), "did you mean"),
        (lambda net, x: plots.FiltersDisplay.from_network(net, "dense_1"), "is no convolution"),
        (lambda net, x: plots.FiltersDisplay.from_network(net, most=0), "most"),
        (lambda net, x: plots.FiltersDisplay(np.ones((3, 3))), "height, width, channels, filters"),
        (lambda net, x: plots.FeatureMapsDisplay.from_network(net, x[None]), "shape"),
        (lambda net, x: plots.FeatureMapsDisplay.from_network(net, x, layers="dense_1"), "no maps"),
        (lambda net, x: plots.FeatureMapsDisplay.from_network(net, x, layers="conv"), "conv"),
        (lambda net, x: plots.FeatureMapsDisplay.from_network(net, x, layers=[]), "nothing to draw"),
        (lambda net, x: plots.FeatureMapsDisplay.from_network(net, x, most=0), "most"),
    ],
)
def test_wrong_options(draw, match):
    net, X = images()
    with pytest.raises(ValueError, match=match):
        draw(net, X[0])


def test_dense_networks_have_no_filters():
    net = mc.Sequential([mc.Dense(2)], input_shape=3, seed=0)
    with pytest.raises(ValueError, match="no Conv1D and no Conv2D"):
        plots.FiltersDisplay.from_network(net)
    with pytest.raises(ValueError, match="nothing to draw"):
        plots.FeatureMapsDisplay.from_network(net, [1.0, 2, 3])
