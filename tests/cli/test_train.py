"""Training from the command line: that each option does what it says, and the same options the same bits."""

import csv

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from tables import FAST, failure, flowers, houses, misuse, scores

import multicapa as mc
from multicapa.cli import fitting
from multicapa.data.table import TableModel


@pytest.fixture
def told(monkeypatch):
    """What ``network.fit`` was told."""
    seen = {}
    fit = mc.Network.fit
    monkeypatch.setattr(
        mc.Network,
        "fit",
        lambda net, *a, **k: seen.update(k, threads=mc.get_num_threads()) or fit(net, *a, **k),
    )
    return seen


def train(run, more="", target="species", table=flowers):
    table().to_csv("t.csv", index=False)
    return run(f"train t.csv --target {target} --epochs 3 {more}")


def test_classes(run, tmp_path):
    flowers().to_csv("flowers.csv", index=False)
    code, out, err = run(f"train flowers.csv --target species --figure loss.svg {FAST}")
    assert (code, err) == (0, "")
    assert scores(out)["test"] >= 0.9
    assert "3 classes: 'a', 'b', 'c'" in out
    assert "a line per true class" in out
    assert "<svg" in (tmp_path / "loss.svg").read_text()


def test_numbers_come_back_in_their_units(run):
    houses().to_csv("houses.csv", index=False)
    code, out, _ = run(f"train houses.csv --target price {FAST}")
    assert code == 0
    predicted = TableModel.load("model.safetensors").predict(houses())
    truth = houses()["price"]
    assert root_mean_squared_error(truth, predicted) < 0.2 * truth.std()
    shown = run("evaluate model.safetensors houses.csv")[1].splitlines()[1].split()
    assert shown[2] == f"{r2_score(truth, predicted):.3f}"
    shown[3:] = [number.replace(",", "") for number in shown[3:]]
    assert float(shown[3]) == pytest.approx(root_mean_squared_error(truth, predicted), rel=1e-3)
    assert float(shown[4]) == pytest.approx(mean_absolute_error(truth, predicted), rel=1e-3)
    assert "R²" in out


def test_only_the_training_rows_are_learnt_from(run):
    train(run, "--seed 4 --dev 0.2 --test 0.3")
    table = flowers()
    rows = mc.data.train_dev_test_split(np.arange(150), table["species"], dev=0.2, test=0.3, seed=4).X_train
    length = TableModel.load("model.safetensors").columns.columns[0]
    assert length.mean == pytest.approx(table["length"].iloc[rows].mean())
    assert length.scale == pytest.approx(table["length"].iloc[rows].std())


def test_same_seed_same_bytes_and_other_seed_another_network(run, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert train(run, f"--seed {seed} --output {name}")[0] == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert not (mc.load("a").parameters.flat == mc.load("c").parameters.flat).all()


# ---- the network ----


def layers(run, options):
    assert train(run, options)[0] == 0
    spec = mc.load("model.safetensors").spec[1:]
    return [
        (layer["type"], *(layer[key] for key in ("units", "rate", "activation") if layer.get(key))) for layer in spec
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--hidden none", [("dense", 3, "softmax")]),
        (
            "--hidden 8,4 --dropout 0.25 --activation tanh",
            [("dense", 8, "tanh"), ("dropout", 0.25), ("dense", 4, "tanh"), ("dropout", 0.25), ("dense", 3, "softmax")],
        ),
        ("--hidden 8,4 --activation tanh,elu", [("dense", 8, "tanh"), ("dense", 4, "elu"), ("dense", 3, "softmax")]),
        (
            "--hidden 8 --norm batch",
            [("dense", 8, "linear"), ("batch_norm",), ("activation",), ("dense", 3, "softmax")],
        ),
        (
            "--hidden 8 --norm layer",
            [("dense", 8, "linear"), ("layer_norm",), ("activation",), ("dense", 3, "softmax")],
        ),
        ("--hidden none --noise 0.1", [("gaussian_noise",), ("dense", 3, "softmax")]),
    ],
)
def test_layers(run, options, expected):
    assert [tuple(layer) for layer in layers(run, options)] == expected


def test_dtype_and_seed(run):
    train(run, "--dtype float64 --seed 9")
    network = mc.load("model.safetensors")
    assert (network.dtype, network.seed) == (np.float64, 9)


