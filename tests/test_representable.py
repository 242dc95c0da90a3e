"""What the network's type can't hold is refused where it is given, as is what would be dropped in silence."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import multicapa as mc
from helpers import DTYPES, numbers_of

X = np.random.default_rng(0).normal(size=(20, 3))
T = X[:, :2]
TOO_SMALL, TOO_LARGE = (1e-50, 1e-40), 1e40


def network(dtype="float32", last=None):
    return mc.Sequential([mc.Dense(4, "tanh"), last or mc.Dense(2)], input_shape=(3,), seed=0, dtype=dtype)


def refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()


@pytest.mark.parametrize("small", TOO_SMALL)
def test_sample_weights(small):
    net = network()
    before = numbers_of(net)
    for weights in (np.full(20, small), np.r_[small, np.ones(19)]):
        for call in (net.fit, net.evaluate, net.partial_fit, net.loss_and_gradient):
            refused(lambda c=call, w=weights: c(X, T, sample_weight=w), "too small for float32")
    assert numbers_of(net) == before
    assert np.isfinite(network("float64").evaluate(X, T, sample_weight=np.full(20, small))["loss"])


def test_class_weights():
    net = mc.Sequential([mc.Dense(2, "softmax")], input_shape=(3,), seed=0)
    refused(lambda: net.fit(X, np.arange(20) % 2, class_weight={0: 1e-50}), "too small for float32")


@pytest.mark.parametrize(
    "layer",
    [
        mc.LayerNorm(epsilon=1e-50),
        mc.BatchNorm(epsilon=1e-50),
        mc.Dense(2, "elu", activation_parameter=1e40),
        mc.Activation("elu", 1e40),
        mc.Activation("leaky_relu", 1e-45),
    ],
    ids=str,
)
def test_options_of_layers(layer):
    refused(lambda: network(last=layer), r"too (small|large) for float32")
    network("float64", last=layer).fit(X, np.ones((20, 2 if isinstance(layer, mc.Dense) else 4)), epochs=1)


def test_losses_and_regularization():
    net = network()
    before = numbers_of(net)
    for options in ({"l1": 1e-50}, {"l2": 1e40}, {"clip_norm": 1e-50}, {"clip_value": 1e40}, {"weight_noise": 1e-50}):
        refused(lambda o=options: net.fit(X, T, **o), "for float32")
    for delta in (1e-50, 1e40):
        for call in (net.fit, net.evaluate, net.partial_fit, net.loss_and_gradient):
            refused(lambda c=call, d=delta: c(X, T, loss=mc.losses.Huber(d)), "for float32")
    assert numbers_of(net) == before
    assert network("float64").evaluate(X, T, loss=mc.losses.Huber(1e-50))["loss"] > 0


def test_options_of_optimizers():
    net = network()
    refused(lambda: net.fit(X, T, optimizer=mc.Adam(epsilon=1e-50)), "epsilon is 1e-50, too small for float32")
    refused(lambda: net.partial_fit(X, T, optimizer=mc.RMSprop(epsilon=1e-50)), "too small for float32")
    assert net._learner is None


@pytest.mark.parametrize("value", [1e40, -1e40, 1 + 2j, "a"])
def test_initial_weights(value):
    for init in (np.full((4, 2), value), lambda rng, shape, n, m: np.full(shape, value)):
        with pytest.raises((ValueError, TypeError), match=r"dense_2\.weight"):
            network(last=mc.Dense(2, weight_init=init))


def test_weights_written_to_views():
    net = network()
    for values in (np.full((4, 2), 1e40), np.full((4, 2), np.nan), np.ones((4, 2)) * 1j):
        with pytest.raises((ValueError, TypeError), match=r"dense_2\.weight"):
            net.parameters["dense_2.weight"] = values


# ---- costs that are not finite, however large the first ----


@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
@pytest.mark.parametrize(("weight", "x"), [(1.0, 1e30), (1e20, 1.0)])
def test_a_first_cost_that_is_infinite(fit, weight, x):
    """Also where its gradient is finite."""
    net = mc.Sequential([mc.Dense(1, weight_init=[[weight]])], input_shape=(1,), seed=0)
    before = numbers_of(net)
    with pytest.raises(mc.DivergenceError):
        getattr(net, fit)([[x], [2 * x]], [1.0, 1.0], loss="squared_error")
    assert numbers_of(net) == before


@pytest.mark.parametrize(("dtype", "large"), [("float32", 1e19), ("float32", -1e19), ("float64", 1e155)])
@pytest.mark.parametrize("loss", ["half_squared_error", "squared_error"])
def test_targets_whose_square_is_too_large(dtype, large, loss):
    net = network(dtype)
    before = numbers_of(net)
    targets = np.where(np.arange(20) == 7, large, 1.0)[:, None] * [1.0, 0.0]
    for call in (net.fit, net.evaluate, net.partial_fit, net.loss_and_gradient):
        refused(lambda c=call: c(X, targets, loss=loss), f"{dtype} cannot hold the squared errors")
    refused(lambda: net.fit(X, T, loss=loss, validation_data=(X, targets)), "cannot hold the squared errors")
    refused(lambda: net.fit(X, T * 0, loss=loss, target_range=(0, 1), validation_data=(X, targets)), "cannot hold")
    assert numbers_of(net) == before
    for solver in ("adam", "lbfgs"):
        model = mc.MLPRegressor(solver=solver)
        refused(lambda m=model: m.fit(X.astype(dtype), targets[:, 0]), "cannot hold the squared errors")


@pytest.mark.parametrize(("dtype", "large"), [("float32", 3e18), ("float64", 2e153)])
def test_targets_whose_square_is_just_not_too_large(dtype, large):
    """The losses are right and the optimiser learns, where the squares are the largest that are taken."""
    net = mc.Sequential([mc.Dense(2, weight_init="zeros")], input_shape=(3,), seed=0, dtype=dtype)
    targets = np.full((20, 2), large)
    assert net.evaluate(X, targets, loss="half_squared_error")["loss"] == pytest.approx(large**2, rel=1e-6)
    for optimizer in ("adam", "adagrad", "rmsprop"):
        losses = net.fit(X, targets, loss="half_squared_error", optimizer=optimizer, epochs=1)["loss"]
        assert losses[0] == pytest.approx(large**2, rel=1e-6)
        assert np.abs(net.predict(X)).max() > 1e-4
    net.evaluate(X, np.ones((20, 2), np.float32))  # narrower than the network
    absolute = net.evaluate(X, targets * 1e19, loss="absolute_error")["loss"]
    assert absolute == pytest.approx(2e19 * large, rel=1e-6)  # squares nothing


def test_an_evaluation_that_is_not_finite_is_told():
    net = mc.Sequential([mc.Dense(1)], input_shape=(1,), seed=0)
    far = ([[1e30]], [1.0])
    with pytest.warns(RuntimeWarning, match="the loss is inf: the outputs are too large for float32"):
        assert net.evaluate(*far, loss="squared_error") == {"loss": np.inf}
    with pytest.warns(RuntimeWarning, match="the loss is inf"):
        net.fit([[1.0]], [1.0], loss="squared_error", validation_data=far, epochs=1)


@pytest.mark.parametrize("optimizer", ["adagrad", "adadelta", "rmsprop", "adam", "adamw", "nadam"])
def test_gradients_whose_square_overflows(optimizer):
    """They don't leave an optimiser that never learns again, nor one that the next call finds broken."""
    net = mc.Sequential([mc.Dense(1, weight_init="zeros", bias_init="zeros")], input_shape=(1,), seed=0)
    options = {"loss": "half_squared_error", "optimizer": optimizer}
    with pytest.raises(mc.DivergenceError):
        net.partial_fit([[1e25]], [1.0], **options)
    net.parameters.flat[:] = 0
    for _ in range(3):
        net.partial_fit([[1.0]], [1.0], **options)
    assert 0 < net.predict([[1.0]]).item() < 2
    with pytest.raises(mc.DivergenceError):
        net.fit([[1e25]], [1.0], epochs=1, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("option", ["clip_norm", "normalize_gradient"])
def test_the_norm_of_a_gradient_whose_square_overflows(option, dtype):
    """Clipped, it is as long as it should be: w = 0 - 1 · (-g / |g|), with g along the input."""
    far = 1e25 if dtype == "float32" else 1e200
    net = mc.Sequential([mc.Dense(1, weight_init="zeros", bias_init="zeros")], input_shape=(2,), seed=0, dtype=dtype)
    options = {"loss": "half_squared_error", "optimizer": mc.SGD(1.0), "epochs": 1, option: 1.0}
    net.fit([[3 * far, 4 * far]], [1.0], **options)
    np.testing.assert_allclose(net.parameters["dense_1.weight"].ravel(), [0.6, 0.8], rtol=1e-6)


def test_lbfgs_that_finds_no_step_still_has_a_loss():
    X64 = np.linspace(-1, 1, 20)[:, None]
    with pytest.warns(ConvergenceWarning, match="after 0 iterations"):
        model = mc.MLPRegressor(hidden_layer_sizes=(5,), solver="lbfgs", random_state=0).fit(X64, X64[:, 0] * 1e19)
    assert model.n_iter_ == 0
    assert model.loss_ == pytest.approx(0.5 * np.mean((X64 * 1e19) ** 2), rel=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_first_cost_that_is_negative(dtype):
    """Of counts, whose Poisson loss lies below 0 when all is well."""
    net = mc.Sequential([mc.Dense(1, "exponential", bias_init=[4.0])], input_shape=(1,), seed=0, dtype=dtype)
    history = net.fit([[0.0], [0.1]], [100.0, 90.0], loss="poisson", optimizer=mc.SGD(1e-3), epochs=5)
    assert history["loss"][-1] < history["loss"][0] < 0


@pytest.mark.parametrize("norm", [mc.LayerNorm, mc.BatchNorm])
@pytest.mark.parametrize("ends", [(-3e38, 3e38), (2e38, 3e38)])
def test_norms_over_the_whole_range_of_floats(norm, ends):
    """Means and variances beyond float32 give what float64 gives, or an error; never a finite wrong number."""
    rows = np.array([ends, ends[::-1]] * 8, dtype=np.float32)
    found = {}
    for dtype in DTYPES:
        net = mc.Sequential([norm(), mc.Dense(2, weight_init=np.eye(2))], input_shape=(2,), dtype=dtype, seed=0)
        try:
            net.fit(rows, np.zeros((16, 2)), loss="squared_error", optimizer=mc.SGD(0.01), epochs=2, shuffle=False)
            found[dtype] = net.predict(rows)
        except mc.DivergenceError:
            pass
        assert all(np.isfinite(view).all() for view in (*net.parameters.values(), *net.state.values()))
    assert "float64" in found
    if "float32" in found:
        np.testing.assert_allclose(found["float32"], found["float64"], rtol=1e-4, atol=1e-4)


# ---- what would be dropped ----


def test_masks_of_targets_and_weights():
    net = network()
    mask = np.zeros(20, bool)
    mask[3] = True
    masked = np.ma.array(T, mask=np.stack([mask, mask], axis=1))
    weights = np.ma.array(np.ones(20), mask=mask)
    for call in (net.fit, net.evaluate, net.partial_fit, net.loss_and_gradient):
        refused(lambda c=call: c(X, masked), "y has masked entries")
        refused(lambda c=call: c(X, T, sample_weight=weights), "sample_weight has masked entries")
    classifier = mc.Sequential([mc.Dense(2, "softmax")], input_shape=(3,), seed=0)
    refused(lambda: classifier.fit(X, np.ma.array(np.arange(20) % 2, mask=mask)), "y has masked entries")
    net.evaluate(X, np.ma.array(T), sample_weight=np.ma.array(np.ones(20)))  # nothing is masked


@pytest.mark.parametrize("estimator", [mc.MLPClassifier, mc.MLPRegressor])
def test_masks_for_estimators(estimator):
    y, mask = np.arange(20) % 2, np.arange(20) == 3
    model = estimator(max_iter=2)
    refused(lambda: model.fit(X, np.ma.array(y, mask=mask)), "masked")
    refused(lambda: model.fit(X, y, sample_weight=np.ma.array(np.ones(20), mask=mask)), "masked")
    refused(lambda: model.fit(np.ma.array(X, mask=np.stack([mask] * 3, axis=1)), y), "masked")


def test_complex_numbers():
    net = network()
    for call in (net.fit, net.evaluate, net.partial_fit):
        with pytest.raises(TypeError, match="sample_weight"):
            call(X, T, sample_weight=np.ones(20) * (1 + 1j))
        with pytest.raises(TypeError, match="y should"):
            call(X, T * (1 + 1j))


@pytest.mark.parametrize("sizes", [(n for n in (5, 5)), iter([5]), {5, 6}, {"a": 5}, map(int, "55")])
def test_hidden_layer_sizes_that_can_be_read_once(sizes):
    with pytest.raises((TypeError, ValueError), match="hidden_layer_sizes"):
        mc.MLPClassifier(hidden_layer_sizes=sizes, max_iter=1).fit(X, np.arange(20) % 2)


def test_labels_of_mixed_kinds():
    for labels in ([1, "a"], ["a", 1]):
        y = np.array(labels * 10, dtype=object)
        with pytest.raises(TypeError, match="mixes labels of the types int, str"):
            mc.MLPClassifier(max_iter=1).fit(X, y)
        with pytest.raises(TypeError, match="mixes labels of the types int, str"):
            mc.MLPClassifier(max_iter=1).partial_fit(X, np.arange(20) % 2, classes=y)


def test_numbers_beyond_the_core():
    refused(lambda: mc.Dense(2**63), "units should be at least 1 and below")
    refused(lambda: mc.set_num_threads(2**31), "number of threads")
    for name in ("a\udc80", "\ud800"):
        refused(lambda n=name: mc.Dense(2, name=n)(mc.Input(3)), "name")
