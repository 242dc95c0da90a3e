"""Activations and costs of the user's own: the same as the built-in ones, and their mistakes come home."""

import gc
import itertools
import pickle
import weakref

import numpy as np
import pytest

import multicapa as mc
from helpers import ACTIVATIONS, DTYPES, TOLERANCE, assert_near, randomize, targets_for
from reference import ACTIVATIONS as FORMULAS
from reference import LOSSES as COSTS

rng = np.random.default_rng(0)
X = rng.normal(size=(23, 3))
T = rng.normal(size=(23, 2))


def custom_activation(name):
    formula = FORMULAS[name]
    return mc.layers.CustomActivation(lambda z: formula.value(z), lambda z: formula.derivative(z))


def custom_loss(name):
    cost = COSTS[name]
    return mc.losses.CustomLoss(lambda y, t: cost.value(y, t), lambda y, t: cost.gradient(y, t))


def net_with(activation, dtype="float64", units=9, width=3):
    layers = [mc.Dense(units), activation, mc.Dense(5, "tanh"), mc.Dense(2)]
    net = mc.Sequential(layers, input_shape=(width,), dtype=dtype, seed=0)
    return randomize(net, np.random.default_rng(0))


def sine():
    return mc.layers.CustomActivation(np.sin, np.cos)


def quartic():
    return mc.losses.CustomLoss(lambda y, t: ((y - t) ** 4).sum(axis=1), lambda y, t: 4 * (y - t) ** 3)


# ---- the same as the built-in ones ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "softmax"])
def test_activation_equals_the_built_in_one(name, dtype):
    ours, theirs = net_with(custom_activation(name), dtype), net_with(mc.Activation(name), dtype)
    assert_near(ours.predict(X), theirs.predict(X), TOLERANCE[dtype], "predict")
    losses = [net.loss_and_gradient(X, T, loss="half_squared_error")[0] for net in (ours, theirs)]
    assert losses[0] == pytest.approx(losses[1], rel=TOLERANCE[dtype])
    assert_near(ours.gradients.flat, theirs.gradients.flat, TOLERANCE[dtype], "gradient")
    for net in (ours, theirs):
        net.fit(X, T, optimizer=mc.SGD(0.01), epochs=3, batch_size=5)
    assert_near(ours.parameters.flat, theirs.parameters.flat, 10 * TOLERANCE[dtype], "weights")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", mc.losses.names())
def test_loss_equals_the_built_in_one(name, dtype):
    """Behind an output that the built-in one is not fused with."""
    goals = targets_for(name, np.random.default_rng(3), (23, 2))
    weights = np.random.default_rng(4).uniform(0, 2, 23)
    last = "softmax" if name in ("binary_cross_entropy", "focal") else "sigmoid"
    layers = [mc.Dense(9, "tanh"), mc.Dense(2, last)]
    ours, theirs = (mc.Sequential(layers, input_shape=(3,), dtype=dtype, seed=0) for _ in "ab")
    found = []
    for net, loss in ((ours, custom_loss(name)), (theirs, name)):
        value = net.loss_and_gradient(X, goals, loss=loss, sample_weight=weights, l2=0.1)[0]
        found.append((value, net.evaluate(X, goals, loss=loss, sample_weight=weights)["loss"]))
        net.fit(X, goals, loss=loss, optimizer=mc.SGD(0.01), epochs=3, batch_size=5, sample_weight=weights, l2=0.1)
    assert found[0] == pytest.approx(found[1], rel=TOLERANCE[dtype])
    assert_near(ours.parameters.flat, theirs.parameters.flat, 10 * TOLERANCE[dtype], "weights")


def test_a_large_net_and_batch():
    """Big enough for several threads, which custom functions forgo."""
    mc.set_num_threads(3)
    big = np.random.default_rng(1).normal(size=(700, 40))
    goals = big[:, :2]
    ours, theirs = (net_with(a, units=300, width=40) for a in (custom_activation("tanh"), mc.Activation("tanh")))
    for net, loss in ((ours, custom_loss("half_squared_error")), (theirs, "half_squared_error")):
        net.fit(big, goals, loss=loss, optimizer=mc.SGD(0.01), epochs=2, batch_size=300)
    assert_near(ours.parameters.flat, theirs.parameters.flat, 1e-11, "weights")
    assert_near(ours.predict(big), theirs.predict(big), 1e-11, "predict")


