"""Batch and layer normalisation: values, gradients, running statistics, batches of one row, threads, PyTorch."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, TOLERANCE, assert_near, randomize, reference_of
from reference import OPTIMIZERS

THREADS = (1, 2, 3, 7)


def inputs(rows=23, width=5, seed=1):
    """Features of different means and spreads."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, width)) * np.linspace(0.5, 3, width) + np.linspace(-2, 2, width)


def net_of(norms, dtype="float64", width=5):
    """Two hidden layers, each normalised before its activation, with every number away from where it starts."""
    first, second = norms
    layers = [mc.Dense(9), first, mc.Activation("tanh"), mc.Dense(7), second, mc.Activation("relu"), mc.Dense(3)]
    net = mc.Sequential(layers, input_shape=(width,), dtype=dtype, seed=0)
    rng = np.random.default_rng(0)
    randomize(net, rng)
    for name, view in net.state.items():
        low, high = (0.5, 2) if name.endswith("variance") else (-1, 1)
        view[...] = rng.uniform(low, high, view.shape).astype(np.float32)
    return net


def norms_of(kind, **options):
    return [getattr(mc, kind)(**options) for _ in range(2)]


def targets(rows=23):
    return np.random.default_rng(2).normal(size=(rows, 3))


def assert_same_state(net, reference, tolerance):
    assert list(net.state) == list(reference.state)
    for name, view in net.state.items():
        assert_near(view, reference.state[name], tolerance, name)


# ---- against the reference ----


