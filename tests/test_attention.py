"""Attention: values and gradients against the plain reference, finite differences and PyTorch; masks of all kinds."""

import pickle

import numpy as np
import pytest

import multicapa as mc
from helpers import assert_like_reference, assert_near, output_of, randomize, reference_of, rng
from test_finite_differences import assert_gradients_match_differences
from test_ragged import garbage

SCORES = mc.layers.attention.SCORES
# Steps of the query, of the memory, features of a head: around the width of a register, and blocks of queries.
SIZES = ((1, 1, 1), (3, 5, 2), (7, 8, 3), (9, 9, 4), (17, 16, 5), (5, 17, 8), (33, 15, 9), (2, 31, 17), (70, 80, 3))


def numbers(*shape, seed=0):
    return rng(seed).normal(size=shape).astype(np.float32)


def make(x, y, dtype="float64", scale=0.7):
    return randomize(mc.Network(x, y, seed=0, dtype=dtype), rng(1), scale)


def reading(queries, keys, features):
    """Symbols of an input, and of queries, keys and values with weights before them."""
    x = mc.Input((keys, 3))
    flat = mc.Dense(queries * features)(mc.Flatten()(x))
    return x, mc.Reshape((queries, features))(flat), mc.Dense(features)(x), mc.Dense(2 * features)(x)


