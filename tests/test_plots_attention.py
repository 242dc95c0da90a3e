"""Where attention looks: the shades are the weights, in their places, with what stands at the steps beside them."""

import numpy as np
import pytest

import multicapa as mc
from multicapa import plots
from plot_helpers import axes_of

X = np.random.default_rng(0).normal(size=(3, 5, 4))


def transformer():
    x = mc.Input((5, 4))
    h = mc.MultiHeadAttention(2, 2, causal=True, name="first")(x)
    return mc.Network(x, mc.Dense(1)(mc.Attention(name="second")([mc.GRU(4)(h), h])), seed=0)


def test_weights_of_a_layer():
    net = transformer()
    first, second = (net.attention_weights(X, layer) for layer in ("first", "second"))
    assert first.shape == (3, 2, 5, 5)
    assert second.shape == (3, 1, 5)
    np.testing.assert_allclose(first.sum(axis=3), 1, rtol=1e-6)
    assert not np.triu(first, 1).any()
    q, k = (
        X @ net.parameters[f"first_{part}.weight"] + net.parameters[f"first_{part}.bias"] for part in ("query", "keys")
    )
    scores = np.exp(q[0, 3, 2:] @ k[0, :4, 2:].T / np.sqrt(2))
    np.testing.assert_allclose(first[0, 1, 3, :4], scores / scores.sum(), rtol=1e-5)
    short = net.attention_weights([X[0, :3], X[1]], "first")
    np.testing.assert_allclose(short[0, :, :3, :3], first[0, :, :3, :3], rtol=1e-5)
    assert not short[0, :, 3:].any()
    assert not short[0, :, :, 3:].any()
    for layer, words in ((None, "choose one of first, second"), ("dense_1", "attention layer")):
        with pytest.raises(ValueError, match=words):
            net.attention_weights(X, layer)
    with pytest.raises(ValueError, match="no attention"):
        mc.Sequential([mc.Dense(1)], input_shape=(4,), seed=0).attention_weights(X[0])


def test_shades_are_the_weights():
    net = transformer()
    display = plots.AttentionDisplay.from_network(net, X[0], layer="first", query="abcde", memory="vwxyz")
    assert len(display.axes_) == 2
    for head, ax in enumerate(display.axes_):
        np.testing.assert_allclose(ax.images[0].get_array(), net.attention_weights(X[:1], "first")[0, head])
        assert ax.images[0].get_clim() == (0, 1)
    labels = [text.get_text() for text in display.axes_[1].get_xticklabels()]
    assert labels == list("vwxyz")
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == list("abcde")


def test_one_query_short_labels_and_another_place():
    display = plots.AttentionDisplay.from_network(transformer(), X[0], layer="second", memory=["one", " "])
    assert display.weights.shape == (1, 1, 2)
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["one", "␣"]
    ax = axes_of()
    assert display.plot(ax).ax_.figure is not display.plot().ax_.figure
    many = plots.AttentionDisplay(np.full((5, 60, 60), 1 / 60), query=["a"] * 60)
    assert len(many.plot().axes_) == 5
    assert "a" not in [text.get_text() for text in many.ax_.get_yticklabels()]


def test_wrong_weights_and_labels():
    for weights in (np.ones(3), np.ones((0, 3)), np.ones((1, 1, 2, 2))):
        with pytest.raises(ValueError, match="axes"):
            plots.AttentionDisplay(weights)
    for labels in ([], list("abcd")):
        with pytest.raises(ValueError, match=f"memory has {len(labels)} labels"):
            plots.AttentionDisplay(np.ones((3, 3)) / 3, memory=labels)
