"""Recurrent layers: values and gradients against the plain reference, finite differences and PyTorch, step by step
losses, truncated backpropagation, streams."""

from itertools import product

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, assert_like_reference, assert_near, output_of, randomize, reference_of, rng
from reference import ReferenceNetwork

KINDS = {
    "simple_rnn": mc.SimpleRNN,
    "silu": lambda units, **options: mc.SimpleRNN(units, "silu", **options),
    "second_order": mc.SecondOrderRNN,
    "lstm": mc.LSTM,
    "gru": mc.GRU,
    "gru_before": lambda units, **options: mc.GRU(units, reset_after=False, **options),
}
# Around the width of a register, and so many that several blocks of samples are needed.
UNITS, TIMES, BATCHES = (1, 7, 8, 15, 16, 17, 33), (1, 2, 13, 50), (1, 5, 16, 33)


def make(layers, shape, dtype="float64", scale=0.5):
    return randomize(mc.Sequential(layers, input_shape=shape, seed=0, dtype=dtype), rng(1), scale)


def numbers(*shape, seed=0):
    return rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients(kind, dtype):
    """Two layers in opposite directions; each is the first in half of the cases."""
    values, gradients = {"float32": (5e-6, 5e-5), "float64": (1e-12, 1e-10)}[dtype]
    for i, (units, time, batch) in enumerate(product(UNITS, TIMES, BATCHES)):
        options = {"bias": units != 15}
        layers = [KINDS[kind](units, reverse=i % 2 == 0, return_sequences=True, **options)]
        layers += [KINDS[kind](3, reverse=i % 2 == 1, **options), mc.Dense(2)]
        # Products of fifty matrices that lengthen what they meet would grow without bounds.
        scale = 0.5 if kind != "second_order" else 0.8 / np.sqrt(3 * units)
        net = make(layers, (time, 3), dtype, scale)
        X, T = numbers(batch, time, 3), numbers(batch, 2, seed=1)
        assert_near(net.predict(X), reference_of(net).forward(X), values, f"{units} units, {X.shape}")
        assert_like_reference(net, X, T, "squared_error", tolerance=gradients)


