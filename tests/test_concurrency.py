"""Several threads on one network, calls within calls, forks, the end of the interpreter: never wrong, never stuck."""

import gc
import itertools
import signal
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

import multicapa as mc
from helpers import output_of, run_python

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5))
T = np.stack([X[:, 0] * X[:, 1], np.sin(X[:, 2])], axis=1)
PACKAGE = str(Path(mc.__file__).parent)
LOSSES = ("squared_error", "half_squared_error", "absolute_error", mc.losses.Huber(0.1))


def regressor(seed=0, **options):
    return mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(2)], input_shape=(5,), seed=seed, dtype="float64", **options)


def in_threads(*works):
    """Runs all at once and returns what they return; a thread that does not come back fails the test."""
    found = [None] * len(works)

    def run(i):
        try:
            found[i] = works[i]()
        except BaseException as error:
            found[i] = error

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "stuck"
    for result in found:
        if isinstance(result, BaseException):
            raise result
    return found


# ---- one network, several callers ----


def test_each_call_has_its_own_objective():
    net = regressor()
    options = [{"loss": loss, "l2": l2} for loss in LOSSES for l2 in (0.0, 0.5)]
    expected = [net.loss_and_gradient(X, T, **one)[0] for one in options]
    costs = [net.evaluate(X, T, loss=loss) for loss in LOSSES]
    gradients = [lambda one=one: [net.loss_and_gradient(X, T, **one)[0] for _ in range(200)] for one in options]
    evaluations = [lambda loss=loss: [net.evaluate(X, T, loss=loss) for _ in range(200)] for loss in LOSSES]
    found = in_threads(*gradients, *evaluations)
    assert [set(values) for values in found[: len(options)]] == [{value} for value in expected]
    assert found[len(options) :] == [[value] * 200 for value in costs]


def test_a_fit_is_not_disturbed_by_other_objectives():
    alone, watched = regressor(), regressor()
    options = {"loss": "squared_error", "optimizer": mc.Adam(0.01), "epochs": 60, "l2": 0.01}
    alone.fit(X, T, **options)
    done = threading.Event()

    def look():
        while not done.is_set():
            watched.evaluate(X, T, loss="absolute_error")
            watched.loss_and_gradient(X, T, loss="half_squared_error")

    def fit():
        try:
            watched.fit(X, T, **options)
        finally:
            done.set()

    in_threads(fit, look, look)
    np.testing.assert_array_equal(watched.parameters.flat, alone.parameters.flat)
    assert watched.history["loss"] == alone.history["loss"]


def test_nobody_waits_for_a_network_with_the_gil():
    """The one at work may need the GIL before the other can have the network."""
    code = """
import threading, numpy as np, multicapa as mc
net = mc.Sequential([mc.Dense(300, "tanh"), mc.Dense(300, "tanh"), mc.Dense(3)], input_shape=(50,), seed=0)
X, T = np.random.default_rng(0).normal(size=(30000, 50)), np.zeros((30000, 3))
stop = threading.Event()
def predict():
    while not stop.is_set(): net.predict(X)
threads = [threading.Thread(target=predict) for _ in range(2)]
[t.start() for t in threads]
for i in range(12):
    net.evaluate(X[:99], T[:99], loss=("squared_error", "absolute_error")[i % 2])
    net.partial_fit(X[:2], T[:2], optimizer=("sgd", "momentum")[i % 2])
    net.fit(X[:64], T[:64], epochs=1, optimizer=("adam", "sgd")[i % 2])
stop.set(); [t.join() for t in threads]
print("done")
"""
    assert output_of(code, timeout=60) == "done"


def test_functions_of_the_users_in_two_threads():
    code = """
import threading, numpy as np, multicapa as mc
sine = mc.layers.CustomActivation(np.sin, np.cos)
cost = mc.losses.CustomLoss(lambda y, t: ((y - t) ** 2).sum(axis=1), lambda y, t: 2 * (y - t))
net = mc.Sequential([mc.Dense(20), sine, mc.Dense(2)], input_shape=(5,), seed=0)
X, T = np.ones((300, 5)), np.zeros((300, 2))
def work():
    for _ in range(30):
        net.predict(X)
        net.evaluate(X, T, loss=cost)
        net.evaluate(X, T, loss="squared_error")
        net.loss_and_gradient(X, T, loss=cost)
threads = [threading.Thread(target=work) for _ in range(3)]
[t.start() for t in threads]; [t.join() for t in threads]
print("done")
"""
    assert output_of(code, timeout=60) == "done"


def test_a_network_without_parameters_on_two_threads():
    code = """
import numpy as np, multicapa as mc
mc.set_num_threads(2)
net = mc.Sequential([mc.Activation("tanh")], input_shape=(64,), seed=0)
X = np.ones((4000, 64))
net.fit(X, X, epochs=2, batch_size=None)
print(len(net.loss_and_gradient(X, X)[1]))
"""
    assert output_of(code, timeout=60) == "0"


