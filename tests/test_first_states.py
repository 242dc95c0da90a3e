"""Recurrent layers that begin with the outputs of other layers, to which gradients pass back."""

import numpy as np
import pytest

import multicapa as mc
from helpers import assert_like_reference, assert_near, randomize, rng
from test_recurrent import KINDS, numbers


@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients(kind):
    """In both directions and arrangements; of different lengths a batch gives what its sequences give one by one."""
    for units, time, batch in ((3, 1, 5), (8, 4, 40), (17, 5, 3)):
        for options in ({}, {"reverse": True, "return_sequences": True}):
            x = mc.Input((time, 3))
            states = [mc.Dense(units, "tanh")(mc.SimpleRNN(4)(x)) for _ in range(2 if kind == "lstm" else 1)]
            h = KINDS[kind](units, **options)([x, *states])
            net = mc.Network(x, mc.Dense(2)(mc.GRU(3)(h) if options else h), seed=0, dtype="float64")
            X, T = numbers(batch, time, 3), numbers(batch, 2, seed=1)
            randomize(net, rng(1), 0.5)
            assert_like_reference(net, X, T, "squared_error", tolerance=1e-10)
            ragged = [row[: i % (time + 1)] for i, row in enumerate(X)]
            outputs = net.predict(ragged)
            _, gradients = net.loss_and_gradient(ragged, T)
            ours = {name: gradient.copy() for name, gradient in gradients.items()}
            sums = dict.fromkeys(ours, 0.0)
            for i, row in enumerate(ragged):
                assert_near(outputs[i], net.predict([row])[0], 1e-12)
                _, each = net.loss_and_gradient([row], T[i : i + 1])
                sums = {name: total + each[name] / batch for name, total in sums.items()}
            largest = max(np.abs(total).max() for total in sums.values())
            for name, gradient in ours.items():
                assert_near(gradient, sums[name], 1e-12, name, largest)


def test_like_pytorch():
    torch = pytest.importorskip("torch")
    x = mc.Input((6, 3))
    h, c = (mc.Dense(5, name=name)(mc.Flatten()(x)) for name in "hc")
    net = randomize(mc.Network(x, mc.LSTM(5)([x, h, c]), seed=0, dtype="float64"), rng(1), 0.5)
    theirs = torch.nn.LSTM(3, 5, batch_first=True).double()
    heads = {name: torch.nn.Linear(18, 5).double() for name in "hc"}
    with torch.no_grad():
        for name, head in heads.items():
            head.weight.copy_(torch.tensor(net.parameters[f"{name}.weight"].T.copy()))
            head.bias.copy_(torch.tensor(net.parameters[f"{name}.bias"].copy()))
        theirs.weight_ih_l0.copy_(torch.tensor(net.parameters["lstm_1.weight"].T.copy()))
        theirs.weight_hh_l0.copy_(torch.tensor(net.parameters["lstm_1.recurrent_weight"].T.copy()))
        theirs.bias_ih_l0.copy_(torch.tensor(net.parameters["lstm_1.bias"].copy()))
        theirs.bias_hh_l0.zero_()
    X, T = numbers(7, 6, 3).astype(float), numbers(7, 5, seed=1).astype(float)
    flat = torch.tensor(X).flatten(1)
    _, (last, _) = theirs(torch.tensor(X), (heads["h"](flat)[None], heads["c"](flat)[None]))
    torch.nn.functional.mse_loss(last[0], torch.tensor(T)).backward()
    assert_near(net.predict(X), last[0].detach().numpy(), 1e-10)
    _, gradients = net.loss_and_gradient(X, T, loss="squared_error")
    for name, head in heads.items():
        assert_near(gradients[f"{name}.weight"], head.weight.grad.numpy().T, 1e-10, name)


def test_an_empty_sequence_ends_as_it_begins():
    x = mc.Input((4, 2))
    state = mc.Dense(3)(mc.GRU(3)(x))
    net = randomize(mc.Network(x, mc.LSTM(3)([x, state]), seed=0, dtype="float64"), rng(1))
    assert_near(net.predict([np.zeros((0, 2))])[0], net.parameters["dense_1.bias"], 1e-12)


def test_what_is_refused():
    x = mc.Input((4, 2))
    state = mc.Dense(3)(mc.GRU(3)(x))
    for given, words in (
        ([x, state, state, state], "2 states at most, not 3"),
        ([x, mc.Dense(2)(state)], r"shape \(3,\), not \(2,\)"),
        ([state, state], "reads sequences"),
    ):
        with pytest.raises(ValueError, match=words):
            mc.Network(x, mc.LSTM(3)(given))
    with pytest.raises(ValueError, match=r"gru_2.*begins with a state"):
        mc.Network(x, mc.GRU(3)([x, state]), seed=0).stream()
