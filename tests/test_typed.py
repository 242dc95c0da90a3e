"""What people hand to networks and expect to work: texts as classes, functions as losses, hooks after each batch."""

import pickle

import numpy as np
import pytest

import multicapa as mc
from helpers import numbers_of

rng = np.random.default_rng(0)
X = rng.normal(size=(45, 3))
CODES = rng.integers(0, 3, 45)
NAMES = np.array(["ash", "birch", "cedar"])


def net(outputs=3, last="softmax", seed=0, **options):
    layers = [mc.Dense(5, "tanh"), mc.Dense(outputs, last)]
    return mc.Sequential(layers, input_shape=(3,), seed=seed, dtype="float64", **options)


# ---- texts as classes ----


@pytest.mark.parametrize("form", [np.asarray, list, lambda y: y.astype(object)])
def test_texts_are_the_classes_in_their_order(form):
    ours, theirs = net(), net()
    labels = form(NAMES[CODES])
    options = {"epochs": 3, "validation_split": 0.2, "metrics": ["f1"]}
    mine = ours.fit(X, labels, class_weight={"ash": 2.0}, **options)
    other = theirs.fit(X, CODES, class_weight={0: 2.0}, **options)
    assert numbers_of(ours) == numbers_of(theirs)
    assert mine["val_f1"] == other["val_f1"]
    assert ours.classes.tolist() == NAMES.tolist()
    assert theirs.classes is None
    assert ours.evaluate(X, labels) == theirs.evaluate(X, CODES)
    assert ours.evaluate(X[:4], ["cedar"] * 4)["loss"] == theirs.evaluate(X[:4], [2] * 4)["loss"]
    assert ours.partial_fit(X[:1], ["birch"]) == theirs.partial_fit(X[:1], [1])


def test_one_output_tells_two_texts_apart():
    ours, theirs = net(1, "sigmoid"), net(1, "sigmoid")
    ours.fit(X, np.array(["no", "yes"])[CODES % 2], epochs=2)
    theirs.fit(X, CODES % 2, epochs=2)
    assert numbers_of(ours) == numbers_of(theirs)
    assert ours.classes.tolist() == ["no", "yes"]


def test_classes_are_remembered(tmp_path):
    made = net()
    made.fit(X, NAMES[CODES], epochs=1)
    made.save(tmp_path / "net.safetensors")
    for again in (mc.load(tmp_path / "net.safetensors"), pickle.loads(pickle.dumps(made)), made.copy()):
        assert again.classes.tolist() == NAMES.tolist()
    before = numbers_of(made)
    with pytest.raises(ValueError, match="'elm', which is none of the classes that the network has learnt: ash, birch"):
        made.fit(X[:2], ["elm", "ash"])
    assert numbers_of(made) == before
    made.fit(X[:2], ["ash", "ash"], epochs=1)  # some of them are enough
    made.reset()
    assert made.classes is None


def test_there_is_one_text_for_each_output():
    made = net()
    with pytest.raises(ValueError, match="2 classes as texts, but the network's outputs stand for 3"):
        made.fit(X[:2], ["ash", "birch"])
    assert made.classes is None
    with pytest.raises(ValueError, match="3 classes as texts, but the network's outputs stand for 2"):
        net(1, "sigmoid").fit(X, NAMES[CODES])


# ---- reset ----


def test_reset_makes_the_network_as_it_was():
    layers = [mc.Dense(5, "tanh"), mc.BatchNorm(), mc.Dropout(0.2), mc.Dense(3, "softmax")]
    made = mc.Sequential(layers, input_shape=(3,), seed=0)
    start, view = numbers_of(made), made.parameters["dense_1.weight"]
    first = made.fit(X, CODES, epochs=3)
    after, state = numbers_of(made), made.state.flat.copy()
    made.freeze("dense_1")
    made.partial_fit(X[:1], [0])
    made.reset()
    assert numbers_of(made) == start
    assert made.parameters["dense_1.weight"] is view
    assert not made["dense_1"].frozen
    assert len(made.history) == 0
    again = made.fit(X, CODES, epochs=3)
    assert again["loss"] == first["loss"]
    assert numbers_of(made) == after
    assert np.array_equal(made.state.flat, state)


# ---- after each batch ----


class Batches(mc.Callback):
    def __init__(self, last=None):
        self.seen, self.last = [], last

    def on_batch_end(self, run, batch):
        self.seen.append(dict(batch))
        return len(self.seen) == self.last


