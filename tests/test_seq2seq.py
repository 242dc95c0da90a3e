"""Sequences to sequences of another length: recurrent and transformer, from texts to texts."""

import pickle

import numpy as np
import pytest

import multicapa as mc
from multicapa.networks.seq2seq import parts
from multicapa.networks.seq2seq.decoder import PrefixDecoder, decoder_of
from multicapa.networks.seq2seq.search import search

KINDS = {
    "additive": {},
    "dot": {"attention": "dot", "cell": "simple_rnn", "bidirectional": False},
    "without": {"attention": None, "cell": "lstm", "n_layers": 2},
    "transformer": {"architecture": "transformer", "heads": 2},
    "deep transformer": {"architecture": "transformer", "heads": 4, "n_layers": 2, "dropout": 0.1},
}


def words(count, seed=0, longest=6):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("abcd"), rng.integers(1, longest + 1))) for _ in range(count)]


def fitted(kind="additive", epochs=1, **options):
    texts = words(60)
    model = mc.Seq2Seq(units=16, seed=0, **KINDS[kind], **options)
    return model.fit(texts, [text[::-1] for text in texts], epochs=epochs, batch_size=20)


@pytest.mark.parametrize("kind", KINDS)
def test_decoding_is_what_the_trained_network_says(kind):
    """The encoder and decoder apart, token by token, give the probabilities of teacher forcing; a batch what its
    sentences give one by one."""
    model = fitted(kind, dtype="float64")
    network, plan = model.network_, model._plan_
    sources = [model.source_vocabulary_.encode(text) for text in ("abca", "d", "", "ccb")]
    targets = [[1, 3, 4, 5], [1, 6, 6, 6], [1, 3, 3, 4], [1, 5, 4, 3]]
    read = {"source": [np.array(source, int) for source in sources], "target": targets}
    expected = np.log(network.predict(read)[:, :4])
    for decoder in (PrefixDecoder(plan, network), decoder_of(plan, network, 4, 5)):
        states = decoder.start(sources)
        for t in range(4):
            logs, states = decoder.step(states, np.array([target[t] for target in targets]))
            np.testing.assert_allclose(logs, expected[:, t], rtol=0, atol=1e-12)
            states = decoder.pick(states, np.arange(4))
    for width in (1, 3):
        together = search(decoder, sources, width, 5)
        alone = [search(decoder, [source], width, 5)[0] for source in sources]
        assert [each.tokens for each in together] == [each.tokens for each in alone]
        np.testing.assert_allclose([each.score for each in together], [each.score for each in alone], rtol=1e-12)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "deep" not in kind])
def test_learns_to_reverse(kind):
    texts, new = words(400), [word for word in words(200, seed=1) if word not in set(words(400))]
    model = mc.Seq2Seq(units=32, seed=0, **KINDS[kind])
    model.fit(texts, [text[::-1] for text in texts], epochs=40, batch_size=32, learning_rate=0.005)
    assert model.history_["loss"][-1] < 0.3 * model.history_["loss"][0]
    least = 0.5 if kind == "without" else 0.8
    assert model.score(new, [text[::-1] for text in new]) > least
    greedy, beam = (model.predict_scores(new[:30], beam_width=width) for width in (1, 4))
    # Batches of other sizes are multiplied in another order: the same text may differ in its last bits.
    assert all(wide >= narrow - 1e-6 for (_, narrow), (_, wide) in zip(greedy, beam, strict=True))


def test_words_tokens_and_early_stopping_on_exact_matches():
    numbers = ["uno", "dos", "tres", "cuatro"]
    texts = [f"{a} y {b}" for a in numbers for b in numbers]
    results = [[f"n{1 + numbers.index(text.split()[0])}", f"n{1 + numbers.index(text.split()[2])}"] for text in texts]
    model = mc.Seq2Seq(units=24, seed=0, level="words")
    with pytest.raises(TypeError, match="should be a string"):
        model.fit(texts, results, epochs=1)
    joined = [" ".join(result) for result in results]
    model.fit(texts, joined, epochs=200, batch_size=4, learning_rate=0.01, validation_data=(texts, joined), patience=5)
    history = model.history_
    assert max(history["val_exact"]) == 1.0
    assert len(history) < 100
    assert model.predict(["tres y uno", "cuatro y cuatro"]) == ["n3 n1", "n4 n4"]
    tokens = mc.Seq2Seq(units=8, seed=0).fit([["x"], ["y", "x"]], [["x"], []], epochs=1)
    assert all(isinstance(text, list) for text in tokens.predict([["x"], ["unknown"], []]))


def test_attention_weights_and_their_picture():
    for kind in ("additive", "transformer"):
        model = fitted(kind)
        weights = model.attention_weights("abcd", "dc")
        assert weights.shape == (1 if kind == "additive" else 2, 3, 4)
        np.testing.assert_allclose(weights.sum(axis=2), 1, rtol=1e-5)
    assert model.attention_weights("abcd", "dc", "encoder_0_self").shape == (2, 3, 4)
    with pytest.raises(ValueError, match="attention is None"):
        fitted("without").attention_weights("ab", "ba")