# ---- calls within calls ----


@pytest.mark.parametrize("inner", ["fit", "partial_fit", "evaluate", "loss_and_gradient"])
def test_training_within_a_callback_is_kept_apart(inner):
    """The outer fit goes on with its own optimiser and loss; here the inner one changes nothing itself."""
    still = {"optimizer": mc.SGD(0.0), "loss": "absolute_error"}

    def look(net, epoch):
        if inner == "fit":
            net.fit(X, T, epochs=1, shuffle=False, **still)
        elif inner == "partial_fit":
            net.partial_fit(X, T, **still)
        else:
            getattr(net, inner)(X, T, loss="absolute_error")

    options = {"loss": "squared_error", "optimizer": mc.Momentum(0.05), "epochs": 5, "shuffle": False}
    alone, nested = regressor(), regressor()
    alone.fit(X, T, **options, validation_data=(X, T))
    history = nested.fit(X, T, **options, validation_data=(X, T), callbacks=[look])
    np.testing.assert_array_equal(nested.parameters.flat, alone.parameters.flat)
    assert history["loss"] == alone.history["loss"]
    assert history["val_loss"] == alone.history["val_loss"]


def interrupted(call, lines):
    """Whether Ctrl-C came after so many lines of the package's, rather than the call's end before it."""
    counted = itertools.count(1)

    def trace(frame, event, _):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line" and next(counted) == lines:
            signal.raise_signal(signal.SIGINT)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("verb", ["evaluate", "loss_and_gradient", "fit", "partial_fit"])
def test_an_interrupt_leaves_no_other_objective(verb):
    """At whatever line Ctrl-C comes: later calls use the loss they name."""
    net = regressor()
    start = net.parameters.flat.copy()

    def costs():
        net.parameters.flat[:] = start
        return net.evaluate(X, T, loss="squared_error"), net.loss_and_gradient(X, T, loss="squared_error")[0]

    expected = costs()
    options = {"epochs": 1} if verb == "fit" else {}
    for lines in itertools.count(1):
        if not interrupted(lambda: getattr(net, verb)(X[:9], T[:9], loss="absolute_error", **options), lines):
            break
        assert costs() == expected, f"after {lines} lines of {verb}"
    assert lines > 50


# ---- the same bits, whatever mode the caller is in ----

ROUNDING = """
import ctypes, sys, numpy as np, multicapa as mc
libm = ctypes.CDLL("libm.so.6")
mc.set_num_threads(int(sys.argv[1]))
rng = np.random.default_rng(0)
X, y = rng.normal(size=(2000, 64)).astype(np.float32), rng.integers(0, 10, 2000)
net = mc.Sequential([mc.Dense(100, "relu"), mc.Dense(10, "softmax")], input_shape=(64,), seed=0)
libm.fesetround(int(sys.argv[2], 16))
net.fit(X, y, batch_size=200, epochs=2)
out = net.predict(X).tobytes() + net.parameters.flat.tobytes()
mode = libm.fegetround()
libm.fesetround(0)
import hashlib; print(mode, hashlib.sha256(out).hexdigest())
"""


def test_rounding_mode_of_the_caller():
    import platform

    if platform.machine() != "x86_64":
        pytest.skip("the modes of x86")
    modes = ("0", "400", "800", "c00")
    found = {(mode, threads): output_of(ROUNDING, threads, mode).split() for mode in modes for threads in (1, 2)}
    assert len({bits for _, bits in found.values()}) == 1
    assert all(int(after) == int(mode, 16) for (mode, _), (after, _) in found.items())


# ---- forks and ends ----

FORK = """
import os, signal, sys, threading, time, numpy as np, multicapa as mc, warnings
warnings.simplefilter("ignore")
net = mc.Sequential([mc.Dense(400, "tanh"), mc.Dense(400, "tanh"), mc.Dense(3)], input_shape=(50,), seed=0)
X, T = np.random.default_rng(0).normal(size=(60000, 50)), np.zeros((60000, 3))
expected = net.predict(X[:5]).tobytes()
kind = sys.argv[1]
work = {"predict": lambda: net.predict(X), "fit": lambda: net.fit(X, T, epochs=1000, batch_size=20000)}[kind]
threading.Thread(target=lambda: [work() for _ in range(1000)], daemon=True).start()
time.sleep(0.5)
child = os.fork()
if child == 0:
    signal.alarm(20)
    try:
        net.predict(X[:5])
        net.fit(X[:64], T[:64], epochs=1)
        net.predict(X[:5])
        print("usable", flush=True)
    except RuntimeError as error:
        import copy
        copy.deepcopy(net).predict(X[:5])
        print("refused" if "forked while another thread trained" in str(error) else error, flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork here")
@pytest.mark.parametrize(("kind", "outcome"), [("predict", "usable"), ("fit", "refused")])
def test_fork_while_another_thread_is_in_the_core(kind, outcome):
    assert output_of(FORK, kind, timeout=60).split() == [outcome, "0"]


@pytest.mark.parametrize("functions", [False, True])
def test_the_interpreter_ends_while_a_thread_is_in_the_core(functions):
    code = """