# ---- its training ----


def test_optimizer_rate_batch_and_penalties(run, told):
    options = "--optimizer momentum --momentum 0.5 --learning-rate 0.5 --batch-size 7 --l1 0.1 --l2 0.2"
    assert train(run, f"{options} --clip-norm 2 --label-smoothing 0.1 --threads 3")[0] == 0
    expected = {"optimizer": mc.Momentum(0.5, 0.5), "batch_size": 7, "epochs": 3, "l1": 0.1, "l2": 0.2}
    expected |= {"clip_norm": 2, "label_smoothing": 0.1, "loss": "cross_entropy", "threads": 3}
    assert {key: told[key] for key in expected} == expected
    assert mc.get_num_threads() != 3


@pytest.mark.parametrize(
    ("options", "rates"),
    [
        ("constant", [1, 1, 1]),
        ("cosine", [1, 0.75, 0.25]),
        ("step", [1, 0.1, 0.01]),
        ("exponential", [1, 0.01 ** (1 / 3), 0.01 ** (2 / 3)]),
        ("inverse-scaling", [1, 2**-0.5, 3**-0.5]),
        ("constant --warm-up 2", [0.5, 1, 1]),
        ("one-cycle", [mc.schedules.OneCycle(1, 3)(step) for step in range(3)]),
    ],
)
def test_schedules(run, told, options, rates):
    """With one update per epoch, the rate of each update."""
    train(run, f"--batch-size all --learning-rate 1 --schedule {options}")
    found = [told["optimizer"].rate(step) for step in range(3)]
    np.testing.assert_allclose(found, rates, rtol=1e-3, atol=1e-6)


def test_plateau_lowers_the_rate(run):
    flowers().to_csv("t.csv", index=False)
    line = "train t.csv --target species --schedule plateau --patience 3 --learning-rate 0.3 --epochs 60 --log log.csv"
    assert run(line)[0] == 0
    rates = pd.read_csv("log.csv")["learning_rate"]
    assert rates.iloc[0] == 0.3
    assert rates.iloc[-1] < 0.3


def test_patience(run):
    flowers().to_csv("t.csv", index=False)
    line = "train t.csv --target species --learning-rate 0.1 --epochs 100 --log log.csv --patience"
    run(f"{line} 5")
    losses = pd.read_csv("log.csv")["val_loss"]
    assert len(losses) == losses.argmin() + 1 + 5
    _, out, _ = run(f"{line} none")
    assert len(pd.read_csv("log.csv")) == 100
    assert "kept" not in out


def test_class_weights(run, told):
    train(run, "--class-weight balanced")
    assert told["class_weight"] == "balanced"
    train(run, "--class-weight c=5,a=0.5")
    assert told["class_weight"] == {2: 5, 0: 0.5}
    misuse(train(run, "--class-weight d=5"), "there is no class 'd'")
    misuse(train(run, "--class-weight lots"), "balanced, or as in a=2")
    misuse(train(run, "--class-weight a=-1"), "from 0 on")
    misuse(train(run, "--class-weight balanced", "price", houses), "'price' holds numbers")


def test_a_column_of_weights(run, told):
    """Rows of weight 0 might as well not be there; the column is no input."""
    table = flowers().assign(trust=np.arange(150) % 3)
    train(run, "--weight trust", table=lambda: table)
    rows = mc.data.train_dev_test_split(np.arange(150), table["species"], seed=0).X_train
    assert (told["sample_weight"] == table["trust"].iloc[rows]).all()
    assert "trust" not in [column.name for column in TableModel.load("model.safetensors").columns.columns]
    misuse(train(run, "--weight trusty", table=lambda: table), "did you mean 'trust'?")
    failure(train(run, "--weight trust", table=lambda: table.assign(trust=-1)), "'trust'", "from 0 on")


def test_losses(run, told):
    train(run, "--loss huber", "price", houses)
    assert told["loss"] == "huber"
    misuse(train(run, "--loss huber"), "not for classes")
    misuse(train(run, "--loss cross_entropy", "price", houses), "not for numbers")


