"""Optimisers, clipping and schedules against the reference, against PyTorch and by hand."""

import numpy as np
import pytest

import multicapa as mc
from helpers import assert_near, randomize, reference_of
from reference import OPTIMIZERS as REFERENCE_OPTIMIZERS
from reference import schedules as reference_schedules

WHOLE_BATCH = {"lbfgs"}  # steps of its own making; tested by where it arrives
NAMES = tuple(name for name in mc.optimizers.names() if name not in WHOLE_BATCH)
X = np.random.default_rng(0).normal(size=(22, 5))
T = np.random.default_rng(1).normal(size=(22, 3))
# One choice of hyper-parameters other than the defaults for each.
OTHER = {
    "sgd": {},
    "momentum": {"momentum": 0.6},
    "nesterov": {"momentum": 0.6},
    "adagrad": {"epsilon": 1e-3},
    "adadelta": {"rho": 0.7, "epsilon": 1e-3},
    "rmsprop": {"rho": 0.7, "epsilon": 1e-3},
    "adam": {"beta1": 0.7, "beta2": 0.8, "epsilon": 1e-3, "epsilon_hat": True},
    "adamw": {"beta1": 0.7, "beta2": 0.8, "epsilon": 1e-3, "weight_decay": 0.3, "epsilon_hat": True},
    "adamax": {"beta1": 0.7, "beta2": 0.8, "epsilon": 1e-3},
    "nadam": {"beta1": 0.7, "beta2": 0.8, "epsilon": 1e-3, "momentum_decay": 0.1},
    "rprop": {"shrink": 0.3, "grow": 1.4, "smallest": 1e-4, "largest": 0.02},
}


def make(dtype="float64", seed=0):
    layers = [mc.Dense(9, "tanh"), mc.Dense(7, "sigmoid"), mc.Dense(3)]
    net = mc.Sequential(layers, input_shape=(5,), dtype=dtype, seed=seed)
    return randomize(net, np.random.default_rng(seed))


def theirs_for(name, **options):
    if name == "rprop" and options:
        rate = {"learning_rate": options["learning_rate"]} if "learning_rate" in options else {}
        options = {
            **rate,
            "etas": (options["shrink"], options["grow"]),
            "step_sizes": (options["smallest"], options["largest"]),
        }
    return REFERENCE_OPTIMIZERS[mc.optimizers.OPTIMIZERS[name].__name__](**options)


def test_reference_knows_every_optimizer():
    assert set(NAMES) == set(mc.optimizers.OPTIMIZERS) - WHOLE_BATCH == set(OTHER)
    ours = {cls.__name__ for name, cls in mc.optimizers.OPTIMIZERS.items() if name not in WHOLE_BATCH}
    assert ours == set(REFERENCE_OPTIMIZERS)


@pytest.mark.parametrize("name", sorted(WHOLE_BATCH & set(mc.optimizers.OPTIMIZERS)))
def test_whole_batch_optimizers_reach_least_squares(name):
    pytest.importorskip("scipy")
    net = mc.Sequential([mc.Dense(3)], input_shape=(5,), dtype="float64", seed=0)
    net.fit(X, T, loss="half_squared_error", optimizer=name, epochs=100, batch_size=None)
    solution, *_ = np.linalg.lstsq(np.hstack([X, np.ones((22, 1))]), T, rcond=None)
    assert_near(net.parameters["dense_1.weight"], solution[:5], 1e-4)
    assert_near(net.parameters["dense_1.bias"], solution[5], 1e-4)


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("options", ["defaults", "others"])
@pytest.mark.parametrize("name", NAMES)
def test_ten_steps_like_the_reference(name, options, batch_size):
    """AdamW decays every number of the reference's vector, hence penalize_biases."""
    chosen = {} if options == "defaults" else {"learning_rate": 0.03, **OTHER[name]}
    net = make()
    reference = reference_of(net)
    epochs = 10 if batch_size is None else 3
    costs = reference.train(X, T, "half_squared_error", theirs_for(name, **chosen), epochs, batch_size or len(X))
    history = net.fit(
        X,
        T,
        loss="half_squared_error",
        optimizer=mc.optimizers.OPTIMIZERS[name](**chosen),
        epochs=epochs,
        batch_size=batch_size,
        shuffle=False,
        penalize_biases=True,
    )
    assert history["loss"] == pytest.approx(costs, rel=1e-12)
    for key, view in net.parameters.items():
        assert_near(view, reference.parameters[key], 1e-12, key)


