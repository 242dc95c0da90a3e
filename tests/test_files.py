"""Networks in files: what was saved comes back to the last bit, and a failed save leaves what was."""

import os
import stat
import sys

import numpy as np
import pytest

import multicapa as mc
from helpers import ACTIVATIONS, DTYPES, numbers_of, output_of

pytest.importorskip("safetensors")
X = np.random.default_rng(0).normal(size=(7, 6))


def every_layer(dtype="float32"):
    x = mc.Input((2, 3), name="images")
    h = mc.Conv2D(4, 2, "tanh", padding=((0, 1), (1, 0)), groups=1)(x)
    h = mc.AveragePool2D((1, 2), strides=1, padding="same")(mc.MaxPool2D(2, strides=(1, 2), padding=1)(h))
    series = mc.Reshape((12, 4))(mc.concat([h, h]))
    series = mc.AveragePool1D(2)(mc.MaxPool1D(2, strides=1, padding="same")(mc.Conv1D(3, 3, padding=(2, 0))(series)))
    pooled = [mc.GlobalMaxPool2D()(h), mc.GlobalAveragePool2D()(h)]
    pooled += [mc.GlobalMaxPool1D()(series), mc.GlobalAveragePool1D()(series)]
    h = mc.Dense(6, "leaky_relu", activation_parameter=0.3, name="first layer")(mc.concat(pooled))
    h = mc.Dropout(0.25)(mc.add([mc.Dense(6, "tanh", bias=False)(h), h]))
    h = mc.concat([mc.Activation("elu", 0.5)(h * h), mc.Flatten()(mc.Reshape((3, 2))(h))])
    h = mc.LayerNorm(ddof=1)(mc.GaussianNoise(0.1)(mc.Maxout(5, pieces=3)(mc.BatchNorm(momentum=0.8)(h))))
    return mc.Network(x, mc.Dense(4, "softmax")(h), dtype=dtype, seed=11)


def every_layer_through_time(dtype="float32"):
    walks = [mc.SimpleRNN(3, "relu", return_sequences=True), mc.GRU(3, reset_after=False, return_sequences=True)]
    ends = [mc.Bidirectional(mc.LSTM(2, return_sequences=True), "sum"), mc.SecondOrderRNN(2, reverse=True)]
    looks = [mc.PositionalEncoding(), mc.Attention("additive", causal=True, units=4, num_heads=2)]
    tokens = mc.Input(4)
    h = mc.Embedding(5, 4)(tokens)
    for layer in (*looks, *walks, *ends):
        h = layer(h)
    return mc.Network(tokens, h, dtype=dtype, seed=11)