import sys, threading, time, numpy as np, multicapa as mc
layers = [mc.Dense(400, "tanh"), mc.layers.CustomActivation(np.sin, np.cos)] if sys.argv[1] == "True" else [
    mc.Dense(400, "tanh"), mc.Dense(400)]
net = mc.Sequential(layers, input_shape=(50,), seed=0)
X = np.ones((100_000, 50), np.float32)
def work():
    while True: net.predict(X)
for _ in range(2): threading.Thread(target=work, daemon=True).start()
time.sleep(0.3)
"""
    for _ in range(3):
        done = run_python(code, functions, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


# ---- when there is no more to be had ----

FEWER = """
import os, resource, sys, numpy as np, multicapa as mc
def train(threads):
    mc.set_num_threads(threads)
    layers = [mc.Dense(units, "relu"), mc.Dense(units, "relu"), mc.Dense(10)]
    net = mc.Sequential(layers, input_shape=(units,), seed=0, dtype="float64" if units > 200 else "float32")
    net.fit(X, T, epochs=2, batch_size=500, loss="squared_error")
    return net.parameters.flat.tobytes() + net.predict(X).tobytes()
units = 700 if "wide" in sys.argv[1] else 200
X, T = np.random.default_rng(0).normal(size=(1500, units)), np.zeros((1500, 10))
alone = train(1)
if sys.argv[1] == "processes":  # and threads, of a user; root may have any number
    if os.getuid() == 0: os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
if sys.argv[1] == "memory":
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (40 << 20), size + (40 << 20)))
print(train(16) == alone)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("limit", ["memory", "processes"])
def test_no_more_threads_to_be_had(limit):
    """Not all stacks of 8 MB fit, or no thread may begin: OpenMP's runtime would end the process."""
    assert output_of(FEWER, limit) == "True"


@pytest.mark.parametrize("limit", ["no limit", "no limit, wide"])
@pytest.mark.parametrize("size", ["16k", "64k"])
def test_threads_with_hardly_any_stack(size, limit):
    """The products of wide layers have their blocks on it."""
    assert output_of(FEWER, limit, OMP_STACKSIZE=size) == "True"


def test_an_optimizer_that_finds_no_memory():
    """What partial_fit asked for in vain does not stand in the way of the next call."""
    code = """
import resource, numpy as np, multicapa as mc
mc.set_num_threads(1)
net = mc.Sequential([mc.Dense(2000), mc.Dense(2000)], input_shape=(2000,), seed=0)
x, t = np.ones((1, 2000)), np.ones((1, 2000))
net.partial_fit(x, t)
with open("/proc/self/statm") as file:
    size = int(file.read().split()[0]) * resource.getpagesize()
hard = resource.getrlimit(resource.RLIMIT_AS)[1]
resource.setrlimit(resource.RLIMIT_AS, (size + (16 << 20), hard))
for optimizer in ("adam", "momentum"):
    try:
        net.partial_fit(x, t, optimizer=optimizer)
        print("no error")
    except MemoryError:
        pass
resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
net.partial_fit(x, t)
net.partial_fit(x, t, optimizer="adam")
print("usable")
"""
    assert output_of(code) == "usable"


# ---- what refers to itself ----


def networks_that_refer_to_themselves():
    def activation():
        held = []
        function = mc.layers.CustomActivation(lambda z: (held, np.sin(z))[1], np.cos)
        net = mc.Sequential([mc.Dense(3), function], input_shape=(2,), seed=0)
        held.append(net)
        net.fit(np.ones((8, 2)), np.ones((8, 3)), epochs=1)
        return net

    def loss():
        net = mc.Sequential([mc.Dense(3)], input_shape=(2,), seed=0)
        cost = mc.losses.CustomLoss(lambda y, t: (net, ((y - t) ** 2).sum(axis=1))[1], lambda y, t: 2 * (y - t))
        net.fit(np.ones((8, 2)), np.ones((8, 3)), loss=cost, epochs=1)
        net.partial_fit(np.ones((8, 2)), np.ones((8, 3)))
        return net

    return [activation, loss]


@pytest.mark.parametrize("make", networks_that_refer_to_themselves())
def test_networks_whose_functions_refer_to_them_are_freed(make):
    net = make()
    view, seen, core = net.parameters["dense_1.weight"], weakref.ref(net), type(net._core)
    expected = view.copy()
    del net
    gc.collect()
    assert seen() is None
    assert not [o for o in gc.get_objects() if type(o) is core and getattr(o, "functions", None)]
    np.testing.assert_array_equal(view, expected)
