"""Noise on inputs, hidden units, weights and targets, and dropout, against draws made visible: mean, variance,
independence of the number of threads, a new draw at each step, and nothing of it outside training."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, TOLERANCE, assert_near, randomize
from reference import ReferenceNetwork

THREADS = (1, 2, 3, 7)
DISTURBANCES = ("gaussian_noise", "hidden_noise", "dropout", "weight_noise", "target_noise")


def drawn_by_layer(layer, shape, dtype="float64", seed=0, steps=1, x=0.0):
    """What a layer that stands first makes of inputs x in each step: W of a Dense behind it, whose delta is 1."""
    rows, units = shape
    net = mc.Sequential([layer, mc.Dense(rows, weight_init="zeros")], input_shape=(units,), dtype=dtype, seed=seed)
    X, T, found = np.full((rows, units), x), -rows * np.eye(rows), []
    for _ in range(steps):
        _, gradients = net.loss_and_gradient(X, T, loss="half_squared_error")
        found.append(gradients["dense_1.weight"].T.copy())
        net.fit(X, T, loss="half_squared_error", optimizer=mc.SGD(0.0), epochs=1, batch_size=None)
    return np.array(found)


def drawn_by_weights(stddev, units, dtype="float64", seed=0, steps=1):
    """Each step takes away the output, which is the noise of the weights: w = 0 and x = 1."""
    net = mc.Sequential([mc.Dense(units, weight_init="zeros")], input_shape=(1,), dtype=dtype, seed=seed)
    found = []
    for _ in range(steps):
        net.parameters.flat[:] = 0
        options = {"optimizer": mc.SGD(1.0), "epochs": 1, "weight_noise": stddev}
        net.fit([[1.0]], np.zeros((1, units)), loss="half_squared_error", **options)
        np.testing.assert_array_equal(net.parameters["dense_1.bias"], net.parameters["dense_1.weight"][0])
        found.append(-net.parameters["dense_1.weight"][0])
    return np.array(found)


def drawn_by_targets(stddev, shape, dtype="float64", seed=0, steps=1):
    """Each sample has an input of its own, so that its row of W becomes its target."""
    rows, units = shape
    layer = mc.Dense(units, weight_init="zeros", bias=False)
    net = mc.Sequential([layer], input_shape=(rows,), dtype=dtype, seed=seed)
    found = []
    for _ in range(steps):
        net.parameters.flat[:] = 0
        options = {"optimizer": mc.SGD(float(rows)), "epochs": 1, "batch_size": None, "shuffle": False}
        net.fit(np.eye(rows), np.zeros(shape), loss="half_squared_error", target_noise=stddev, **options)
        found.append(net.parameters["dense_1.weight"].copy())
    return np.array(found)


def assert_normal(noise, stddev):
    """Mean, variance, third and fourth moments and neighbours as of independent normal numbers."""
    z, n = noise.ravel() / stddev, noise.size
    assert abs(z.mean()) < 5 / np.sqrt(n)
    assert abs(z.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs((z**3).mean()) < 5 * np.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 5 * np.sqrt(96 / n)
    assert 3 < np.abs(z).max() < 7
    for lag in (1, 2, 3, noise.shape[-1]):
        assert abs((z[lag:] * z[:-lag]).mean()) < 5 / np.sqrt(n - lag)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stddev", [0.1, 3.0])
def test_mean_and_variance(stddev, dtype):
    assert_normal(drawn_by_layer(mc.GaussianNoise(stddev), (60, 501), dtype, steps=2), stddev)
    assert_normal(drawn_by_weights(stddev, 3001, dtype, steps=10), stddev)
    assert_normal(drawn_by_targets(stddev, (60, 501), dtype, steps=2), stddev)


def test_dropout_keeps_the_mean():
    mask = drawn_by_layer(mc.Dropout(0.3), (60, 500), steps=2, x=1.0)
    assert set(np.unique(mask.round(12))) == {0, round(1 / 0.7, 12)}
    assert mask.mean() == pytest.approx(1, abs=5 * np.sqrt(0.3 / 0.7 / mask.size))


@pytest.mark.parametrize("draw", [
    lambda seed: drawn_by_layer(mc.GaussianNoise(1.0), (20, 30), seed=seed, steps=3),
    lambda seed: drawn_by_layer(mc.Dropout(0.5), (20, 30), seed=seed, steps=3, x=1.0),
    lambda seed: drawn_by_weights(1.0, 600, seed=seed, steps=3),
    lambda seed: drawn_by_targets(1.0, (20, 30), seed=seed, steps=3),
], ids=["gaussian_noise", "dropout", "weight_noise", "target_noise"])  # fmt: skip
def test_each_step_and_each_seed_draws_anew(draw):
    """And the same seed draws the same again."""
    first, second, third = draw(0)
    for one, other in ((first, second), (second, third), (first, third), (first, draw(1)[0])):
        assert (one != other).mean() > 0.4
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.2
    np.testing.assert_array_equal(draw(0), [first, second, third])


def test_layers_draw_from_streams_of_their_own():
    """Two layers of noise on the same input, and noise on weights and targets, have nothing to do with each other."""
    x = mc.Input(400)
    parts = [mc.Dense(1, weight_init="zeros")(mc.GaussianNoise(1.0)(x)) for _ in range(2)]
    net = mc.Network(x, mc.concat(parts), dtype="float64", seed=0)
    _, gradients = net.loss_and_gradient(np.zeros((1, 400)), [[-1.0, -1.0]], loss="half_squared_error")
    one, other = gradients["dense_1.weight"].ravel(), gradients["dense_2.weight"].ravel()
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.2
    draws = (drawn_by_weights(1.0, 400)[0], drawn_by_targets(1.0, (1, 400))[0, 0], one)
    for i in range(3):
        assert abs(np.corrcoef(draws[i], draws[i - 1])[0, 1]) < 0.2


# ---- against the reference, with the same draws ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["gaussian_noise", "dropout"])
def test_like_the_reference_with_the_same_draw(kind, dtype):
    """The first node of two networks of one seed draws the same."""
    make = (lambda: mc.GaussianNoise(0.5)) if kind == "gaussian_noise" else (lambda: mc.Dropout(0.5))
    draw = drawn_by_layer(make(), (17, 5), dtype, x=0.0 if kind == "gaussian_noise" else 1.0)[0]
    net = mc.Sequential([make(), mc.Dense(9, "tanh"), mc.Dense(2)], input_shape=(5,), dtype=dtype, seed=0)
    randomize(net, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    X, T = rng.normal(size=(17, 5)), rng.normal(size=(17, 2))
    reference = ReferenceNetwork(net.spec, net.parameters)
    draws = {f"{kind}_1": draw.astype(np.float64)}
    expected, theirs = reference.loss_and_gradient(X, T, "half_squared_error", draws=draws)
    cost, gradients = net.loss_and_gradient(X, T, loss="half_squared_error")
    assert cost == pytest.approx(expected, rel=TOLERANCE[dtype])
    for name, gradient in gradients.items():
        assert_near(gradient, theirs[name], TOLERANCE[dtype], name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_weight_noise_like_the_reference(dtype):
    """One step: the gradient is that at w + n, the update goes to w. A net of zeros shows the noise."""
    rng = np.random.default_rng(1)
    W, X, T = rng.normal(size=(3, 4)), rng.normal(size=(17, 3)), rng.normal(size=(17, 4))

    def after_one_step(x, start, goals):
        net = mc.Sequential([mc.Dense(4, weight_init=start)], input_shape=(3,), dtype=dtype, seed=0)
        options = {"optimizer": mc.SGD(1.0), "epochs": 1, "batch_size": None, "shuffle": False, "weight_noise": 0.5}
        net.fit(x, goals, loss="half_squared_error", **options)
        return net.parameters["dense_1.weight"].astype(np.float64)

    noise = -3 * after_one_step(np.eye(3), np.zeros((3, 4)), np.zeros((3, 4)))
    expected = W - X.T @ (X @ (W + noise) - T) / 17
    assert_near(after_one_step(X, W, T), expected, 10 * TOLERANCE[dtype])


def test_penalty_and_weight_noise():
    """The penalty is that of the weights themselves, not of the disturbed ones."""
    nets = [mc.Sequential([mc.Dense(4, weight_init="ones")], input_shape=(3,), dtype="float64", seed=0) for _ in "ab"]
    options = {"optimizer": mc.SGD(1.0), "epochs": 1, "weight_noise": 0.5}
    for net, l2 in zip(nets, (0.0, 0.1), strict=True):
        net.fit(np.eye(3), np.zeros((3, 4)), l2=l2, **options)
    moved = nets[0].parameters["dense_1.weight"] - nets[1].parameters["dense_1.weight"]
    np.testing.assert_allclose(moved, 0.1, rtol=1e-12)


# ---- in training only, and for any number of threads ----


def fitted(disturbance, dtype="float64", strength=0.3, **options):
    layers = [mc.Dense(130, "tanh"), mc.Dense(70, "relu"), mc.Dense(4, "softmax")]
    if strength and disturbance == "gaussian_noise":
        layers.insert(0, mc.GaussianNoise(strength))
    elif strength and disturbance == "hidden_noise":
        layers.insert(1, mc.GaussianNoise(strength))
    elif strength and disturbance == "dropout":
        layers.insert(1, mc.Dropout(strength))
    elif disturbance.endswith("_noise"):
        options[disturbance if disturbance in ("weight_noise", "target_noise") else "l2"] = strength
    net = mc.Sequential(layers, input_shape=(64,), dtype=dtype, seed=3)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(331, 64)).astype(dtype), rng.integers(0, 4, 331)
    history = net.fit(X, y, **{"epochs": 3, "batch_size": 100, **options})
    return net, X, y, history


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [100, None])
@pytest.mark.parametrize("disturbance", DISTURBANCES)
def test_same_bits_for_any_number_of_threads(disturbance, batch, dtype):
    found = []
    for threads in THREADS:
        mc.set_num_threads(threads)
        net, _, _, history = fitted(disturbance, dtype, batch_size=batch)
        found.append((net.parameters.flat.tobytes(), history["loss"]))
    assert all(result == found[0] for result in found[1:])


@pytest.mark.parametrize("disturbance", DISTURBANCES)
def test_on_in_training(disturbance):
    """Fails when the option is ignored: without it, other weights come out."""
    disturbed, quiet = fitted(disturbance)[0], fitted("none", strength=0)[0]
    assert np.abs(disturbed.parameters.flat - quiet.parameters.flat).max() > 1e-3


@pytest.mark.parametrize("disturbance", DISTURBANCES)
def test_off_in_predict_and_evaluate(disturbance):
    net, X, y, _ = fitted(disturbance)
    quiet = fitted("none", strength=0)[0]
    quiet.parameters.flat[:] = net.parameters.flat
    np.testing.assert_allclose(net.predict(X), quiet.predict(X), rtol=1e-13)  # the blocks of rows are cut elsewhere
    assert net.evaluate(X, y) == pytest.approx(quiet.evaluate(X, y), rel=1e-13)
    before = net.predict(X)
    net.evaluate(X, y)
    np.testing.assert_array_equal(net.predict(X), before)


@pytest.mark.parametrize("disturbance", ["weight_noise", "target_noise"])
def test_loss_and_gradient_knows_nothing_of_an_earlier_fit(disturbance):
    net, X, y, _ = fitted(disturbance)
    quiet = fitted("none", strength=0)[0]
    quiet.parameters.flat[:] = net.parameters.flat
    assert net.loss_and_gradient(X, y)[0] == quiet.loss_and_gradient(X, y)[0]
    np.testing.assert_array_equal(net.gradients.flat, quiet.gradients.flat)


@pytest.mark.parametrize("options", [{"weight_noise": 0.5}, {"target_noise": 0.5}])
def test_validation_is_not_disturbed(options):
    net, X, y, history = fitted("none", strength=0, epochs=0)
    history = net.fit(X, y, optimizer=mc.SGD(0.0), epochs=2, validation_data=(X, y), **options)
    assert history["val_loss"] == [net.evaluate(X, y)["loss"]] * 2
    assert history["loss"][0] != history["loss"][1]


@pytest.mark.parametrize("layer", [mc.GaussianNoise(0.0), mc.Dropout(0.0)])
def test_nothing_at_strength_0(layer):
    layers = [mc.Dense(8, "tanh"), layer, mc.Dense(2)]
    disturbed = mc.Sequential(layers, input_shape=(3,), dtype="float64", seed=0)
    quiet = mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(2)], input_shape=(3,), dtype="float64", seed=0)
    X, T = np.random.default_rng(0).normal(size=(20, 3)), np.zeros((20, 2))
    for net in (disturbed, quiet):
        net.fit(X, T, epochs=2, batch_size=8)
    # Up to the order of sums, which a layer of noise changes: it wants samples as rows.
    np.testing.assert_allclose(disturbed.parameters.flat, quiet.parameters.flat, rtol=1e-12, atol=1e-15)


def test_noise_on_inputs_is_a_penalty():
    """Bishop 1995: for a linear net, input noise of variance s^2 has in the mean the minimum of l2 = s^2."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    t = X @ [1.0, -2.0, 0.5]
    layers = [mc.GaussianNoise(0.7), mc.Dense(1, bias=False)]
    net = mc.Sequential(layers, input_shape=(3,), dtype="float64", seed=0)
    options = {"loss": "half_squared_error", "optimizer": "lbfgs", "epochs": 30, "batch_size": None}
    net.fit(np.tile(X, (200, 1)), np.tile(t, 200), **options)
    expected = np.linalg.solve(X.T @ X / 50 + 0.49 * np.eye(3), X.T @ t / 50)
    np.testing.assert_allclose(net.parameters["dense_1.weight"].ravel(), expected, atol=0.05)


@pytest.mark.parametrize("wrong", [-0.1, float("nan"), float("inf"), "much", None])
def test_wrong_options(wrong):
    net = mc.Sequential([mc.Dense(1)], input_shape=(1,), seed=0)
    with pytest.raises((ValueError, TypeError), match="stddev"):
        mc.GaussianNoise(wrong)
    for option in ("weight_noise", "target_noise"):
        with pytest.raises((ValueError, TypeError), match=option):
            net.fit([[1.0]], [1.0], **{option: wrong})