def small(dtype="float32"):
    return mc.Sequential([mc.Dense(5, "tanh"), mc.Dense(2)], input_shape=(6,), dtype=dtype, seed=0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.safetensors"


def test_every_layer_of_the_library_is_saved_somewhere():
    """Functions of the user cannot be: a file holds names and numbers only."""
    specs = every_layer().spec + every_layer_through_time().spec
    assert {layer["type"] for layer in specs} == set(mc.layers.LAYERS) - {"custom", "custom_activation"}


def test_round_trip_through_time(path):
    net, tokens = every_layer_through_time(), np.arange(12).reshape(3, 4) % 5
    net.save(path)
    assert mc.load(path).predict(tokens).tobytes() == net.predict(tokens).tobytes()
    assert mc.load(path).spec == net.spec


# ---- round trips ----


@pytest.mark.parametrize("dtype", DTYPES)
def test_round_trip(path, dtype):
    net = every_layer(dtype)
    images, y = X.reshape(7, 2, 3), np.arange(7) % 4
    net.fit(images, y, epochs=2, loss=mc.losses.Huber(0.5))
    net.metadata = {"classes": ["a", "b"], "mean": [0.1, 0.2], "nested": {"deep": None}}
    net.save(path)
    loaded = mc.load(path)
    assert loaded.predict(images).tobytes() == net.predict(images).tobytes()
    assert numbers_of(loaded) == numbers_of(net)
    assert [{k: v for k, v in layer.items() if not k.endswith("_init")} for layer in net.spec] == loaded.spec
    assert (loaded.dtype, loaded.seed, loaded.loss, loaded.metadata) == (net.dtype, net.seed, net.loss, net.metadata)
    assert loaded.evaluate(images, y) == net.evaluate(images, y)
    assert loaded.summary() == net.summary()
    loaded.fit(images, y, epochs=1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_round_trip_into_another_process(path, dtype):
    net = every_layer(dtype)
    net.save(path)
    np.save(path.with_suffix(".npy"), X.reshape(7, 2, 3))
    code = """
import sys, numpy, multicapa as mc
print(mc.load(sys.argv[1]).predict(numpy.load(sys.argv[2])).tobytes().hex())
"""
    assert bytes.fromhex(output_of(code, path, path.with_suffix(".npy"))) == net.predict(X.reshape(7, 2, 3)).tobytes()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_returns(path, name):
    net = mc.Sequential([mc.Dense(5, name), mc.Activation(name), mc.Dense(2, name)], input_shape=(6,), seed=0)
    net.save(path)
    assert mc.load(path).predict(X).tobytes() == net.predict(X).tobytes()


@pytest.mark.parametrize("loss", [*mc.losses.names(), mc.losses.Huber(2)])
def test_every_loss_returns(path, loss):
    net = small()
    net.loss = mc.losses.get(loss)
    net.save(path)
    assert mc.load(path).loss == net.loss


@pytest.mark.parametrize("how", ["arrays", "functions", "names"])
def test_initial_values_are_not_saved(path, how):
    init = {
        "arrays": np.ones((6, 2)),
        "functions": lambda rng, shape, fan_in, fan_out: np.ones(shape),
        "names": "ones",
    }[how]
    net = mc.Sequential([mc.Dense(2, weight_init=init)], input_shape=(6,), seed=0)
    net.parameters["dense_1.weight"] = np.full((6, 2), 3.0)
    net.save(path)
    np.testing.assert_array_equal(mc.load(path).parameters["dense_1.weight"], 3.0)


def test_numbers_of_numpy_in_options(path):
    layers = [mc.Dense(np.int64(5), "elu", activation_parameter=np.float64(0.5)), mc.Dropout(np.float64(0.1))]
    net = mc.Sequential(layers, input_shape=(6,), seed=np.int64(3))
    net.loss = mc.losses.Huber(np.float32(0.5))
    net.save(path)
    assert mc.load(path).predict(X).tobytes() == net.predict(X).tobytes()


def test_names_of_every_alphabet(path, tmp_path):
    net = mc.Sequential([mc.Dense(2, name="capa oculta ñ 隐藏层")], input_shape=(6,), seed=0)
    target = tmp_path / "año 网络.safetensors"
    net.save(target)
    assert list(mc.load(str(target)).parameters) == list(net.parameters)


def test_safetensors_reads_it(path):
    from safetensors.numpy import load_file

    net = small()
    net.save(path)
    tensors = load_file(path)
    assert {name: array.tobytes() for name, array in tensors.items()} == numbers_of(net)


# ---- writing ----


def test_a_failed_save_leaves_the_old_file(path, monkeypatch):
    small().save(path)
    before = path.read_bytes()

    def fails(file, content, rights):
        file.write(content[: len(content) // 2])
        raise OSError("no space left on device")

    monkeypatch.setattr("multicapa.network.files._fill", fails)
    with pytest.raises(OSError, match="no space"):
        small("float64").save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_metadata_that_is_no_json_leaves_the_old_file(path):
    net = small()
    net.save(path)
    before = path.read_bytes()
    for wrong in ({"array": np.zeros(3)}, {"bad": float("nan")}, {"object": object()}):
        net.metadata = wrong
        with pytest.raises((TypeError, ValueError)):
            net.save(path)
        assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_saving_into_no_folder(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        small().save(tmp_path / "nowhere" / "net.safetensors")


@pytest.mark.skipif(sys.platform == "win32", reason="files of POSIX")
def test_what_is_no_file_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(ValueError, match="is not a file"):
            small().save(path)
    assert pipe.is_fifo()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_others_may_read_the_file(path):
    """As with any file that a program writes, the umask decides."""
    before = os.umask(0o022)
    try:
        small().save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
