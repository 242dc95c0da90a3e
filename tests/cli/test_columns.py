"""What a table may hold: missing values, dates, columns of no use, targets; each is used, or the remedy is named."""

import numpy as np
import pandas as pd
import pytest
from tables import FAST, failure, flowers, misuse, scores

from multicapa.data.table import TableModel


def kinds(path="model.safetensors"):
    return {column.name: column.kind for column in TableModel.load(path).columns.columns}


# ---- missing values ----


def gaps():
    table = flowers()
    table.loc[3:5, "length"] = np.nan
    table.loc[7, "colour"] = None
    return table


def test_missing_values_are_named_and_counted(run):
    gaps().to_csv("gaps.csv", index=False)
    found = run("train gaps.csv --target species")
    failure(found, "length (3)", "colour (1)", "--missing drop", "--missing impute")


def test_dropping_and_imputing_really_work(run):
    gaps().to_csv("gaps.csv", index=False)
    code, out, err = run(f"train gaps.csv --target species --missing drop --output dropped {FAST}")
    assert code == 0
    assert "gaps.csv: 146 rows" in out
    assert "4 of 150" in err
    failure(run("evaluate dropped gaps.csv --missing error"), "length (3)")
    assert len(run("predict dropped gaps.csv")[1].splitlines()) == 1 + 146

    code, out, err = run(f"train gaps.csv --target species --missing impute --output imputed {FAST}")
    assert (code, err) == (0, "Note: missing values are filled in: length (3), colour (1).\n")
    assert "gaps.csv: 150 rows" in out
    _, out, err = run("predict imputed gaps.csv")
    assert (len(out.splitlines()), err) == (1 + 150, "Note: missing values are filled in: length (3), colour (1).\n")


def test_values_missing_only_later(run):
    """Training saw none, so nobody said what to do."""
    flowers().to_csv("t.csv", index=False)
    run(f"train t.csv --target species {FAST}")
    gaps().to_csv("gaps.csv", index=False)
    failure(run("predict model.safetensors gaps.csv"), "length (3)", "--missing impute")
    code, out, _ = run("predict model.safetensors gaps.csv --missing impute")
    assert code == 0
    assert len(out.splitlines()) == 1 + 150
    flowers().assign(length=np.nan).to_csv("none.csv", index=False)
    failure(run("predict model.safetensors none.csv --missing drop"), "--missing impute")


def test_infinite_numbers_are_told(run):
    table = flowers()
    table.loc[3, "length"] = np.inf
    table.to_csv("infinite.csv", index=False)
    code, _, err = run(f"train infinite.csv --target species --missing drop {FAST}")
    assert (code, "infinite numbers count as missing values: length" in err) == (0, True)


def test_rows_without_a_target_are_left_out(run):
    table = flowers()
    table.loc[9:12, "species"] = None
    table.to_csv("t.csv", index=False)
    code, out, err = run("train t.csv --target species --epochs 2")
    assert code == 0
    assert "146 rows" in out
    assert "no 'species' are left out: 4 of 150" in err
    _, out, err = run("evaluate model.safetensors t.csv")
    assert "146" in out
    assert "4 of 150" in err
    table.assign(species=None).to_csv("none.csv", index=False)
    failure(run("evaluate model.safetensors none.csv"), "no row has a 'species'")


def test_texts_that_mean_missing(run):
    table = flowers().astype({"length": object})
    table.loc[4, "length"] = "?"
    table.to_csv("odd.csv", index=False)
    failure(run("train odd.csv --target species"), "'length'", "'?'", "--na '?'")
    failure(run("train odd.csv --target species --na ?"), "length (1)")
    assert run("train odd.csv --target species --na ? --missing drop --epochs 2")[0] == 0


# ---- dates ----


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y", "%d %b %Y"])
def test_dates_are_learnt_from(run, form):
    """Two months of the year make the class."""
    days = pd.Series(pd.date_range("2022-01-01", periods=400, freq="3D"))
    warm = days.dt.month.isin([6, 7])
    pd.DataFrame({"day": days.dt.strftime(form), "warm": warm}).to_csv("t.csv", index=False)
    code, out, _ = run("train t.csv --target warm --learning-rate 0.02")
    assert code == 0
    assert "Dates: day." in out
    assert scores(out)["test"] >= 0.9
    later = pd.DataFrame({"day": [pd.Timestamp(f"2023-{month}-15 10:30").strftime(form) for month in ("01", "07")]})
    later.to_csv("later.csv", index=False)
    _, out, _ = run("predict model.safetensors later.csv")
    assert [line.split(",")[-1] for line in out.splitlines()[1:]] == ["False", "True"]
    pd.DataFrame({"day": ["soon"]}).to_csv("later.csv", index=False)
    failure(run("predict model.safetensors later.csv"), "'day' should hold dates such as", "row 1 has 'soon'")


def test_day_and_month_are_not_guessed(run):
    days = [f"{1 + i % 12:02}/{1 + i // 20:02}/2024" for i in range(150)]
    flowers().assign(day=days).to_csv("t.csv", index=False)
    failure(run("train t.csv --target species"), "'day'", "--dates day-first or --dates month-first", "--drop day")
    assert run("train t.csv --target species --dates month-first --epochs 1")[0] == 0
    assert TableModel.load("model.safetensors").columns.columns[3].format == "%m/%d/%Y"


