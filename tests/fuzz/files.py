"""Damaged network files: each loads or gets one of the errors that are promised. ``python -m fuzz.files 100000``."""

import copy
import json
import os
import shutil
import struct
import sys
import tempfile
import time

import numpy as np

import multicapa as mc

PROMISED = (ValueError, FileNotFoundError, mc.DivergenceError)


def networks():
    """Small ones with every kind of layer."""
    x = mc.Input(4)
    h = mc.Dense(3, "elu", activation_parameter=0.5)(x)
    yield mc.Network(x, mc.Dense(2, "softmax")(mc.concat([mc.LayerNorm()(h), mc.add([h, mc.Dense(3)(x)])])), seed=0)
    chain = [mc.Dense(3), mc.BatchNorm(), mc.Maxout(2), mc.Dropout(0.1)]
    yield mc.Sequential(chain, input_shape=4, seed=0, dtype="float64")
    maps = [mc.Conv2D(4, (2, 3), "relu", padding="same", groups=2), mc.MaxPool2D(2), mc.Conv2D(2, 2, dilation=2)]
    yield mc.Sequential([*maps, mc.GlobalAveragePool2D(), mc.Dense(2)], input_shape=(7, 6, 2), seed=0)
    walks = [mc.Embedding(5, 3), mc.Bidirectional(mc.LSTM(3, return_sequences=True)), mc.GRU(2), mc.Dense(1)]
    yield mc.Sequential(walks, input_shape=6, seed=0)
    x = mc.Input((5, 3))
    states = mc.SimpleRNN(4, "relu", return_sequences=True)(x)
    h = mc.LayerNorm()(states + mc.MultiHeadAttention(2, 2, causal=True)(mc.PositionalEncoding()(states)))
    yield mc.Network(x, mc.Dense(2)(mc.Attention("additive", units=3)([mc.SecondOrderRNN(3)(h), h])), seed=0)
    row, series, shared = mc.Input(2, name="row"), mc.Input((4, 2), name="series"), mc.Dense(3, "tanh")
    h = mc.concat([shared(row), mc.GRU(3)(shared(series))])
    yield mc.Network([row, series], [mc.Dense(1, name="number")(h), mc.Dense(3, "softmax", name="kind")(h)], seed=0)


def originals(folder):
    """The bytes of their files, of one that holds a training, and of a Seq2Seq."""
    path = os.path.join(folder, "original")
    for net in networks():
        net.save(path)
        yield _bytes_of(path)
    trained = mc.Sequential([mc.Dense(3, "tanh"), mc.BatchNorm(), mc.Dense(1)], input_shape=2, seed=0)
    train(trained, 2)
    trained.save(path, training=True)
    yield _bytes_of(path)
    model = mc.Seq2Seq(units=2, seed=0).fit(["ab", "b"], ["ba", "b"], epochs=1, verbose=False)
    model.save(path)
    yield _bytes_of(path)


def train(net, epochs, resume=False):
    """With what keeps a state, as far as that goes without files."""
    X, y = np.eye(2), [0.0, 1.0]
    callbacks = [mc.EarlyStopping(patience=2), mc.ReduceOnPlateau(), mc.Diagnosis(warn=False)]
    options = {"validation_data": (X, y), "curriculum": mc.Curriculum("loss", 2), "callbacks": callbacks}
    net.fit(X, y, optimizer=mc.Adam(0.01), epochs=epochs, verbose=False, resume=resume, **options)


def _bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def mutated(content, rng):
    """Bytes changed, cut, doubled or inserted; or a value within the description replaced."""
    kind = rng.integers(10)
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
    texts = header["__metadata__"]
    name = sorted(texts)[rng.integers(len(texts))]  # the network, or its training
    inside = json.loads(texts[name])
    places = list(_places(header if rng.integers(6) == 0 else inside))
    part, key = places[rng.integers(len(places))]
    odd = [None, -1, 0, 1, 2, 5, 2**31, 2**63, 1e300, -0.5, "", "relu", "ä\0", [], [0], [2**40, 2**40], {}, True, [[1]]]
    other, at = places[rng.integers(len(places))]
    part[key] = odd[rng.integers(len(odd))] if rng.integers(3) else copy.deepcopy(other[at])
    if isinstance(header.get("__metadata__"), dict):
        header["__metadata__"][name] = json.dumps(inside)
    start = json.dumps(header).encode()
    return struct.pack("<Q", len(start)) + start + content[8 + size :]


def _places(part):
    """All that can be replaced: what holds it, and its key there."""
    for key in list(part) if isinstance(part, dict) else range(len(part)):
        yield part, key
        if isinstance(part[key], dict | list):
            yield from _places(part[key])


def use(path, kind):
    """Load a file and ask what it holds; one that holds a training goes on with it."""
    if kind == "translates":
        model = mc.Seq2Seq.load(path)
        if _numbers(model.network_) < 1e6:
            model.predict(["ba"])
        return
    net = mc.load(path)
    if _numbers(net) < 1e6:
        X = {each.name: np.zeros((2, *each.shape)) for each in net.inputs}
        net.predict(X if len(X) > 1 else next(iter(X.values())))
        if kind == "trains":
            before = net.parameters.flat.copy()
            try:
                train(net, 3, resume=True)
            except ValueError:
                assert net.parameters.flat.tobytes() == before.tobytes(), "changed before the error"
                raise


def _numbers(net):
    return sum(np.prod(each.shape, dtype=float) for each in net.inputs)


def run(count, seed=0):
    """How many files loaded, and the longest time one took; raises on any other error."""
    rng, loaded, longest = np.random.default_rng(seed), 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mutated")
        contents = list(originals(folder))
        kinds = {len(contents) - 2: "trains", len(contents) - 1: "translates"}
        for i in range(count):
            with open(path, "wb") as file:
                file.write(mutated(contents[i % len(contents)], rng))
            start = time.perf_counter()
            try:
                use(path, kinds.get(i % len(contents)))
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
