"""No silent nonsense: what makes no sense is refused before anything changes, and says what to write instead."""

import numpy as np
import pytest

import multicapa as mc
from helpers import numbers_of

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 2))
Y = (X[:, 0] > 0).astype(int)


def net(units, last="linear"):
    return mc.Sequential([mc.Dense(units, last)], input_shape=(2,), seed=0)


def refuses(network, y, match, **options):
    before = numbers_of(network)
    with pytest.raises(ValueError, match=match):
        network.fit(X, y, **options)
    assert numbers_of(network) == before
    assert len(network.history) == 0


def test_softmax_of_one_unit():
    for layers in ([mc.Dense(1, "softmax")], [mc.Dense(1), mc.Activation("softmax")]):
        with pytest.raises(ValueError, match="always 1"):
            mc.Sequential(layers, input_shape=(2,))


@pytest.mark.parametrize("last", ["linear", "relu", "tanh", "exponential"])
def test_losses_of_probabilities_behind_other_outputs(last):
    refuses(net(2, last), Y, r'write|end the network with Dense\(2, "softmax"\)', loss="cross_entropy")
    refuses(net(2, last), np.eye(2)[Y], r'Dense\(2, "softmax"\)', loss="kullback_leibler")
    refuses(net(1, last), Y, r'Dense\(1, "sigmoid"\)', loss="binary_cross_entropy")
    refuses(net(1, last), Y, r'Dense\(1, "sigmoid"\)', loss="focal")


def test_poisson_behind_outputs_of_any_sign():
    refuses(net(1), Y, r'Dense\(1, "exponential"\)', loss="poisson")


def test_cross_entropy_of_one_output():
    refuses(net(1, "sigmoid"), Y, "binary_cross_entropy", loss="cross_entropy")


def test_the_activation_is_found_through_shapes_and_own_ones_are_trusted():
    layers = [mc.Dense(2, "softmax"), mc.Reshape((2, 1)), mc.Flatten()]
    mc.Sequential(layers, input_shape=(2,), seed=0).fit(X, Y, loss="cross_entropy", epochs=1)
    own = mc.layers.CustomActivation(lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2)
    mc.Sequential([mc.Dense(1), own], input_shape=(2,), seed=0).fit(X, Y, loss="binary_cross_entropy", epochs=1)


def test_classes_as_numbers_only_when_asked():
    refuses(net(2), Y, r'Dense\(2, "softmax"\)')
    net(2).fit(X, Y, target_range=(0, 1), epochs=1)
    net(2).fit(X, np.eye(2)[Y], epochs=1)
    net(2).fit(X, Y, loss="hinge", epochs=1)


@pytest.mark.parametrize(("hook", "meant"), [("on_train_begin", "on_fit_begin"), ("on_epoch_ends", "on_epoch_end")])
def test_hooks_that_nobody_calls(hook, meant):
    odd = type("Odd", (mc.Callback,), {hook: lambda self, run: None})()
    with pytest.raises(TypeError, match=f"{hook}, which is no hook; did you mean {meant}"):
        net(1).fit(X, Y, callbacks=[odd])


def test_checkpoint_fills_in(tmp_path):
    path = tmp_path / "net-{epoch:03d}-{val_loss:.2f}.safetensors"
    options = {"epochs": 2, "validation_data": (X, Y)}
    history = net(1).fit(X, Y, callbacks=[mc.Checkpoint(path, best_only=False)], **options)
    expected = {f"net-{record['epoch']:03d}-{record['val_loss']:.2f}.safetensors" for record in history}
    assert {file.name for file in tmp_path.iterdir()} == expected


@pytest.mark.parametrize("path", ["{0}.safetensors", "{}.safetensors", "{epoch.x}.safetensors", "{epoch"])
def test_checkpoint_refuses_what_is_no_name(path):
    with pytest.raises(ValueError, match="braces"):
        mc.Checkpoint(path)


def test_checkpoint_knows_no_such_value(tmp_path):
    with pytest.raises(ValueError, match="no value 'val_los'"):
        net(1).fit(X, Y, callbacks=[mc.Checkpoint(tmp_path / "{val_los}", best_only=False)])
