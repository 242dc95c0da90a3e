"""Tables as people have them: what stands in a file is read as it was in training, and copied as it is."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tables import failure, misuse

from multicapa.data.table import CategoryColumn, NumberColumn, TableModel

SIDES = ["up", "down", "up"]


def write(path, header, row, n=60, ending="\n"):
    """A file of rows that a function of their number writes."""
    text = ending.join([header, *map(row, range(n))]) + ending
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def read(path):
    return Path(path).read_text(encoding="utf-8").splitlines()


def side(i):
    return SIDES[i % 3]


def said(result):
    """Standard error as one line, of a run that went well."""
    code, _, err = result
    assert code == 0, err
    assert max(map(len, err.splitlines()), default=0) <= 80
    return " ".join(err.split())


def column(name, path="model.safetensors"):
    return next(column for column in TableModel.load(path).columns.columns if column.name == name)


TRAIN = "train t.csv --target side --epochs 1"

# ---- headers and rows ----


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("x,colour,side", lambda i: f"{1000 + i},0.3{i % 7},red,{side(i)}", ("3 columns", "4 fields", "'1000'")),
        ("Report\nx,colour,side", lambda i: f"0.3{i % 7},red,{side(i)}", ("1 column,", "3 fields", "'Report'")),
        ("x,side,side", lambda i: f"{i % 7},{side(i)},{side(i)}", ("two columns called 'side'",)),
        ("x,x ,side", lambda i: f"{i % 7},{i},{side(i)}", ("two columns called 'x'",)),
        ("x,side", lambda i: f"{i % 7}" if i == 4 else f"{i % 7},{side(i)}", ("line 6 has 1 field, the header 2",)),
        ("x,side", lambda i: f"{i % 7},up,{i}" if i == 4 else f"{i % 7},up", ("line 6 has 3 fields, the header 2",)),
        ("sep=;\nx;side", lambda i: "1;2;3" if i == 4 else f"{i};up", ("line 7 has 3 fields",)),
    ],
)
def test_rows_that_do_not_fit_their_header(run, header, row, words):
    write("t.csv", header, row)
    failure(run(TRAIN), *words)
    write("good.csv", "x,colour,side", lambda i: f"{i % 7},red,{side(i)}")
    run("train good.csv --target side --epochs 1")
    for line in ("predict model.safetensors t.csv", "evaluate model.safetensors t.csv", "train good.csv --target side "
                 "--test t.csv"):  # fmt: skip
        failure(run(line), *words)


@pytest.mark.parametrize(
    ("header", "row", "ending"),
    [
        ("x,side", lambda i: f"{i % 7},{side(i)},", "\n"),
        ("x,side,", lambda i: f"{i % 7},{side(i)}", "\n"),
        ("sep=;\nx;side", lambda i: f"{i % 7};{side(i)}", "\r\n"),
        ("x, side", lambda i: f'{i % 7}, "{side(i)}"', "\r\n"),
        ("x,side", lambda i: f"{i % 7},{side(i)}\n", "\n"),
        ('x,"note",side', lambda i: f'{i % 7},"one,\ntwo",{side(i)}', "\n"),
    ],
)
def test_what_spreadsheets_do_to_lines(run, header, row, ending):
    write("t.csv", header, row, ending=ending)
    told = said(run(f"{TRAIN} --split time"))
    assert ("end with a separator" in told) == (header == "x,side" and row(0).endswith(","))
    assert TableModel.load("model.safetensors").columns.columns[0].name == "x"
    assert said(run("predict model.safetensors t.csv --output p.csv")).count("Note") == told.count("end with")
    assert pd.read_csv("p.csv", sep=";" if "sep" in header else ",", skipinitialspace=True).shape[0] == 60


def test_names_that_look_the_same_are_the_same(run):
    write("t.csv", "Gro\u0308\u00dfe,o\u0308,side", lambda i: f"{i % 7},A\u0308{i % 2},{side(i)}")
    assert said(run("train t.csv --target Gr\u00f6\u00dfe --drop \u00f6 --epochs 1")) != "error"
    run(TRAIN)
    write("later.csv", "Gr\u00f6\u00dfe,\u00f6,side", lambda i: f"{i % 7},\u00c4{i % 2},{side(i)}")
    assert said(run("predict model.safetensors later.csv --output p.csv")) == ""
    run("predict model.safetensors t.csv --output p.csv")
    assert read("p.csv")[0].startswith("Gro\u0308\u00dfe,")  # copied as it is


# ---- missing values ----


def test_words_that_look_missing_are_told_and_may_be_values(run):
    words = ["None", "NA ", "a", "null"]
    write("t.csv", "x,c,side", lambda i: f"0.3{i % 7},{words[i % 4]},{['n/a', 'up', 'down'][i % 3]}")
    told = said(run(f"{TRAIN} --missing impute"))
    assert "None in 'c' (15), NA in 'c' (15), null in 'c' (15), n/a in 'side' (20)" in told
    assert "--only-empty" in told
    assert column("c").categories == ("a",)
    for line in ("predict model.safetensors t.csv --output p.csv", "evaluate model.safetensors t.csv"):
        assert "None in 'c'" in said(run(line))
    assert "NA in 'c'" in said(run(f"{TRAIN} --missing impute --test t.csv"))
    assert said(run(f"{TRAIN} --only-empty")) == ""
    assert column("c").categories == ("NA", "None", "a", "null")
    assert TableModel.load("model.safetensors").target.classes == ("down", "n/a", "up")
    assert said(run("predict model.safetensors t.csv --output p.csv")) == ""  # as in training
    assert set(pd.read_csv("p.csv", keep_default_na=False)["predicted_side"]) <= {"n/a", "up", "down"}
    write("t.csv", "x,side", lambda i: f"{i},{['None', 'nan'][i % 2]}")
    found = run(TRAIN)
    assert "--only-empty" in found[2]
    failure(found, "'side' is empty")


@pytest.mark.parametrize(
    ("mark", "option"), [("?", "--na ?"), (" ? ", "--na ?"), ("--", "--na --"), ("-9.0", "--na=-9"), ("NA ", "")]
)
def test_marks_of_missing_values(run, mark, option):
    write("t.csv", "x,side", lambda i: f"{mark if i == 3 else i % 7},{side(i)}")
    if option and not mark.startswith("-9"):
        suggestion = {"--": "--na=--"}.get(mark, "--na '?'")
        failure(run(TRAIN), repr(mark.strip()), suggestion, "--kind x=category")
    failure(run(f"{TRAIN} {option}"), "x (1)")
    assert "1 of 60" in said(run(f"{TRAIN} {option} --missing drop"))
    failure(run("predict model.safetensors t.csv --missing error"), "x (1)")  # the mark is remembered
    assert "1 of 60" in said(run("predict model.safetensors t.csv --output p.csv"))


# ---- the file's own text ----


def test_what_is_copied_is_not_changed(run):
    odd = ["00123", "9007199254740993", "1.10", "NA", "TRUE", "1e400", "12345678901234567890", "", " x"]
    write("t.csv", "x;odd;side", lambda i: f"1,{i % 7};{odd[i % 9]};{side(i)}")
    run(f"{TRAIN} --drop odd")
    run("predict model.safetensors t.csv --output p.csv")
    lines = read("p.csv")
    before = read("t.csv")
    assert [line.rpartition(";")[0] for line in lines] == before
    assert run("predict model.safetensors t.csv")[1].splitlines() == lines


def test_codes_are_read_as_in_training(run):
    codes, labels = ["007", "012", "A12", "B7"], ["01", "02", "X", "01"]
    write("t.csv", "x,code,side", lambda i: f"0.3{i % 7},{codes[i % 4]},{labels[i % 4]}", 200)
    run("train t.csv --target side --learning-rate 0.02 --hidden 16 --epochs 60")
    write("one.csv", "x,code,side", lambda i: f"0.3{i % 7},012,02", 20)  # numbers, if looked at alone
    run("predict model.safetensors one.csv --output p.csv")
    assert set(pd.read_csv("p.csv", dtype=str)["predicted_side"]) == {"02"}
    assert "1.000" in run("evaluate model.safetensors one.csv")[1]
    for part in ("dev", "test"):
        code, out, err = run(f"train t.csv --target side --epochs 1 --{part} one.csv")
        assert (code, err) == (0, "")
        assert f"20 {part}" in out


def test_truth_values_among_others(run):
    write("t.csv", "x,side", lambda i: f"{i % 3},{['true', 'false', 'unknown'][i % 3]}", 150)
    run("train t.csv --target side --learning-rate 0.05 --epochs 60")
    write("two.csv", "x,side", lambda i: f"{i % 2},{['true', 'false'][i % 2]}")
    assert "1.000" in run("evaluate model.safetensors two.csv")[1]
    write("two.csv", "x,side", lambda i: f"{i % 2},{['TRUE', 'FALSE'][i % 2]}")
    assert "1.000" in run("evaluate model.safetensors two.csv")[1]


# ---- numbers ----


@pytest.mark.parametrize(
    ("texts", "values", "told"),
    [
        (["1,018.5", "999", "1,001"], [1018.5, 999, 1001], "commas between thousands"),
        (["1,018", "999", "12,34,567"], [1018, 999, 1234567], "commas between thousands"),
        (["1.234,56", "999", "0,5"], [1234.56, 999, 0.5], "decimal commas, points between thousands"),
        (["1 234", "999", "12\u00a0345"], [1234, 999, 12345], "blanks between thousands"),
        (["1'234", "999", "1\u2019000"], [1234, 999, 1000], "apostrophes between thousands"),
        (["1_000", "999", "1_001"], [1000, 999, 1001], "underscores between thousands"),
        (["$1,000", "$999", "-$5.5"], [1000, 999, -5.5], "commas between thousands, the unit $"),
        (["12 %", "0", "7%"], [12, 0, 7], "the unit %"),
        (["1,5 EUR", "2 EUR", "0,25 EUR"], [1.5, 2, 0.25], "decimal commas, the unit EUR"),
        (["\u22120.5", "0.25", "1"], [-0.5, 0.25, 1], ""),
        (["(0.3)", "0.3-", "+1e3"], [-0.3, -0.3, 1000], "(1) or 1- for -1"),
    ],
)
def test_numbers_as_people_write_them(run, texts, values, told):
    write("t.csv", "x,side", lambda i: f'"{texts[i % 3]}",{side(i)}')
    assert (told or "Note") in (notes := said(run(TRAIN))) or not told
    assert (not told) == ("read as numbers" not in notes)
    assert not told or "--kind x=category" in notes
    learnt = column("x")
    assert isinstance(learnt, NumberColumn)
    series = pd.Series(texts * 20, name="x", dtype=object)
    encoded = learnt.encode(series)[:3, 0] * learnt.scale + learnt.mean
    np.testing.assert_allclose(encoded, values, rtol=1e-12)
    np.testing.assert_allclose(learnt.encode(pd.Series(values, name="x")), learnt.encode(series[:3]))
    run("predict model.safetensors t.csv --output p.csv")
    assert pd.read_csv("p.csv", dtype=str)["x"].tolist() == texts * 20
    if "unit" in told and "0" not in texts:
        write("later.csv", "x,side", lambda i: "5,up")
        failure(run("predict model.safetensors later.csv"), "should hold numbers such as", "row 1 has '5'")


def test_a_comma_that_may_be_either_is_asked_about(run):
    write("t.csv", "x;side", lambda i: f"1,{100 + i};{side(i)}")
    failure(run(TRAIN), "'x'", "1,100", "--decimal comma or --decimal point")
    run(f"{TRAIN} --decimal comma")
    assert column("x").mean < 2
    run(f"{TRAIN} --decimal point")
    assert column("x").mean > 1000
    write("t.csv", "x;y;side", lambda i: f"1.{100 + i};0,{i};{side(i)}")  # y tells what the point of x is
    run(TRAIN)
    assert column("x").mean > 1000


def test_another_decimal_sign_in_a_later_file(run):
    write("t.csv", "x,y", lambda i: f"{i}.5,{3 * i}.25")
    run("train t.csv --target y --epochs 200 --learning-rate 0.02")
    write("later.csv", "x;y", lambda i: f"{i},5;{3 * i},25")
    failure(run("predict model.safetensors later.csv"), "row 1 has '0,5'", "--decimal comma")
    first, second = (
        run(f"evaluate model.safetensors {line}")[1].split() for line in ("t.csv", "later.csv --decimal comma")
    )
    assert first[5:] == second[5:]
    run("predict model.safetensors later.csv --decimal comma --output p.csv")
    predicted = pd.read_csv("p.csv", sep=";", decimal=",")
    np.testing.assert_allclose(predicted["predicted_y"], predicted["y"], atol=20)


@pytest.mark.parametrize("odd", ["<100", "?"])
def test_a_numeric_target_with_an_odd_text(run, odd):
    write("t.csv", "x,y", lambda i: f"{i * i},{odd if i == 7 else 100 + 3 * (i % 9)}")
    failure(run("train t.csv --target y"), "target 'y' holds numbers", repr(odd), f"--na '{odd}'", "--task class")
    assert "1 of 60" in said(run("train t.csv --target y --epochs 1", "--na", odd))
    write("t.csv", "x,y", lambda i: f'{i * i},"{1 + i % 4},{i % 8}"')
    _, out, err = run("train t.csv --target y --epochs 1")
    assert "'y' (decimal commas)" in err
    assert "Target y, numbers around 2." in out


def test_predictions_have_the_digits_of_the_score(run):
    write("t.csv", "x,y", lambda i: f"{i * i % 50},{1_700_000_000 + 50 * (i * i % 50)}")
    run("train t.csv --target y --epochs 300 --learning-rate 0.02 --dev 0")
    shown = float(run("evaluate model.safetensors t.csv")[1].splitlines()[1].split()[3])
    run("predict model.safetensors t.csv --output p.csv")
    table = pd.read_csv("p.csv")
    assert np.sqrt(np.mean((table["predicted_y"] - table["y"]) ** 2)) == pytest.approx(shown, rel=1e-3)


def test_whole_numbers_beyond_float64(run):
    first = 2**53 + 1
    write("t.csv", "x,y", lambda i: f"{first + i * i % 50},{first + 2 * (i * i % 50)}")
    for text in ("y", "y --task regression"):
        code, _, err = run(f"train t.csv --target {text} --epochs 300 --learning-rate 0.02 --dev 0")
        assert (code, err) == (0, "")
    assert column("x").scale == pytest.approx(np.std([i * i % 50 for i in range(60)]), rel=0.1)
    run("predict model.safetensors t.csv --output p.csv")
    table = pd.read_csv("p.csv")
    assert (abs(table["predicted_y"] - table["y"]) <= 4).all()
    assert table["predicted_y"].dtype == np.int64
    assert TableModel.load("model.safetensors").predict(table).tolist() == table["predicted_y"].tolist()


def test_numbers_that_begin_with_0(run):
    write("t.csv", "zip,side", lambda i: f"0{1067 + i % 5},{side(i)}")
    assert "begin with 0, such as 01067. If they are codes: --kind zip=category" in said(run(TRAIN))
    assert said(run(f"{TRAIN} --kind zip=category")) == ""
    assert column("zip").categories[0] == "01067"


# ---- kinds ----


def test_codes_and_dates(run):
    row = lambda i: f'3.11.{10 + i % 9},1234-{i % 4},2024-{13 + i % 4},"Jan {1 + i % 28} 2000",{i},{side(i)}'  # noqa: E731
    write("t.csv", "version,part,period,day,n,side", row)
    told = said(run(TRAIN))
    assert "'version' is read as dates such as 3.11.10. If these are codes: --kind version=category" in told
    assert "'period' holds dates such as '2024-13'" in told
    assert column("version").kind == column("day").kind == "date"
    assert column("part").kind == column("period").kind == "category"
    failure(run(f"{TRAIN} --kind part=date"), "'part'", "--kind part=category")
    failure(run(f"{TRAIN} --kind period=number"), "'period'", "no numbers")
    misuse(run(f"{TRAIN} --kind perod=number"), "did you mean 'period'?")
    misuse(run(f"{TRAIN} --kind period=code"), "number, category, date")
    misuse(run(f"{TRAIN} --kind side=number"), "--task")
    _, out, _ = run(f"{TRAIN} --kind version=category --kind n=category --show-config")
    Path("t.toml").write_text(out)
    assert run("train --config t.toml")[0] == 0
    assert isinstance(column("n"), CategoryColumn)
    assert isinstance(column("version"), CategoryColumn)


@pytest.mark.parametrize("odd", ["0000-00-00", "2021-02-30"])
def test_a_day_that_is_none(run, odd):
    write("t.csv", "day,side", lambda i: f"{odd if i == 3 else f'2021-02-{1 + i % 28:02}'},{side(i)}")
    failure(run(TRAIN), "'2021-02-01'", repr(odd), f"--na {odd}")
    assert "1 of 60" in said(run(f"{TRAIN} --na {odd} --missing drop"))


def test_rows_in_order_of_time(run):
    write("t.csv", "day,x,y", lambda i: f"{pd.Timestamp('2021-01-01') + pd.Timedelta(days=i):%Y-%m-%d},{i % 7},{i * i}")
    assert "--split time" in said(run("train t.csv --target y --epochs 1"))
    for command in ("train", "search"):
        told = said(run(f"{command} t.csv --target y --epochs 1 --split time --hidden 4"))
        assert "Note" not in told
    days = TableModel.load("model.safetensors").columns.columns[0]
    assert days.fill == pd.Timestamp("2021-01-21 12:00").timestamp() / 86400  # the middle of the first 42 days
    assert said(run("search t.csv --target y --epochs 1 --split time --hidden 4 --folds 3")) == ""
    pd.read_csv("t.csv").sample(frac=1, random_state=0).to_csv("t.csv", index=False)
    assert said(run("train t.csv --target y --epochs 1")) == ""
    assert said(run("train t.csv --target y --epochs 1 --split time")) == ""
    assert TableModel.load("model.safetensors").columns.columns[0].fill == days.fill


# ---- what is typed ----


def test_values_that_begin_with_a_dash(run):
    write("t.csv", "-id,x,side", lambda i: f"{i},{i % 7},{(-1) ** i}")
    assert said(run(f"{TRAIN} --drop -id --class-weight -1=5")) == ""
    _, out, _ = run("search t.csv --target side --epochs 1 --hidden 4 --drop -id --class-weight -1=5")
    again = out[out.rindex("multicapa train") :].replace("\\\n", " ").split()
    assert "--drop=-id" in again
    assert "--class-weight=-1=5" in again
    assert run(" ".join(again[1:]))[0] == 0
    for lacking in ("--drop", "--na --missing drop"):
        misuse(run(f"{TRAIN} {lacking}"), "expected one argument")


def test_weights_of_classes_with_commas(run):
    write("t.csv", "x,side", lambda i: f'{i % 7},"{["a,b", "a", "a=1"][i % 3]}"')
    assert run(f"{TRAIN} --class-weight a,b=2,a=3,a=1=4")[0] == 0
    misuse(run(f"{TRAIN} --class-weight a,b=2,c=1"), "no class 'c'")


def test_a_folder_that_is_not_there(run):
    write("t.csv", "x,side", lambda i: f"{i % 7},{side(i)}")
    misuse(run(f"{TRAIN} --output no/model"), "no folder 'no'")
    run(TRAIN)
    with pytest.raises(FileNotFoundError, match="no folder 'no' to write 'm' to"):
        TableModel.load("model.safetensors").save("no/m")
