"""Numbers below the normal range: zeros in training, where they would take long; untouched everywhere else."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES

TINY = {"float32": np.float32(1e-40), "float64": np.float64(1e-310)}


def stepped(dtype, target, **options):
    """A bias whose gradient is minus the target."""
    net = mc.Sequential([mc.Dense(1, weight_init="zeros", bias_init="zeros")], input_shape=(1,), dtype=dtype, seed=0)
    options = {"loss": "half_squared_error", "optimizer": mc.Momentum(1e-6), "epochs": 2, **options}
    net.fit(np.zeros((1, 1), dtype), np.full((1, 1), target, dtype), **options)
    return net.parameters["dense_1.bias"].item()


@pytest.mark.parametrize("dtype", DTYPES)
def test_training_takes_them_for_zeros(dtype):
    normal = np.finfo(dtype).tiny * 1e4
    assert stepped(dtype, normal * 1e10) > 0
    assert stepped(dtype, normal) == 0  # a millionth of it is below the range
    assert stepped(dtype, TINY[dtype], optimizer=mc.SGD(1.0)) == 0


@pytest.mark.parametrize("threads", [1, 2])
def test_the_callers_arithmetic_stays_as_it_was(threads):
    mc.set_num_threads(threads)
    X = np.random.default_rng(0).normal(size=(2000, 64))
    net = mc.Sequential([mc.Dense(64, "tanh"), mc.Dense(1)], input_shape=(64,), seed=0)
    seen = []

    def look(net, epoch):
        seen.append([float(number * number.dtype.type(0.5)) for number in TINY.values()])

    net.fit(X, X[:, :1], loss="squared_error", epochs=2, batch_size=200, callbacks=[look])
    net.loss_and_gradient(X, X[:, :1], loss="squared_error")
    look(net, 0)
    assert len(seen) == 3
    assert np.all(np.array(seen) > 0)


def test_functions_of_the_users_meet_them():
    seen = []

    def half(z):
        seen.append(float(TINY["float64"] * np.float64(0.5)))
        return z / 2

    activation = mc.layers.CustomActivation(half, lambda z: np.full_like(z, 0.5))
    net = mc.Sequential([mc.Dense(3), activation], input_shape=(2,), seed=0)
    net.fit(np.ones((4, 2)), np.ones((4, 3)), loss="squared_error", epochs=1)
    assert seen
    assert min(seen) > 0
