"""On-line learning: what partial_fit updates, remembers and forgets."""

import copy
import pickle

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, numbers_of
from test_fit import T, X, Y, classifier, regressor


@pytest.mark.parametrize("dtype", DTYPES)
def test_partial_fit_is_fit_with_one_sample_at_a_time(dtype):
    online, offline = classifier(dtype=dtype, dropout=0.3), classifier(dtype=dtype, dropout=0.3)
    optimizer = mc.Momentum(0.01)
    losses = [online.partial_fit(x, y, loss="cross_entropy", optimizer=optimizer) for x, y in zip(X, Y, strict=True)]
    history = offline.fit(X, Y, loss="cross_entropy", optimizer=optimizer, epochs=1, batch_size=1, shuffle=False)
    assert numbers_of(online) == numbers_of(offline)
    assert history[0]["loss"] == pytest.approx(np.mean(losses), rel=1e-5)


def test_partial_fit_with_a_few_samples_and_a_schedule():
    online, offline = regressor(), regressor()
    optimizer = mc.Adam(mc.schedules.InverseScaling(0.05))
    for start in range(0, 60, 20):
        online.partial_fit(X[start : start + 20], T[start : start + 20], loss="huber", optimizer=optimizer)
    offline.fit(X, T, loss="huber", optimizer=optimizer, epochs=1, batch_size=20, shuffle=False)
    assert numbers_of(online) == numbers_of(offline)


def test_partial_fit_remembers_and_starts_afresh():
    net, other = regressor(), regressor()
    net.partial_fit(X[0], T[0], loss="huber", optimizer=mc.Momentum(0.1))
    net.partial_fit(X[1], T[1])
    other.fit(X[:2], T[:2], loss="huber", optimizer=mc.Momentum(0.1), epochs=1, batch_size=1, shuffle=False)
    assert numbers_of(net) == numbers_of(other)
    net.partial_fit(X[2], T[2], optimizer=mc.Adam(0.1))
    other.fit(X[2:3], T[2:3], loss="huber", optimizer=mc.Adam(0.1), epochs=1, batch_size=1)
    assert numbers_of(net) == numbers_of(other)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["copy", "pickle"])
@pytest.mark.parametrize(
    "optimizer", ["adam", "rmsprop", mc.Momentum(0.1), mc.SGD(mc.schedules.Cosine(0.1, 20))], ids=str
)
def test_partial_fit_goes_on_in_a_copy(copied, optimizer):
    net = classifier()
    for _ in range(3):
        net.partial_fit(X, Y, optimizer=optimizer, loss="cross_entropy")
    other = copied(net)
    for each in (net, other):
        for _ in range(3):
            each.partial_fit(X, Y)
    assert numbers_of(net) == numbers_of(other)


def test_partial_fit_after_a_file_is_told_to_start_afresh(tmp_path):
    net = classifier()
    net.partial_fit(X, Y, optimizer="adam")
    for path in (tmp_path / "once", tmp_path / "twice"):
        net.save(path)
        net = mc.load(path)
        with pytest.raises(ValueError, match=r"learnt on-line by adam, .*name the optimizer"):
            net.partial_fit(X, Y)
    net.partial_fit(X, Y, optimizer="sgd")
    net.partial_fit(X, Y)
    net.fit(X, Y, epochs=1)
    net.save(path)
    mc.load(path).partial_fit(X, Y)  # a fit forgets what was on-line


def test_partial_fit_default_is_gradient_descent():
    net, other = regressor(), regressor()
    assert net.partial_fit(X[0], T[0]) == pytest.approx(other.evaluate(X[:1], T[:1])["loss"])
    other.fit(X[:1], T[:1], optimizer=mc.SGD(0.01), epochs=1)
    assert numbers_of(net) == numbers_of(other)