def assert_like_reference_in_both_modes(net, X, T, loss):
    """predict and evaluate with the running statistics; cost and every gradient with those of the batch."""
    tolerance, reference = TOLERANCE[net.dtype.name], reference_of(net)
    assert_near(net.predict(X), reference.forward(X), tolerance, "predict")
    expected, _ = reference.loss_and_gradient(X, T, loss, training=False)
    assert net.evaluate(X, T, loss=loss)["loss"] == pytest.approx(expected, rel=tolerance)
    expected, theirs = reference.loss_and_gradient(X, T, loss)
    cost, gradients = net.loss_and_gradient(X, T, loss=loss)
    assert cost == pytest.approx(expected, rel=tolerance)
    assert list(gradients) == list(theirs)
    # The true gradient of a bias before a BatchNorm is 0, and what is left of the sum is the rounding of its terms.
    least_scale = max(np.abs(gradient).max() for gradient in theirs.values())
    for name, gradient in gradients.items():
        assert_near(gradient, theirs[name], tolerance, name, least_scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("kind", ["BatchNorm", "LayerNorm"])
def test_values_and_gradients(kind, ddof, dtype):
    """predict (running statistics), cost and every gradient (statistics of the batch)."""
    net = net_of(norms_of(kind, ddof=ddof), dtype)
    assert_like_reference_in_both_modes(net, inputs(), targets(), "half_squared_error")


@pytest.mark.parametrize("epsilon", [1e-8, 0.5])
@pytest.mark.parametrize("kind", ["BatchNorm", "LayerNorm"])
def test_epsilon(kind, epsilon):
    assert_like_reference_in_both_modes(
        net_of(norms_of(kind, epsilon=epsilon)), inputs(), targets(), "half_squared_error"
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [2, 3, 8, 15, 16, 17, 33, 100])
@pytest.mark.parametrize("kind", ["BatchNorm", "LayerNorm"])
def test_every_width(kind, width, dtype):
    layers = [getattr(mc, kind)(ddof=1), mc.Dense(2)]
    net = randomize(mc.Sequential(layers, input_shape=(width,), dtype=dtype, seed=0), np.random.default_rng(0))
    X, T = inputs(31, width), np.random.default_rng(2).normal(size=(31, 2))
    assert_like_reference_in_both_modes(net, X.astype(dtype), T.astype(dtype), "half_squared_error")


def test_layer_norm_over_several_axes():
    """Every number of a sample is a unit of its own."""
    x = mc.Input((2, 3))
    net = mc.Network(x, mc.Dense(2)(mc.Flatten()(mc.LayerNorm()(x))), dtype="float64", seed=0)
    flat = mc.Sequential([mc.LayerNorm(), mc.Dense(2)], input_shape=(6,), dtype="float64", seed=0)
    rng = np.random.default_rng(0)
    net.parameters.flat[:] = flat.parameters.flat[:] = rng.normal(size=len(net.parameters.flat))
    X, T = inputs(9, 6), rng.normal(size=(9, 2))
    np.testing.assert_array_equal(net.predict(X.reshape(9, 2, 3)), flat.predict(X))
    assert net.loss_and_gradient(X.reshape(9, 2, 3), T)[0] == flat.loss_and_gradient(X, T)[0]
    np.testing.assert_array_equal(net.gradients.flat, flat.gradients.flat)


def test_what_the_lectures_say():
    """With gamma 1 and beta 0, each unit leaves a training step with mean 0 and variance 1, with either divisor."""
    X = inputs(40)
    for ddof in (0, 1):
        layers = [mc.BatchNorm(ddof=ddof, epsilon=1e-12, momentum=0.0)]
        net = mc.Sequential(layers, input_shape=(5,), dtype="float64", seed=0)
        net.fit(X, X, optimizer=mc.SGD(0.0), epochs=1, batch_size=None)
        np.testing.assert_allclose(net.state["batch_norm_1.running_mean"], X.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(net.state["batch_norm_1.running_variance"], X.var(axis=0, ddof=ddof), rtol=1e-12)
        y = net.predict(X)
        np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(y.var(axis=0, ddof=ddof), 1, rtol=1e-10)
        layers = [mc.LayerNorm(ddof=ddof, epsilon=1e-12)]
        y = mc.Sequential(layers, input_shape=(5,), dtype="float64", seed=0).predict(X)
        np.testing.assert_allclose(y.mean(axis=1), 0, atol=1e-12)
        np.testing.assert_allclose(y.var(axis=1, ddof=ddof), 1, rtol=1e-10)


@pytest.mark.parametrize("kind", ["BatchNorm", "LayerNorm"])
def test_large_means_lose_no_digits(kind):
    """A variance from sums of squares would be all rounding here."""
    X = 1e6 + inputs(200, 6)
    net = mc.Sequential([getattr(mc, kind)(momentum=0.0) if kind == "BatchNorm" else mc.LayerNorm()],
                        input_shape=(6,), dtype="float64", seed=0)  # fmt: skip
    net.fit(X, X, optimizer=mc.SGD(0.0), epochs=1, batch_size=None)
    axis = 0 if kind == "BatchNorm" else 1
    expected = (X - X.mean(axis, keepdims=True)) / np.sqrt(X.var(axis, keepdims=True) + 1e-5)
    np.testing.assert_allclose(net.predict(X), expected, atol=1e-8)


@pytest.mark.parametrize("kind", ["BatchNorm", "LayerNorm"])
def test_constant_units_are_finite(kind):
    net = net_of(norms_of(kind))
    net.fit(np.full((20, 5), 3.0), targets(20), epochs=3, batch_size=7)
    assert np.isfinite(net.predict(np.full((4, 5), 3.0))).all()
    assert np.isfinite(net.parameters.flat).all()


# ---- training ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("kind", ["BatchNorm", "LayerNorm"])
def test_epochs_with_an_uneven_last_batch(kind, ddof, dtype):
    """23 samples in batches of 5: the last one has 3. Weights, running statistics and losses follow."""
    net = net_of(norms_of(kind, ddof=ddof), dtype)
    reference = reference_of(net)
    X, T = inputs(), targets()
    expected = reference.train(X, T, "half_squared_error", OPTIMIZERS["SGD"](0.05), 3, 5)
    history = net.fit(X, T, loss="half_squared_error", optimizer=mc.SGD(0.05), epochs=3, batch_size=5, shuffle=False)
    tolerance = {"float32": 1e-4, "float64": 1e-11}[dtype]  # of fifteen updates
    np.testing.assert_allclose(history["loss"], expected, rtol=tolerance)
    for name, view in net.parameters.items():
        assert_near(view, reference.parameters[name], tolerance, name)
    assert_same_state(net, reference, tolerance)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99])