def test_functions_get_arrays_of_the_networks_type():
    seen = []

    def value(z):
        seen.append((type(z), z.dtype, z.shape[1], z.flags.c_contiguous))
        return np.sin(z)

    net_with(mc.layers.CustomActivation(value, np.cos), "float32").predict(X)
    assert seen == [(np.ndarray, np.dtype("float32"), 9, True)]


def test_results_of_other_types():
    """Lists, integers and arrays of another layout are converted; writing to the arguments does no harm."""
    steps = mc.layers.CustomActivation(lambda z: (z > 0).astype(int).tolist(), lambda z: np.asfortranarray(0 * z))
    expected = np.where(X > 0, 1.0, 0.0)
    net = mc.Sequential([steps], input_shape=(3,), dtype="float64", seed=0)
    np.testing.assert_array_equal(net.predict(X), expected)

    def spoils(z):
        out = np.sin(z)
        z[...] = np.nan
        return out

    spoiling, clean = net_with(mc.layers.CustomActivation(spoils, np.cos)), net_with(sine())
    for net in (spoiling, clean):
        net.fit(X, T, epochs=2)
    np.testing.assert_array_equal(spoiling.parameters.flat, clean.parameters.flat)


def test_custom_loss_and_a_built_in_one_by_turns():
    net, loss = net_with(sine()), quartic()
    built_in = net.evaluate(X, T, loss="half_squared_error")["loss"]
    own = net.evaluate(X, T, loss=loss)["loss"]
    assert own == pytest.approx(((net.predict(X) - T) ** 4).sum(axis=1).mean(), rel=1e-12)
    assert net.evaluate(X, T, loss="half_squared_error")["loss"] == built_in
    other = mc.losses.CustomLoss(lambda y, t: np.ones(len(y)), lambda y, t: 0 * y)
    assert net.evaluate(X, T, loss=other)["loss"] == 1
    assert net.evaluate(X, T, loss=loss)["loss"] == own
    net.fit(X, T, loss=loss, epochs=1)
    assert net.evaluate(X, T)["loss"] == net.evaluate(X, T, loss=loss)["loss"]


def test_training_by_lbfgs():
    net = net_with(sine())
    history = net.fit(X, T, loss=quartic(), optimizer="lbfgs", epochs=30, batch_size=None)
    assert history["loss"][-1] < 0.1 * history["loss"][0]


def test_networks_with_functions_are_freed():
    net = net_with(sine())
    net.fit(X, T, loss=quartic(), epochs=1)
    alive = weakref.ref(net)
    del net
    gc.collect()
    assert alive() is None