@pytest.mark.parametrize("name", NAMES)
def test_float32_follows(name):
    net = make("float32")
    reference = reference_of(net)
    reference.train(X.astype(np.float32), T.astype(np.float32), "half_squared_error", theirs_for(name), 10, len(X))
    net.fit(X, T, loss="half_squared_error", optimizer=name, epochs=10, batch_size=None, penalize_biases=True)
    for key, view in net.parameters.items():
        assert_near(view, reference.parameters[key], 2e-4, key)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 65])
@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_updated_at_every_size(name, size):
    net = mc.Sequential([mc.Dense(size, weight_init="normal")], input_shape=(1,), dtype="float64", seed=0)
    reference = reference_of(net)
    goals = np.random.default_rng(size).normal(size=(4, size))
    x = np.array([[1.0], [-0.5], [2.0], [0.3]])
    reference.train(x, goals, "half_squared_error", theirs_for(name), 3, 4)
    net.fit(x, goals, loss="half_squared_error", optimizer=name, epochs=3, batch_size=None, penalize_biases=True)
    for key, view in net.parameters.items():
        assert_near(view, reference.parameters[key], 1e-12, key)


def torch_optimizer(torch, name, parameters):
    o = torch.optim
    table = {
        "sgd": lambda p: o.SGD(p, 0.01),
        "momentum": lambda p: o.SGD(p, 0.01, momentum=0.9),
        "nesterov": lambda p: o.SGD(p, 0.01, momentum=0.9, nesterov=True),
        "adagrad": o.Adagrad,
        "adadelta": o.Adadelta,
        "rmsprop": o.RMSprop,
        "adam": o.Adam,
        "adamw": o.AdamW,
        "adamax": o.Adamax,
        "nadam": o.NAdam,
        "rprop": o.Rprop,
    }
    return table[name](parameters)


@pytest.fixture
def torch():
    """PyTorch with float64 as its default: its NAdam keeps one number in the default type."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


def torch_twin(torch, net):
    modules = [torch.nn.Linear(5, 9), torch.nn.Tanh(), torch.nn.Linear(9, 7), torch.nn.Sigmoid(), torch.nn.Linear(7, 3)]
    linears = [modules[0], modules[2], modules[4]]
    with torch.no_grad():
        for i, linear in enumerate(linears, 1):
            linear.weight.copy_(torch.tensor(net.parameters[f"dense_{i}.weight"].T.copy()))
            linear.bias.copy_(torch.tensor(net.parameters[f"dense_{i}.bias"].copy()))
    return torch.nn.Sequential(*modules), linears


def assert_same_as_torch(net, linears, tolerance=1e-6):
    for i, linear in enumerate(linears, 1):
        assert_near(net.parameters[f"dense_{i}.weight"], linear.weight.detach().numpy().T, tolerance)
        assert_near(net.parameters[f"dense_{i}.bias"], linear.bias.detach().numpy(), tolerance)


@pytest.mark.parametrize("last", ["linear", "softmax"])
@pytest.mark.parametrize("name", NAMES)
def test_ten_steps_like_pytorch(name, last, torch):
    """Two epochs of five batches, the last one smaller. PyTorch's AdamW decays biases too."""
    net = make()
    if last == "softmax":
        layers = [mc.Dense(9, "tanh"), mc.Dense(7, "sigmoid"), mc.Dense(3, "softmax")]
        net = randomize(mc.Sequential(layers, input_shape=(5,), dtype="float64", seed=0), np.random.default_rng(0))
    model, linears = torch_twin(torch, net)
    optimizer = torch_optimizer(torch, name, model.parameters())
    y = np.arange(22) % 3 if last == "softmax" else T
    for _ in range(2):
        for start in range(0, 22, 5):
            x, t = torch.tensor(X[start : start + 5]), torch.tensor(y[start : start + 5])
            criterion = torch.nn.CrossEntropyLoss() if last == "softmax" else torch.nn.MSELoss()
            optimizer.zero_grad()
            criterion(model(x), t).backward()
            optimizer.step()
    options = {"epochs": 2, "batch_size": 5, "shuffle": False, "penalize_biases": True}
    net.fit(X, y, loss="cross_entropy" if last == "softmax" else "squared_error", optimizer=name, **options)
    assert_same_as_torch(net, linears)


@pytest.mark.parametrize("method", ["norm", "value"])
def test_clipping_like_pytorch(method, torch):
    net = make()
    model, linears = torch_twin(torch, net)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(10):
        optimizer.zero_grad()
        torch.nn.MSELoss()(model(torch.tensor(X)), torch.tensor(T)).backward()
        if method == "norm":
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.2)
        else:
            torch.nn.utils.clip_grad_value_(model.parameters(), 0.02)
        optimizer.step()
    clip = {"clip_norm": 0.2} if method == "norm" else {"clip_value": 0.02}
    net.fit(X, T, loss="squared_error", optimizer=mc.SGD(0.1), epochs=10, batch_size=None, shuffle=False, **clip)
    assert_same_as_torch(net, linears, 1e-5)  # PyTorch adds 1e-6 to the norm