def test_running_statistics(momentum):
    """running = momentum running + (1 - momentum) batch, once per update, from the values before the update."""
    net = mc.Sequential([mc.BatchNorm(momentum=momentum, ddof=1)], input_shape=(5,), dtype="float64", seed=0)
    mean, variance, X = np.zeros(5), np.ones(5), inputs(20)
    for start in (0, 10):
        batch = X[start : start + 10]
        mean = momentum * mean + (1 - momentum) * batch.mean(axis=0)
        variance = momentum * variance + (1 - momentum) * batch.var(axis=0, ddof=1)
    net.fit(X, X, optimizer=mc.SGD(0.1), epochs=1, batch_size=10, shuffle=False)
    np.testing.assert_allclose(net.state["batch_norm_1.running_mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(net.state["batch_norm_1.running_variance"], variance, rtol=1e-12)


def test_running_statistics_start_at_0_and_1():
    net = mc.Sequential([mc.BatchNorm()], input_shape=(5,), dtype="float64", seed=0)
    assert (net.state["batch_norm_1.running_mean"] == 0).all()
    assert (net.state["batch_norm_1.running_variance"] == 1).all()
    np.testing.assert_allclose(net.predict(inputs()), inputs() / np.sqrt(1 + 1e-5), rtol=1e-12)


@pytest.mark.parametrize("look", ["predict", "evaluate", "loss_and_gradient"])
def test_looking_leaves_the_running_statistics(look):
    net = net_of(norms_of("BatchNorm"))
    before = net.state.flat.copy()
    if look == "predict":
        net.predict(inputs())
    else:
        getattr(net, look)(inputs(), targets())
    np.testing.assert_array_equal(net.state.flat, before)


def test_diagnosis_and_validation_do_not_change_training():
    watched, alone = net_of(norms_of("BatchNorm")), net_of(norms_of("BatchNorm"))
    alone.fit(inputs(), targets(), epochs=4, batch_size=8)
    options = {"callbacks": [mc.Diagnosis(warn=False)], "validation_data": (inputs(seed=5), targets())}
    watched.fit(inputs(), targets(), epochs=4, batch_size=8, **options)
    np.testing.assert_array_equal(watched.parameters.flat, alone.parameters.flat)
    np.testing.assert_array_equal(watched.state.flat, alone.state.flat)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_batch_of_one_row_uses_the_running_statistics_and_leaves_them(dtype):
    net = net_of(norms_of("BatchNorm", ddof=1), dtype)
    before = net.state.flat.copy()
    reference = reference_of(net)
    row, goal = inputs()[:1], targets()[:1]
    cost, gradients = net.loss_and_gradient(row, goal, loss="half_squared_error")
    their_cost, theirs = reference.loss_and_gradient(row, goal, "half_squared_error", training=False)
    assert cost == pytest.approx(their_cost, rel=TOLERANCE[dtype])
    for name, gradient in gradients.items():
        assert_near(gradient, theirs[name], TOLERANCE[dtype], name)
    net.partial_fit(row, goal, loss="half_squared_error")
    net.fit(inputs(), targets(), epochs=1, batch_size=1)
    np.testing.assert_array_equal(net.state.flat, before)


def test_a_last_batch_of_one_row():
    """21 samples in batches of 10: the running statistics come from the two full batches."""
    net = mc.Sequential([mc.BatchNorm(momentum=0.5)], input_shape=(5,), dtype="float64", seed=0)
    X = inputs(21)
    net.fit(X, X, optimizer=mc.SGD(0.0), epochs=1, batch_size=10, shuffle=False)
    mean = 0.5 * (0.5 * X[:10].mean(axis=0)) + 0.5 * X[10:20].mean(axis=0)
    np.testing.assert_allclose(net.state["batch_norm_1.running_mean"], mean, rtol=1e-12)


def test_running_statistics_survive_a_divergence():
    """A batch whose cost is not finite changes nothing, so the network can still be used."""
    layers = [mc.Dense(8), mc.BatchNorm(), mc.Activation("relu"), mc.Dense(1)]
    net = mc.Sequential(layers, input_shape=(5,), seed=0)
    with pytest.raises(mc.DivergenceError):
        net.fit(inputs(), targets()[:, 0], loss="squared_error", optimizer=mc.SGD(1e30), epochs=5, batch_size=8)
    assert np.isfinite(net.parameters.flat).all()
    assert np.isfinite(net.state.flat).all()


def test_frozen_batch_norm_keeps_gamma_and_beta():
    net = net_of(norms_of("BatchNorm"))
    net.freeze("batch_norm_1")
    before = {name: view.copy() for name, view in net.parameters.items()}
    net.fit(inputs(), targets(), epochs=2, batch_size=8)
    for name, view in net.parameters.items():
        assert np.array_equal(view, before[name]) == name.startswith("batch_norm_1.")


def test_state_is_saved_and_restored(tmp_path):
    net = net_of(norms_of("BatchNorm"))
    net.fit(inputs(), targets(), epochs=2, batch_size=8)
    net.save(tmp_path / "net")
    np.testing.assert_array_equal(mc.load(tmp_path / "net").state.flat, net.state.flat)
    numbers, outputs = net.copy_numbers(), net.predict(inputs())
    net.fit(inputs(), targets(), epochs=2, batch_size=8)
    net.restore_numbers(numbers)
    np.testing.assert_array_equal(net.predict(inputs()), outputs)


def test_penalties_spare_gamma_and_beta():
    net = net_of(norms_of("BatchNorm"))
    plain = {name: g.copy() for name, g in net.loss_and_gradient(inputs(), targets())[1].items()}
    _, with_penalty = net.loss_and_gradient(inputs(), targets(), l2=0.5)
    for name, gradient in with_penalty.items():
        assert np.array_equal(gradient, plain[name]) == (not name.endswith(".weight")), name


# ---- threads ----


def wide(kind, dtype, ddof=0):
    norms = [getattr(mc, kind)(ddof=ddof) for _ in range(3)]
    layers = [norms[0], mc.Dense(130), norms[1], mc.Activation("relu"), mc.Dense(70), mc.Dropout(0.2), norms[2],
              mc.Activation("tanh"), mc.Dense(4, "softmax")]  # fmt: skip
    return mc.Sequential(layers, input_shape=(64,), dtype=dtype, seed=3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [97, 200, None])
@pytest.mark.parametrize("kind", ["BatchNorm", "LayerNorm"])
def test_same_bits_for_any_number_of_threads(kind, batch, dtype):
    X = inputs(531, 64).astype(dtype)
    y = np.random.default_rng(0).integers(0, 4, 531)
    found = []
    for threads in THREADS:
        mc.set_num_threads(threads)
        net = wide(kind, dtype)
        history = net.fit(X, y, epochs=3, batch_size=batch)
        found.append(
            (net.parameters.flat.tobytes(), net.state.flat.tobytes(), history["loss"], net.predict(X).tobytes())
        )
    assert all(result == found[0] for result in found[1:])


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("rows", [33, 97, 300])
def test_statistics_of_a_batch_over_several_threads_are_those_of_the_whole(rows, ddof):
    mc.set_num_threads(3)
    x = mc.Input(64)
    h = mc.BatchNorm(ddof=ddof)(mc.Dense(130)(x))
    h = mc.BatchNorm(ddof=ddof)(mc.Dense(70, "tanh")(h))
    net = mc.Network(x, mc.Dense(4, "softmax")(mc.concat([h, mc.BatchNorm()(x)])), dtype="float64", seed=0)
    randomize(net, np.random.default_rng(0))
    T = np.eye(4)[np.random.default_rng(1).integers(0, 4, rows)]
    assert_like_reference_in_both_modes(net, inputs(rows, 64), T, "cross_entropy")


# ---- PyTorch ----


def torch_twin(torch, net, kind):
    """Its running variance divides by b - 1 always, its normalisation by b."""
    norm = (lambda n: torch.nn.BatchNorm1d(n, momentum=0.1)) if kind == "BatchNorm" else torch.nn.LayerNorm
    nn = torch.nn
    modules = [nn.Linear(5, 9), norm(9), nn.Tanh(), nn.Linear(9, 7), norm(7), nn.ReLU(), nn.Linear(7, 3)]
    model = nn.Sequential(*modules).double()
    norm_name = "batch_norm" if kind == "BatchNorm" else "layer_norm"
    ours = ["dense_1", f"{norm_name}_1", None, "dense_2", f"{norm_name}_2", None, "dense_3"]
    pairs = [(name, module) for name, module in zip(ours, modules, strict=True) if name]
    with torch.no_grad():
        for name, module in pairs:
            first, second = ("weight", "bias") if name.startswith("dense") else ("gamma", "beta")
            module.weight.copy_(torch.tensor(net.parameters[f"{name}.{first}"].T.copy()))
            module.bias.copy_(torch.tensor(net.parameters[f"{name}.{second}"].copy()))
            if kind == "BatchNorm" and not name.startswith("dense"):
                module.running_mean.copy_(torch.tensor(net.state[f"{name}.running_mean"].copy()))
                module.running_var.copy_(torch.tensor(net.state[f"{name}.running_variance"].copy()))
    return model, pairs


@pytest.mark.parametrize("kind", ["BatchNorm", "LayerNorm"])
def test_ten_steps_like_pytorch(kind):
    """All weights and running means; the running variance is the one documented difference."""
    torch = pytest.importorskip("torch")
    net = net_of(norms_of(kind))
    model, pairs = torch_twin(torch, net, kind)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    X, T = inputs(22), targets(22)
    model.train()
    for _ in range(2):
        for start in range(0, 22, 5):
            optimizer.zero_grad()
            rows = slice(start, start + 5)
            torch.nn.MSELoss()(model(torch.tensor(X[rows])), torch.tensor(T[rows])).backward()
            optimizer.step()
    net.fit(X, T, loss="squared_error", optimizer=mc.Adam(0.01), epochs=2, batch_size=5, shuffle=False)
    for name, module in pairs:
        first, second = ("weight", "bias") if name.startswith("dense") else ("gamma", "beta")
        assert_near(net.parameters[f"{name}.{first}"], module.weight.detach().numpy().T, 1e-6, name)
        assert_near(net.parameters[f"{name}.{second}"], module.bias.detach().numpy(), 1e-6, name)
        if kind == "BatchNorm" and not name.startswith("dense"):
            assert_near(net.state[f"{name}.running_mean"], module.running_mean.numpy(), 1e-6, name)


@pytest.mark.parametrize("ddof", [2, -1, 0.5, "one", None])
@pytest.mark.parametrize("kind", [mc.BatchNorm, mc.LayerNorm])
def test_wrong_options(kind, ddof):
    with pytest.raises((ValueError, TypeError), match="ddof"):
        kind(ddof=ddof)
    for wrong in (0, -1e-5, float("nan"), "small"):
        with pytest.raises((ValueError, TypeError), match="epsilon"):
            kind(epsilon=wrong)


def test_wrong_momentum_and_too_few_units():
    for wrong in (1.0, -0.1, float("inf")):
        with pytest.raises(ValueError, match="momentum"):
            mc.BatchNorm(momentum=wrong)
    with pytest.raises(ValueError, match=r"layer_norm_1.*more than 1 unit"):
        mc.Sequential([mc.LayerNorm(ddof=1)], input_shape=(1,), seed=0)