@pytest.mark.parametrize("kind", KINDS)
def test_files_and_pickles(kind, tmp_path):
    model, path = fitted(kind), tmp_path / "model.safetensors"
    texts = ["abc", "", "ddz"]
    model.save(path)
    assert "seq2seq" not in model.network_.metadata
    for other in (mc.Seq2Seq.load(path), pickle.loads(pickle.dumps(model))):
        assert other.predict_scores(texts, beam_width=2) == model.predict_scores(texts, beam_width=2)
        assert other.target_vocabulary_ == model.target_vocabulary_
        assert repr(other) == repr(model)
    assert mc.load(path).n_parameters == model.network_.n_parameters
    assert "attention" in model.network_.summary(width=120) or kind == "without"
    assert "<svg" in model.network_.to_svg()
    mc.Sequential([mc.Dense(1)], input_shape=1, seed=0).save(path)
    with pytest.raises(ValueError, match="no Seq2Seq"):
        mc.Seq2Seq.load(path)


@pytest.mark.parametrize(
    ("part", "damaged"),
    [
        (("options", "units"), 2**40),
        (("options", "n_layers"), 2**40),
        (("options", "cell"), "lstm"),
        (("options", "dtype"), "float64"),
        (("vocabularies", 0, 0), ["a"]),
        (("vocabularies", 1), []),
        (("options",), [1]),
    ],
)
def test_damaged_files(tmp_path, part, damaged):
    """What a file says of its model is held against the network before anything is built by it."""
    path = tmp_path / "model"
    fitted().save(path)
    network = mc.load(path)
    inside = network.metadata["seq2seq"]
    *way, last = part
    for key in way:
        inside = inside[key]
    inside[last] = damaged
    network.save(path)
    with pytest.raises(ValueError, match="damaged Seq2Seq"):
        mc.Seq2Seq.load(path)


def test_same_seed_same_model():
    first, again = fitted(dropout=0.2), fitted(dropout=0.2)
    assert first.network_.parameters.flat.tobytes() == again.network_.parameters.flat.tobytes()


def test_one_pair_and_odd_texts():
    model = mc.Seq2Seq(units=8, seed=0).fit(["sí"], ["yes"], epochs=80, learning_rate=0.02)
    assert model.predict(["sí"]) == ["yes"]
    assert len(model.predict(["", "我们", "sí"])) == 3
    assert model.predict([]) == []
    assert model.predict(["sí"], max_length=1) == ["y"]
    empty = mc.Seq2Seq(units=4, seed=0).fit([""], [""], epochs=1)
    assert empty.predict([""]) == [""]


def test_what_is_refused():
    for options, words_ in (
        ({"architecture": "convolutional"}, "architecture should be one of recurrent, transformer"),
        ({"cell": "rnn"}, "cell should be one of gru, lstm, simple_rnn"),
        ({"attention": "cosine"}, "attention should be one of"),
        ({"architecture": "transformer", "units": 10}, "multiple of heads"),
        ({"dropout": 1.0}, "dropout"),
        ({"level": "letters"}, "level should be one of"),
    ):
        with pytest.raises(ValueError, match=words_):
            mc.Seq2Seq(**options)
    model = mc.Seq2Seq(units=4, seed=0)
    with pytest.raises(ValueError, match="not been fitted"):
        model.predict(["a"])
    for sources, targets, kind, words_ in (
        ([], [], ValueError, "not 0 and 0"),
        (["a"], ["b", "c"], ValueError, "not 1 and 2"),
        ("ab", ["a", "b"], TypeError, "sources should be a list of texts"),
        (["a", 3], ["a", "b"], TypeError, "text 1 should be a string, not 3"),
    ):
        with pytest.raises(kind, match=words_):
            model.fit(sources, targets)
    with pytest.raises(ValueError, match="patience follows val_exact"):
        model.fit(["a"], ["b"], patience=3)
    model.fit(["ab", "b"], ["b", "a"], epochs=1)
    with pytest.raises(ValueError, match="source 0 has 5 tokens, but the model takes 4"):
        model.predict(["aaaaa"])
    with pytest.raises(ValueError, match="targets of 2 tokens at most"):
        model.predict(["a"], max_length=3)
    with pytest.raises(TypeError, match="sources"):
        model.predict("ab")
    for option, value in (("beam_width", 0), ("length_penalty", -1.0), ("max_length", -1)):
        with pytest.raises(ValueError, match=option):
            model.predict(["a"], **{option: value})


def test_parts_have_the_layers_of_the_whole():
    plan = fitted("transformer")._plan_
    whole = set(parts.whole(plan).parameters)
    encoder, decoder = set(parts.encoder(plan).parameters), set(parts.decoder(plan).parameters)
    assert encoder | decoder == whole
    assert not encoder & decoder
