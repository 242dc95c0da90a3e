"""Curricula: easy samples first, at the pace asked for."""

import numpy as np
import pytest

import multicapa as mc

COUNT = 20
DIFFICULTY = np.random.default_rng(0).permutation(COUNT).astype(float)
EASIEST_FIRST = np.argsort(DIFFICULTY)


def seen_by_epoch(curriculum, epochs, **options):
    """The samples that each epoch trains on: each has a weight of its own, which moves when it is seen."""
    layer = mc.Dense(1, weight_init="zeros", bias=False)
    net = mc.Sequential([layer], input_shape=(COUNT,), dtype="float64", seed=0)
    before, seen = net.parameters.flat.copy(), []

    def note(net, epoch):
        seen.append(set(np.flatnonzero(net.parameters.flat[:COUNT] != before[:COUNT])))
        before[:] = net.parameters.flat

    options = {"optimizer": mc.SGD(0.1), "batch_size": 3, **options}
    net.fit(np.eye(COUNT), np.ones(COUNT), epochs=epochs, curriculum=curriculum, callbacks=[note], **options)
    return seen


@pytest.mark.parametrize("shuffle", [True, False])
def test_training_sees_the_easiest_first(shuffle):
    """Fails when the option is ignored: then every epoch sees all."""
    seen = seen_by_epoch(mc.Curriculum(DIFFICULTY, epochs=4, start=0.2), 7, shuffle=shuffle)
    assert [len(samples) for samples in seen] == [4, 8, 12, 16, 20, 20, 20]
    for samples in seen:
        assert samples == set(EASIEST_FIRST[: len(samples)])


def test_without_shuffling_in_rising_order():
    """Sample by sample: the loss as met shows which one came when."""
    x = np.zeros((COUNT, 1))
    net = mc.Sequential([mc.Dense(1, weight_init="zeros")], input_shape=(1,), dtype="float64", seed=0)
    seen = []
    loss = mc.losses.CustomLoss(lambda y, t: seen.extend(t[:, 0]) or np.zeros(len(y)), lambda y, t: 0 * y)
    net.fit(x, DIFFICULTY, loss=loss, epochs=1, batch_size=1, shuffle=False, curriculum=mc.Curriculum(DIFFICULTY, 1, 1))
    assert seen == sorted(DIFFICULTY)
    seen.clear()
    net.fit(x, DIFFICULTY, loss=loss, epochs=1, batch_size=1, curriculum=mc.Curriculum(DIFFICULTY, 2, 0.5))
    assert sorted(seen) == list(range(10))
    assert seen != sorted(seen)


