"""No allocation within training steps, no copy of what is mapped, and views that share the core's memory."""

import gc
import os
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, output_of

LINUX = sys.platform == "linux"
COMPILER = shutil.which("cc") or shutil.which("gcc")

COUNTER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_long count;
long allocations(void) { return atomic_load(&count); }

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
void *malloc(size_t n) { atomic_fetch_add(&count, 1); return __libc_malloc(n); }
void *calloc(size_t m, size_t n) { atomic_fetch_add(&count, 1); return __libc_calloc(m, n); }
void *realloc(void *p, size_t n) { atomic_fetch_add(&count, 1); return __libc_realloc(p, n); }
void *memalign(size_t a, size_t n) { atomic_fetch_add(&count, 1); return __libc_memalign(a, n); }
void *aligned_alloc(size_t a, size_t n) { atomic_fetch_add(&count, 1); return __libc_memalign(a, n); }
int posix_memalign(void **p, size_t a, size_t n) {
  atomic_fetch_add(&count, 1);
  *p = __libc_memalign(a, n);
  return *p ? 0 : ENOMEM;
}
"""

# Allocations in an epoch of 10 steps and in one of 40, both planned before; the least of five, as Python allocates too.
EPOCHS = """
import ctypes, gc, sys
import numpy as np
import multicapa as mc
allocations = ctypes.CDLL(None).allocations
allocations.restype = ctypes.c_long
threads, dtype, batch, kind, *shape = sys.argv[1:]
threads, batch, shape = int(threads), int(batch), [int(n) for n in shape]
mc.set_num_threads(threads)
rng = np.random.default_rng(0)
*inputs, classes = (shape[0], shape[-1]) if kind == "dense" else shape
def block(filters):
    conv = mc.Conv1D if len(inputs) == 2 else mc.Conv2D
    pool = mc.MaxPool1D if len(inputs) == 2 else mc.AveragePool2D
    return [conv(filters, 3, "relu", padding="same"), pool(2), mc.Dropout(0.1, whole_channels=True)]
def recurrent(units):
    walks = mc.Bidirectional(mc.LSTM(units, return_sequences=True, recurrent_dropout=0.1))
    second = mc.SecondOrderRNN(5, dropout=0.1, return_sequences=True)
    return [walks, mc.SimpleRNN(units, "relu", return_sequences=True), second, mc.LayerNorm(), mc.GRU(units)]
layers = {
    "dense": lambda: [l for units in shape[1:-1] for l in (mc.Dense(units, "tanh"), mc.Dropout(0.1))],
    "thin": lambda: [*block(6), mc.BatchNorm(), *block(16), mc.Flatten(), mc.Dense(20, "relu")],
    "wide": lambda: [*block(32), *block(64), mc.Flatten()],
    "recurrent": lambda: recurrent(6),
    "ragged": lambda: recurrent(20),
    "truncated": lambda: recurrent(6),
}[kind]()
net = mc.Sequential([*layers, mc.Dense(classes, "softmax")], input_shape=inputs, dtype=dtype, seed=0)
X = rng.normal(size=(40 * batch, *inputs)).astype(dtype)
if kind == "ragged":
    X = mc.data.Padded(X, 1 + np.arange(40 * batch) % inputs[0])
y = rng.integers(0, classes, 40 * batch)
options = dict(epochs=1, batch_size=batch, shuffle=False, verbose=False, clip_norm=1.0, l2=0.01)
options["sample_weight"] = np.ones(40 * batch)
if kind == "truncated":
    options["bptt"] = 4
def count(steps):
    part = {**options, "sample_weight": options["sample_weight"][: steps * batch]}
    before = allocations()
    net.fit(X[: steps * batch], y[: steps * batch], **part)
    return allocations() - before
