"""Files that are cut short, flipped or forged: an error that says so, never a crash, and nothing is executed."""

import contextlib
import json
import os
import struct

import numpy as np
import pytest

import multicapa as mc
from helpers import numbers_of
from test_files import path, small

__all__ = ["path"]


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


@pytest.mark.parametrize(("first", "bias"), [(1, False), (2, False), (1, True)])
def test_a_shared_layer_of_other_weights(path, first, bias):
    """Whichever of two calls has a bias that the other lacks."""
    x, y, dense = mc.Input(3), mc.Input(3), mc.Dense(3, "tanh", bias=not bias)
    mc.Network([x, y], mc.Dense(1)(mc.concat([dense(x), dense(y)]))).save(path)
    description, *rest = description_and_tensors(path)
    calls = [layer for layer in description["layers"] if layer["name"].startswith("dense_1")]
    calls[first - 1]["bias"] = bias
    write(path, description, *rest)
    with pytest.raises(ValueError, match=r'net\.safetensors.*shares the weights of "dense_1", which has others'):
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
