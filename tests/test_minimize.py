"""Optimisers on functions of one's own, and L-BFGS on networks."""

import math

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES
from reference import OPTIMIZERS

PAIRS = {cls.name: cls.__name__ for cls in mc.optimizers.OPTIMIZERS.values() if cls.name != "lbfgs"}

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 4))
W = rng.normal(size=(4, 2))
T = X @ W + [0.5, -1.0] + 0.1 * rng.normal(size=(80, 2))


def worked_example(x):
    """f(x) = (x - 4)^2 + 3"""
    return float((x[0] - 4) ** 2 + 3), 2 * (x - 4)


def quadratic(x):
    """A ravine: curvatures from 1 to 100."""
    curvature = np.array([1.0, 10.0, 100.0])
    return 0.5 * float(curvature @ x**2), curvature * x


# ---- minimize ----


def test_worked_example():
    path = mc.optimizers.minimize(worked_example, 7, mc.SGD(0.6), steps=40)
    assert path.shape == (41, 1)
    np.testing.assert_allclose(path[:5, 0], [7, 3.4, 4.12, 3.976, 4.0048], rtol=1e-12)
    assert path[-1, 0] == pytest.approx(4, abs=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_path_is_the_references(name):
    reference, x = OPTIMIZERS[PAIRS[name]](), np.array([3.0, -2.0, 1.0])
    path = mc.optimizers.minimize(quadratic, x, name, steps=50)
    expected = [x]
    for _ in range(50):
        expected.append(reference.step(expected[-1], quadratic(expected[-1])[1]))
    np.testing.assert_allclose(path, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_every_optimizer_goes_down(name):
    path = mc.optimizers.minimize(quadratic, [3.0, -2.0, 1.0], name, steps=300)
    assert quadratic(path[-1])[0] < quadratic(path[0])[0]


@pytest.mark.parametrize("name", PAIRS)
def test_path_is_that_of_a_network(name):
    """One weight, one sample: half (w - 4)^2."""
    path = mc.optimizers.minimize(lambda x: (0.0, x - 4), 0.5, name, steps=6)
    layer = mc.Dense(1, bias=False, weight_init=[[0.5]])
    net = mc.Sequential([layer], input_shape=(1,), dtype="float64", seed=0)
    weights = [0.5]
    follow = [lambda net, epoch: weights.append(net.parameters.flat[0])]
    net.fit([[1.0]], [4.0], loss="half_squared_error", optimizer=name, epochs=6, callbacks=follow)
    np.testing.assert_allclose(path.ravel(), weights, rtol=1e-12)


def test_schedules():
    schedule = mc.schedules.Step(0.4, every=2, factor=0.5)
    path = mc.optimizers.minimize(worked_example, 7, mc.SGD(schedule), steps=4)
    x, expected = 7.0, [7.0]
    for rate in (0.4, 0.4, 0.2, 0.2):
        x -= rate * 2 * (x - 4)
        expected.append(x)
    np.testing.assert_allclose(path.ravel(), expected, rtol=1e-12)


def test_calls_start_afresh_and_leave_their_arguments():
    x0, momentum = np.array([3.0, 1.0, 1.0]), mc.Momentum(0.001)
    paths = [mc.optimizers.minimize(quadratic, x0, momentum, steps=5) for _ in range(2)]
    np.testing.assert_array_equal(*paths)
    np.testing.assert_array_equal(x0, [3, 1, 1])

    def spoils(x):
        gradient = quadratic(x)[1]
        x[:] = np.nan
        return 0.0, gradient

    np.testing.assert_array_equal(mc.optimizers.minimize(spoils, x0, momentum, steps=5), paths[0])


def test_no_steps():
    np.testing.assert_array_equal(mc.optimizers.minimize(quadratic, [1, 2, 3], "adam", 0), [[1, 2, 3]])


def test_surfaces_of_the_lectures():
    """At a saddle gradient descent stays where it starts; momentum runs through a shallow pit that stops it."""
    saddle = mc.optimizers.minimize(lambda p: (p[0] ** 2 - p[1] ** 2, [2 * p[0], -2 * p[1]]), [1, 0], mc.SGD(0.1), 100)
    np.testing.assert_allclose(saddle[-1], 0, atol=1e-8)
    near = mc.optimizers.minimize(lambda p: (p[0] ** 2 - p[1] ** 2, [2 * p[0], -2 * p[1]]), [1, 1e-9], mc.SGD(0.1), 150)
    assert abs(near[-1, 1]) > 1

    def pits(x):  # a slope with ripples
        return 0.5 * x[0] ** 2 + 2 * math.cos(3 * x[0]), x - 6 * np.sin(3 * x)

    assert pits(mc.optimizers.minimize(pits, 4.0, mc.SGD(0.01), 500)[-1])[0] > 2
    assert pits(mc.optimizers.minimize(pits, 4.0, mc.Momentum(0.01, 0.9), 500)[-1])[0] < 0


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((quadratic, [1.0, 2.0, 3.0], "lbfgs", 3), "scipy"),
        ((quadratic, [1.0, 2.0, 3.0], "adm", 3), "adam"),
        ((quadratic, [1.0, 2.0, 3.0], "adam", -1), "steps"),
        ((quadratic, [1.0, 2.0, 3.0], "adam", 1.5), "steps"),
        ((quadratic, [1.0, np.nan, 3.0], "adam", 3), "x0"),
        ((lambda x: (0.0, [1.0, 2.0]), [1.0, 2.0, 3.0], "adam", 3), "gradient"),
        ((lambda x: (0.0, [1.0, np.nan]), [1.0, 2.0], "adam", 3), "gradient"),
    ],
)
def test_wrong_arguments(arguments, match):
    with pytest.raises((ValueError, TypeError), match=match):
        mc.optimizers.minimize(*arguments)


