"""Networks in files: what was saved comes back to the last bit, and no damaged file crashes the process."""

import contextlib
import json
import os
import stat
import struct
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


# ---- damaged files ----


def description_and_tensors(path):
    """The header's parts of a safetensors file, and its bytes of numbers."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    metadata = header.pop("__metadata__")
    return json.loads(metadata["multicapa"]), header, raw[8 + length :]


def write(path, description, header, numbers, key="multicapa"):
    text = description if isinstance(description, str) else json.dumps(description)
    whole = json.dumps({"__metadata__": {key: text}, **header}).encode()
    whole += b" " * (-len(whole) % 8)
    path.write_bytes(struct.pack("<Q", len(whole)) + whole + numbers)


def test_writing_by_hand_gives_what_save_gives(path):
    small().save(path)
    parts = description_and_tensors(path)
    write(path, *parts)
    assert numbers_of(mc.load(path)) == numbers_of(small())


def test_no_file(path):
    with pytest.raises(FileNotFoundError, match=r"net\.safetensors"):
        mc.load(path)
    with pytest.raises(IsADirectoryError):
        mc.load(path.parent)


def test_cut_short_anywhere(path):
    small().save(path)
    whole = path.read_bytes()
    for length in sorted({0, 1, 7, 8, 9, 50, *range(100, len(whole), 61), len(whole) - 4, len(whole) - 1}):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"net\.safetensors"):
            mc.load(path)
    path.write_bytes(whole + b"\0" * 8)
    with pytest.raises(ValueError, match=r"net\.safetensors"):
        mc.load(path)


@pytest.mark.parametrize("garbage", [b"hello", b"\0" * 100, b"\xff" * 100, b"PK\x03\x04" + b"x" * 60, os.urandom(1000)])
def test_garbage(path, garbage):
    path.write_bytes(garbage)
    with pytest.raises(ValueError, match=r"net\.safetensors"):
        mc.load(path)


def test_flipped_bytes_never_crash(path):
    """Numbers may change unseen, but the header is checked."""
    small().save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(ValueError):
            mc.load(path)


def test_other_safetensors_files(path):
    small().save(path)
    parts = description_and_tensors(path)
    write(path, *parts, key="other")
    with pytest.raises(ValueError, match="no multicapa network"):
        mc.load(path)
    for text in ("", "{", "[]", "3", "null", '{"format": 1}', "[" * 100_000):
        write(path, text, *parts[1:])
        with pytest.raises(ValueError, match="damaged"):
            mc.load(path)


@pytest.mark.parametrize("version", [0, 2, "1", None, 1.5])
def test_wrong_format_version(path, version):
    small().save(path)
    description, *rest = description_and_tensors(path)
    write(path, description | {"format": version}, *rest)
    with pytest.raises(ValueError, match="format"):
        mc.load(path)


def change(description, place, value):
    *inner, last = place
    target = description
    for key in inner:
        target = target[key]
    if value is KeyError:
        del target[last]
    else:
        target[last] = value


DAMAGE = [
    (("layers",), []),
    (("layers",), {}),
    (("layers",), None),
    (("layers",), [3]),
    (("layers",), KeyError),
    (("surprise",), 1),
    (("layers", 1, "type"), "convolution"),
    (("layers", 1, "type"), ["dense"]),
    (("layers", 1, "type"), KeyError),
    (("layers", 1, "units"), 6),
    (("layers", 1, "units"), 0),
    (("layers", 1, "units"), "5"),
    (("layers", 1, "units"), [5]),
    (("layers", 1, "units"), KeyError),
    (("layers", 1, "units"), 10**14),
    (("layers", 1, "units"), 2**62),
    (("layers", 1, "units"), 2**63),
    (("layers", 1, "units"), 10**30),
    (("layers", 1, "activation"), "nonsense"),
    (("layers", 1, "activation"), 7),
    (("layers", 1, "activation_parameter"), 3.0),
    (("layers", 1, "bias"), False),
    (("layers", 1, "bias"), "no"),
    (("layers", 1, "surprise"), 1),
    (("layers", 1, "name"), "dense_2"),
    (("layers", 1, "name"), "other"),
    (("layers", 1, "name"), KeyError),
    (("layers", 1, "inputs"), []),
    (("layers", 1, "inputs"), ["dense_2"]),
    (("layers", 1, "inputs"), ["dense_1"]),
    (("layers", 1, "inputs"), ["input_1", "input_1"]),
    (("layers", 1, "inputs"), 3),
    (("layers", 1, "inputs"), KeyError),
    (("layers", 1, "weight_init"), "nonsense"),
    (("layers", 1, "weight_init"), [[1.0]]),
    (("layers", 0, "shape"), [7]),
    (("layers", 0, "shape"), [6, 1]),
    (("layers", 0, "shape"), []),
    (("layers", 0, "shape"), [-6]),
    (("layers", 0, "shape"), [2**40, 2**40]),
    (("layers", 0, "shape"), "6"),
    (("layers", 0, "type"), "dense"),
    (("dtype",), "float64"),
    (("dtype",), "float16"),
    (("dtype",), "object"),
    (("dtype",), 3),
    (("dtype",), None),
    (("seed",), -1),
    (("seed",), "a"),
    (("seed",), 2**70),
    (("loss",), "cross_entropy"),
    (("loss",), {}),
    (("loss", "name"), "nonsense"),
    (("loss", "name"), []),
    (("loss", "parameter"), 3.0),
    (("loss", "parameter"), "a"),
    (("metadata",), 3),
    (("metadata",), [1]),
    (("metadata",), KeyError),
]


@pytest.mark.parametrize(("place", "value"), DAMAGE, ids=lambda part: str(part)[:40])
def test_damaged_description(path, place, value):
    small().save(path)
    description, *rest = description_and_tensors(path)
    change(description, place, value)
    write(path, description, *rest)
    with pytest.raises(ValueError, match=r"net\.safetensors"):
        mc.load(path)


def test_unused_layers_and_two_inputs(path):
    small().save(path)
    description, *rest = description_and_tensors(path)
    for extra in (
        {"type": "dropout", "name": "idle", "inputs": ["input_1"], "rate": 0.5},
        {"type": "input", "name": "second", "inputs": [], "shape": [6]},
    ):
        changed = description | {"layers": [description["layers"][0], extra, *description["layers"][1:]]}
        write(path, changed, *rest)
        with pytest.raises(ValueError, match=extra["name"]):
            mc.load(path)


@pytest.mark.parametrize("damage", ["missing", "unknown", "shape", "type", "bfloat16"])
def test_damaged_tensors(path, damage):
    small().save(path)
    description, header, numbers = description_and_tensors(path)
    entry = header["dense_1.weight"]
    if damage == "missing":
        header["other"] = header.pop("dense_1.weight")
    elif damage == "unknown":
        header["surprise"] = {"dtype": "F32", "shape": [1], "data_offsets": [len(numbers), len(numbers) + 4]}
        numbers += b"\0" * 4
    elif damage == "shape":
        entry["shape"] = entry["shape"][::-1]
    elif damage == "type":
        entry["dtype"] = "I32"
    else:
        entry["dtype"], entry["shape"] = "BF16", [entry["shape"][0], entry["shape"][1] * 2]
    write(path, description, header, numbers)
    with pytest.raises(ValueError, match=r"net\.safetensors"):
        mc.load(path)


def test_nothing_is_executed(path, tmp_path):
    """Names of Python things in a description are names, no more."""
    small().save(path)
    description, *rest = description_and_tensors(path)
    bait = f"__import__('os').mkdir({str(tmp_path / 'bait')!r})"
    for place in (
        ("layers", 1, "weight_init"),
        ("layers", 1, "type"),
        ("dtype",),
        ("loss", "name"),
        ("layers", 1, "activation"),
    ):
        damaged = json.loads(json.dumps(description))
        change(damaged, place, bait)
        write(path, damaged, *rest)
        with pytest.raises(ValueError, match=r"net\.safetensors"):
            mc.load(path)
    assert not (tmp_path / "bait").exists()
