"""Training as users meet it: modes, on-line learning, history, seeds, weights by class, frozen layers."""

import numpy as np
import pytest

import multicapa as mc
from helpers import FUSED, numbers_of, output_of

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5))
Y = np.digitize(X[:, 0] + 0.5 * X[:, 1], [-0.5, 0.5])
T = np.stack([X[:, 0] * X[:, 1], np.sin(X[:, 2])], axis=1)


def classifier(seed=0, dtype="float32", dropout=0.0):
    layers = [mc.Dense(12, "tanh"), mc.Dropout(dropout), mc.Dense(3, "softmax")]
    return mc.Sequential(layers, input_shape=(5,), seed=seed, dtype=dtype)


def regressor(seed=0, dtype="float64"):
    return mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(2)], input_shape=(5,), seed=seed, dtype=dtype)


# ---- modes ----


@pytest.mark.parametrize("batch_size", [None, 1, 7, 32, 60, 1000])
def test_modes_lower_the_loss(batch_size):
    net = classifier()
    before = net.evaluate(X, Y)["loss"]
    history = net.fit(X, Y, epochs=15, batch_size=batch_size, optimizer=mc.Adam(0.02))
    assert len(history) == 15
    assert net.evaluate(X, Y)["loss"] < before
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize(("batch_size", "steps"), [(None, 1), (1, 60), (7, 9), (60, 1), (61, 1)])
def test_number_of_updates(batch_size, steps):
    rates = []
    net = classifier()
    net.fit(X, Y, epochs=2, batch_size=batch_size, optimizer=mc.SGD(lambda k: rates.append(k) or 0.01))
    assert net._core.training_steps == 2 * steps
    assert set(rates) == set(range(2 * steps))


def test_no_epochs():
    net = classifier()
    before = numbers_of(net)
    assert len(net.fit(X, Y, epochs=0)) == 0
    assert numbers_of(net) == before


def test_loss_of_an_epoch_is_the_mean_as_met():
    """With a rate of 0 it is what evaluate finds, plus the penalty."""
    net = regressor()
    history = net.fit(X, T, loss="squared_error", optimizer=mc.SGD(0.0), epochs=1, batch_size=7, l2=0.3, l1=0.2)
    weights = np.concatenate([v.ravel() for name, v in net.parameters.items() if name.endswith("weight")])
    penalty = 0.15 * (weights**2).sum() + 0.1 * np.abs(weights).sum()
    assert history[0]["loss"] == pytest.approx(net.evaluate(X, T)["loss"] + penalty, rel=1e-12)


def test_learns_digits():
    datasets = pytest.importorskip("sklearn.datasets")
    images, digits = datasets.load_digits(return_X_y=True)
    images = images / 16
    net = mc.Sequential([mc.Dense(32, "relu"), mc.Dense(10, "softmax")], input_shape=(64,), seed=0)
    history = net.fit(images[:1400], digits[:1400], epochs=20, validation_data=(images[1400:], digits[1400:]))
    assert history["loss"][-1] < 0.2 < history["loss"][0]
    assert history["val_accuracy"][-1] > 0.8
    assert net.evaluate(images[:1400], digits[:1400])["accuracy"] > 0.95


@pytest.mark.parametrize("loss", mc.losses.names())
def test_every_loss_trains(loss):
    last = FUSED.get(loss, "linear").replace("step", "linear")
    net = mc.Sequential([mc.Dense(12, "tanh"), mc.Dense(3, last)], input_shape=(5,), seed=0)
    as_numbers = None if loss in (*FUSED, "hinge") else (0, 1)
    history = net.fit(X, Y, loss=loss, epochs=20, optimizer=mc.Adam(0.01), target_range=as_numbers)
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert net.loss.name == loss


# ---- seeds and order ----