def moved(**options):
    """How one step of SGD with rate 1 moves each parameter, and the plain gradient."""
    net = make()
    penalties = {key: options[key] for key in ("l1", "l2") if key in options}
    _, gradients = net.loss_and_gradient(X, T, loss="half_squared_error", **penalties)
    plain, before = gradients.flat.copy(), net.parameters.flat.copy()
    common = {"loss": "half_squared_error", "optimizer": mc.SGD(1.0), "epochs": 1, "batch_size": None, "shuffle": False}
    net.fit(X, T, **common, **options)
    return before - net.parameters.flat, plain


def test_clip_norm():
    step, plain = moved()
    assert_near(step, plain, 1e-12)
    norm = np.linalg.norm(plain)
    step, _ = moved(clip_norm=norm / 3)
    assert_near(step, plain / 3, 1e-12)
    step, _ = moved(clip_norm=norm * 3)
    assert_near(step, plain, 1e-12)


def test_normalize_gradient():
    for length in (0.01, 100.0):
        step, plain = moved(normalize_gradient=length)
        assert_near(step, plain * length / np.linalg.norm(plain), 1e-12)


def test_clip_value():
    step, plain = moved(clip_value=0.01)
    assert_near(step, np.clip(plain, -0.01, 0.01), 1e-12)
    step, plain = moved(clip_value=(-0.01, 0.03))
    assert_near(step, np.clip(plain, -0.01, 0.03), 1e-12)


def test_clip_value_comes_before_clip_norm_and_after_penalties():
    step, plain = moved(clip_value=0.01, clip_norm=0.02, l2=0.1)
    clipped = np.clip(plain, -0.01, 0.01)
    assert_near(step, clipped * 0.02 / np.linalg.norm(clipped), 1e-12)


def test_frozen_layers_do_not_count_in_the_norm():
    net = make()
    net.freeze("dense_1")
    _, gradients = net.loss_and_gradient(X, T, loss="half_squared_error")
    free = {name: view.copy() for name, view in gradients.items() if not name.startswith("dense_1")}
    norm = np.sqrt(sum((view**2).sum() for view in free.values()))
    before = {name: view.copy() for name, view in net.parameters.items()}
    net.fit(X, T, loss="half_squared_error", optimizer=mc.SGD(1.0), epochs=1, batch_size=None, clip_norm=norm / 2)
    for name, gradient in free.items():
        assert_near(before[name] - net.parameters[name], gradient / 2, 1e-12, name)


@pytest.mark.parametrize("biases", [False, True])
def test_adamw_decays_weights_only_unless_told(biases):
    """With a gradient of zero only the decay is left: w (1 - rate decay)."""
    net = mc.Sequential([mc.Dense(2, weight_init="ones", bias_init="ones")], input_shape=(3,), dtype="float64", seed=0)
    optimizer = mc.AdamW(0.1, weight_decay=0.5)
    x = np.zeros((4, 3))
    net.fit(
        x, net.predict(x), loss="squared_error", optimizer=optimizer, epochs=1, batch_size=None, penalize_biases=biases
    )
    assert net.parameters["dense_1.weight"] == pytest.approx(np.full((3, 2), 0.95), rel=1e-12)
    assert net.parameters["dense_1.bias"] == pytest.approx(np.full(2, 0.95 if biases else 1.0), rel=1e-12)


def test_worked_example_of_the_lectures():
    """f(x) = (x - 4)^2 + 3 from 7 with rate 0.6: a bias alone, under (b - 4)^2."""
    net = mc.Sequential([mc.Dense(1, weight_init="zeros", bias_init=[7.0])], input_shape=(1,), dtype="float64", seed=0)
    path = []
    net.fit(
        [[0.0]],
        [[4.0]],
        loss="squared_error",
        optimizer=mc.SGD(0.6),
        epochs=4,
        callbacks=[lambda net, epoch: path.append(net.parameters["dense_1.bias"].item())],
    )
    assert path == pytest.approx([3.4, 4.12, 3.976, 4.0048], abs=1e-12)


# ---- schedules ----

