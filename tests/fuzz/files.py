"""Damaged network files: each loads or gets one of the errors that are promised. ``python -m fuzz.files 100000``."""

import json
import os
import shutil
import struct
import sys
import tempfile
import time

import numpy as np

import multicapa as mc

PROMISED = (ValueError, FileNotFoundError)


def originals(folder):
    """The bytes of a few small files."""
    x = mc.Input(4)
    h = mc.Dense(3, "elu", activation_parameter=0.5)(x)
    graph = mc.Network(x, mc.Dense(2, "softmax")(mc.concat([mc.LayerNorm()(h), mc.add([h, mc.Dense(3)(x)])])), seed=0)
    chain = mc.Sequential(
        [mc.Dense(3), mc.BatchNorm(), mc.Maxout(2), mc.Dropout(0.1)], input_shape=4, seed=0, dtype="float64"
    )
    path = os.path.join(folder, "original")
    for net in (graph, chain):
        net.save(path)
        with open(path, "rb") as file:
            yield file.read()


def mutated(content, rng):
    """Bytes changed, cut, doubled or inserted; or a value within the description replaced."""
    kind = rng.integers(5)
    place = int(rng.integers(len(content)))
    if kind == 0:
        made = bytearray(content)
        for _ in range(rng.integers(1, 8)):
            made[rng.integers(len(made))] = rng.integers(256)
        return bytes(made)
    if kind == 1:
        return content[:place]
    if kind == 2:
        return content[:place] + rng.bytes(int(rng.integers(1, 16))) + content[place:]
    if kind == 3:
        end = min(len(content), place + int(rng.integers(1, 64)))
        return content[:place] + content[end:]
    return _redescribed(content, rng)


def _redescribed(content, rng):
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    inside = json.loads(header["__metadata__"]["multicapa"])
    part = header if rng.integers(3) == 0 else inside
    while True:  # down to a leaf
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        key = keys[rng.integers(len(keys))]
        if not isinstance(part[key], dict | list) or not part[key] or rng.integers(6) == 0:
            break
        part = part[key]
    odd = [None, -1, 0, 1, 2**31, 2**63, 1e300, -0.5, "", "relu", "ä\0", [], [0], [2**40, 2**40], {}, True, [[1]]]
    part[key] = odd[rng.integers(len(odd))]
    if isinstance(header.get("__metadata__"), dict):
        header["__metadata__"]["multicapa"] = json.dumps(inside)
    start = json.dumps(header).encode()
    return struct.pack("<Q", len(start)) + start + content[8 + size :]


def run(count, seed=0):
    """How many files loaded, and the longest time one took; raises on any other error."""
    rng, loaded, longest = np.random.default_rng(seed), 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mutated")
        contents = list(originals(folder))
        for i in range(count):
            with open(path, "wb") as file:
                file.write(mutated(contents[i % len(contents)], rng))
            start = time.perf_counter()
            try:
                net = mc.load(path)
                if np.prod(net.input_shape, dtype=float) < 1e6:
                    net.predict(np.zeros((2, *net.input_shape)))
                loaded += 1
            except PROMISED:
                pass
            except BaseException:
                shutil.copy(path, "fuzz-failure.safetensors")
                print(f"file {i} of seed {seed} is kept as fuzz-failure.safetensors", file=sys.stderr)
                raise
            longest = max(longest, time.perf_counter() - start)
    return loaded, longest


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    loaded, longest = run(count, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print(f"{count} files: {loaded} load, the others get the promised errors; the longest took {longest:.3f} s")