def test_a_path_that_runs_away_says_so():
    with np.errstate(over="ignore"), pytest.raises((ValueError, ArithmeticError), match="finite"):
        mc.optimizers.minimize(lambda x: (0.0, x**3), 10.0, mc.SGD(1.0), 100)


# ---- L-BFGS on networks ----

WHOLE = {"optimizer": "lbfgs", "batch_size": None}


def test_linear_least_squares():
    """The weights of the normal equations."""
    net = mc.Sequential([mc.Dense(2)], input_shape=(4,), dtype="float64", seed=0)
    exact = mc.LBFGS(gradient_tolerance=1e-12, loss_tolerance=0)
    net.fit(X, T, loss="half_squared_error", optimizer=exact, epochs=200, batch_size=None)
    solution = np.linalg.lstsq(np.c_[X, np.ones(80)], T)[0]
    np.testing.assert_allclose(net.parameters["dense_1.weight"], solution[:4], atol=1e-6)
    np.testing.assert_allclose(net.parameters["dense_1.bias"], solution[4], atol=1e-6)


def test_ridge_regression():
    net = mc.Sequential([mc.Dense(2)], input_shape=(4,), dtype="float64", seed=0)
    exact = mc.LBFGS(gradient_tolerance=1e-12, loss_tolerance=0)
    options = {"l2": 0.3, "penalize_biases": True, "epochs": 200, "batch_size": None}
    net.fit(X, T, loss="half_squared_error", optimizer=exact, **options)
    A = np.c_[X, np.ones(80)]
    solution = np.linalg.solve(A.T @ A / 80 + 0.3 * np.eye(5), A.T @ T / 80)
    np.testing.assert_allclose(net.parameters["dense_1.weight"], solution[:4], atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_as_good_as_scikit_learns(dtype):
    from sklearn.datasets import load_iris
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    x, y = load_iris(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    theirs = MLPClassifier((8,), "tanh", solver="lbfgs", alpha=0.15, max_iter=500, random_state=0).fit(x, y)
    net = mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(3, "softmax")], input_shape=(4,), dtype=dtype, seed=0)
    history = net.fit(x, y, epochs=500, l2=0.15 / 150, **WHOLE)
    assert history["loss"][-1] < 1.1 * theirs.loss_
    assert net.evaluate(x, y)["accuracy"] >= theirs.score(x, y) - 0.01


def test_losses_never_rise_and_epochs_bound_the_iterations():
    net = mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(2)], input_shape=(4,), dtype="float64", seed=0)
    history = net.fit(X, T, epochs=12, **WHOLE)
    assert len(history) == 12
    assert history["epoch"] == list(range(1, 13))
    assert (np.diff(history["loss"]) <= 0).all()
    assert history["loss"][-1] == pytest.approx(net.evaluate(X, T)["loss"], rel=1e-12)
    start = net.parameters.flat.copy()
    assert len(net.fit(X, T, epochs=0, **WHOLE)) == 0
    np.testing.assert_array_equal(net.parameters.flat, start)


def test_tolerances_stop_it():
    def iterations(**options):
        net = mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(2)], input_shape=(4,), dtype="float64", seed=0)
        return len(net.fit(X, T, optimizer=mc.LBFGS(**options), epochs=300, batch_size=None))

    exact = iterations(gradient_tolerance=0, loss_tolerance=0)
    assert iterations(gradient_tolerance=0.05, loss_tolerance=0) < exact
    assert iterations(gradient_tolerance=0, loss_tolerance=0.01) < exact
    assert iterations(gradient_tolerance=0, loss_tolerance=0, max_evaluations=10) <= 10
    assert iterations(gradient_tolerance=0, loss_tolerance=0, memory=1) > 20


