"""The same bits for any number of threads, and dropout, whose mask must not depend on them either."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, output_of
from multicapa.base.threads import at_most

THREADS = (1, 2, 3, 7)


def classifier(shape, dtype, dropout=0.3, hidden="relu"):
    layers = []
    for units in shape[1:-1]:
        layers += [mc.Dense(units, hidden)] + ([mc.Dropout(dropout)] if dropout else [])
    return mc.Sequential([*layers, mc.Dense(shape[-1], "softmax")], input_shape=shape[:1], dtype=dtype, seed=3)


def graph(dtype):
    x = mc.Input(40)
    h = mc.Dense(90, "tanh")(x)
    h = mc.Dropout(0.2)(mc.add([mc.Dense(90, "relu")(h), h]))
    return mc.Network(x, mc.Dense(7, "softmax")(mc.concat([h, x])), dtype=dtype, seed=3)


def samples(rows, width, classes, dtype):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, width)).astype(dtype), rng.integers(0, classes, rows)


CASES = {
    "tiny": ((4, 16, 3), 75, 16),
    "one_sample_at_a_time": ((10, 32, 2), 40, 1),
    "digits": ((64, 100, 10), 333, 50),
    "little_left_over": ((64, 100, 10), 203, 50),
    "wide": ((50, 300, 300, 5), 230, 100),
    "wide_with_many_rows": ((150, 160, 260, 9), 1000, 450),
    "whole_batch_of_many_rows": ((8, 24, 16, 3), 5000, None),
    "chunks_and_a_remainder": ((8, 24, 3), 5003, 4500),
}


def bits_after_training(net, X, y, batch, **options):
    history = net.fit(X, y, epochs=3, batch_size=batch, **options)
    return [view.tobytes() for view in net.parameters.values()], history["loss"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_same_bits_after_three_epochs(case, dtype):
    shape, rows, batch = CASES[case]
    X, y = samples(rows, shape[0], shape[-1], dtype)
    found = []
    for threads in THREADS:
        mc.set_num_threads(threads)
        found.append(bits_after_training(classifier(shape, dtype), X, y, batch))
    assert all(result == found[0] for result in found[1:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "options", [{"clip_norm": 0.5}, {"l1": 0.1, "l2": 0.1, "clip_value": 0.01}, {"optimizer": "nadam"}]
)
def test_same_bits_in_a_graph(options, dtype):
    X, y = samples(421, 40, 7, dtype)
    found = []
    for threads in THREADS:
        mc.set_num_threads(threads)
        found.append(bits_after_training(graph(dtype), X, y, 100, sample_weight=np.linspace(0, 2, 421), **options))
    assert all(result == found[0] for result in found[1:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_same_bits_from_predict_evaluate_and_gradient(case, dtype):
    shape, rows, _ = CASES[case]
    X, y = samples(rows, shape[0], shape[-1], dtype)
    net = classifier(shape, dtype)
    found = []
    for threads in THREADS:
        mc.set_num_threads(threads)
        loss, gradients = net.loss_and_gradient(X, y)
        found.append((net.predict(X).tobytes(), net.evaluate(X, y), loss, gradients.flat.tobytes()))
    assert all(result == found[0] for result in found[1:])


@pytest.mark.parametrize("dtype", DTYPES)
def test_same_bits_when_the_number_changes_between_fits(dtype):
    X, y = samples(333, 64, 10, dtype)
    one, changing = classifier((64, 100, 10), dtype), classifier((64, 100, 10), dtype)
    for threads in (2, 1, 7, 3):
        mc.set_num_threads(1)
        expected = bits_after_training(one, X, y, 50)
        mc.set_num_threads(threads)
        assert bits_after_training(changing, X, y, 50) == expected


@pytest.mark.parametrize("rows", [1, 2, 3, 31, 33, 257, 1000])
def test_outputs_do_not_depend_on_the_company(rows):
    """Every row of a large predict is near what it is alone, for any cut into blocks."""
    X, _ = samples(rows, 64, 10, "float64")
    net = classifier((64, 100, 10), "float64")
    whole = net.predict(X)
    for row in {0, rows // 2, rows - 1}:
        np.testing.assert_allclose(whole[row], net.predict(X[row][None])[0], rtol=1e-12)


COUNT = """
import os, sys
import numpy as np
import multicapa as mc
mc.set_num_threads(3)
rng = np.random.default_rng(0)
def fit(units, rows):
    net = mc.Sequential([mc.Dense(units, "relu"), mc.Dense(2)], input_shape=(units,), seed=0)
    net.fit(rng.normal(size=(rows, units)), rng.normal(size=(rows, 2)), epochs=1, batch_size=rows, verbose=False)
    return len(os.listdir("/proc/self/task"))