gc.disable()
[count(steps) for steps in (10, 40, 10, 40)]
print(min(count(10) for _ in range(5)), min(count(40) for _ in range(5)))
"""


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("counter")
    source, library = folder / "counter.c", folder / "counter.so"
    source.write_text(COUNTER)
    made = subprocess.run([COMPILER, "-O1", "-shared", "-fPIC", str(source), "-o", str(library)], check=False)
    if made.returncode:
        pytest.skip("the allocation counter does not compile here")
    code = "import ctypes; a = ctypes.CDLL(None).allocations; b = a(); ctypes.CDLL(None).malloc(10); print(a() - b)"
    if output_of(code, LD_PRELOAD=str(library)) == "0":
        pytest.skip("LD_PRELOAD does not reach malloc here")
    return library


@pytest.mark.skipif(not LINUX or not COMPILER, reason="needs LD_PRELOAD and a C compiler")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("batch", "kind", "shape"),
    [
        (16, "dense", (4, 16, 3)),
        (1, "dense", (10, 32, 3)),
        (200, "dense", (64, 100, 10)),
        (32, "dense", (300, 520, 520, 10)),
        (1500, "dense", (8, 64, 3)),
        (32, "thin", (12, 12, 2, 5)),
        (1, "thin", (12, 12, 2, 5)),
        (8, "wide", (16, 16, 3, 10)),
        (33, "thin", (40, 3, 4)),
        (16, "recurrent", (9, 3, 4)),
        (1, "recurrent", (9, 3, 4)),
        (120, "ragged", (9, 3, 4)),
        (20, "truncated", (11, 3, 4)),
    ],
    ids=["tiny", "one sample", "digits", "wide, with BLAS", "gradients by chunk", "images as columns", "one image",
         "channels as lanes", "series", "recurrent", "one sequence", "of different lengths", "truncated"],
)  # fmt: skip
def test_no_allocation_per_step(counter, batch, kind, shape, threads, dtype):
    ten, forty = map(int, output_of(EPOCHS, threads, dtype, batch, kind, *shape, LD_PRELOAD=str(counter)).split())
    assert ten > 0
    # The look for Ctrl-C every 30 ms enters Python, which may allocate; a single allocation per step would be 30.
    assert forty - ten < 10, f"{(forty - ten) / 30:.2f} allocations in each step"


@pytest.mark.skipif(not LINUX or not COMPILER, reason="needs LD_PRELOAD and a C compiler")
def test_a_stream_allocates_its_outputs_only(counter):
    """However many layers there are."""
    code = """
import ctypes, gc, numpy as np, multicapa as mc
allocations = ctypes.CDLL(None).allocations
x = np.zeros(4, dtype=np.float32)
gc.disable()
def count(stream):
    before = allocations()
    for _ in range(1000):
        stream.step(x)
    return allocations() - before
for layers in ([mc.GRU(8)], [mc.LSTM(16, return_sequences=True), mc.LayerNorm(), mc.GRU(8), mc.Dense(3)]):
    stream = mc.Sequential(layers, input_shape=(5, 4), seed=0).stream()
    count(stream)
    print(min(count(stream) for _ in range(5)))