def test_same_seed_same_bits():
    nets = [classifier(seed, dropout=0.5) for seed in (3, 3, 4)]
    start = nets[0].parameters.flat.copy()
    for net in nets:
        net.parameters.flat[:] = start
        net.fit(X, Y, epochs=3, batch_size=8)
    assert numbers_of(nets[0]) == numbers_of(nets[1])
    assert numbers_of(nets[0]) != numbers_of(nets[2])


def test_order_of_each_epoch_differs():
    """With one sample per update and a rate of 1 on a bias, the last sample of an epoch is what is left."""
    net = mc.Sequential([mc.Dense(1, weight_init="zeros")], input_shape=(1,), dtype="float64", seed=0)
    last = []
    t = np.arange(50.0)[:, None]
    net.fit(
        np.zeros((50, 1)),
        t,
        loss="half_squared_error",
        optimizer=mc.SGD(1.0),
        epochs=12,
        batch_size=1,
        callbacks=[lambda net, epoch: last.append(net.parameters["dense_1.bias"].item())],
    )
    assert len(set(last)) > 5
    assert set(last) <= set(range(50))


def test_shuffle_off_keeps_the_order():
    net = mc.Sequential([mc.Dense(1, weight_init="zeros")], input_shape=(1,), dtype="float64", seed=0)
    t = np.arange(50.0)[:, None]
    net.fit(
        np.zeros((50, 1)), t, loss="half_squared_error", optimizer=mc.SGD(1.0), epochs=3, batch_size=1, shuffle=False
    )
    assert net.parameters["dense_1.bias"].item() == 49


def test_every_sample_is_seen_once_per_epoch():
    """The sum of all gradients of a bias does not depend on the order."""
    net = mc.Sequential([mc.Dense(1, weight_init="zeros")], input_shape=(1,), dtype="float64", seed=0)
    t = 2.0 * np.random.default_rng(0).integers(-8, 8, (37, 1)) + 1
    net.fit(np.zeros((37, 1)), t, loss="absolute_error", optimizer=mc.SGD(2.0**-30), epochs=1, batch_size=1)
    assert net.parameters["dense_1.bias"].item() * 2**30 == np.sign(t).sum()


# ---- batches that change from fit to fit ----


def test_many_batch_sizes_on_one_network():
    """Plans are kept for a few sizes of batch; an old one that serves again must still be whole."""
    used = classifier(dropout=0.3)
    for batch in (8, 9, 10, 11):
        used.fit(X[: 2 * batch], Y[: 2 * batch], epochs=1, batch_size=batch)
    fresh = classifier(dropout=0.3)
    fresh.parameters.flat[:] = used.parameters.flat
    fresh._core.training_steps = used._core.training_steps
    for net in (used, fresh):
        net.fit(X[:13], Y[:13], epochs=2, batch_size=8)
    assert numbers_of(used) == numbers_of(fresh)


def test_many_batch_sizes_without_a_crash():
    code = """
import numpy as np
import multicapa as mc
rng = np.random.default_rng(0)
net = mc.Sequential([mc.Dense(60, "relu"), mc.Dense(3, "softmax")], input_shape=(50,), seed=0)
X, y = rng.normal(size=(3000, 50)), rng.integers(0, 3, 3000)
for batch in (100, 128, 100, 64, 300, 100, 7, 9, 250, 128, 100, 301, 64):
    for rows in (3000, 2991, 1000, batch, batch + 1):
        net.fit(X[:rows], y[:rows], epochs=1, batch_size=batch)
        net.loss_and_gradient(X[:batch], y[:batch])
        net.partial_fit(X[0], y[0])
        assert np.isfinite(net.parameters.flat).all()
print("whole")
"""
    assert output_of(code) == "whole"


# ---- weights by class, frozen layers ----


def test_class_weight_is_a_sample_weight():
    weights = {0: 2.0, 2: 0.5}
    by_class, by_sample = classifier(), classifier()
    by_class.fit(X, Y, epochs=2, class_weight=weights)
    by_sample.fit(X, Y, epochs=2, sample_weight=[weights.get(label, 1.0) for label in Y])
    assert numbers_of(by_class) == numbers_of(by_sample)


