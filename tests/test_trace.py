"""What net.trace shows is what the reference computes, for every layer; net.layers and net[name] are views."""

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, TOLERANCE, assert_near, numbers_of, randomize, reference_of
from reference import LAYERS as LAYER_FORMULAS
from test_catalogue import CORE_LAYERS, NETWORKS

RANDOM = ("dropout", "gaussian_noise")


def samples_for(name, rng, count=7):
    X = rng.integers(0, 7, size=(count, 3)) if name == "embedding" else rng.normal(size=(count, 3))
    return X, rng.normal(size=(count, 2))


@pytest.mark.parametrize("name", [name for name in CORE_LAYERS if name in LAYER_FORMULAS and name not in RANDOM])
def test_every_layer_is_traced_as_the_reference_computes_it(name):
    net = randomize(NETWORKS[name](), np.random.default_rng(0))
    X, T = samples_for(name, np.random.default_rng(1))
    trace, reference = net.trace(X, T, loss="half_squared_error"), reference_of(net)
    loss, gradients = reference.loss_and_gradient(X, T, "half_squared_error")
    assert trace.loss == pytest.approx(loss, rel=1e-12)
    assert list(trace.activations) == [layer["name"] for layer in net.spec]
    for layer in net.spec[1:]:
        own = layer["name"]
        behind = f"{own}:activation" if f"{own}:activation" in reference.outputs else own
        assert_near(trace.activations[own], reference.outputs[behind], 1e-12, f"output of {own}")
        if layer["type"] != "activation":
            assert (own in trace.deltas) == (own in reference.deltas)
            assert_near(trace.deltas[own], reference.deltas[own], 1e-12, f"delta of {own}")
        if own in trace.z and layer["type"] != "activation":
            assert_near(trace.z[own], reference.outputs[own], 1e-12, f"z of {own}")
    for own, gradient in gradients.items():
        assert_near(trace.gradients[own], gradient, 1e-12, own)


@pytest.mark.parametrize("name", CORE_LAYERS)
def test_gradients_are_activations_times_deltas(name):
    """Also where random numbers are drawn: what is shown is what the step drew."""
    net = randomize(NETWORKS[name](), np.random.default_rng(0))
    X, T = samples_for(name, np.random.default_rng(1))
    trace = net.trace(X, T, loss="half_squared_error")
    for layer in net.layers:
        if layer.type == "dense":
            a, delta = trace.activations[layer.reads[0]], trace.deltas[layer.name]
            assert_near(trace.gradients[f"{layer.name}.weight"], a.T @ delta, 1e-12)
            assert_near(trace.gradients[f"{layer.name}.bias"], delta.sum(axis=0), 1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("last", "loss"), [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy"), ("tanh", "squared_error")]
)
def test_outputs_are_there_also_where_the_loss_starts_from_z(dtype, last, loss):
    net = mc.Sequential([mc.Dense(5, "relu"), mc.Dense(3, last)], input_shape=(4,), dtype=dtype, seed=0)
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(9, 4)).astype(dtype), np.eye(3)[rng.integers(0, 3, 9)]
    trace = net.trace(X, T, loss=loss)
    tolerance = TOLERANCE[dtype]
    assert_near(trace.activations["dense_2"], net.predict(X), tolerance)
    z = trace.activations["dense_1"] @ net.parameters["dense_2.weight"] + net.parameters["dense_2.bias"]
    assert_near(trace.z["dense_2"], z, tolerance)
    if loss != "squared_error":
        assert_near(trace.deltas["dense_2"], (trace.activations["dense_2"] - T) / 9, tolerance)
    assert {a.dtype.name for part in (trace.activations, trace.z, trace.deltas) for a in part.values()} == {dtype}
    value, gradients = net.loss_and_gradient(X, T, loss=loss)
    assert trace.loss == pytest.approx(value, rel=tolerance)
    for name, gradient in gradients.items():
        assert_near(trace.gradients[name], gradient, tolerance, name)