@pytest.mark.parametrize("kind", KINDS)
def test_finite_differences_through_time(kind):
    net = make([KINDS[kind](4, return_sequences=True), KINDS[kind](3), mc.Dense(1)], (7, 2))
    X, T = numbers(9, 7, 2), numbers(9, 1, seed=1)
    _, gradients = net.loss_and_gradient(X, T)
    ours = {name: gradient.copy() for name, gradient in gradients.items()}
    for name, view in net.parameters.items():
        flat = view.reshape(-1)
        for i in range(0, flat.size, max(1, flat.size // 4)):
            old = flat[i]
            costs = []
            for h in (1e-5, -1e-5):
                flat[i] = old + h
                costs.append(net.loss_and_gradient(X, T)[0])
            flat[i] = old
            assert abs((costs[0] - costs[1]) / 2e-5 - ours[name].reshape(-1)[i]) < 1e-8, name


@pytest.mark.parametrize("kind", ["simple_rnn", "lstm", "gru"])
def test_like_pytorch(kind):
    torch = pytest.importorskip("torch")
    units, features, X = 9, 5, numbers(6, 11, 5).astype(np.float64)
    net = make([KINDS[kind](units, return_sequences=True)], (11, features))
    theirs = {"simple_rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](
        features, units, batch_first=True, dtype=torch.float64
    )
    order = np.arange(units * {"simple_rnn": 1, "lstm": 4, "gru": 3}[kind])
    if kind == "gru":  # z r a here, r z a there, and their z is our 1 - z ... of the same meaning: h = z h' + (1 - z) a
        order = np.concatenate([order[units : 2 * units], order[:units], order[2 * units :]])
    name = net.spec[1]["name"]
    values = {
        "weight_ih_l0": net.parameters[f"{name}.weight"].T[order],
        "weight_hh_l0": net.parameters[f"{name}.recurrent_weight"].T[order],
        "bias_ih_l0": net.parameters[f"{name}.bias"][order],
        "bias_hh_l0": net.parameters[f"{name}.recurrent_bias"][order] if kind == "gru" else np.zeros(len(order)),
    }
    theirs.load_state_dict({key: torch.tensor(np.ascontiguousarray(value)) for key, value in values.items()})
    outputs = theirs(torch.tensor(X))[0]
    assert_near(net.predict(X), outputs.detach().numpy(), 1e-12)
    T = rng(2).normal(size=outputs.shape)
    ((outputs - torch.tensor(T)) ** 2).mean().backward()
    _, gradients = net.loss_and_gradient(X, T, loss="squared_error")
    assert_near(gradients[f"{name}.weight"].T[order], theirs.weight_ih_l0.grad.numpy(), 1e-11)
    assert_near(gradients[f"{name}.recurrent_weight"].T[order], theirs.weight_hh_l0.grad.numpy(), 1e-11)


# ---- each step has an output and a cost ----


def step_reference(net, X, T, loss, weight=None):
    """Costs of all steps as rows, through the reference network."""
    reference = ReferenceNetwork(net.spec, {**net.parameters, **net.state})
    from reference import FUSED, LOSSES, batch_cost, batch_gradient

    y = reference.forward(X, training=True)
    pair = (getattr(reference.nodes[-1].layer, "function", None), loss)
    start = reference.nodes[-1].inputs[0] if pair in FUSED else reference.nodes[-1].name
    y = reference.outputs[start]
    rows, targets = y.reshape(-1, y.shape[-1]), T.reshape(-1, y.shape[-1])
    chosen = FUSED.get(pair, LOSSES[loss])
    w = None if weight is None else np.broadcast_to(weight.reshape(len(X), -1), y.shape[:2]).reshape(-1)
    dy = batch_gradient(chosen.gradient(rows, targets), w).reshape(y.shape)
    return batch_cost(chosen.value(rows, targets), w), reference.backward(start, dy)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [3, 20])
def test_costs_of_steps(dtype, batch):
    for layers, loss in (
        ([mc.LSTM(6, return_sequences=True), mc.Dense(4, "softmax")], "cross_entropy"),
        ([mc.GRU(6, return_sequences=True), mc.Dense(5, "relu"), mc.LayerNorm(), mc.Dense(2)], "half_squared_error"),
        ([mc.Dense(5, "tanh"), mc.SimpleRNN(3, return_sequences=True), mc.Dense(1, "sigmoid")], "binary_cross_entropy"),
        ([mc.Bidirectional(mc.GRU(3, return_sequences=True)), mc.Activation("softmax"), mc.Dense(2)], "squared_error"),
    ):
        net = make(layers, (7, 3), dtype)
        K = net.output_shape[1]
        X, classes = numbers(batch, 7, 3), rng(3).integers(0, max(K, 2), (batch, 7))
        T = np.eye(K)[classes] if loss == "cross_entropy" else classes[..., None] * np.ones(K)
        tolerance = {"float32": 2e-5, "float64": 1e-11}[dtype]
        for weight in (None, rng(4).uniform(0.5, 2, batch), rng(5).uniform(0, 2, (batch, 7))):
            y = classes if loss == "cross_entropy" else T
            cost, gradients = net.loss_and_gradient(X, y, loss=loss, sample_weight=weight)
            theirs, their_gradients = step_reference(net, X, T, loss, weight)
            assert abs(cost - theirs) <= tolerance * abs(theirs)
            for name, gradient in gradients.items():
                assert_near(gradient, their_gradients[name], tolerance, name, 0.05)
            found = net.evaluate(X, y, loss=loss, sample_weight=weight)["loss"]
            assert abs(found - theirs) <= tolerance * abs(theirs)
        if loss == "cross_entropy":
            right = (net.predict(X).argmax(axis=2) == classes).mean()
            assert net.evaluate(X, classes)["accuracy"] == pytest.approx(right)


def test_embedding():
    net = make([mc.Embedding(7, 3), mc.LSTM(4), mc.Dense(2)], (6,))
    for batch in (3, 20):
        tokens = rng(0).integers(0, 7, (batch, 6))
        assert_like_reference(net, tokens, numbers(batch, 2), "squared_error", tolerance=1e-10)
    with pytest.raises(ValueError, match=r"X\[1, 2\] is 7"):
        net.predict([[0] * 6, [0, 1, 7, 0, 0, 0]])


# ---- truncated backpropagation through time ----


@pytest.mark.parametrize("kind", KINDS)
def test_truncation(kind):
    for batch, reverse in ((3, False), (20, True)):
        net = make([KINDS[kind](5, reverse=reverse, return_sequences=True), mc.Dense(2)], (11, 3))
        X, T = numbers(batch, 11, 3), numbers(batch, 11, 2, seed=1)
        whole = {name: g.copy() for name, g in net.loss_and_gradient(X, T)[1].items()}
        for steps in (11, 50):
            for name, gradient in net.loss_and_gradient(X, T, bptt=steps)[1].items():
                assert gradient.tobytes() == whole[name].tobytes()
        net.spec[1]["bptt"] = 4
        _, theirs = step_reference(net, X, T, "squared_error")
        del net.spec[1]["bptt"]
        for name, gradient in net.loss_and_gradient(X, T, bptt=4)[1].items():
            assert_near(gradient, theirs[name], 1e-10, name)
        name = f"{net.spec[1]['name']}.weight"
        assert not np.array_equal(net.loss_and_gradient(X, T, bptt=4)[1][name], whole[name])


def test_truncated_fit_trains():
    net = make([mc.GRU(8, return_sequences=True), mc.Dense(1)], (20, 1), "float32")
    X = numbers(64, 20, 1)
    history = net.fit(X, X.cumsum(axis=1) / 4, bptt=5, epochs=20, optimizer=mc.Adam(0.01))
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    with pytest.raises(ValueError, match="bptt should be at least 1"):
        net.fit(X, X, bptt=0)
    with pytest.raises(ValueError, match="recurrent"):
        mc.Sequential([mc.Dense(1)], input_shape=1, seed=0).fit([[1.0]], [[1.0]], bptt=3)


# ---- streams ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_streams_give_what_predict_gives(kind, dtype):
    tail = [mc.Dense(7, "tanh"), mc.LayerNorm(), mc.Dense(3, "softmax")]
    for sequences in (True, False):
        net = make(
            [KINDS[kind](17, return_sequences=True), KINDS[kind](5, return_sequences=sequences), *tail], (9, 4), dtype
        )
        for batch in (1, 3, 8):
            X = numbers(batch, 9, 4)
            whole, stream = net.predict(X), net.stream(batch)
            for _ in range(2):
                steps = [stream.step(X[:, t]) for t in range(9)]
                if sequences:
                    assert np.stack(steps, axis=1).tobytes() == whole.tobytes()
                else:
                    assert steps[-1].tobytes() == whole.tobytes()
                stream.reset()
    net.parameters.flat[:] = 0  # weights are those of the network
    assert np.ptp(net.stream().step(X[0, 0])) == 0


def test_stream_refuses():
    net = mc.Sequential([mc.LSTM(3)], input_shape=(4, 2), seed=0)
    stream = net.stream()
    before = stream.step([1.0, 2.0])
    stream.reset()
    for wrong in ([1.0], [[1.0, 2.0], [3.0, 4.0]], [1.0, np.nan]):
        with pytest.raises(ValueError, match="step"):
            stream.step(wrong)
    assert stream.step([1.0, 2.0]).tobytes() == before.tobytes()
    for layers, words in (
        ([mc.LSTM(3, reverse=True)], "starts at the end"),
        ([mc.LSTM(3, return_sequences=True), mc.Flatten(), mc.Dense(1)], "one length"),
        ([mc.Flatten(), mc.Dense(1)], "step by step"),
    ):
        with pytest.raises(ValueError, match=words):
            mc.Sequential(layers, input_shape=(4, 2), seed=0).stream()


# ---- threads, wrong options, Ctrl-C ----


def test_same_bits_for_any_number_of_threads():
    """On arrays and on sequences of different lengths."""
    code = """
import hashlib, numpy as np, multicapa as mc
from test_recurrent import KINDS
X = np.random.default_rng(0).normal(size=(150, 9, 3))
for kind in KINDS.values():
    for data in (X, [x[: 1 + i % 9] for i, x in enumerate(X)]):
        net = mc.Sequential([kind(20), mc.Dense(1)], input_shape=(9, 3), seed=0)
        net.fit(data, X[:, 0, :1], epochs=1, batch_size=100)
        print(hashlib.sha256(net.parameters.flat.tobytes() + net.predict(data).tobytes()).hexdigest())
"""
    assert len({output_of(code, OMP_NUM_THREADS=str(threads)) for threads in (1, 2, 3, 7)}) == 1


def test_wrong_shapes_and_options():
    for layers, shape, words in (
        ([mc.LSTM(3)], (4,), r"\(time, features\)"),
        ([mc.LSTM(3), mc.LSTM(3)], (4, 2), r"\(time, features\)"),
        ([mc.Embedding(3, 2)], (4, 2), r"\(time,\)"),
    ):
        with pytest.raises(ValueError, match=words):
            mc.Sequential(layers, input_shape=shape, seed=0)
    for wrong in (lambda: mc.SimpleRNN(3, "softmax"), lambda: mc.LSTM(0), lambda: mc.Bidirectional(mc.LSTM(3), "max")):
        with pytest.raises(ValueError):  # noqa: PT011
            wrong()
    with pytest.raises(TypeError, match="recurrent"):
        mc.Bidirectional(mc.Dense(3))


def test_ctrl_c_in_a_long_sequence():
    """0.2 s, though all of the work is one task of seconds; the best of some and double, since machines are shared."""
    code = """
import os, signal, threading, time, numpy as np, multicapa as mc
net = mc.Sequential([mc.LSTM(256), mc.Dense(1)], input_shape=(4000, 16), seed=0)
X = np.zeros((16, 4000, 16), dtype=np.float32)
before = net.parameters.flat.copy()
for work in (lambda: net.fit(X, X[:, 0, :1], epochs=1, batch_size=16), lambda: net.predict(X)):
    waits = []
    for _ in range(4):
        def interrupt():
            time.sleep(0.2)
            waits.append(-time.process_time())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            while True:
                work()
        except KeyboardInterrupt:
            waits[-1] += time.process_time()
    print(min(waits))
assert np.array_equal(net.parameters.flat, before)
"""
    waits = [float(line) for line in output_of(code, OMP_NUM_THREADS="1").splitlines()]
    assert len(waits) == 2
    assert max(waits) < 0.4
