"""When training ends: epochs, a tolerance, no improvement on train or dev, the norm of the gradient."""

import numpy as np
import pytest

import multicapa as mc

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
T = X @ [1.0, -2.0, 0.5] + 0.3


def linear(seed=0, **options):
    return mc.Sequential([mc.Dense(1, **options)], input_shape=(3,), dtype="float64", seed=seed)


def fit(net, *callbacks, inputs=X, targets=T, **options):
    options = {"optimizer": mc.SGD(0.1), "epochs": 60, "batch_size": None, **options}
    return net.fit(inputs, targets, loss="half_squared_error", callbacks=callbacks, **options)


# ---- epochs ----


@pytest.mark.parametrize("epochs", [0, 1, 7])
def test_maximum_of_epochs(epochs):
    net = linear()
    assert len(fit(net, epochs=epochs)) == epochs
    assert net._core.training_steps == epochs


# ---- tolerance on the cost ----


@pytest.mark.parametrize("tolerance", [0.5, 0.01])
def test_stop_at_loss(tolerance):
    """The first epoch at or below the tolerance is the last."""
    whole = fit(linear())["loss"]
    history = fit(linear(), mc.StopAtLoss(tolerance))
    assert history["loss"] == whole[: len(history)]
    assert history["loss"][-1] <= tolerance < history["loss"][-2]


def test_stop_at_loss_at_equality_and_never():
    losses = fit(linear())["loss"]
    assert len(fit(linear(), mc.StopAtLoss(losses[5]))) == 6
    assert len(fit(linear(), mc.StopAtLoss(losses[-1] / 2))) == 60


def test_stop_at_the_loss_of_the_dev_set():
    dev = (X[:10] + 1, T[:10])
    history = fit(linear(), mc.StopAtLoss(1.0, monitor="val_loss"), validation_data=dev)
    assert history["val_loss"][-1] <= 1.0 < history["val_loss"][-2]
    with pytest.raises(ValueError, match="val_loss"):
        fit(linear(), mc.StopAtLoss(1.0, monitor="val_loss"))


@pytest.mark.parametrize("wrong", ["small", None, float("nan")])
def test_wrong_tolerances(wrong):
    for callback in (mc.StopAtLoss, mc.StopAtGradient):
        with pytest.raises((ValueError, TypeError), match="tolerance"):
            callback(wrong)
    with pytest.raises(ValueError, match="tolerance"):
        mc.StopAtGradient(-1.0)


# ---- no improvement ----


@pytest.mark.parametrize("patience", [1, 3, 10])
def test_no_improvement_on_the_training_set(patience):
    """A rate of 0 never improves: the first epoch counts as one."""
    in_order = {"shuffle": False}  # in another the sums round anew
    history = fit(linear(), mc.EarlyStopping(patience), optimizer=mc.SGD(0.0), **in_order)
    assert len(history) == 1 + patience


@pytest.mark.parametrize("patience", [2, 5])
def test_no_improvement_on_the_dev_set(patience):
    """Train goes on falling, dev turns: the network returns to the best epoch of the dev set."""
    small = np.random.default_rng(3)
    inputs, targets = small.normal(size=(12, 3)), small.normal(size=12)
    dev = (small.normal(size=(30, 3)), small.normal(size=30))
    net = mc.Sequential([mc.Dense(40, "tanh"), mc.Dense(1)], input_shape=(3,), dtype="float64", seed=0)
    stop = mc.EarlyStopping(patience)
    options = {"optimizer": mc.Adam(0.01), "epochs": 500, "validation_data": dev}
    history = fit(net, stop, inputs=inputs, targets=targets, **options)
    best = int(np.argmin(history["val_loss"]))
    assert len(history) == best + 1 + patience < 500
    assert stop.best_epoch == best + 1
    assert history["loss"][-1] < history["loss"][best]
    assert net.evaluate(*dev)["loss"] == pytest.approx(history["val_loss"][best], rel=1e-12)