@pytest.mark.parametrize(
    "options",
    [{}, {"shuffle": False}, {"batch_size": None}, {"optimizer": mc.SGD(mc.schedules.Exponential(0.1, 0.9))}],
)
def test_a_hook_after_each_batch_changes_no_bit(options):
    given = {"epochs": 3, "batch_size": 10, **options}
    plain, watched, batches = net(), net(), Batches()
    alone = plain.fit(X, CODES, **given)
    history = watched.fit(X, CODES, callbacks=[batches], **given)
    assert numbers_of(plain) == numbers_of(watched)
    assert history["loss"] == pytest.approx(alone["loss"], rel=1e-12)
    each = 1 if given["batch_size"] is None else 5
    assert [(b["epoch"], b["batch"]) for b in batches.seen] == [(e, b) for e in (1, 2, 3) for b in range(1, each + 1)]
    assert batches.seen[-1]["learning_rate"] == history[-1]["learning_rate"]
    sizes = [45] if each == 1 else [10, 10, 10, 10, 5]
    assert np.average([b["loss"] for b in batches.seen[:each]], weights=sizes) == pytest.approx(alone[0]["loss"])


def test_a_hook_after_a_batch_ends_the_fit():
    batches = Batches(last=7)
    made = net()
    history = made.fit(X, CODES, epochs=5, batch_size=10, callbacks=[batches])
    assert (len(batches.seen), len(history), made._core.training_steps) == (7, 2, 7)
    with pytest.raises(ValueError, match="L-BFGS has no batches"):
        made.fit(X, CODES, optimizer="lbfgs", batch_size=None, callbacks=[Batches()])
    model = mc.MLPRegressor(
        hidden_layer_sizes=(3,), max_iter=2, tol=1.0, n_iter_no_change=1, callbacks=[seen := Batches()]
    )
    model.set_params(max_iter=300).fit(X, X[:, 0])
    assert len(seen.seen) == model.n_iter_


# ---- functions as losses ----


def quartic(y, t):
    return ((y - t) ** 4).sum(axis=1), 4 * (y - t) ** 3


def test_a_function_is_a_loss():
    whole = mc.losses.CustomLoss(lambda y, t: quartic(y, t)[0], lambda y, t: quartic(y, t)[1])
    ours, theirs = net(2, "linear"), net(2, "linear")
    ours.fit(X, X[:, :2], loss=quartic, epochs=3)
    theirs.fit(X, X[:, :2], loss=whole, epochs=3)
    assert numbers_of(ours) == numbers_of(theirs)
    assert mc.losses.get(quartic) == mc.losses.get(quartic)
    options = {"hidden_layer_sizes": (4,), "max_iter": 300, "tol": 10.0, "n_iter_no_change": 1, "random_state": 0}
    first, second = (mc.MLPRegressor(loss=loss, **options).fit(X, X[:, 0]) for loss in (quartic, whole))
    assert np.array_equal(first.predict(X), second.predict(X))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda y, t: (((y - t) ** 2).sum(axis=1), y - t), "derivative of the loss is wrong: at y = "),
        (lambda y, t: ((y - t) ** 2, 2 * (y - t)), r"of shape \(n_samples,\)"),
        (lambda y, t: ((y - t) ** 2).sum(axis=1), "should return the pair"),
    ],
)
def test_wrong_functions_are_found_before_anything_changes(function, message):
    made = net(2, "linear")
    before = numbers_of(made)
    with pytest.raises((ValueError, TypeError), match=message):
        made.fit(X, X[:, :2], loss=function)
    assert numbers_of(made) == before
    with pytest.raises((ValueError, TypeError), match=message):
        mc.MLPRegressor(hidden_layer_sizes=(3,), loss=function).fit(X, X[:, :2])


def test_a_function_as_loss_takes_numbers():
    with pytest.raises(ValueError, match="not classes"):
        net().fit(X, CODES, loss=quartic)


# ---- pickles of functions ----


def test_networks_with_local_functions_are_pickled_by_cloudpickle():
    pytest.importorskip("cloudpickle")
    factor = 2.0
    act = mc.layers.CustomActivation(lambda z: factor * z, lambda z: factor + 0 * z)
    init = lambda rng, shape, *fans: rng.normal(size=shape)  # noqa: E731
    made = mc.Sequential([mc.Dense(2, weight_init=init), act], input_shape=(3,), seed=0)
    loss = mc.losses.CustomLoss(lambda y, t: ((y - t) ** 2).sum(axis=1), lambda y, t: factor * (y - t))
    made.partial_fit(X[0], X[0, :2], loss=loss, optimizer=mc.SGD(lambda step: 0.1 / (1 + step)))
    again = pickle.loads(pickle.dumps(made))
    twin = made.copy()
    for other in (again, twin):
        assert np.array_equal(other.predict(X), made.predict(X))
    expected = made.partial_fit(X[1], X[1, :2])
    assert again.partial_fit(X[1], X[1, :2]) == twin.partial_fit(X[1], X[1, :2]) == expected
    assert numbers_of(again) == numbers_of(twin) == numbers_of(made)