@pytest.mark.parametrize("batch_size", [None, 1, 7, 100])
def test_number_of_updates(batch_size):
    """Batches are cut from the samples admitted."""
    layer = mc.Dense(1, weight_init="zeros")
    net = mc.Sequential([layer], input_shape=(COUNT,), dtype="float64", seed=0)
    curriculum = mc.Curriculum(DIFFICULTY, epochs=2, start=0.5)
    net.fit(np.eye(COUNT), np.ones(COUNT), epochs=3, batch_size=batch_size, curriculum=curriculum)
    size = min(batch_size or COUNT, COUNT)
    assert net._core.training_steps == sum(-(-admitted // size) for admitted in (10, 15, 20))


PACES = {
    "linear": lambda s: s,
    "root": lambda s: s**0.5,
    "quadratic": lambda s: s**2,
    "exponential": lambda s: np.expm1(3 * s) / np.expm1(3),
    "step": lambda s: s >= 1,
}


def test_every_pacing_has_its_formula_here():
    assert set(PACES) == set(mc.training.curriculum.PACING)


@pytest.mark.parametrize("name", mc.training.curriculum.PACING)
def test_pacing(name):
    """From start to all, never back; named or given as a function."""
    named = mc.Curriculum(np.arange(1000), epochs=10, start=0.2, pacing=name)
    given = mc.Curriculum(np.arange(1000), epochs=10, start=0.2, pacing=lambda s: float(PACES[name](s)))
    counts = [len(named.admitted(epoch, 1000)) for epoch in range(13)]
    assert counts == [round(1000 * (0.2 + 0.8 * float(PACES[name](min(e / 10, 1))))) for e in range(13)]
    assert counts == [len(given.admitted(epoch, 1000)) for epoch in range(13)]
    assert counts[0] == 200
    assert counts[10:] == [1000] * 3
    assert counts == sorted(counts)


def test_at_least_one_sample():
    assert len(mc.Curriculum(np.arange(5), epochs=3, start=1e-6).admitted(0, 5)) == 1


def test_equally_difficult_samples_keep_their_order():
    curriculum = mc.Curriculum([1, 0, 1, 0, 1], epochs=1, start=1)
    np.testing.assert_array_equal(curriculum.admitted(0, 5), [1, 3, 0, 2, 4])


def test_graded_by_the_loss_of_the_network():
    """The samples that the network does best on come first."""
    rng = np.random.default_rng(1)
    X, T = rng.normal(size=(COUNT, 3)), rng.normal(size=(COUNT, 2))
    net = mc.Sequential([mc.Dense(4, "tanh"), mc.Dense(2)], input_shape=(3,), dtype="float64", seed=0)
    losses = [net.evaluate(x[None], t[None], loss="huber")["loss"] for x, t in zip(X, T, strict=True)]
    curriculum = mc.Curriculum("loss", epochs=4, start=0.25)
    net.fit(X, T, loss="huber", epochs=1, curriculum=curriculum, l2=0.1)
    np.testing.assert_array_equal(curriculum.admitted(0, COUNT), np.argsort(losses)[:5])


def test_graded_by_an_earlier_network_for_its_successor():
    X, y = np.random.default_rng(1).normal(size=(60, 2)), np.arange(60) % 2
    X[:, 0] += 3 * y
    teacher = mc.Sequential([mc.Dense(2, "softmax")], input_shape=(2,), seed=0)
    curriculum = mc.Curriculum("loss", epochs=4)
    teacher.fit(X, y, epochs=1)
    teacher.fit(X, y, epochs=1, curriculum=curriculum)
    graded = curriculum.admitted(9, 60).copy()
    given = mc.Curriculum(np.argsort(graded), epochs=4)
    np.testing.assert_array_equal(given.admitted(9, 60), graded)


def test_weights_of_samples_and_accuracy_go_along():
    """The i-th weight stays with the i-th sample."""
    seen = seen_by_epoch(mc.Curriculum(DIFFICULTY, epochs=1, start=0.5), 1, sample_weight=(DIFFICULTY % 2 == 0) * 1.0)
    assert seen == [{i for i in range(COUNT) if DIFFICULTY[i] < 10 and DIFFICULTY[i] % 2 == 0}]


def test_same_bits_for_any_number_of_threads():
    X, y = np.random.default_rng(1).normal(size=(400, 64)), np.arange(400) % 4
    found = []
    for threads in (1, 2, 3, 7):
        mc.set_num_threads(threads)
        net = mc.Sequential([mc.Dense(100, "relu"), mc.Dense(4, "softmax")], input_shape=(64,), seed=0)
        net.fit(X, y, epochs=3, batch_size=100, curriculum=mc.Curriculum(X[:, 0], epochs=2))
        found.append(net.parameters.flat.tobytes())
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"difficulty": "hard"}, "difficulty"),
        ({"difficulty": [[1.0, 2.0]]}, "difficulty"),
        ({"difficulty": [1.0, np.nan]}, "difficulty"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": 1.5}, "epochs"),
        ({"start": 0}, "start"),
        ({"start": 1.1}, "start"),
        ({"start": "early"}, "start"),
        ({"pacing": "liner"}, "linear"),
        ({"pacing": 3}, "pacing"),
    ],
)
def test_wrong_options(options, match):
    with pytest.raises((ValueError, TypeError), match=match):
        mc.Curriculum(**{"difficulty": [1.0, 2.0], "epochs": 2, **options})


def test_wrong_number_of_samples_changes_nothing():
    net = mc.Sequential([mc.Dense(1)], input_shape=(COUNT,), seed=0)
    before = net.parameters.flat.copy()
    with pytest.raises(ValueError, match="20 entries"):
        net.fit(np.eye(COUNT), np.ones(COUNT), curriculum=mc.Curriculum([1.0, 2.0], epochs=1))
    np.testing.assert_array_equal(net.parameters.flat, before)


@pytest.mark.parametrize("result", [-0.5, float("nan"), "half", None])
def test_wrong_results_of_a_pacing_function(result):
    with pytest.raises((ValueError, TypeError), match="pacing"):
        seen_by_epoch(mc.Curriculum(DIFFICULTY, epochs=2, pacing=lambda share: result), 1)


def test_a_pacing_function_that_overshoots():
    assert len(mc.Curriculum(np.arange(10), epochs=2, pacing=lambda share: 7.0).admitted(0, 10)) == 10