def test_class_weight_is_for_classes():
    labels = np.array([[1, 0, 1], [0, 1, 0]] * 30)
    for rows in (labels, labels.astype(float), X[:, :1] * [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match="one-hot rows"):
            classifier().fit(X, np.abs(rows), class_weight="balanced")
    absent = classifier()
    with pytest.warns(UserWarning, match="names 2, which y does not hold") as told:
        absent.fit(X, Y % 2, epochs=2, class_weight={0: 2.0, 2: 5.0})
    assert len(told) == 1
    present = classifier()
    present.fit(X, Y % 2, epochs=2, class_weight={0: 2.0})
    assert numbers_of(absent) == numbers_of(present)


def test_balanced_class_weight():
    counts = np.bincount(Y)
    balanced, by_hand = classifier(), classifier()
    balanced.fit(X, Y, epochs=2, class_weight="balanced")
    by_hand.fit(X, Y, epochs=2, sample_weight=(60 / (3 * counts))[Y])
    assert numbers_of(balanced) == numbers_of(by_hand)
    one_hot = classifier()
    one_hot.fit(X, np.eye(3)[Y], epochs=2, class_weight="balanced")
    assert numbers_of(one_hot) == numbers_of(balanced)


def test_class_and_sample_weights_multiply():
    both, product = classifier(), classifier()
    own = np.linspace(0.5, 2, 60)
    both.fit(X, Y, epochs=2, class_weight={1: 3.0}, sample_weight=own)
    product.fit(X, Y, epochs=2, sample_weight=own * np.where(Y == 1, 3.0, 1.0))
    assert numbers_of(both) == numbers_of(product)


def test_weighted_accuracy():
    net = classifier()
    right = net.predict(X).argmax(axis=1) == Y
    found = net.evaluate(X, Y, sample_weight=np.where(right, 3.0, 1.0))["accuracy"]
    assert found == pytest.approx(3 * right.sum() / (3 * right.sum() + (~right).sum()))


@pytest.mark.parametrize("optimizer", ["adamw", "momentum"])
@pytest.mark.parametrize("options", [{}, {"l2": 0.1, "l1": 0.1}, {"clip_norm": 0.1}])
def test_frozen_layers_do_not_move(optimizer, options):
    net = classifier()
    net.freeze("dense_1")
    before = numbers_of(net)
    net.fit(X, Y, epochs=2, optimizer=optimizer, **options)
    net.partial_fit(X[0], Y[0])
    after = numbers_of(net)
    assert {name for name in before if before[name] != after[name]} == {"dense_2.weight", "dense_2.bias"}
    net.unfreeze("dense_1")
    net.fit(X, Y, epochs=1, optimizer=optimizer)
    assert all(numbers_of(net)[name] != after[name] for name in after)


def test_frozen_layers_count_in_the_penalty():
    """The reported loss does not depend on what was frozen, nor on what was computed before."""
    plain, frozen, looked = regressor(), regressor(), regressor()
    frozen.freeze("dense_1")
    looked.loss_and_gradient(X, T, l2=0.5)
    looked.freeze("dense_1")
    options = {"optimizer": mc.SGD(0.0), "epochs": 1, "batch_size": None, "l2": 0.5, "shuffle": False}
    losses = [net.fit(X, T, **options)[0]["loss"] for net in (plain, frozen, looked)]
    assert losses == [losses[0]] * 3


def test_freezing_what_is_not_there():
    with pytest.raises(ValueError, match="dense_7"):
        classifier().freeze("dense_7")
    with pytest.raises(ValueError, match="dropout_1"):
        classifier().freeze("dropout_1")


# ---- validation and evaluate ----


def test_validation_values_are_those_of_evaluate():
    net = classifier(dropout=0.5)
    seen = []
    history = net.fit(
        X[:40],
        Y[:40],
        epochs=3,
        validation_data=(X[40:], Y[40:]),
        label_smoothing=0.1,
        l2=0.1,
        callbacks=[lambda net, epoch: seen.append((epoch["val_loss"], epoch["val_accuracy"]))],
    )
    assert seen == list(zip(history["val_loss"], history["val_accuracy"], strict=True))
    found = net.evaluate(X[40:], Y[40:])
    assert (found["loss"], found["accuracy"]) == seen[-1]
    assert net.history is history


def test_validation_does_not_change_training():
    with_it, without = classifier(dropout=0.5), classifier(dropout=0.5)
    with_it.fit(X, Y, epochs=3, l2=0.1, validation_data=(X[:7], Y[:7]))
    without.fit(X, Y, epochs=3, l2=0.1)
    assert numbers_of(with_it) == numbers_of(without)


def test_accuracy():
    net = classifier()
    share = (net.predict(X).argmax(axis=1) == Y).mean()
    assert net.evaluate(X, Y)["accuracy"] == pytest.approx(share)
    assert net.evaluate(X, np.eye(3)[Y])["accuracy"] == pytest.approx(share)
    two = mc.Sequential([mc.Dense(1, "sigmoid")], input_shape=5, seed=0)
    assert two.evaluate(X, Y > 1)["accuracy"] == pytest.approx(((two.predict(X)[:, 0] > 0.5) == (Y > 1)).mean())
    signs = mc.Sequential([mc.Dense(1)], input_shape=5, seed=0)
    t = np.where(Y > 1, 1, -1)
    assert signs.evaluate(X, t, loss="hinge")["accuracy"] == pytest.approx(
        (np.sign(signs.predict(X)[:, 0]) == t).mean()
    )
    assert set(regressor().evaluate(X, T)) == {"loss"}


def test_evaluate_with_weights_of_zero():
    """Nothing to average: no crash with NumPy's own error."""
    try:
        found = classifier().evaluate(X, Y, sample_weight=np.zeros(60))
    except ValueError as error:
        assert "sample_weight" in str(error)  # noqa: PT017
    else:
        assert found["loss"] == 0


def test_default_losses():
    for last, name in {
        "softmax": "cross_entropy",
        "sigmoid": "binary_cross_entropy",
        "linear": "squared_error",
        "exponential": "poisson",
        "step": "perceptron",
        "relu": "squared_error",
    }.items():
        net = mc.Sequential([mc.Dense(2, last)], input_shape=5, seed=0)
        assert net.loss.name == name
        net.fit(X, np.where(Y > 1, 1, 0), epochs=1, target_range=(0, 1) if name == "squared_error" else None)
        assert net.loss.name == name


def test_a_look_from_within_does_not_change_what_is_trained():
    """A schedule that asks the network for another loss, between two epochs and without a callback."""
    X = np.random.default_rng(0).normal(size=(64, 4))

    def trained(looks):
        net = mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(1)], input_shape=4, seed=0)

        def rate(step):
            if looks and step % 2 == 0:
                net.loss_and_gradient(X, X[:, :1], loss="absolute_error")
            return 0.1

        net.fit(X, X[:, :1], optimizer=mc.SGD(rate), epochs=4, batch_size=32)
        return net.parameters.flat

    np.testing.assert_array_equal(trained(True), trained(False))


@pytest.mark.parametrize("rows", [17, 33, 50])
def test_who_looks_after_each_batch_changes_nothing(rows):
    """Also not the noise of a last batch that is shorter than the others."""

    class Look(mc.Callback):
        def on_batch_end(self, run, batch):
            pass

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(rows, 4)), np.arange(rows) % 3
    nets = [
        mc.Sequential([mc.Dense(7, "tanh"), mc.Dropout(0.2), mc.Dense(3, "softmax")], input_shape=4, seed=0)
        for _ in range(2)
    ]
    for net, callbacks in zip(nets, ([], [Look()]), strict=True):
        net.fit(X, y, epochs=2, batch_size=16, callbacks=callbacks)
    np.testing.assert_array_equal(*(net.parameters.flat for net in nets))
