"""Convolutional networks in everything that is built around a network."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, SIZES, TOLERANCE, all_equal, assert_like_reference, randomize
from multicapa.network.inner import up_to


def test_lenet5_is_the_one_of_the_paper():
    """Maps, parameters and what they come to, layer by layer (LeCun et al. 1998, section II.B)."""
    net = mc.networks.lenet5(activation="tanh", pooling="average", seed=0)
    assert [node["shape"] for node in net._core.nodes if "linear" not in node["name"]] == [
        (28, 28), (28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (400,), (120,), (84,), (10,),
    ]  # fmt: skip
    assert net.parameters["conv2d_1.weight"].size + 6 == 156
    assert net.parameters["dense_1.weight"].size + 120 == 48_120
    assert net.n_parameters == 61_706


def test_lenet5_of_other_images():
    net = mc.networks.lenet5((32, 30, 3), 7, padding="valid", dtype="float64", seed=0)
    assert (net.input_shape, net.output_shape, net.dtype) == ((32, 30, 3), (7,), np.float64)
    assert net.output_activation == "softmax"
    assert mc.networks.lenet5(output_activation="linear", n_outputs=1, seed=0).output_activation == "linear"
    assert mc.networks.lenet5((12, 12), seed=0).output_shape == (10,)
    assert mc.networks.lenet5((16, 16), padding="valid", seed=0).output_shape == (10,)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"input_shape": 28}, "height, width"),
        ({"input_shape": (784,)}, "height, width"),
        ({"input_shape": (11, 11)}, "does not fit"),
        ({"input_shape": (15, 15), "padding": "valid"}, "does not fit"),
        ({"pooling": "mean"}, "pooling"),
        ({"n_outputs": 0}, "n_outputs"),
        ({"activation": "rele"}, "relu"),
    ],
)
def test_lenet5_refuses(options, match):
    with pytest.raises(ValueError, match=match):
        mc.networks.lenet5(**options)


# ---- five networks, through everything ----


def thin(**options):
    """Samples as columns."""
    layers = [mc.Conv2D(6, 3, "relu"), mc.MaxPool2D(2), mc.Dropout(0.2, whole_channels=True), mc.Conv2D(8, 2, "tanh")]
    layers += [mc.BatchNorm(), mc.Flatten(), mc.Dense(12, "relu"), mc.Dense(3, "softmax")]
    return mc.Sequential(layers, input_shape=(9, 8), seed=0, **options)


def wide(**options):
    """Channels as lanes."""
    layers = [mc.Conv2D(32, 3, "relu", padding="same"), mc.MaxPool2D(2), mc.Conv2D(33, 3, "relu"), mc.Flatten()]
    return mc.Sequential([*layers, mc.Dense(3, "softmax")], input_shape=(9, 8, 1), seed=0, **options)


def residual(**options):
    x = mc.Input((9, 8))
    h = mc.Conv2D(5, 3, padding="same")(x)
    inner = mc.Conv2D(5, 3, padding="same")(mc.Activation("relu")(mc.BatchNorm()(h)))
    h = mc.add([mc.Activation("relu")(inner), h])
    h = mc.concat([mc.MaxPool2D(2)(h), mc.Conv2D(3, 2, "relu", strides=2)(h)])
    return mc.Network(x, mc.Dense(3, "softmax")(mc.GlobalAveragePool2D()(h)), seed=0, **options)


def unusual(**options):
    """Strides, dilation, groups, padding of each side, averages."""
    layers = [mc.Conv2D(6, (3, 2), "relu", strides=(1, 2), padding=((2, 0), (1, 1))), mc.Dropout(0.1)]
    layers += [mc.AveragePool2D(3, strides=2, padding=1), mc.Conv2D(4, 2, "softplus", groups=2, dilation=(2, 1))]
    layers += [mc.LayerNorm(), mc.GlobalMaxPool2D(), mc.Dense(3, "softmax")]
    return mc.Sequential(layers, input_shape=(9, 8), seed=0, **options)


def series(**options):
    layers = [mc.Reshape((18, 4)), mc.Conv1D(7, 4, "relu", padding=(3, 0)), mc.MaxPool1D(3, strides=2)]
    layers += [mc.Conv1D(6, 3, "tanh", dilation=2), mc.AveragePool1D(2, padding="same"), mc.GlobalAveragePool1D()]
    return mc.Sequential([*layers, mc.Dense(3, "softmax")], input_shape=(9, 8), seed=0, **options)


FIVE = pytest.mark.parametrize("build", [thin, wide, residual, unusual, series])
DTYPED = pytest.mark.parametrize("dtype", DTYPES)


def images_of(net, count):
    """Bars across, bars down and squares, in noise; shaped as the network takes them."""
    rng = np.random.default_rng(0)
    y = np.arange(count) % 3
    X = 0.2 * rng.normal(size=(count, 9, 8)).astype(np.float32)
    for image, label in zip(X, y, strict=True):
        r, c = rng.integers(0, 5, 2)
        image[r : r + (1, 4, 3)[label], c : c + (4, 1, 3)[label]] += 1
    return X.reshape(count, *net.input_shape), y


@DTYPED
@FIVE
def test_it_learns_and_early_stopping_brings_back_the_best(build, dtype, tmp_path):
    net = build(dtype=dtype)
    X, y = images_of(net, 360)
    X, y, X_dev, y_dev = X[:240], y[:240], X[240:], y[240:]
    seen = []
    callbacks = [
        mc.EarlyStopping(patience=8),
        mc.Checkpoint(tmp_path / "best.safetensors"),
        mc.CSVLog(tmp_path / "log.csv"),
        mc.ReduceOnPlateau(patience=5),
        lambda network, epoch: seen.append(epoch["val_loss"]) and None,
    ]
    options = {"optimizer": mc.Adam(5e-3), "batch_size": 20, "clip_norm": 5.0, "l2": 1e-5}
    options |= {"class_weight": {1: 1.5}, "sample_weight": np.linspace(0.5, 1.5, 240), "label_smoothing": 0.02}
    history = net.fit(X, y, epochs=60, validation_data=(X_dev, y_dev), callbacks=callbacks, **options)
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    assert seen == history["val_loss"]
    found = net.evaluate(X_dev, y_dev)
    assert found["accuracy"] > 0.75
    assert found["loss"] == pytest.approx(min(seen), rel=1e-5)
    assert mc.load(tmp_path / "best.safetensors").evaluate(X_dev, y_dev) == found
    assert len((tmp_path / "log.csv").read_text().splitlines()) == len(history) + 1


@DTYPED
@FIVE
def test_files_pickles_and_copies(build, dtype, tmp_path):
    """All give the same bits; pickles and copies go on with the training too."""
    net = build(dtype=dtype)
    X, y = images_of(net, 60)
    net.fit(X, y, epochs=2, batch_size=20)
    net.save(tmp_path / "net.safetensors")
    loaded, *others = mc.load(tmp_path / "net.safetensors"), pickle.loads(pickle.dumps(net)), copy.deepcopy(net)
    for each in (loaded, *others):
        assert each.summary() == net.summary()
        assert each.to_svg().partition("</title>")[2] == net.to_svg().partition("</title>")[2]
        assert all_equal(each.predict(X), net.predict(X))
        assert each.evaluate(X, y) == net.evaluate(X, y)
    for each in (net, *others):
        each.fit(X, y, epochs=2, batch_size=20)
        assert all_equal(each.predict(X), net.predict(X))
        assert all_equal(each.state.flat, net.state.flat)


@DTYPED
@FIVE
def test_same_bits_for_any_number_of_threads(build, dtype):
    results = []
    for threads in (1, 2, 3, 7):
        mc.set_num_threads(threads)
        net = build(dtype=dtype)
        X, y = images_of(net, 130)
        net.fit(X, y, epochs=2, batch_size=48, clip_norm=1.0)
        net.partial_fit(X[:5], y[:5])
        scores = net.evaluate(X, y)
        numbers = [net.parameters.flat, net.state.flat, net.predict(X).ravel(), net.predict(X[:1]).ravel()]
        results.append(np.concatenate([*numbers, list(scores.values())]))
    mc.set_num_threads(2)
    assert all_equal(*results)


@FIVE
def test_one_image_as_many(build):
    """Single images go another way through the kernels."""
    net = randomize(build(dtype="float64"), np.random.default_rng(0))
    X, _ = images_of(net, 40)
    together = net.predict(X)
    np.testing.assert_allclose([net.predict(x[None])[0] for x in X], together, rtol=1e-11, atol=1e-13)


@FIVE
def test_differences_agree(build):
    """Dropout keeps its mask between calls of loss_and_gradient; a maximum has a kink where two pixels are equal."""
    net = randomize(build(dtype="float64"), np.random.default_rng(0))
    X, y = images_of(net, 9)
    weights = np.linspace(0.5, 2, 9)
    _, gradients = net.loss_and_gradient(X, y, sample_weight=weights)
    gradients = {name: view.copy() for name, view in gradients.items()}
    scale = max(np.abs(gradient).max() for gradient in gradients.values())
    rng = np.random.default_rng(1)
    for name, view in net.parameters.items():
        for place in rng.permutation(view.size)[:12]:
            kept, costs = view.flat[place], []
            for step in (1e-5, -1e-5):
                view.flat[place] = kept + step
                costs.append(net.loss_and_gradient(X, y, sample_weight=weights)[0])
            view.flat[place] = kept
            numeric = (costs[0] - costs[1]) / 2e-5
            assert abs(gradients[name].flat[place] - numeric) <= 1e-7 * max(scale, 1), (name, place)


@FIVE
def test_the_diagnosis_tells_of_convolutions(build):
    """Before training (rate 0) what is recorded of a layer is what the layer puts out."""
    net = randomize(build(dtype="float64"), np.random.default_rng(0))
    X, y = images_of(net, 50)
    diagnosis = mc.Diagnosis(warn=False)
    net.fit(X, y, epochs=1, optimizer=mc.SGD(0.0), batch_size=50, callbacks=[diagnosis])
    first = next(layer["name"] for layer in net.spec if layer["type"].startswith("conv"))
    outputs, record = up_to(net, first).predict(X), diagnosis.records[0][first]
    assert record["activation_mean"] == pytest.approx(outputs.mean(), rel=1e-9)
    assert record["activation_std"] == pytest.approx(outputs.std(), rel=1e-9)
    own = [net.parameters[f"{first}.{name}"] for name in ("weight", "bias")]
    assert record["weight_norm"] == pytest.approx(np.sqrt(sum((w**2).sum() for w in own)), rel=1e-9)
    assert record["delta"] > 0


def test_dead_filters_are_found():
    """A unit of a convolution is dead where it is off at every pixel of every sample."""
    net = mc.Sequential([mc.Conv2D(4, 3, "relu"), mc.Flatten(), mc.Dense(3, "softmax")], input_shape=(9, 8), seed=0)
    X, y = images_of(net, 40)
    net.parameters["conv2d_1.bias"][:] = (-100, 100, -100, -100)
    diagnosis = mc.Diagnosis(warn=False)
    net.fit(X, y, epochs=1, optimizer=mc.SGD(0.0), callbacks=[diagnosis])
    assert diagnosis.records[0]["conv2d_1"]["dead"] == pytest.approx(0.75)


@FIVE
def test_estimators_and_cross_validation(build):
    pytest.importorskip("sklearn")
    from sklearn.model_selection import cross_val_score

    def network(x, n_outputs, activation):
        """The same layers, in the estimator's hands."""
        made = build()
        return _rebuilt(made, x)

    X, y = images_of(build(), 120)
    options = {"max_iter": 25, "batch_size": 20, "learning_rate_init": 0.01, "random_state": 0}
    model = mc.NetworkClassifier(network, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert cross_val_score(model, X, y, cv=3).mean() > 0.5


def _rebuilt(net, x):
    """The layers of a network, drawn once more from another input."""
    symbols = {net.spec[0]["name"]: x}
    for layer in net.spec[1:]:
        plain = {key: value for key, value in layer.items() if key not in ("type", "name", "inputs")}
        inputs = [symbols[name] for name in layer["inputs"]]
        made = mc.layers.LAYERS[layer["type"]](**plain)
        symbols[layer["name"]] = made(inputs if len(inputs) > 1 else inputs[0])
    return symbols[net.spec[-1]["name"]]


# ---- sizes around the width of vectors ----


@DTYPED
@pytest.mark.parametrize("filters", SIZES[:-1])
def test_filters_and_samples_around_the_vector_width(filters, dtype):
    for batch in (1, 7, 8, 9, 15, 16, 17, 33):
        layers = [mc.Conv2D(filters, (2, 3), "tanh", padding=1), mc.AveragePool2D(2), mc.Conv2D(3, 2, padding="same")]
        net = mc.Sequential([*layers, mc.Flatten(), mc.Dense(2)], input_shape=(3, 4, 2), dtype=dtype, seed=0)
        randomize(net, np.random.default_rng(0))
        rng = np.random.default_rng(batch)
        X, T = rng.normal(size=(batch, 3, 4, 2)).astype(np.float32), rng.normal(size=(batch, 2)).astype(np.float32)
        assert_like_reference(net, X, T, "half_squared_error", tolerance=3 * TOLERANCE[dtype])
