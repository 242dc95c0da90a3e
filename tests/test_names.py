"""What people type: names as other libraries have them, momentum of SGD, operators on symbols, penalties by layer."""

import numpy as np
import pytest

import multicapa as mc
from helpers import all_equal, assert_like_reference, assert_near, numbers_of
from reference import schedules as reference_schedules

rng = np.random.default_rng(0)
X, T = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))


def net(seed=0):
    return mc.Sequential([mc.Dense(4, "tanh"), mc.Dense(2)], input_shape=(3,), seed=seed, dtype="float64")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("ReLU", "relu"), ("swish", "silu"), ("identity", "linear"), ("logistic", "sigmoid"), ("LeakyReLU", "leaky_relu")],
)
def test_activations(typed, meant):
    assert mc.Dense(1, typed).activation == mc.Activation(typed).function == meant


@pytest.mark.parametrize(("typed", "meant"), mc.losses.ALIASES.items())
def test_losses(typed, meant):
    assert mc.losses.get(typed) == mc.losses.get(typed.upper()) == mc.losses.get(meant)


def test_other_names_are_answered():
    with pytest.raises(ValueError, match="write absolute_error, which is the sum"):
        mc.losses.get("mae")
    with pytest.raises(ValueError, match="did you mean 'adam'"):
        mc.optimizers.get("Adamm")
    assert mc.optimizers.get("RMSprop") == mc.RMSprop()


@pytest.mark.parametrize(("nesterov", "same"), [(False, mc.Momentum), (True, mc.Nesterov)])
def test_sgd_with_momentum(nesterov, same):
    ours, theirs = net(), net()
    ours.fit(X, T, optimizer=mc.SGD(0.1, momentum=0.8, nesterov=nesterov), epochs=3)
    theirs.fit(X, T, optimizer=same(0.1, 0.8), epochs=3)
    assert numbers_of(ours) == numbers_of(theirs)
    f = lambda x: (float(x @ x), 2 * x)  # noqa: E731
    assert all_equal(mc.optimizers.minimize(f, [1.0, 2.0], mc.SGD(0.1, momentum=0.8, nesterov=nesterov), 5),
                     mc.optimizers.minimize(f, [1.0, 2.0], same(0.1, 0.8), 5))  # fmt: skip


def test_nesterov_needs_momentum():
    with pytest.raises(ValueError, match="momentum above 0"):
        mc.SGD(0.1, nesterov=True)


def test_operators_on_symbols():
    x = mc.Input(3)
    a, b = mc.Dense(3, "tanh", name="a", bias=False)(x), mc.Dense(3, "sigmoid", name="b", bias=False)(x)
    made = mc.Network(x, a * b + x, seed=0, dtype="float64")
    assert_near(made.predict(X), np.tanh(X @ made.parameters["a.weight"])
                / (1 + np.exp(-X @ made.parameters["b.weight"])) + X, 1e-12)  # fmt: skip
    with pytest.raises(TypeError, match="unsupported operand"):
        a + 1


@pytest.mark.parametrize("batch", [1, 8, 33])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_three(dtype, batch):
    x = mc.Input(5)
    three = mc.multiply([mc.Dense(9, "tanh")(x), mc.Dense(9)(x), mc.Dense(9, "sigmoid")(x)])
    made = mc.Network(x, mc.Dense(2)(three), seed=0, dtype=dtype)
    generator = np.random.default_rng(batch)
    inputs, targets = generator.normal(size=(batch, 5)), generator.normal(size=(batch, 2))
    assert_like_reference(made, inputs, targets, "half_squared_error")


def test_products_need_one_shape():
    x = mc.Input(3)
    with pytest.raises(ValueError, match="samples of one shape"):
        mc.Network(x, mc.multiply([x, mc.Dense(2)(x)]))


# ---- losses with a parameter ----


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 5.0])
def test_gamma_of_focal(gamma):
    made = mc.Sequential([mc.Dense(2, "sigmoid")], input_shape=(3,), seed=0, dtype="float64")
    targets = np.random.default_rng(3).uniform(0.05, 0.95, (12, 2))
    assert_like_reference(made, X, targets, mc.losses.Focal(gamma))
    if gamma == 0:
        losses = [made.evaluate(X, targets, loss=loss)["loss"] for loss in (mc.losses.Focal(0), "binary_cross_entropy")]
        assert losses[0] == pytest.approx(losses[1], rel=1e-14)


@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_quantile_finds_the_quantile(quantile):
    made = mc.Sequential([mc.Dense(1)], input_shape=(1,), seed=0, dtype="float64")
    goals = np.random.default_rng(0).normal(size=1000)
    schedule = mc.schedules.Polynomial(0.2, steps=600)
    made.fit(np.zeros((1000, 1)), goals, loss=mc.losses.Quantile(quantile), optimizer=mc.SGD(schedule), epochs=600,
             batch_size=None)  # fmt: skip
    assert made.predict([[0.0]]).item() == pytest.approx(np.quantile(goals, quantile), abs=0.05)


# ---- penalties by layer ----


