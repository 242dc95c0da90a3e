"""When training goes wrong, and when several threads and processes of the user work at once."""

import multiprocessing
import threading
import warnings

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, numbers_of

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5))
Y = np.digitize(X[:, 0] + 0.5 * X[:, 1], [-0.5, 0.5])
T = np.stack([X[:, 0] * X[:, 1], np.sin(X[:, 2])], axis=1)


def classifier(seed=0, dropout=0.0):
    layers = [mc.Dense(12, "tanh"), mc.Dropout(dropout), mc.Dense(3, "softmax")]
    return mc.Sequential(layers, input_shape=(5,), seed=seed)


def regressor(dtype="float64"):
    return mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(2)], input_shape=(5,), seed=0, dtype=dtype)


# ---- divergence ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("epochs", [1, 5])
@pytest.mark.parametrize("rate", [1e30, 1e38, 1e300])
def test_divergence(rate, epochs, dtype):
    net = regressor(dtype=dtype)
    with pytest.raises(mc.DivergenceError, match="learning rate") as caught:
        net.fit(X, 100 * T, loss="squared_error", optimizer=mc.SGD(rate), epochs=epochs, batch_size=10)
    assert np.isfinite(net.parameters.flat).all()
    assert caught.value.epoch in range(1, epochs + 1)
    assert caught.value.step >= 0
    assert isinstance(caught.value, ArithmeticError)


def test_divergence_in_the_last_update():
    """The loss is looked at before an update; the weights it leaves must be finite too."""
    net = regressor(dtype="float32")
    with pytest.raises(mc.DivergenceError):
        net.fit(X, 100 * T, loss="squared_error", optimizer=mc.SGD(3e38), epochs=1, batch_size=None)
    assert np.isfinite(net.parameters.flat).all()


@pytest.mark.parametrize("rate", [1e30, 3e38])
def test_divergence_of_partial_fit(rate):
    net = regressor(dtype="float32")

    def learn_all():
        for x, t in zip(X, T, strict=True):
            net.partial_fit(x, 100 * t, loss="squared_error", optimizer=mc.SGD(rate))

    with pytest.raises(mc.DivergenceError):
        learn_all()
    assert np.isfinite(net.parameters.flat).all()


def test_network_is_usable_after_divergence():
    net = regressor()
    before = net.parameters.flat.copy()
    with pytest.raises(mc.DivergenceError):
        net.fit(X, T, loss="squared_error", optimizer=mc.SGD(1e30), epochs=5)
    net.parameters.flat[:] = before
    fine = net.fit(X, T, loss="squared_error", optimizer=mc.SGD(1e-3), epochs=2)
    assert np.isfinite(fine["loss"]).all()


# ---- threads and processes of the user ----


def test_two_threads_predict_on_one_network():
    net = mc.Sequential([mc.Dense(200, "tanh"), mc.Dense(10)], input_shape=(100,), seed=0)
    inputs = [np.random.default_rng(i).normal(size=(50 + 300 * i, 100)).astype(np.float32) for i in range(4)]
    expected = [net.predict(x) for x in inputs]
    wrong = []

    def work(x, y):
        wrong.extend(1 for _ in range(30) if not np.array_equal(net.predict(x), y))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(inputs, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)


def test_two_threads_fit_two_networks():
    alone = [classifier(seed, dropout=0.2) for seed in range(2)]
    together = [classifier(seed, dropout=0.2) for seed in range(2)]
    for net in alone:
        net.fit(X, Y, epochs=30)
    threads = [threading.Thread(target=net.fit, args=(X, Y), kwargs={"epochs": 30}) for net in together]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [numbers_of(net) for net in together] == [numbers_of(net) for net in alone]


def _in_child(net, x, y, queue):
    net.fit(x, y, epochs=1, batch_size=200)
    queue.put((net.predict(x).tobytes(), net.evaluate(x, y)))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:os.fork")  # from libraries that other tests compare with
def test_fork_after_a_fit_with_threads():
    """The child of a process whose OpenMP threads are gone works alone, and finds the same."""
    mc.set_num_threads(3)
    net = mc.Sequential([mc.Dense(200, "relu"), mc.Dense(3, "softmax")], input_shape=(100,), seed=0)
    x, y = np.random.default_rng(0).normal(size=(600, 100)), np.arange(600) % 3
    net.fit(x, y, epochs=1, batch_size=200)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(net, x, y, queue))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks with threads
        child.start()
    try:
        found = queue.get(timeout=60)
    finally:
        child.join(5)
        if child.is_alive():
            child.kill()
    assert child.exitcode == 0
    net.fit(x, y, epochs=1, batch_size=200)
    assert found == (net.predict(x).tobytes(), net.evaluate(x, y))
