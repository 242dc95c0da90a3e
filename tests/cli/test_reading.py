"""Tables in files: separators, decimal signs, encodings, Parquet, and files that are none."""

import io
import sys
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from tables import FAST, failure, flowers, misuse

from multicapa.data.table import TableModel


def test_semicolons_decimal_commas_and_gzip(run):
    flowers().to_csv("flowers.csv.gz", index=False, sep=";", decimal=",")
    for options in ("", "--decimal comma"):
        code, out, err = run(f"train flowers.csv.gz --target species {options} {FAST}")
        assert code == 0
        assert "Numbers: length, width." in out
        assert ("'length' (decimal commas), 'width' (decimal commas)" in " ".join(err.split())) is not bool(options)
    failure(run("train flowers.csv.gz --target species --decimal point"), "--decimal point is not for", "--drop length")


def test_a_table_from_standard_input(run, monkeypatch):
    def typed(line):
        bytes_ = flowers().to_csv(index=False).encode("utf-8")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes_)))
        return run(line)

    code, out, _ = typed(f"train - --target species {FAST}")
    assert (code, out.splitlines()[0]) == (0, "standard input: 150 rows (104 train, 23 dev, 23 test).")
    assert len(typed("predict model.safetensors -")[1].splitlines()) == 1 + 150


@pytest.mark.parametrize(("name", "sign"), [("semicolon", ";"), ("tab", "\t"), ("bar", "|")])
def test_separators(run, name, sign):
    flowers().to_csv("t.csv", index=False, sep=sign)
    assert run("train t.csv --target species --epochs 1")[0] == 0
    assert run(f"train t.csv --target species --epochs 1 --separator {name}")[0] == 0
    misuse(run("train t.csv --target species --separator comma"), "one column only", "--separator")


def test_a_byte_order_mark_and_blanks_in_the_header(run, tmp_path):
    text = flowers().rename(columns={"length": " length "}).to_csv(index=False)
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    code, out, _ = run("train t.csv --target species --epochs 1")
    assert code == 0
    assert "Numbers: length, width." in out


def test_parquet_in_and_out(run, monkeypatch):
    pytest.importorskip("pyarrow")
    table = flowers().assign(day=pd.date_range("2024-01-01", periods=150))
    table.to_parquet("t.parquet")
    code, out, _ = run(f"train t.parquet --target species {FAST}")
    assert code == 0
    assert "Dates: day." in out
    table.to_csv("t.csv", index=False)
    for name in ("t.parquet", "t.csv"):
        assert run(f"predict model.safetensors {name} --output from-{name}.parquet")[0] == 0
    predicted = pd.read_parquet("from-t.parquet.parquet")
    assert list(predicted.columns) == [*table.columns, "predicted_species"]
    assert predicted["predicted_species"].equals(pd.read_parquet("from-t.csv.parquet")["predicted_species"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    remedy = 'pip install "multicapa[parquet]"'
    failure(run("predict model.safetensors t.csv --output p.parquet"), "writing Parquet", remedy)
    failure(run("train t.parquet --target species"), "reading Parquet", remedy)


def test_what_parquet_files_hold(run):
    """Decimals, days, whole numbers beside gaps, a named index, a name twice, lists."""
    pyarrow = pytest.importorskip("pyarrow")
    table = flowers()[["species"]].assign(
        cost=[Decimal(i) / 4 for i in range(150)],
        big=[Decimal(2**60 + i % 40) for i in range(150)],
        day=[date(2024, 1, 1) + timedelta(days=7 * i % 100) for i in range(150)],
        count=pd.array([None if i == 3 else 2**53 + 2 * i + 1 for i in range(150)], dtype="Int64"),
    )
    table.index = pd.Index(range(1000, 1150), name="year")
    table.to_parquet("t.parquet")
    code, out, err = run("train t.parquet --target species --missing impute --epochs 1")
    assert (code, out.count("Numbers: year, cost, big, count."), out.count("Dates: day.")) == (0, 1, 1), out
    assert "'year' just counts the rows" in err
    assert TableModel.load("model.safetensors").columns.columns[2].scale < 20
    for output in ("p.parquet", "p.csv"):
        assert run(f"predict model.safetensors t.parquet --output {output}")[0] == 0
    copied = pyarrow.parquet.read_table("p.parquet").to_pylist()
    original = pyarrow.parquet.read_table("t.parquet").to_pylist()
    assert [{k: v for k, v in row.items() if k in original[0]} for row in copied] == original
    texts = pd.read_csv("p.csv", dtype=str, keep_default_na=False)
    assert texts["count"].tolist() == ["" if i == 3 else str(2**53 + 2 * i + 1) for i in range(150)]
    assert texts["cost"].tolist() == [f"{value:.2f}" for value in table["cost"]]

    for column in ("x", "species"):
        columns = [pyarrow.array(range(150)), pyarrow.array(flowers()["species"]), pyarrow.array(range(150))]
        pyarrow.parquet.write_table(pyarrow.table(columns, names=["x", "species", column]), "twice.parquet")
        failure(run("train twice.parquet --target species"), f"two columns called '{column}'")
        failure(run("predict model.safetensors twice.parquet"), f"two columns called '{column}'")
    flowers().assign(parts=[[1, 2]] * 150).to_parquet("lists.parquet")
    failure(run("train lists.parquet --target species"), "'parts'", "cannot read", "--drop parts")
    failure(run("train lists.parquet --target parts"), "'parts'", "cannot read")
    run("train lists.parquet --target species --drop parts --epochs 1")
    assert run("predict model.safetensors lists.parquet --output p.parquet")[0] == 0


def test_files_that_are_not_tables(run, tmp_path):
    flowers().to_csv("t.csv", index=False)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("a,b\n")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n1,2,3,4\n")
    (tmp_path / "latin.csv").write_bytes("a,b\nä,1\n".encode("latin-1"))
    (tmp_path / "twice.csv").write_text("a,a ,b\n1,2,3\n")
    (tmp_path / "no.parquet").write_text("a,b\n1,2\n")
    for name, words in {
        "empty.csv": "empty",
        "header.csv": "no rows",
        "ragged.csv": "line 3 has 4 fields",
        "latin.csv": "UTF-8",
        "twice.csv": "two columns called 'a'",
        "no.parquet": "not a Parquet file",
    }.items():
        failure(run(f"train {name} --target b"), words, name)
    (tmp_path / "folder").mkdir()
    misuse(run("train folder --target b"), "'folder' is not a file")
    (tmp_path / "model").write_text("a,b\n1,2\n")
    failure(run("predict model t.csv"), "'model'", "safetensors")