def test_odd_dates_are_named(run):
    days = [*pd.date_range("2024-01-01", periods=149).strftime("%Y-%m-%d"), "never"]
    flowers().assign(day=days).to_csv("t.csv", index=False)
    failure(run("train t.csv --target species"), "'2024-01-01'", "'never'", "--na never")
    assert run("train t.csv --target species --na never --missing impute --epochs 1")[0] == 0
    days = pd.date_range("2024-01-01", periods=150)
    mixed = [*days[:75].strftime("%Y-%m-%d"), *days[75:].strftime("%d.%m.%Y")]
    flowers().assign(day=mixed).to_csv("t.csv", index=False)
    failure(run("train t.csv --target species"), "not all are written in one way", "--drop day", "day=category")


# ---- columns of no use ----


@pytest.mark.parametrize(
    ("name", "values"),
    [("full name", [f"Person {i}" for i in range(150)]), ("nothing", [None] * 150), ("huge", [1e200] * 150)],
)
def test_columns_of_no_use_are_named_with_the_remedy(run, name, values):
    flowers().assign(**{name: values}).to_csv("t.csv", index=False)
    drop = f"--drop '{name}'" if " " in name else f"--drop {name}"
    failure(run("train t.csv --target species"), repr(name), drop)
    assert run("train t.csv --target species --epochs 2", "--drop", name)[0] == 0


def test_several_columns_of_no_use_at_once(run):
    flowers().assign(x=[f"x{i}" for i in range(150)], y=[f"y{i}" for i in range(150)]).to_csv("t.csv", index=False)
    failure(run("train t.csv --target species"), "--drop x --drop y")


def test_a_column_that_counts_the_rows_is_pointed_out(run):
    flowers().to_csv("t.csv", index=True, index_label="id")
    _, _, err = run("train t.csv --target species --epochs 2")
    assert "--drop id" in err
    assert "'width'" not in err


def test_a_constant_column_is_harmless(run):
    flowers().assign(same=7, also="x").to_csv("t.csv", index=False)
    code, out, err = run(f"train t.csv --target species {FAST}")
    assert code == 0
    assert "'same' never varied" in err
    assert scores(out)["test"] >= 0.9
    flowers().assign(same=9, also="x").to_csv("t.csv", index=False)
    assert run("predict model.safetensors t.csv")[0] == 0


def test_nothing_but_the_target(run):
    flowers()[["species"]].to_csv("t.csv", index=False)
    failure(run("train t.csv --target species"), "no column is left")


def test_too_few_rows(run):
    flowers(9).to_csv("t.csv", index=False)
    failure(run("train t.csv --target species"), "9", "too few")


# ---- targets ----


@pytest.mark.parametrize("words", [("Specis", "did you mean 'species'?"), ("zzz", "There are: length, width")])
def test_wrong_target_suggests(run, words):
    flowers().to_csv("t.csv", index=False)
    misuse(run("train t.csv --target", words[0]), *words)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["yes", "no"] * 75, "classes"),
        ([True, False] * 75, "classes"),
        ([0, 1, 2] * 50, "classes"),
        ([0.0, 1.0, 2.0] * 50, "classes"),
        (list(range(150)), "numbers"),
        ([0.5, 1.5, 2.5] * 50, "numbers"),
    ],
)
def test_the_task_is_guessed(run, values, task):
    flowers().assign(goal=values).to_csv("t.csv", index=False)
    code, out, _ = run("train t.csv --target goal --epochs 1")
    assert code == 0
    target = next(line for line in out.splitlines() if line.startswith("Target goal"))
    assert task in target


def test_the_task_can_be_given(run):
    flowers().assign(goal=[0, 1, 2] * 50).to_csv("t.csv", index=False)
    _, out, _ = run("train t.csv --target goal --epochs 1")
    assert "For numbers: --task regression" in out
    code, out, _ = run("train t.csv --target goal --epochs 1 --task regression")
    assert code == 0
    assert "R²" in out
    misuse(run("train t.csv --target species --task regression"), "'species'", "needs numbers")
    failure(run("train t.csv --target length --task classification"), "'length'", "--task regression")


def test_truth_values_come_back_as_such(run):
    table = flowers().assign(tall=lambda t: t["length"] > 3, wide=lambda t: t["width"] > 100).drop(columns="species")
    table.to_csv("t.csv", index=False)
    assert run(f"train t.csv --target tall {FAST}")[0] == 0
    assert kinds()["wide"] == "category"
    run("predict model.safetensors t.csv --output p.csv")
    assert (pd.read_csv("p.csv")["predicted_tall"] == table["tall"]).mean() > 0.9


def test_targets_that_teach_nothing(run):
    flowers().assign(same=1, name=[f"n{i}" for i in range(150)]).to_csv("t.csv", index=False)
    failure(run("train t.csv --target same --drop name"), "'same'", "nothing to learn")
    failure(run("train t.csv --target name"), "'name'", "150 different values")


def test_a_rare_class_is_no_obstacle(run):
    table = flowers()
    table.loc[0, "species"] = "rare"
    table.to_csv("t.csv", index=False)
    for options in ("", "--class-weight rare=5", "--class-weight balanced"):
        code, out, err = run(f"train t.csv --target species --epochs 2 {options}")
        assert code == 0
        assert "4 classes" in out
        assert "'rare'" in err


def test_many_classes_give_no_endless_table(run):
    table = flowers(600).assign(species=np.arange(600) % 30)
    table.to_csv("t.csv", index=False)
    code, out, _ = run("train t.csv --target species --task classification --epochs 2 --report r.html")
    assert code == 0
    assert "30 classes" in out
    assert "most frequent confusions" in out
    assert max(map(len, out.splitlines())) <= 80