def test_callbacks_stop_it_and_keep_the_iterate():
    net = mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(2)], input_shape=(4,), dtype="float64", seed=0)
    history = net.fit(X, T, epochs=100, callbacks=[lambda net, epoch: epoch["epoch"] == 7], **WHOLE)
    assert len(history) == 7
    assert net.evaluate(X, T)["loss"] == pytest.approx(history["loss"][-1], rel=1e-12)
    net = mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(2)], input_shape=(4,), dtype="float64", seed=0)
    history = net.fit(X, T, epochs=100, callbacks=[mc.StopAtLoss(0.05)], **WHOLE)
    assert history["loss"][-1] <= 0.05 < history["loss"][-2]


def test_every_epoch_begins_and_ends_for_callbacks():
    calls = []

    class Note(mc.Callback):
        def on_epoch_begin(self, run):
            calls.append("begin")

        def on_epoch_end(self, run, epoch):
            calls.append("end")

    net = mc.Sequential([mc.Dense(2)], input_shape=(4,), dtype="float64", seed=0)
    net.fit(X, T, epochs=3, callbacks=[Note()], **WHOLE)
    assert calls == ["begin", "end"] * 3


def test_validation_and_early_stopping():
    net = mc.Sequential([mc.Dense(30, "tanh"), mc.Dense(2)], input_shape=(4,), dtype="float64", seed=0)
    stop = mc.EarlyStopping(patience=5)
    history = net.fit(X[:20], T[:20], epochs=400, validation_data=(X[20:], T[20:]), callbacks=[stop], **WHOLE)
    assert len(history) < 400
    assert net.evaluate(X[20:], T[20:])["loss"] == pytest.approx(min(history["val_loss"]), rel=1e-12)


@pytest.mark.parametrize("layer", ["dense_1", "dense_2"])
def test_frozen_layers_stay(layer):
    net = mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(2)], input_shape=(4,), dtype="float64", seed=0)
    net.freeze(layer)
    before = {name: view.copy() for name, view in net.parameters.items()}
    history = net.fit(X, T, epochs=20, **WHOLE)
    for name, view in net.parameters.items():
        assert np.array_equal(view, before[name]) == name.startswith(layer)
    assert history["loss"][-1] < history["loss"][0]


def test_history_has_the_usual_names():
    """Progress and logs read the same names under any optimiser."""
    options = {"epochs": 2, "batch_size": None}
    nets = [mc.Sequential([mc.Dense(2)], input_shape=(4,), seed=0) for _ in "ab"]
    plain = nets[0].fit(X, T, optimizer="sgd", **options)
    assert set(nets[1].fit(X, T, optimizer="lbfgs", **options).names()) >= set(plain.names()) - {"learning_rate"}


def test_what_it_cannot_do_is_refused():
    net = mc.Sequential([mc.Dense(2)], input_shape=(4,), seed=0)
    before = net.parameters.flat.copy()
    for options in ({"batch_size": 10}, {"curriculum": mc.Curriculum(X[:, 0], 2)}, {"augment": lambda x, rng: x}):
        with pytest.raises(ValueError, match="all samples at once"):
            net.fit(X, T, **{**WHOLE, **options})
    np.testing.assert_array_equal(net.parameters.flat, before)
    with pytest.raises(ValueError, match="no learning rate"):
        mc.LBFGS(0.1)


@pytest.mark.parametrize("options", [{"clip_norm": 1e-3}, {"normalize_gradient": 1.0}, {"clip_value": 1e-3},
                                     {"weight_noise": 0.5}, {"target_noise": 0.5}])  # fmt: skip
def test_options_that_would_be_ignored_or_spoil_the_line_search_are_refused(options):
    """A clipped gradient is not that of the loss; and no option may be ignored in silence."""
    net = mc.Sequential([mc.Dense(2)], input_shape=(4,), seed=0)
    with pytest.raises(ValueError, match=next(iter(options))):
        net.fit(X, T, epochs=3, **WHOLE, **options)


def test_divergence():
    net = mc.Sequential([mc.Dense(2, "exponential")], input_shape=(4,), seed=0)
    before = net.parameters.flat.copy()
    with pytest.raises(mc.DivergenceError):
        net.fit(1e30 * X, np.abs(T), loss="half_squared_error", epochs=5, **WHOLE)
    np.testing.assert_array_equal(net.parameters.flat, before)
