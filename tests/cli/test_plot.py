"""Pictures from the command line: what they show, and what they need."""

import pandas as pd
import pytest
from tables import failure, flowers, houses, misuse

import multicapa as mc
from multicapa.cli import figures

pytest.importorskip("matplotlib")

SEARCH = "search t.csv --target species --epochs 4 --hidden 8 --learning-rate 0.001 0.01 --batch-size 16 all"


@pytest.fixture(autouse=True)
def _model(run):
    flowers().to_csv("t.csv", index=False)
    assert run("train t.csv --target species --epochs 9 --log log.csv --output m")[0] == 0


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were saved."""
    kept = []
    save = figures.save
    monkeypatch.setattr(figures, "save", lambda figure, path: kept.append(figure) or save(figure, path))
    return kept


def test_curves_of_a_model_and_of_its_log_are_the_same(run, drawn, tmp_path):
    for source in ("m", "log.csv"):
        assert run(f"plot curves {source} --output {source}.png")[0] == 0
        assert (tmp_path / f"{source}.png").read_bytes().startswith(b"\x89PNG")
    log = pd.read_csv("log.csv")
    for figure in drawn:
        train, dev = figure.axes[0].get_lines()[:2]
        assert list(train.get_ydata()) == pytest.approx(log["loss"], rel=1e-5)
        assert list(dev.get_ydata()) == pytest.approx(log["val_loss"], rel=1e-5)
    assert any("kept" in str(line.get_label()) for line in drawn[0].axes[0].get_lines())


def test_curves_of_several(run, drawn):
    run("train t.csv --target species --epochs 4 --hidden none --output small")
    assert run("plot curves m small --output several.svg --title Two")[0] == 0
    names = {text.get_text() for text in drawn[0].axes[0].get_legend().get_texts()}
    assert {"m", "small"} <= names
    assert drawn[0].get_suptitle() == "Two"


def test_a_confusion_matrix(run, drawn):
    assert run("plot predictions m t.csv --output p.pdf")[0] == 0
    cells = [int(text.get_text()) for text in drawn[0].axes[0].texts]
    assert len(cells) == 9
    assert sum(cells) == 150


def test_predictions_of_numbers(run, drawn):
    houses().to_csv("h.csv", index=False)
    run("train h.csv --target price --epochs 9")
    assert run("plot predictions model.safetensors h.csv")[0] == 0
    points = drawn[0].axes[0].collections[0].get_offsets()
    assert sorted(points[:, 1]) == pytest.approx(sorted(houses()["price"]))


def test_a_boundary_in_the_units_of_the_table(run, drawn):
    run("train t.csv --target species --drop colour --epochs 9")
    assert run("plot boundary model.safetensors t.csv")[0] == 0
    ax = drawn[0].axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("length", "width")
    assert ax.get_ylim()[0] > 90
    misuse(run("plot boundary m t.csv"), "two numbers", "colour (category)")
    houses()[["size", "price"]].assign(age=1.5).to_csv("h.csv", index=False)
    run("train h.csv --target price --epochs 2")
    assert run("plot boundary model.safetensors h.csv")[0] == 0


def test_a_plate(run, drawn):
    assert run(f"{SEARCH} --log plate.csv")[0] == 0
    assert run("plot plate plate.csv")[0] == 0
    titles = [ax.get_title() for ax in drawn[0].axes[:2]]
    assert titles == ["batch 16", "all samples"]
    run(f"{SEARCH} --activation relu tanh --log more.csv")
    failure(run("plot plate more.csv"), "varied more")
    failure(run("plot plate log.csv"), "no log of a search")
    failure(run("plot curves plate.csv"), "several runs")


def test_a_plate_with_a_run_that_diverged(run, drawn):
    line = "search t.csv --target species --epochs 4 --optimizer sgd --hidden 8 --batch-size 16 32"
    assert run(f"{line} --learning-rate 0.01 1e12 --log plate.csv --report r.html")[0] == 0
    assert run("plot plate plate.csv")[0] == 0
    assert sum("diverges" in text.get_text() for ax in drawn[0].axes for text in ax.texts) == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("plot", "needs KIND"),
        ("plot pie m", "curves, predictions, boundary, plate"),
        ("plot curves", "needs a model, or a log"),
        ("plot curves none", "none"),
        ("plot predictions m", "needs a model and a table"),
        ("plot plate", "the log of a search"),
        ("plot curves m --output x.gif", ".png, .svg or .pdf"),
        ("plot curves m --output no/x.png", "no folder 'no'"),
    ],
)
def test_wrong_usage(run, line, words):
    misuse(run(line), words)


def test_models_and_logs_that_say_nothing(run):
    mc.Sequential([mc.Dense(2)], input_shape=3, seed=0).save("plain")
    failure(run("plot curves plain"), "does not say how it was trained")
    failure(run("plot curves t.csv"), "no log of epochs")
    damaged = mc.load("m")
    for entry in ("yes", {"history": {"loss": [1]}}, {"history": [1], "best_epoch": 0, "options": {}}):
        damaged.metadata["training"] = entry
        damaged.save("damaged")
        failure(run("plot curves damaged"), "record of its training is damaged")