before = len(os.listdir("/proc/self/task"))
print(before, fit(4, 8), fit(300, 400))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_large_nets_use_threads_and_tiny_ones_do_not():
    before, tiny, large = map(int, output_of(COUNT).split())
    assert tiny == before
    assert large == before + 2


def test_set_num_threads():
    mc.set_num_threads(5)
    assert mc.get_num_threads() == 5
    mc.set_num_threads(None)
    assert mc.get_num_threads() >= 1
    for wrong in (0, -1, 1.5, "two", True):
        with pytest.raises(ValueError, match="threads"):
            mc.set_num_threads(wrong)
    code = "import multicapa as mc; print(mc.get_num_threads())"
    assert 1 <= int(output_of(code, OMP_NUM_THREADS="3")) <= 3
    assert output_of(code, OMP_NUM_THREADS="1") == "1"


LIMITED = """
import multicapa as mc
from threadpoolctl import threadpool_limits
allowed = mc.get_num_threads()
with threadpool_limits(1, user_api="openmp"):
    print(mc.get_num_threads())
    mc.set_num_threads(5)  # who says so means it
    print(mc.get_num_threads())
mc.set_num_threads(None)
print(mc.get_num_threads() == allowed)
"""


def test_threadpoolctl_is_obeyed():
    pytest.importorskip("threadpoolctl")
    assert output_of(LIMITED).split() == ["1", "5", "True"]


