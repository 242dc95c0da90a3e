"""What holds for every network holds for sequence to sequence: callbacks, weights, penalties, diagnosis, pictures."""

import csv
import warnings

import numpy as np
import pytest

import multicapa as mc
from test_seq2seq import KINDS, words

TEXTS = words(60)
BACKWARDS = [text[::-1] for text in TEXTS]


def fitted(kind, **options):
    """One update, so that the first loss is that of the weights it began with."""
    model = mc.Seq2Seq(units=16, seed=0, dtype="float64", **KINDS[kind])
    return model.fit(TEXTS, BACKWARDS, **{"epochs": 1, "batch_size": 60, "verbose": False, **options})


@pytest.mark.parametrize("kind", ["additive", "transformer"])
def test_weights_and_penalties(kind):
    plain = fitted(kind)
    assert fitted(kind, sample_weight=np.full(60, 2.0)).history_["loss"][0] == pytest.approx(
        2 * plain.history_["loss"][0], rel=1e-12
    )
    half = np.arange(60) < 30
    spoilt = [text if seen else "" for text, seen in zip(BACKWARDS, half, strict=True)]
    unseen = mc.Seq2Seq(units=16, seed=0, dtype="float64", **KINDS[kind]).fit(
        TEXTS, spoilt, epochs=40, batch_size=20, learning_rate=0.01, sample_weight=half.astype(float), verbose=False
    )
    assert "" not in unseen.predict(TEXTS[:20])
    began = fitted(kind, learning_rate=1e-300).network_.parameters
    squares = sum((view**2).sum() for name, view in began.items() if not name.endswith(("bias", "beta", "gamma")))
    penalised = fitted(kind, l2=0.1).history_["loss"][0] - plain.history_["loss"][0]
    assert penalised == pytest.approx(0.05 * squares, rel=1e-9)


@pytest.mark.parametrize("kind", ["additive", "transformer"])
def test_callbacks_and_diagnosis(kind, tmp_path):
    diagnosis, seen = mc.Diagnosis(), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mc.DiagnosisWarning)
        model = fitted(
            kind,
            epochs=5,
            validation_data=(TEXTS[:10], BACKWARDS[:10]),
            callbacks=[
                diagnosis,
                mc.CSVLog(tmp_path / "log.csv"),
                mc.Checkpoint(tmp_path / "best"),
                mc.EarlyStopping(2, "val_loss", min_delta=1e9),
                lambda run, epoch: seen.append(epoch["val_exact"]),
            ],
        )
    assert len(seen) == len(model.history_) < 5
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [float(row["loss"]) for row in rows] == pytest.approx(list(model.history_["loss"]))
    assert mc.load(tmp_path / "best").parameters.keys() == model.network_.parameters.keys()
    record = diagnosis.records[-1]
    learning = {name.rpartition(".")[0] for name in model.network_.parameters}
    assert learning <= record.keys()
    assert all(np.isfinite(record[name]["delta"]) and record[name]["update_norm"] > 0 for name in learning)
    if (
        kind == "additive"
    ):  # of the decoder nobody says how its gradients go back: its lengths are not the first input's
        assert "steps_back" in record["encoder_0"]
        assert "steps_back" not in record["decoder_0"]


@pytest.mark.parametrize("kind", ["additive", "transformer"])
def test_summary_and_drawing(kind):
    network = fitted(kind).network_
    table, drawing = network.summary(width=120), network.to_svg()
    for layer in network.layers:
        assert layer.name in table
        assert f"<title>{layer.name}: " in drawing
    assert "from source" in table


def test_mistakes_in_texts():
    """An alphabet it has not seen is unknown, not refused; what no text can be is named."""
    model = fitted("additive")
    unknown = model.source_vocabulary_.encode("我们")
    assert unknown == [mc.data.Vocabulary.UNKNOWN] * 2
    assert model.predict(["我们"]) == model.predict(["žz"])
    assert len(model.predict([""])) == 1
    for texts, message in (
        ([None], "source 0 should be a string, not None"),
        (["ab", b"ab"], "source 1 should be a string, not b'ab'"),
        ([["a", "b"]], "source 0 should be a string"),
        (["abcd" * 9], "source 0 has 36 tokens, but the model takes"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            model.predict(texts)
    with pytest.raises(ValueError, match="target 0 has 36 tokens"):
        model.attention_weights("ab", "abcd" * 9)
    with pytest.raises(ValueError, match="as many sources as targets"):
        model.score(["ab"], [])