def test_an_activation_of_its_own_has_the_z_it_reads():
    net = NETWORKS["activation"]()
    trace = net.trace(*samples_for("activation", np.random.default_rng(1)), loss="half_squared_error")
    assert np.array_equal(trace.z["activation_1"], trace.activations["dense_1"])
    first = mc.Sequential([mc.Activation("tanh"), mc.Dense(1)], input_shape=(3,), seed=0)
    trace = first.trace(np.eye(3), [1.0, 2.0, 3.0])
    assert np.array_equal(trace.z["activation_1"], np.eye(3))
    assert "activation_1" not in trace.deltas


def test_sequences_of_different_lengths_are_traced_as_each_alone():
    layers = [mc.LSTM(3, return_sequences=True), mc.Dense(2, "tanh")]
    net = mc.Sequential(layers, input_shape=(5, 2), dtype="float64", seed=0)
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(length, 2)) for length in (2, 5, 1, 4)]
    targets = [rng.normal(size=(length, 2)) for length in (2, 5, 1, 4)]
    trace, steps = net.trace(sequences, targets, loss="squared_error"), 2 + 5 + 1 + 4
    for i, (x, t) in enumerate(zip(sequences, targets, strict=True)):
        alone = net.trace([x], [t], loss="squared_error")
        for ours, theirs, share in (
            (trace.activations, alone.activations, 1),
            (trace.z, alone.z, 1),
            (trace.deltas, alone.deltas, len(x) / steps),
        ):
            for name in ours:
                assert_near(ours[name][i, : len(x)], theirs[name][0, : len(x)] * share, 1e-12, name)
                assert not ours[name][i, len(x) :].any()


def test_tracing_changes_nothing():
    net = mc.Sequential([mc.Dense(4), mc.BatchNorm(), mc.Dense(2)], input_shape=(3,), seed=0)
    net.loss_and_gradient(np.eye(3), np.ones((3, 2)))
    before, state, gradients = numbers_of(net), net.state.flat.copy(), net.gradients.flat.copy()
    trace = net.trace(2 * np.eye(3), np.ones((3, 2)), sample_weight=[1.0, 2.0, 3.0])
    assert numbers_of(net) == before
    assert np.array_equal(net.state.flat, state)
    assert np.array_equal(net.gradients.flat, gradients)
    trace.gradients["dense_1.weight"][:] = 7  # an array of its own
    assert np.array_equal(net.gradients.flat, gradients)
    assert repr(trace) == f"Trace(loss={trace.loss:.6g}, 3 layers, 3 samples)"
    with pytest.raises(ValueError, match="samples"):
        net.trace(np.eye(3), np.ones((2, 2)))


def test_layers_are_views_into_the_network():
    net = mc.Sequential([mc.Conv2D(2, 3, "relu"), mc.BatchNorm(), mc.Flatten(), mc.Dense(2)], input_shape=(5, 5, 1))
    assert [layer.name for layer in net.layers] == ["conv2d_1", "batch_norm_1", "flatten_1", "dense_1"]
    conv, norm = net["conv2d_1"], net["batch_norm_1"]
    assert (conv.type, conv.reads, conv.output_shape, conv.options["filters"]) == ("conv2d", ("input_1",), (3, 3, 2), 2)
    assert list(conv.parameters) == ["weight", "bias"]
    assert list(norm.state) == ["running_mean", "running_variance"]
    conv.parameters["bias"] = [1.0, 2.0]
    assert net.parameters["conv2d_1.bias"].tolist() == [1.0, 2.0]
    assert not conv.frozen
    net.freeze("conv2d_1")
    assert conv.frozen
    assert repr(conv) == "NetworkLayer('conv2d_1', conv2d, (3, 3, 2), 20 parameters, frozen)"
    assert net["input_1"].output_shape == (5, 5, 1)


def test_layers_that_do_not_exist():
    net = mc.Sequential([mc.Dense(2)], input_shape=(5,))
    with pytest.raises(KeyError, match="'dense_2'; there are input_1, dense_1"):
        net["dense_2"]
    for wrong in (0, slice(2)):
        with pytest.raises(TypeError, match="by name"):
            net[wrong]
    with pytest.raises(TypeError, match="by name"):
        list(net)