SCHEDULES = {
    "Constant": ((0.1,), reference_schedules.constant, (0.1,)),
    "Step": ((0.1, 3, 0.5), reference_schedules.step, (0.1, 3, 0.5)),
    "Exponential": ((0.1, 0.9), reference_schedules.exponential, (0.1, 0.9)),
    "InverseScaling": ((0.1, 0.7), reference_schedules.inverse_scaling, (0.1, 0.7)),
    "Cosine": ((0.1, 20, 0.01), reference_schedules.cosine, (0.1, 20, 0.01)),
    "CosineRestarts": ((0.1, 4, 1.5, 0.01), reference_schedules.cosine_restarts, (0.1, 4, 1.5, 0.01)),
    "Polynomial": ((0.1, 20, 2.0, 0.01), reference_schedules.polynomial, (0.1, 20, 2.0, 0.01)),
    "WarmUp": ((0.1, 5), reference_schedules.warmup, (0.1, 5)),
    "OneCycle": ((0.1, 30), reference_schedules.one_cycle, (0.1, 30)),
}


def test_every_schedule_has_a_reference():
    classes = {
        n for n, v in vars(mc.schedules).items() if isinstance(v, type) and v.__module__ == "multicapa.schedules"
    }
    assert classes - {"Schedule", "ByEpoch"} == set(SCHEDULES)  # ByEpoch counts what fit knows: see test_names.py


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_like_the_reference(name):
    ours, function, theirs = SCHEDULES[name]
    schedule = getattr(mc.schedules, name)(*ours)
    steps = range(40)
    assert [schedule(k) for k in steps] == pytest.approx([function(k, *theirs) for k in steps], rel=1e-12)


def test_warm_up_before_another_schedule():
    schedule = mc.schedules.WarmUp(mc.schedules.Step(0.1, 3, 0.5), 4)
    assert [schedule(k) for k in range(8)] == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.1, 0.1, 0.05])


@pytest.mark.parametrize("name", ["sgd", "adam", "rprop", "nadam"])
def test_training_with_a_schedule(name):
    """One rate per update, counted over the epochs."""
    net = make()
    reference = reference_of(net)
    reference.train(X, T, "half_squared_error", theirs_for(name), 3, 4, schedule=lambda k: 0.05 / (k + 1))
    optimizer = mc.optimizers.OPTIMIZERS[name](mc.schedules.InverseScaling(0.05, 1.0))
    net.fit(X, T, loss="half_squared_error", optimizer=optimizer, epochs=3, batch_size=4, shuffle=False)
    for key, view in net.parameters.items():
        assert_near(view, reference.parameters[key], 1e-12, key)


def test_history_tells_the_rate():
    optimizer = mc.SGD(mc.schedules.Step(0.1, 2, 0.5))
    history = make().fit(X, T, optimizer=optimizer, epochs=3, batch_size=11)
    assert history["learning_rate"] == pytest.approx([0.1, 0.05, 0.025])


def test_reduce_on_plateau():
    values = iter([1.0, 0.5, 0.5, 0.5, 0.5, 0.4, 0.4, 0.4, 0.4])

    class Fake(mc.Callback):
        def on_epoch_end(self, run, epoch):
            epoch["fake"] = next(values)

    plateau = mc.ReduceOnPlateau(factor=0.5, patience=1, monitor="fake", mode="min")
    history = make().fit(X, T, optimizer=mc.SGD(0.1), epochs=9, callbacks=[Fake(), plateau])
    assert history["learning_rate"] == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.025])


def test_reduce_on_plateau_stops_at_the_smallest():
    plateau = mc.ReduceOnPlateau(factor=0.1, patience=0, monitor="learning_rate", smallest=0.03)
    history = make().fit(X, T, optimizer=mc.SGD(0.1), epochs=4, callbacks=[plateau])
    assert history["learning_rate"] == pytest.approx([0.1, 0.1, 0.03, 0.03])


@pytest.mark.parametrize("wrong", [-0.1, float("nan"), float("inf"), "fast", None])
def test_wrong_rates(wrong):
    with pytest.raises((ValueError, TypeError), match="learning_rate"):
        mc.SGD(wrong)
    net = make()
    before = net.parameters.flat.copy()
    with pytest.raises((ValueError, TypeError), match="learning rate"):
        net.fit(X, T, optimizer=mc.SGD(lambda step: wrong))
    np.testing.assert_array_equal(net.parameters.flat, before)


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (mc.Momentum, {"momentum": 1.0}),
        (mc.Adam, {"beta1": -0.1}),
        (mc.Adam, {"epsilon": 0}),
        (mc.AdamW, {"weight_decay": -1}),
        (mc.RMSprop, {"rho": "a"}),
        (mc.Rprop, {"largest": 0}),
        (mc.Rprop, {"shrink": 1.5}),
        (mc.Adadelta, {"rho": 1}),
    ],
)
def test_wrong_hyperparameters(cls, options):
    with pytest.raises((ValueError, TypeError), match=next(iter(options))):
        cls(**options)