def test_copies_and_files(tmp_path):
    """NumPy's functions have names, so that pickle finds them; a file has no place for functions and says so."""
    net = net_with(sine())
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(net)).predict(X), net.predict(X))
    with pytest.raises((ValueError, TypeError), match="functions of yours"):
        net.save(tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


# ---- mistakes ----


class Mine(Exception):
    pass


def failing(after, function):
    """The function, until it has been called ``after`` times."""
    calls = itertools.count()

    def wrapped(*arrays):
        if next(calls) >= after:
            raise Mine("no more")
        return function(*arrays)

    return wrapped


def broken(where, after):
    """A network and a loss of which one function raises."""
    sin, cos, cost, slope = np.sin, np.cos, quartic().value, quartic().derivative
    if where == "activation_value":
        sin = failing(after, sin)
    elif where == "activation_derivative":
        cos = failing(after, cos)
    elif where == "loss_value":
        cost = failing(after, cost)
    else:
        slope = failing(after, slope)
    return net_with(mc.layers.CustomActivation(sin, cos)), mc.losses.CustomLoss(cost, slope)


PLACES = ("activation_value", "activation_derivative", "loss_value", "loss_derivative")


@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize("where", PLACES)
def test_exceptions_reach_the_caller(where, after):
    """The weights are those after the last whole update, and the network goes on working."""
    net, loss = broken(where, after)
    twin = net_with(sine())
    for start in range(0, 5 * after, 5):
        rows = slice(start, start + 5)
        twin.partial_fit(X[rows], T[rows], loss=quartic(), optimizer=mc.SGD(0.01))
    with pytest.raises(Mine, match="no more"):
        net.fit(X, T, loss=loss, optimizer=mc.SGD(0.01), epochs=2, batch_size=5, shuffle=False)
    np.testing.assert_array_equal(net.parameters.flat, twin.parameters.flat)
    if not where.startswith("activation"):
        net.fit(X, T, epochs=1)
        assert np.isfinite(net.predict(X)).all()


@pytest.mark.parametrize("where", PLACES)
def test_exceptions_of_partial_fit(where):
    net, loss = broken(where, 0)
    before = net.parameters.flat.copy()
    with pytest.raises(Mine):
        net.partial_fit(X[:2], T[:2], loss=loss)
    with pytest.raises(Mine):
        net.loss_and_gradient(X, T, loss=loss)
    np.testing.assert_array_equal(net.parameters.flat, before)


@pytest.mark.parametrize("after", [0, 6])
def test_exceptions_under_lbfgs_leave_the_last_iterate(after):
    """Not a trial point of the line search: no point that the history does not know."""
    net, loss = broken("loss_value", after)
    before = net.parameters.flat.copy()
    with pytest.raises(Mine):
        net.fit(X, T, loss=loss, optimizer="lbfgs", epochs=30, batch_size=None)
    expected = net.history[-1]["loss"] if len(net.history) else None
    if expected is None:
        np.testing.assert_array_equal(net.parameters.flat, before)
    else:
        assert net.evaluate(X, T, loss=quartic())["loss"] == pytest.approx(expected, rel=1e-9)


def test_exceptions_of_predict_and_evaluate():
    with pytest.raises(Mine):
        broken("activation_value", 0)[0].predict(X)
    net, loss = broken("loss_value", 0)
    with pytest.raises(Mine):
        net.evaluate(X, T, loss=loss)
    assert np.isfinite(net.predict(X)).all()


def test_keyboard_interrupt_travels_too():
    def interrupt(z):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net_with(mc.layers.CustomActivation(interrupt, np.cos)).predict(X)


@pytest.mark.parametrize("result", [lambda z: z[:, :-1], lambda z: z[0], lambda z: z[..., None], lambda z: 1.0])
def test_wrong_shapes_of_activations(result):
    for pair, what in (((result, np.cos), "value"), ((np.sin, result), "derivative")):
        net = net_with(mc.layers.CustomActivation(*pair))
        before = net.parameters.flat.copy()
        with pytest.raises(ValueError, match=rf"activation's {what} returned shape .*expected \(\d+, 9\)"):
            net.fit(X, T, epochs=1)
        np.testing.assert_array_equal(net.parameters.flat, before)


@pytest.mark.parametrize(
    ("value", "derivative", "match"),
    [
        (lambda y, t: (y - t) ** 2, lambda y, t: y - t, r"loss's value returned shape .*expected \(\d+,\)"),
        (lambda y, t: 0.0, lambda y, t: y - t, r"loss's value returned shape .*expected \(\d+,\)"),
        (lambda y, t: y[:, 0], lambda y, t: y[:, 0], r"loss's derivative returned shape .*expected \(\d+, 2\)"),
    ],
)
def test_wrong_shapes_of_losses(value, derivative, match):
    net = net_with(sine())
    before = net.parameters.flat.copy()
    with pytest.raises(ValueError, match=match):
        net.fit(X, T, loss=mc.losses.CustomLoss(value, derivative), epochs=1)
    np.testing.assert_array_equal(net.parameters.flat, before)


@pytest.mark.parametrize("result", ["words", None, object(), {"a": 1}, [[1], [2, 3]]])
def test_results_that_are_no_numbers(result):
    """The error says which function returned them."""
    with pytest.raises((TypeError, ValueError), match="activation's value"):
        net_with(mc.layers.CustomActivation(lambda z: result, np.cos)).predict(X)
    loss = mc.losses.CustomLoss(lambda y, t: result, lambda y, t: y)
    with pytest.raises((TypeError, ValueError), match="loss's value"):
        net_with(sine()).evaluate(X, T, loss=loss)


def test_results_that_are_not_finite():
    """A cost of NaN ends the training as any other does."""
    net = net_with(sine())
    before = net.parameters.flat.copy()
    loss = mc.losses.CustomLoss(lambda y, t: np.full(len(y), np.nan), lambda y, t: y)
    with pytest.raises(mc.DivergenceError):
        net.fit(X, T, loss=loss, epochs=1)
    np.testing.assert_array_equal(net.parameters.flat, before)


@pytest.mark.parametrize("make", [mc.layers.CustomActivation, mc.losses.CustomLoss])
@pytest.mark.parametrize("pair", [(np.sin, 3), ("sin", np.cos), (None, None)])
def test_what_is_no_function(make, pair):
    with pytest.raises(TypeError, match="functions"):
        make(*pair)