def test_penalties_by_layer():
    made = net()
    plain, gradients = made.loss_and_gradient(X, T)
    plain_gradients = {name: view.copy() for name, view in gradients.items()}
    w = made.parameters["dense_2.weight"]
    cost, gradients = made.loss_and_gradient(X, T, l1={"dense_2": 0.3}, l2={"dense_2": 0.2})
    assert cost == pytest.approx(plain + 0.15 * np.abs(w).sum() + 0.1 * np.square(w).sum(), rel=1e-12)
    assert_near(gradients["dense_2.weight"], plain_gradients["dense_2.weight"] + 0.15 * np.sign(w) + 0.2 * w, 1e-12)
    for name in ("dense_1.weight", "dense_1.bias", "dense_2.bias"):
        assert np.array_equal(gradients[name], plain_gradients[name])


@pytest.mark.parametrize("width", [4, 90])
@pytest.mark.parametrize("batch_size", [1, 5, None])
def test_all_layers_by_name_is_all_layers(batch_size, width):
    nets = [mc.Sequential([mc.Dense(width), mc.Dense(2)], input_shape=(3,), seed=0) for _ in range(2)]
    for made, l2 in zip(nets, (0.1, {"dense_1": 0.1, "dense_2": 0.1}), strict=True):
        made.fit(X, T, l2=l2, l1=0.01, epochs=2, batch_size=batch_size)
    assert numbers_of(nets[0]) == numbers_of(nets[1])
    assert list(nets[0].history["loss"]) == list(nets[1].history["loss"])


def test_penalties_of_unknown_layers():
    made = net()
    before = numbers_of(made)
    with pytest.raises(ValueError, match="did you mean 'dense_1'"):
        made.fit(X, T, l2={"dense1": 0.1})
    with pytest.raises(ValueError, match="l1 of 'dense_1'"):
        made.fit(X, T, l1={"dense_1": -1})
    assert numbers_of(made) == before


# ---- schedules ----


@pytest.mark.parametrize(("steps", "longer", "final"), [(3, 1, 0.0), (4, 2, 0.01), (5, 1.5, 0.0)])
def test_warm_restarts(steps, longer, final):
    ours = mc.schedules.CosineRestarts(0.1, steps, longer, final)
    assert [ours(k) for k in range(60)] == pytest.approx(
        [reference_schedules.cosine_restarts(k, 0.1, steps, longer, final) for k in range(60)]
    )


def test_polynomial():
    ours = mc.schedules.Polynomial(0.1, 7, 2.0, 0.01)
    assert [ours(k) for k in range(10)] == pytest.approx(
        [reference_schedules.polynomial(k, 0.1, 7, 2.0, 0.01) for k in range(10)]
    )


def test_schedules_like_torch():
    torch = pytest.importorskip("torch")
    schedulers = torch.optim.lr_scheduler
    for ours, make in (
        (mc.schedules.CosineRestarts(0.1, 4, 2), lambda o: schedulers.CosineAnnealingWarmRestarts(o, 4, 2)),
        (mc.schedules.Polynomial(0.1, 9, 1.5), lambda o: schedulers.PolynomialLR(o, 9, 1.5)),
    ):
        sgd = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
        theirs = make(sgd)
        for k in range(20):
            assert ours(k) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9, abs=1e-12)
            sgd.step()
            theirs.step()


def test_schedule_by_epoch():
    step = mc.schedules.Step(0.1, every=2, factor=0.5)
    by_epoch, by_update = net(), net()
    by_epoch.fit(X, T, optimizer=mc.SGD(mc.schedules.ByEpoch(step)), epochs=5, batch_size=5)
    by_update.fit(X, T, optimizer=mc.SGD(lambda k: reference_schedules.by_epoch(k, step, 3)), epochs=5, batch_size=5)
    assert by_epoch.history["learning_rate"] == [0.1, 0.1, 0.05, 0.05, 0.025]
    assert numbers_of(by_epoch) == numbers_of(by_update)
    with pytest.raises(ValueError, match="belong to no epoch"):
        net().partial_fit(X, T, optimizer=mc.SGD(mc.schedules.ByEpoch(step)))
    with pytest.raises(TypeError, match="function of the number of epochs"):
        mc.schedules.ByEpoch(0.1)


# ---- freezing ----


def test_a_frozen_batch_norm_keeps_its_statistics_and_uses_them():
    made = mc.Sequential([mc.Dense(4), mc.BatchNorm(), mc.Dense(2)], input_shape=(3,), seed=0, dtype="float64")
    made.fit(X, T, epochs=2)
    made.freeze("batch_norm_1")
    kept = made.state.flat.copy()
    found, gradients = made.loss_and_gradient(X, T)
    assert found == pytest.approx(made.evaluate(X, T)["loss"], rel=1e-12)  # as outside training
    w, slope = made.parameters["dense_1.weight"], gradients["dense_1.weight"].copy()
    for sign in (1, -1):
        w[0, 0] += sign * 1e-6
        slope[0, 0] -= sign * made.evaluate(X, T)["loss"] / 2e-6
        w[0, 0] -= sign * 1e-6
    assert abs(slope[0, 0]) < 1e-7
    made.fit(X, T, epochs=2)
    assert np.array_equal(made.state.flat, kept)
    made.unfreeze("batch_norm_1")
    made.fit(X, T, epochs=1)
    assert not np.array_equal(made.state.flat, kept)