def test_min_delta():
    """Improvements smaller than it do not count."""
    whole = fit(linear(), mc.EarlyStopping(3))
    impatient = fit(linear(), mc.EarlyStopping(3, min_delta=0.05))
    assert len(impatient) < len(whole)
    gains = -np.diff(impatient["loss"])
    assert (gains[-3:] <= 0.05).all()


# ---- the norm of the gradient ----


def test_stop_at_gradient_with_whole_batches():
    """The gradient of the last update is that at the weights before it."""
    net, before = linear(), []

    def remember(net, epoch):
        before.append(net.parameters.flat.copy())

    history = fit(net, mc.StopAtGradient(0.05), remember)
    assert history["gradient_norm"][-1] <= 0.05 < history["gradient_norm"][-2]
    net.parameters.flat[:] = before[-2]
    _, gradients = net.loss_and_gradient(X, T, loss="half_squared_error")
    expected = np.sqrt(sum((g**2).sum() for g in gradients.values()))
    assert history["gradient_norm"][-1] == pytest.approx(expected, rel=1e-12)


def test_stop_at_gradient_at_a_stationary_point():
    start = {"weight_init": [[1.0], [-2.0], [0.5]], "bias_init": [0.3]}
    assert len(fit(linear(**start), mc.StopAtGradient(1e-9))) == 1
    assert len(fit(linear(**start), mc.StopAtGradient(1e-9), optimizer="lbfgs")) <= 1


def test_stop_at_gradient_knows_penalties():
    """The minimum of cost and penalty together is stationary, that of the cost alone is not."""
    A = np.c_[X, np.ones(40)]
    solution = np.linalg.solve(A.T @ A / 40 + 0.5 * np.eye(4), A.T @ T / 40)
    start = {"weight_init": solution[:3, None], "bias_init": solution[3:]}
    options = {"l2": 0.5, "penalize_biases": True}
    assert len(fit(linear(**start), mc.StopAtGradient(1e-9), epochs=5, **options)) == 1
    assert len(fit(linear(**start), mc.StopAtGradient(1e-9), epochs=5)) == 5


@pytest.mark.parametrize("looked_before", [False, True])
def test_frozen_layers_do_not_count(looked_before):
    """What cannot move keeps nobody from being at a stationary point, whatever was computed earlier."""
    net = mc.Sequential([mc.Dense(3, name="fixed"), mc.Dense(1)], input_shape=(3,), dtype="float64", seed=0)
    net.freeze("fixed")
    H = X @ net.parameters["fixed.weight"] + net.parameters["fixed.bias"]
    noisy = T + np.random.default_rng(1).normal(size=40)
    solution = np.linalg.lstsq(np.c_[H, np.ones(40)], noisy)[0]
    net.parameters["dense_1.weight"], net.parameters["dense_1.bias"] = solution[:3, None], solution[3:]
    if looked_before:
        net.loss_and_gradient(X, X[:, 0])
    history = fit(net, mc.StopAtGradient(1e-6), targets=noisy, epochs=5)
    assert len(history) == 1
    assert history["gradient_norm"][0] < 1e-6


@pytest.mark.parametrize("first", [True, False])
def test_order_of_callbacks_does_not_matter(first):
    """A diagnosis computes gradients of its own."""
    stop, look = mc.StopAtGradient(0.0), mc.Diagnosis(warn=False)
    inputs, targets = np.tile(X, (10, 1)), np.tile(T, 10)  # more than the diagnosis looks at
    inputs[300:] += 3
    alone = fit(linear(), mc.StopAtGradient(0.0), inputs=inputs, targets=targets, epochs=5)
    callbacks = (stop, look) if first else (look, stop)
    both = fit(linear(), *callbacks, inputs=inputs, targets=targets, epochs=5)
    assert both["gradient_norm"] == alone["gradient_norm"]


def test_whichever_comes_first():
    rules = [mc.StopAtLoss(0.01), mc.StopAtGradient(0.05), mc.EarlyStopping(3), lambda net, epoch: epoch["epoch"] == 9]
    lengths = [len(fit(linear(), rule)) for rule in rules]
    assert len(fit(linear(), *rules)) == min(lengths)