THREADS_BORN = """
import os
import numpy
os.environ.pop("OPENBLAS_NUM_THREADS", None)
before = len(os.listdir("/proc/self/task"))
import multicapa
print(len(os.listdir("/proc/self/task")) - before, os.environ.get("OPENBLAS_NUM_THREADS"))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="counts the threads as Linux tells them")
def test_importing_starts_no_threads_and_leaves_the_environment_alone():
    assert output_of(THREADS_BORN) == "0 None"


def test_limit_for_one_thread_leaves_others_alone():
    mc.set_num_threads(4)
    with at_most(2):
        assert mc.get_num_threads() == 2
        with at_most(3):
            assert mc.get_num_threads() == 3
        with at_most(None), ThreadPoolExecutor(1) as pool:
            assert mc.get_num_threads() == pool.submit(mc.get_num_threads).result() == 4
        assert mc.get_num_threads() == 2
        with pytest.raises(KeyError), at_most(1):
            raise KeyError
    assert mc.get_num_threads() == 4
    with at_most(100):
        assert mc.get_num_threads() == 4


# ---- dropout ----


def mask(rate, dtype, units=1000, rows=200, seed=0, steps=0):
    """What a Dropout layer does to ones: behind an identity, the gradient of a bias sums the mask over the rows."""
    layers = [mc.Dense(units, weight_init="zeros", bias_init="ones"), mc.Dropout(rate)]
    net = mc.Sequential(layers, input_shape=(1,), dtype=dtype, seed=seed)
    X, T = np.zeros((1, 1)), np.full((1, units), -1e6)  # |y - t| has slope 1 everywhere
    rows_of_mask = []
    for _ in range(rows):
        _, gradients = net.loss_and_gradient(X, T, loss="absolute_error")
        rows_of_mask.append(gradients["dense_1.bias"].copy())
        net.fit(X, T, loss="absolute_error", optimizer=mc.SGD(0.0), epochs=1)
    return np.array(rows_of_mask)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_mask_mean_and_variance(rate, dtype):
    found = mask(rate, dtype)
    kept = found > 0
    np.testing.assert_allclose(found[kept], 1 / (1 - rate), rtol=1e-6)
    share, n = kept.mean(), kept.size
    spread = np.sqrt(rate * (1 - rate))
    assert abs(share - (1 - rate)) < 5 * spread / np.sqrt(n)
    assert abs(found.mean() - 1) < 5 * spread / (1 - rate) / np.sqrt(n)
    assert found.var() == pytest.approx(rate / (1 - rate), rel=0.05)
    # Units and steps are independent: shares by column and by row scatter as they should.
    assert kept.mean(axis=0).std() == pytest.approx(spread / np.sqrt(kept.shape[0]), rel=0.15)
    assert kept.mean(axis=1).std() == pytest.approx(spread / np.sqrt(kept.shape[1]), rel=0.3)
    assert abs(np.corrcoef(kept[:-1].ravel(), kept[1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(kept[:, :-1].ravel(), kept[:, 1:].ravel())[0, 1]) < 0.02


def test_dropout_rows_of_a_batch_differ():
    """The mask covers rows too: with one unit, the gradient counts how many of the rows were kept."""
    net = mc.Sequential(
        [mc.Dense(64, weight_init="zeros", bias_init="ones"), mc.Dropout(0.5)], input_shape=(1,), seed=0
    )
    _, gradients = net.loss_and_gradient(np.zeros((1000, 1)), np.full((1000, 64), -1e6), loss="absolute_error")
    counts = gradients["dense_1.bias"] * 500
    assert 400 < counts.min() < counts.max() < 600
    assert len(np.unique(np.round(counts))) > 20


def test_dropout_depends_on_seed_and_layer():
    assert (mask(0.5, "float64", seed=0, rows=3) == mask(0.5, "float64", seed=0, rows=3)).all()
    assert (mask(0.5, "float64", seed=0, rows=3) != mask(0.5, "float64", seed=1, rows=3)).mean() == pytest.approx(
        0.5, abs=0.06
    )
    x = mc.Input(1)
    h = mc.Dense(500, weight_init="zeros", bias_init="ones")(x)
    net = mc.Network(x, mc.concat([mc.Dropout(0.5)(h), mc.Dropout(0.5)(h)]), seed=0)
    _, gradients = net.loss_and_gradient(np.zeros((1, 1)), np.full((1, 1000), -1e6), loss="absolute_error")
    kept_by_one = (gradients["dense_1.bias"] == 2).mean()  # 0: by none, 2: by one of them, 4: by both
    assert kept_by_one == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout_is_off_in_predict_and_evaluate(dtype):
    X, y = samples(50, 64, 10, dtype)
    with_dropout, without = classifier((64, 100, 10), dtype), classifier((64, 100, 10), dtype, dropout=0)
    without.parameters.flat[:] = with_dropout.parameters.flat
    np.testing.assert_array_equal(with_dropout.predict(X), without.predict(X))
    assert with_dropout.evaluate(X, y) == without.evaluate(X, y)
    assert with_dropout.loss_and_gradient(X, y)[0] != without.loss_and_gradient(X, y)[0]


def test_lbfgs_keeps_other_libraries_from_waiting_for_their_threads():
    """On a busy machine each of its small steps would take a time slice; afterwards all is as before."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    import scipy.optimize  # noqa: F401 - its BLAS is to be looked at, too

    def threads_of_blas():
        libraries = threadpoolctl.threadpool_info()
        return {lib["filepath"]: lib["num_threads"] for lib in libraries if lib["user_api"] == "blas"}

    def fit(seed, callbacks=()):
        net = mc.Sequential([mc.Dense(3, "tanh"), mc.Dense(1)], input_shape=2, seed=seed)
        net.fit(np.eye(2), [0.0, 1.0], optimizer="lbfgs", batch_size=None, epochs=20, callbacks=callbacks)

    seen, before = [], threads_of_blas()
    fit(0, [lambda net, epoch: seen.extend(threads_of_blas().values())])
    assert set(seen) == {1}
    assert threads_of_blas() == before
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fit, range(20)))
    assert threads_of_blas() == before
