"""Searching: what is tried, how it is ranked, and that the best is what train makes of the same options."""

import pandas as pd
import pytest
from tables import failure, flowers, houses, misuse

import multicapa as mc

LINE = "search t.csv --target species --epochs 12"
GRID = "--hidden 4 8,4 --learning-rate 0.001 0.05 --batch-size 16"


@pytest.fixture(autouse=True)
def _table(run):
    flowers().to_csv("t.csv", index=False)


def results(path="results.csv"):
    return pd.read_csv(path, dtype={"hidden": str})


def test_a_grid(run, tmp_path):
    code, _, err = run(f"{LINE} {GRID} --results results.csv --log log.csv")
    assert (code, err) == (0, "")
    found = results()
    assert len(found) == 4
    assert set(zip(found["hidden"], found["learning-rate"], strict=True)) == {
        (hidden, rate) for hidden in ("4", "8,4") for rate in (0.001, 0.05)
    }
    assert "batch-size" not in found.columns  # the same for all
    assert found["dev_loss"].is_monotonic_increasing
    log = pd.read_csv("log.csv", dtype={"hidden": str})
    best = log[(log["hidden"] == found["hidden"][0]) & (log["learning-rate"] == found["learning-rate"][0])]
    assert best["val_loss"].min() == pytest.approx(found["dev_loss"][0], rel=1e-12)
    assert (log.groupby(["hidden", "learning-rate"]).size() == 12).all()


def test_the_best_is_what_train_makes_of_it(run, tmp_path):
    _, out, _ = run(f"{LINE} {GRID} --dropout 0 0.1 --seed 3")
    searched = (tmp_path / "model.safetensors").read_bytes()
    again = out[out.rindex("multicapa train") :].replace("\\\n", " ")
    assert run(again.removeprefix("multicapa "))[0] == 0
    assert (tmp_path / "model.safetensors").read_bytes() == searched


def test_random_draws_from_lists_and_ranges(run):
    space = "--learning-rate 1e-4..0.1 --dropout 0..0.5 --batch-size 8..64 --hidden 4 8"
    code, _, _ = run(f"{LINE} --random 6 {space} --results results.csv")
    assert code == 0
    found = results()
    assert len(found) == 6
    assert found["learning-rate"].between(1e-4, 0.1).all()
    assert found["dropout"].between(0, 0.5).all()
    assert found["batch-size"].between(8, 64).all()
    assert found["learning-rate"].nunique() == 6
    columns = ["hidden", "learning-rate", "dropout", "batch-size"]
    run(f"{LINE} --random 6 {space} --results again.csv")
    assert results("again.csv")[columns].equals(found[columns])
    run(f"{LINE} --random 6 {space} --results other.csv --seed 1")
    assert not results("other.csv")[columns].equals(found[columns])


def test_random_draws_no_list_twice(run):
    _, out, err = run(f"{LINE} {GRID} --random 9")
    assert "4 different candidates, not 9" in err
    assert "Candidates: 4." in out


def test_folds(run):
    code, out, _ = run(f"{LINE} {GRID} --folds 3 --dev 0 --results results.csv --log log.csv")
    assert code == 0
    assert "means over 3 folds" in out
    log = pd.read_csv("log.csv", dtype={"hidden": str})
    for row in results().to_dict("records"):
        runs = log[(log["hidden"] == row["hidden"]) & (log["learning-rate"] == row["learning-rate"])]
        assert runs.groupby("fold")["val_loss"].min().mean() == pytest.approx(row["dev_loss"])
        assert row["dev_loss_deviation"] > 0


def test_several_processes_find_the_same(run):
    run(f"{LINE} {GRID} --results one.csv")
    run(f"{LINE} {GRID} --results two.csv --jobs 2")
    one, two = results("one.csv"), results("two.csv")
    assert one.drop(columns="seconds").equals(two.drop(columns="seconds"))


def test_numbers(run):
    houses().to_csv("t.csv", index=False)
    code, out, _ = run("search t.csv --target price --epochs 5 --hidden 4 8 --learning-rate 0.01 --batch-size 16")
    assert code == 0
    assert "R²" in out


def test_candidates_that_blow_up_come_last(run):
    options = "--optimizer sgd --batch-size 16 --hidden 8"
    code, out, _ = run(f"{LINE} {options} --learning-rate 1e12 0.05 --log log.csv")
    assert code == 0
    assert out.index("diverged") > out.index("0.05")
    assert mc.load("model.safetensors").metadata["training"]["options"]["learning-rate"] == 0.05
    failure(run(f"{LINE} {options} --learning-rate 1e12 1e13"), "every candidate", "--learning-rate")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--learning-rate 0.1,0.2", "blanks between them: 0.1 0.2"),
        ("--learning-rate 1e-4..0.1", "--random"),
        ("--learning-rate 1e-4..0.1 0.2 --random 3", "one range or several values"),
        ("--learning-rate 0.1..1e-4 --random 3", "LOW..HIGH"),
        ("--l2 0..1 --random 3", "above 0"),
        ("--hidden 4..8 --random 3", "64,32"),
        ("--dev 0", "--folds 5"),
        ("--folds 1", "--folds"),
        ("--momentum 0.1 0.5", "--momentum is for"),
        ("--results t.csv", "would replace"),
    ],
)
def test_wrong_usage(run, options, words):
    misuse(run(f"{LINE} {options}"), words)


@pytest.mark.parametrize("columns", [60, 80])
def test_the_table_fits(run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    _, out, _ = run(f"{LINE} {GRID} --dropout 0 0.1 --activation relu tanh")
    assert max(map(len, out.splitlines())) <= columns
    assert "and 6 more" in out