"""
    one, four = map(int, output_of(code, LD_PRELOAD=str(counter)).split())
    assert 0 < one == four < 6000


# ---- memory maps ----


def anonymous_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))


class Peak:
    """The highest anonymous memory of this process while the block runs, above what it was before."""

    def __enter__(self):
        gc.collect()
        self.before = self.highest = anonymous_memory()
        self.stop = threading.Event()
        self.watcher = threading.Thread(target=self.watch)
        self.watcher.start()
        return self

    def watch(self):
        while not self.stop.is_set():
            self.highest = max(self.highest, anonymous_memory())
            time.sleep(0.002)

    def __exit__(self, *error):
        self.stop.set()
        self.watcher.join()
        self.rise = self.highest - self.before


def train_on_a_map(path, size, bound):
    features = 256
    rows = size // (4 * features)
    X = np.memmap(path, dtype=np.float32, mode="w+", shape=(rows, features))
    rng = np.random.default_rng(0)
    for start in range(0, rows, 65536):
        X[start : start + 65536] = rng.standard_normal((min(65536, rows - start), features), dtype=np.float32)
    X.flush()
    del X
    X = np.memmap(path, dtype=np.float32, mode="r", shape=(rows, features))
    y = np.arange(rows) % 3
    net = mc.Sequential([mc.Dense(8, "relu"), mc.Dense(3, "softmax")], input_shape=(features,), seed=0)
    net.fit(X[:2000], y[:2000], epochs=1, batch_size=256)
    with Peak() as peak:
        net.fit(X, y, epochs=1, batch_size=256)
        net.evaluate(X, y)
        net.predict(X[: rows // 4])
    del X
    os.unlink(path)
    print(f"{rows} rows, {size / 1e6:.0f} MB: memory rises by {peak.rise / 1e6:.1f} MB")
    assert peak.rise < bound


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_training_on_a_memory_map(tmp_path):
    train_on_a_map(tmp_path / "x.dat", 200_000_000, 20_000_000)


@pytest.mark.slow
@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_training_on_a_large_memory_map(tmp_path):
    train_on_a_map(tmp_path / "x.dat", 2_000_000_000, 200_000_000)


def test_memory_of_many_fits_does_not_grow():
    rng = np.random.default_rng(0)
    net = mc.Sequential([mc.Dense(64, "relu"), mc.Dense(3, "softmax")], input_shape=(32,), seed=0)
    X, y = rng.normal(size=(3000, 32)).astype(np.float32), rng.integers(0, 3, 3000)

    def rounds(sizes):
        for batch in sizes:
            net.fit(X, y, epochs=1, batch_size=batch)
            net.predict(X[:batch])

    rounds(range(1000, 1020))
    if not LINUX:
        pytest.skip("reads /proc")
    before = anonymous_memory()
    rounds(range(1020, 1220))
    assert anonymous_memory() - before < 30e6


# ---- views ----


def make(dtype="float32"):
    return mc.Sequential([mc.Dense(3, "tanh"), mc.Dense(2)], input_shape=(4,), dtype=dtype, seed=0)


X = np.random.default_rng(1).normal(size=(5, 4))


@pytest.mark.parametrize("dtype", DTYPES)
def test_parameters_are_views(dtype):
    net = make(dtype)
    view = net.parameters["dense_2.bias"]
    assert view.dtype == dtype
    assert not view.flags.owndata
    assert np.shares_memory(view, net.parameters.flat)
    before = net.predict(X)
    view += 1
    np.testing.assert_allclose(net.predict(X), before + 1, rtol=1e-6)
    net.parameters["dense_2.weight"][...] = 0
    np.testing.assert_allclose(net.predict(X), np.broadcast_to(view, (5, 2)))
    net.parameters["dense_2.bias"] = [7, 8]
    np.testing.assert_array_equal(net.predict(X), np.broadcast_to(np.array([7, 8], dtype), (5, 2)))
    kept = view
    net.fit(X, np.zeros((5, 2)), optimizer=mc.SGD(0.1), epochs=1)
    assert (kept < [7, 8]).all()


def test_writing_between_two_updates_counts():
    """Nothing that the core derives from weights may outlive them."""
    wide = mc.Sequential(
        [mc.Dense(80, "tanh"), mc.Dense(70, "tanh"), mc.Dense(2)], input_shape=(40,), dtype="float64", seed=0
    )
    x, t = np.random.default_rng(0).normal(size=(90, 40)), np.ones((90, 2))
    wide.loss_and_gradient(x, t)
    wide.fit(x, t, epochs=1)
    wide.parameters.flat[:] = np.random.default_rng(2).normal(size=wide.parameters.flat.size) / 10
    fresh = mc.Sequential(
        [mc.Dense(80, "tanh"), mc.Dense(70, "tanh"), mc.Dense(2)], input_shape=(40,), dtype="float64", seed=1
    )
    fresh.parameters.flat[:] = wide.parameters.flat
    loss, gradients = wide.loss_and_gradient(x, t)
    expected, theirs = fresh.loss_and_gradient(x, t)
    assert loss == expected
    np.testing.assert_array_equal(gradients.flat, theirs.flat)


def test_gradients_are_views():
    net = make()
    view = net.gradients["dense_1.weight"]
    _, gradients = net.loss_and_gradient(X, np.zeros((5, 2)))
    assert gradients["dense_1.weight"] is view
    assert view.any()
    first = view.copy()
    net.loss_and_gradient(X, np.ones((5, 2)))
    assert (view != first).any()


def test_views_keep_the_core_alive():
    net = make()
    views = [net.parameters["dense_1.weight"], net.gradients["dense_1.weight"], net.parameters.flat]
    expected = [view.copy() for view in views]
    del net
    gc.collect()
    blocks = [np.full(1000, 3.0) for _ in range(200)]  # would lie on freed memory
    for view, copy in zip(views, expected, strict=True):
        np.testing.assert_array_equal(view, copy)
    assert len(blocks) == 200


def test_assignment_checks_the_shape():
    net = make()
    before = net.parameters.flat.copy()
    for wrong in (np.zeros((3, 4)), np.zeros(4), 1.0, np.zeros((1, 4, 3))):
        with pytest.raises(ValueError, match=r"dense_1.weight has shape \(4, 3\)"):
            net.parameters["dense_1.weight"] = wrong
    with pytest.raises(KeyError, match=r"dense_1.weight"):
        net.parameters["dense_9.weight"] = np.zeros(3)
    with pytest.raises(KeyError, match=r"dense_1.bias"):
        net.parameters["dense_1.weights"]
    np.testing.assert_array_equal(net.parameters.flat, before)


def test_names_and_shapes():
    net = make()
    assert {name: view.shape for name, view in net.parameters.items()} == {
        "dense_1.weight": (4, 3),
        "dense_1.bias": (3,),
        "dense_2.weight": (3, 2),
        "dense_2.bias": (2,),
    }
    assert list(net.gradients) == list(net.parameters)
    assert len(net.state) == 0
    assert net.n_parameters == 23
    assert all(view.ctypes.data % 64 == 0 for view in net.parameters.values())