def block(x, units, heads, causal=False):
    """Of a transformer."""
    h = mc.LayerNorm()(x + mc.MultiHeadAttention(heads, units // heads, causal)(x))
    return mc.LayerNorm()(h + mc.Dense(units)(mc.Dense(2 * units, "relu")(h)))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("score", SCORES)
def test_values_and_gradients(score, causal):
    for queries, keys, features in SIZES:
        for heads in (1, 2) if queries < 70 else (2,):
            for inputs in (3, 2) if queries == 9 else (3,):
                x, *given = reading(queries, keys, heads * features)
                y = mc.Attention(score, causal, num_heads=heads)(given[:inputs])
                net = make(x, mc.Dense(2)(mc.Flatten()(y)))
                X, T = numbers(3, keys, 3), numbers(3, 2, seed=1)
                assert_like_reference(net, X, T, "squared_error", tolerance=1e-10)


@pytest.mark.parametrize("score", SCORES)
def test_one_query_and_layers_that_look_at_themselves(score):
    x = mc.Input((7, 4))
    states, others = mc.Dense(6, "tanh")(x), mc.Dense(6, "tanh")(x)
    asked = mc.Attention(score)([mc.Dense(6)(mc.Flatten()(x)), states])
    assert asked.layer.type == "attention"
    for y in (asked, mc.Flatten()(mc.Attention(score, num_heads=3)(others)), mc.Flatten()(mc.Attention(score)(x))):
        net = make(x, mc.Dense(2)(y))
        assert_like_reference(net, numbers(5, 7, 4), numbers(5, 2, seed=1), "squared_error", tolerance=1e-10)


@pytest.mark.parametrize("score", SCORES)
def test_single_precision(score):
    x, q, k, v = reading(12, 19, 16)
    net = make(x, mc.Dense(2)(mc.Flatten()(mc.Attention(score, num_heads=2)([q, k, v]))), "float32", 0.3)
    assert_like_reference(net, numbers(20, 19, 3), numbers(20, 2, seed=1), "squared_error", tolerance=2e-5)


def test_units_are_projections():
    """Bahdanau's score, and Luong's general one, of query and memory with different features."""
    x = mc.Input((5, 3))
    for score, count in (("additive", 4), ("dot", 2)):
        attention = mc.Attention(score, units=6, name="look")
        net = make(x, mc.Dense(1)(mc.Flatten()(attention([mc.Dense(4)(x), x]))))
        shapes = {name: view.shape for name, view in net.parameters.items() if name.startswith("look")}
        assert shapes["look_query.weight"] == (4, 6)
        assert shapes["look_keys.weight"] == (3, 6)
        assert len(shapes) == count
        assert_like_reference(net, numbers(4, 5, 3), numbers(4, 1, seed=1), "squared_error", tolerance=1e-10)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("score", SCORES)
def test_finite_differences(score, causal):
    x, q, k, v = reading(4, 5, 4)
    net = make(x, mc.Dense(1)(mc.Flatten()(mc.Attention(score, causal, num_heads=2)([q, k, v]))))
    assert_gradients_match_differences(net, rng(0).normal(size=(3, 5, 3)), numbers(3, 1, seed=1), "squared_error")


@pytest.mark.parametrize("causal", [False, True])
def test_like_pytorch(causal):
    torch = pytest.importorskip("torch")
    x = mc.Input((11, 8))
    attention = mc.MultiHeadAttention(2, 4, causal, name="heads")
    net = make(x, mc.Dense(1)(mc.Flatten()(mc.Activation("tanh")(attention([mc.Dense(8)(x), x])))))
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True).double()
    first, last = torch.nn.Linear(8, 8).double(), torch.nn.Linear(88, 1).double()
    parts = ("query", "keys", "values")
    p = {name: torch.tensor(view.copy()) for name, view in net.parameters.items()}
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([p[f"heads_{part}.weight"].T for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([p[f"heads_{part}.bias"] for part in parts]))
        for layer, name in ((theirs.out_proj, "heads_output"), (first, "dense_1"), (last, "dense_2")):
            layer.weight.copy_(p[f"{name}.weight"].T)
            layer.bias.copy_(p[f"{name}.bias"])
    X, T = rng(0).normal(size=(6, 11, 8)), rng(1).normal(size=(6, 1))
    hidden = torch.triu(torch.ones(11, 11, dtype=torch.bool), 1) if causal else None
    query = first(torch.tensor(X))
    y = last(torch.tanh(theirs(query, torch.tensor(X), torch.tensor(X), attn_mask=hidden)[0]).flatten(1))
    torch.nn.functional.mse_loss(y, torch.tensor(T)).backward()
    assert_near(net.predict(X), y.detach().numpy(), 1e-10)
    _, gradients = net.loss_and_gradient(X, T, loss="squared_error")
    whole = theirs.in_proj_weight.grad.numpy().reshape(3, 8, 8)
    for i, part in enumerate(parts):
        assert_near(gradients[f"heads_{part}.weight"], whole[i].T, 1e-10, part)
    assert_near(gradients["heads_output.weight"], theirs.out_proj.weight.grad.numpy().T, 1e-10)
    assert_near(gradients["dense_1.weight"], first.weight.grad.numpy().T, 1e-10)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("score", SCORES)
def test_scores_and_masks_like_pytorch(score, causal):
    """Lengths of queries and of memories as masks; what may look at nothing is 0."""
    torch = pytest.importorskip("torch")
    query, memory = mc.Input((6, 4), "query"), mc.Input((9, 4), "memory")
    asked, keys = mc.Dense(5, name="asked")(query), mc.Dense(5, name="keys")(memory)
    net = make([query, memory], mc.Attention(score, causal, name="look")([asked, keys, memory]))
    lengths = {"query": [6, 3, 1, 5, 2, 4], "memory": [9, 4, 0, 1, 6, 2]}
    X = {
        name: [rng(10 * place + i).normal(size=(n, 4)) for i, n in enumerate(counts)]
        for place, (name, counts) in enumerate(lengths.items())
    }
    T = [rng(70 + i).normal(size=(n, 4)) for i, n in enumerate(lengths["query"])]
    ours = net.predict(X)
    cost, gradients = net.loss_and_gradient(X, T, loss="squared_error")
    p = {name: torch.tensor(view.copy(), requires_grad=True) for name, view in net.parameters.items()}
    total = torch.zeros((), dtype=torch.float64)
    for i, (x, z, t) in enumerate(zip(X["query"], X["memory"], T, strict=True)):
        q, k = (torch.tensor(a) @ p[f"{n}.weight"] + p[f"{n}.bias"] for a, n in ((x, "asked"), (z, "keys")))
        s = torch.tanh(q[:, None] + k) @ p["look.weight"] if score == "additive" else q @ k.T
        s = s / 5**0.5 if score == "scaled_dot" else s
        hidden = (
            torch.triu(torch.ones_like(s, dtype=torch.bool), 1) if causal else torch.zeros_like(s, dtype=torch.bool)
        )
        y = torch.softmax(s.masked_fill(hidden, -torch.inf), dim=1) @ torch.tensor(z)
        assert_near(ours[i, : len(x)], y.detach().numpy(), 1e-10)
        assert not ours[i, len(x) :].any()
        total = total + ((y - torch.tensor(t)) ** 2).sum()
    (total / (4 * sum(lengths["query"]))).backward()
    assert cost == pytest.approx(float(total.detach()) / (4 * sum(lengths["query"])), rel=1e-10)
    largest = max(float(tensor.grad.abs().max()) for tensor in p.values())
    for name, tensor in p.items():
        assert_near(gradients[name], tensor.grad.numpy(), 1e-10, name, largest)


def test_weights_are_an_output_with_a_gradient():
    for score in SCORES:
        x, q, k, _ = reading(6, 9, 4)
        attention = mc.Attention(score, causal=True, num_heads=2, gives_weights=True)
        net = make(x, mc.Dense(1)(mc.Flatten()(attention([q, k]))))
        assert_like_reference(net, numbers(4, 9, 3), numbers(4, 1, seed=1), "squared_error", tolerance=1e-10)
    x, q, k, _ = reading(6, 9, 4)
    alone = make(x, mc.Attention(SCORES[-1], causal=True, num_heads=2, gives_weights=True)([q, k]))
    a = alone.predict(numbers(4, 9, 3)).reshape(4, 6, 2, 9)
    assert_near(a.sum(axis=3), np.ones((4, 6, 2)), 1e-12)
    assert not np.triu(a.swapaxes(1, 2), 1).any()


# ---- sequences of different lengths ----

LENGTHS = (4, 0, 9, 1, 7, 7, 2, 9, 3)


def networks():
    """With an output for each step, or one: attention over itself, from a state, and behind recurrence."""
    x = mc.Input((9, 4))
    yield mc.Network(x, mc.Dense(2)(block(mc.PositionalEncoding()(mc.Dense(6)(x)), 6, 3)), seed=0, dtype="float64")
    x = mc.Input((9, 4))
    yield mc.Network(x, mc.Dense(2)(block(mc.Dense(6)(x), 6, 2, causal=True)), seed=0, dtype="float64")
    for score in SCORES:
        x = mc.Input((9, 4))
        states = mc.Bidirectional(mc.GRU(3, return_sequences=True))(x)
        yield mc.Network(x, mc.Dense(2)(mc.Attention(score)([mc.GRU(6)(x), states])), seed=0, dtype="float64")


def test_batch_equals_its_sequences():
    X = [rng(i).normal(size=(n, 4)) for i, n in enumerate(LENGTHS)]
    for net in networks():
        randomize(net, rng(1), 0.7)
        per_step = net.outputs[0].steps > 0
        T = [rng(50 + i).normal(size=(len(x), 2)) for i, x in enumerate(X)] if per_step else numbers(len(X), 2)
        outputs = net.predict(X)
        assert net.predict(garbage(mc.data.pad(X, 9))).tobytes() == outputs.tobytes()
        cost, gradients = net.loss_and_gradient(X, T, loss="squared_error")
        ours = {name: gradient.copy() for name, gradient in gradients.items()}
        again, gradients = net.loss_and_gradient(garbage(mc.data.pad(X)), T, loss="squared_error")
        assert again == cost
        assert all(gradient.tobytes() == ours[name].tobytes() for name, gradient in gradients.items())
        costs, sums = 0.0, dict.fromkeys(ours, 0.0)
        for i, x in enumerate(X):
            if per_step and not len(x):
                assert not outputs[i].any()
                continue
            assert_near(net.predict([x])[0], outputs[i], 1e-12)
            one, each = net.loss_and_gradient([x], T[i : i + 1], loss="squared_error")
            share = len(x) / sum(LENGTHS) if per_step else 1 / len(X)
            costs += share * one
            sums = {name: total + share * each[name] for name, total in sums.items()}
            if len(x):  # an array of that length, without any padding
                assert_like_reference_of(net, x, outputs[i])
        assert cost == pytest.approx(costs, rel=1e-12)
        largest = max(np.abs(total).max() for total in sums.values())
        for name, gradient in ours.items():
            assert_near(gradient, sums[name], 1e-12, name, largest)


def assert_like_reference_of(net, x, output):
    expected = reference_of(net).forward(x[None])[0]
    assert_near(output[: len(x)] if net.outputs[0].steps else output, expected, 1e-10)


@pytest.mark.parametrize("score", SCORES)
def test_what_sees_nothing_is_zero_and_passes_no_gradient(score):
    """Queries that every sample has, whatever the length of what they look at."""
    x = mc.Input((5, 4))
    queries = mc.Reshape((2, 4))(mc.Dense(8)(mc.GRU(3)(x)))
    net = make(x, mc.Flatten()(mc.Attention(score)([queries, mc.Dense(4)(x)])))
    X = [np.zeros((0, 4)), rng(0).normal(size=(3, 4))]
    outputs = net.predict(X)
    assert not outputs[0].any()
    assert outputs[1].all()
    _, gradients = net.loss_and_gradient(X[:1], np.ones((1, 8)), loss="squared_error")
    assert not any(gradient.any() for gradient in gradients.values())
    both = {name: g.copy() for name, g in net.loss_and_gradient(X, np.ones((2, 8)), loss="squared_error")[1].items()}
    for name, gradient in net.loss_and_gradient(X[1:], np.ones((1, 8)), loss="squared_error")[1].items():
        assert_near(2 * both[name], gradient, 1e-12, name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_causal_step_by_step(dtype):
    """The outputs of a sequence's beginning are the same whatever follows, and were it infinite."""
    x = mc.Input((37, 4))
    y = mc.Dense(3)(block(block(mc.PositionalEncoding()(mc.Dense(8)(x)), 8, 2, causal=True), 8, 4, causal=True))
    net = make(x, y, dtype)
    X = rng(0).normal(size=(3, 37, 4))
    whole = net.predict(X)
    for steps in range(1, 38):
        assert_near(net.predict(X[:, :steps])[:, :steps], whole[:, :steps], 1e-12 if dtype == "float64" else 1e-5)
    X[1, 20] = 1e30 if dtype == "float32" else 1e200  # overflows in the layer norm's squares
    with np.errstate(all="ignore"):
        spoilt = net.predict(X)
    assert not np.isfinite(spoilt[1, 20:]).all()
    assert spoilt[:, :20].tobytes() == whole[:, :20].tobytes()


def test_same_bits_for_any_number_of_threads():
    code = """
import hashlib, numpy as np, multicapa as mc
x = mc.Input((12, 8))
h = mc.LayerNorm()(x + mc.MultiHeadAttention(2, 4)(x))
net = mc.Network(x, mc.Dense(1)(mc.GRU(8)(mc.Attention("additive", units=8)([h, x]))), seed=0)
r = np.random.default_rng(0)
X = [r.normal(size=(r.integers(0, 13), 8)) for _ in range(150)]
net.fit(X, r.normal(size=(150, 1)), epochs=3, batch_size=64)
print(hashlib.sha256(net.parameters.flat.tobytes() + net.predict(X).tobytes()).hexdigest())
"""
    assert len({output_of(code, OMP_NUM_THREADS=str(count)) for count in (1, 2, 3, 7)}) == 1


def test_positional_encoding_in_both_arrangements_and_in_streams():
    layers = [mc.Dense(5), mc.PositionalEncoding(), mc.GRU(4, return_sequences=True), mc.Dense(2)]
    net = mc.Sequential(layers, input_shape=(9, 3), seed=0, dtype="float64")
    X = numbers(40, 9, 3)
    whole, stream = net.predict(X), net.stream(40)
    assert np.stack([stream.step(X[:, t]) for t in range(9)], axis=1).tobytes() == whole.tobytes()
    stream.reset()
    assert stream.step(X[:, 0]).tobytes() == whole[:, 0].tobytes()
    net = mc.Sequential([mc.PositionalEncoding(), mc.GRU(4), mc.Dense(2)], input_shape=(9, 3), seed=0, dtype="float64")
    for batch in (3, 40):
        assert_like_reference(net, numbers(batch, 9, 3), numbers(batch, 2, seed=1), "squared_error", tolerance=1e-10)


def test_the_rest_works(tmp_path):
    x = mc.Input((9, 4))
    h = block(mc.PositionalEncoding()(mc.Dense(6)(x)), 6, 2)
    y = mc.Dense(2, "softmax")(mc.Attention("additive", units=4)([mc.GRU(6)(h), h]))
    net = mc.Network(x, y, seed=0)
    X = [rng(i).normal(size=(n, 4)) for i, n in enumerate(LENGTHS)]
    y = np.array([int(len(x) > 4) for x in X])
    history = net.fit(X, y, epochs=30, optimizer=mc.Adam(0.01), sample_weight=np.ones(len(X)), class_weight="balanced",
                      l2=1e-4, clip_norm=1.0, validation_data=(X, y),
                      callbacks=[mc.EarlyStopping(patience=30)])  # fmt: skip
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    net.fit(rng(0).normal(size=(8, 9, 4)), y[:8], epochs=1, callbacks=[diagnosis := mc.Diagnosis()])
    assert "attention_2" in str(diagnosis.records)
    net.save(tmp_path / "net.safetensors")
    for other in (mc.load(tmp_path / "net.safetensors"), pickle.loads(pickle.dumps(net)), net.copy()):
        assert other.predict(X).tobytes() == net.predict(X).tobytes()
    assert "attention, scaled_dot, 2 heads" in net.summary(width=120)
    assert "<svg" in net.to_svg()


def test_wrong_shapes_and_options():
    x = mc.Input((5, 4))
    state = mc.GRU(4)(x)
    for build, words in (
        (lambda: mc.Attention("cosine"), "one of scaled_dot, dot, additive, not 'cosine'"),
        (lambda: mc.Attention(num_heads=0), "num_heads should be at least 1"),
        (lambda: mc.Attention()([x]), "not 1 layers"),
        (lambda: mc.MultiHeadAttention(2, 3)([x, x, x, x]), "not 4 layers"),
        (lambda: mc.Network(x, mc.Attention()([mc.Dense(3)(x), x])), "as many features.*units"),
        (lambda: mc.Network(x, mc.Attention(num_heads=3)(x)), "3 heads"),
        (lambda: mc.Network(x, mc.Attention()([x, state])), r"looks at sequences.*\(4,\)"),
        (lambda: mc.Network(x, mc.Attention(causal=True)([state, x])), "can't be causal"),
        (lambda: mc.Network(x, mc.Attention()([x, x, mc.MaxPool1D(2)(x)])), "a value for each key"),
        (lambda: mc.Network(state, mc.PositionalEncoding()(state)), "what Input"),
        (lambda: mc.Sequential([mc.PositionalEncoding()], input_shape=(4,)), "reads sequences"),
    ):
        with pytest.raises(ValueError, match=words):
            build()
    for flag in ("causal", "gives_weights"):
        with pytest.raises(TypeError, match=f"{flag} should be True or False"):
            mc.Attention(**{flag: 1})
    net = mc.Network(x, mc.Dense(2)(mc.Attention()(x)), seed=0)
    with pytest.raises(ValueError, match=r"attention_1.*all steps at once"):
        net.stream()


def test_attention_without_parameters_begins_a_sequence():
    """Lengths are kept to where it alone reads an input: as query, as memory of one query, and before a pooling."""
    X = [rng(i).normal(size=(n, 4)) for i, n in enumerate((5, 2, 1, 4))]
    x = mc.Input((5, 4))
    looks = mc.Attention()(x)
    for y in (looks, mc.GlobalAveragePool1D()(looks)):
        net = mc.Network(x, y, dtype="float64", seed=0)
        outputs = net.predict(X)
        assert net.predict(garbage(mc.data.pad(X, 5))).tobytes() == outputs.tobytes()
        for i, one in enumerate(X):
            a = np.exp(one @ one.T / 2)
            expected = a / a.sum(axis=1, keepdims=True) @ one
            if y is looks:
                assert_near(outputs[i, : len(one)], expected, 1e-12)
                assert not outputs[i, len(one) :].any()
            else:
                assert_near(outputs[i], expected.mean(axis=0), 1e-12)
    query, memory = mc.Input(4, "query"), mc.Input((5, 4), "memory")
    net = mc.Network([query, memory], mc.Attention("dot")([query, memory]), dtype="float64", seed=0)
    asked = rng(9).normal(size=(4, 4))
    for i, (q, one) in enumerate(zip(asked, X, strict=True)):
        a = np.exp(one @ q)
        assert_near(net.predict([asked, X])[i], a / a.sum() @ one, 1e-12)


# ---- query and memory with lengths of their own ----


def two_inputs(score):
    """Recurrent layers on both, the second beginning with a state of the first; attention between them."""
    source, target = mc.Input((7, 3), "source"), mc.Input((5, 2), "target")
    memory = mc.GRU(6, return_sequences=True)(mc.Dense(4)(source))
    states = mc.LSTM(6, return_sequences=True)([target, mc.Dense(6)(mc.GlobalAveragePool1D()(memory))])
    found = mc.Attention(score)([states, memory])
    y = mc.Dense(2)(mc.concat([states, found, mc.Attention(score, causal=True)(states)]))
    return randomize(mc.Network([source, target], y, seed=0, dtype="float64"), rng(1), 0.7)


@pytest.mark.parametrize("score", SCORES)
def test_lengths_of_query_and_memory(score):
    lengths = [(7, 2), (0, 3), (1, 5), (4, 0), (3, 1), (7, 5), (2, 4), (5, 5), (6, 1), (0, 0)]
    X = {
        "source": [rng(i).normal(size=(n, 3)) for i, (n, _) in enumerate(lengths)],
        "target": [rng(20 + i).normal(size=(n, 2)) for i, (_, n) in enumerate(lengths)],
    }
    T = [rng(40 + i).normal(size=(n, 2)) for i, (_, n) in enumerate(lengths)]
    net = two_inputs(score)
    outputs = net.predict(X)
    padded = {name: garbage(mc.data.pad(X[name], time)) for name, time in (("source", 7), ("target", 5))}
    assert net.predict(padded).tobytes() == outputs.tobytes()
    cost, gradients = net.loss_and_gradient(padded, T, loss="squared_error")
    ours = {name: gradient.copy() for name, gradient in gradients.items()}
    costs, sums, steps = 0.0, dict.fromkeys(ours, 0.0), sum(n for _, n in lengths)
    for i, (_, n) in enumerate(lengths):
        one = {name: values[i : i + 1] for name, values in X.items()}
        assert_near(net.predict(one)[0], outputs[i], 1e-12)
        if n:
            each_cost, each = net.loss_and_gradient(one, T[i : i + 1], loss="squared_error")
            costs += each_cost * n / steps
            sums = {name: total + each[name] * n / steps for name, total in sums.items()}
    assert cost == pytest.approx(costs, rel=1e-12)
    largest = max(np.abs(total).max() for total in sums.values())
    for name, gradient in ours.items():
        assert_near(gradient, sums[name], 1e-12, name, largest)


def test_arrays_as_queries_and_memory_against_the_reference():
    net = two_inputs("additive")
    X = {"source": numbers(9, 7, 3), "target": numbers(9, 5, 2, seed=1)}
    T = numbers(9, 5, 2, seed=2)
    assert_near(net.predict(X), reference_of(net).forward(X), 1e-10)
    _, gradients = net.loss_and_gradient(X, T, loss="half_squared_error")
    _, theirs = reference_of(net).loss_and_gradient(X, T, "half_squared_error")
    largest = max(np.abs(gradient).max() for gradient in theirs.values())
    for name, gradient in gradients.items():
        assert_near(5 * gradient, theirs[name], 1e-10, name, largest)  # here steps are averaged