def test_counts(run):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 2, 400)
    table = pd.DataFrame({"x": x, "visits": rng.poisson(np.exp(x))})
    table.to_csv("t.csv", index=False)
    line = "train t.csv --target visits --task regression --loss poisson --learning-rate 0.01"
    assert run(line)[0] == 0
    model = TableModel.load("model.safetensors")
    assert model.network.output_activation == "exponential"
    predicted = model.predict(table)
    assert np.corrcoef(predicted, np.exp(x))[0, 1] > 0.99
    assert predicted.mean() == pytest.approx(table["visits"].mean(), rel=0.2)
    table.assign(visits=table["visits"] - 1).to_csv("t.csv", index=False)
    failure(run(line), "'visits' has negative numbers")


def test_lbfgs_takes_all_rows(run, told):
    train(run, "--optimizer lbfgs")
    assert told["batch_size"] is None
    misuse(train(run, "--optimizer lbfgs --dropout 0.1"), "--dropout does not go with --optimizer lbfgs")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--momentum 0.5", "--momentum is for sgd, momentum, nesterov, not for adam"),
        ("--activation relu,tanh,relu", "--activation names 3, but --hidden has 2 layers"),
        ("--schedule plateau --warm-up 3", "--warm-up does not go with"),
        ("--schedule plateau --dev 0", "needs dev rows"),
    ],
)
def test_options_that_do_not_go_together(run, options, words):
    misuse(train(run, options), words)


# ---- its parts ----


def test_without_dev_all_epochs_are_done_and_without_test_dev_has_the_last_word(run):
    _, out, _ = train(run, "--dev 0")
    assert "All 3 epochs done" in out
    assert "kept" not in out
    assert list(scores(out)) == ["train", "test"]
    _, out, _ = train(run, "--test 0")
    assert "Dev rows:" in out
    assert list(scores(out)) == ["train", "dev"]
    _, out, _ = train(run, "--dev 0 --test 0")
    assert "150 train" in out
    assert "Train rows:" in out


def test_parts_too_small_for_every_class(run):
    code, _, err = train(run, "--dev 0.01 --test 0.01")
    assert code == 0
    assert "too small to hold each class" in err


def test_dev_and_test_from_files(run):
    flowers(40, seed=1).to_csv("dev.csv", index=False)
    flowers(5, seed=2)[["species", "colour", "width", "length"]].to_csv("test.csv", index=False)
    code, out, _ = train(run, "--dev dev.csv --test test.csv")
    assert code == 0
    assert "195 rows (150 train, 40 dev, 5 test)" in out
    flowers(20).assign(species="z").to_csv("dev.csv", index=False)
    failure(train(run, "--dev dev.csv"), "'dev.csv'", "class")
    flowers(20).drop(columns="width").to_csv("dev.csv", index=False)
    failure(train(run, "--dev dev.csv"), "'dev.csv' lacks 'width'")
    misuse(train(run, "--dev none.csv"), "a share", "'none.csv'")
    misuse(train(run, "--dev 0.6 --test 0.5"), "nothing to train on")


# ---- what is written ----


def test_the_log_has_a_row_for_each_epoch(run):
    train(run, "--log log.csv")
    with open("log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert set(rows[0]) == {"epoch", "loss", "learning_rate", "seconds", "val_loss", "val_accuracy"}


def test_nothing_is_overwritten_by_mistake(run):
    misuse(train(run, "--output t.csv"), "would replace")
    misuse(train(run, "--output no/model"), "no folder 'no'")
    misuse(train(run, "--figure a.png --report a.html --log a.png"), "would replace")
    misuse(train(run, "--output /dev/null"), "/dev/null", "not a file")
    misuse(train(run, "--figure x.xyz"), ".png")
    misuse(train(run, "--report x.doc"), ".html or .md")
    train(run)
    misuse(run("predict model.safetensors t.csv --output ./t.csv"), "would replace")
    pd.testing.assert_frame_equal(pd.read_csv("t.csv"), flowers(), check_dtype=False)


def test_training_that_blows_up(run):
    result = train(run, "--optimizer sgd --learning-rate 1e12")
    failure(result, "blew up", "--learning-rate")


def test_quiet_when_piped(run):
    """Neither stream is a terminal here: no bar, no line per epoch."""
    _, out, err = train(run)
    assert err == ""
    assert "\r" not in out
    assert len(out.splitlines()) < 36


def test_interrupt_returns_130(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "fit", interrupted)
    assert train(run)[0] == 130
