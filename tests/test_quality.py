"""The comparison of scores runs, goes on where it was broken off, and judges paired differences as it says."""

import json

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("pandas")

import multicapa as mc
import quality
from scores import adam, beside_pytorch, data, duels, estimators, networks, settings, starts, tables
from scores.record import Cell, Difference, Record, markdown, paired


def test_estimators_beside_scikit_learn(tmp_path, capsys):
    results, document = tmp_path / "results.jsonl", tmp_path / "found.json"
    line = ["--sections", "estimators", "--rows", "wine", "--results", str(results)]
    assert quality.main([*line, "--seeds", "0", "1", "--json", str(document)]) == 0
    (row,) = json.loads(document.read_text())["estimators"].values()
    ours, theirs = row["multicapa"], row["scikit-learn"]
    assert set(ours) == set(theirs) == {"0", "1"}
    assert np.mean(list(ours.values())) > 0.9
    assert "| scikit-learn | multicapa | difference |" in capsys.readouterr().out


def test_a_run_goes_on_where_it_ended(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(starts, "measure", lambda row, contender, seed: asked.append((row, contender, seed)) or 0.5)
    results = tmp_path / "results.jsonl"
    line = ["--sections", "starts", "--rows", "iris", "--results", str(results), "--contenders", "default", "PyTorch"]
    assert quality.main([*line, "--seeds", "0"]) == 0
    assert quality.main([*line, "--seeds", "0", "1"]) == 0
    assert len(asked) == len(set(asked)) == 4
    assert len(results.read_text().splitlines()) == 4
    assert quality.main([*line, "--seeds", "7", "--only-report"]) == 0
    assert len(asked) == 4


def test_what_is_not_installed_is_left_out(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(beside_pytorch.importlib.util, "find_spec", lambda name: None)
    document = tmp_path / "found.json"
    line = ["--sections", "pytorch", "--rows", "iris", "--seeds", "0", "--json", str(document)]
    assert quality.main(line) == 0
    assert "PyTorch is left out: pip install torch" in capsys.readouterr().out
    (row,) = json.loads(document.read_text())["pytorch"].values()
    assert set(row) == {"multicapa"}


def test_beside_pytorch():
    pytest.importorskip("torch")
    name = networks.Net("wine").name
    scores = [beside_pytorch.measure(name, contender, 0) for contender in beside_pytorch.CONTENDERS]
    assert min(scores) > 0.9


def test_the_command_line_beside_a_pipeline():
    assert tables.measure("wine", "multicapa train", 0) > 0.9
    assert tables.measure("wine", "scikit-learn", 0) > 0.9
    once = settings.measure("diabetes", "batch size 128", 0)
    assert once == tables.of_command_line("diabetes", 0, "--batch-size", "128")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "nothing"], "no row has 'nothing' in its name"),
        (["--seeds", "-1"], "should not be negative"),
        (["--contenders", "he_norml"], "not he_norml"),
        (["--results", "nowhere/found.jsonl"], "there is no folder nowhere"),
    ],
)
def test_bad_options_are_told(options, message, capsys):
    with pytest.raises(SystemExit):
        quality.main(options)
    assert message in capsys.readouterr().err


def test_differences():
    ours, theirs = {0: 0.9, 1: 0.8, 2: 0.7, 9: 0.0}, {0: 1.0, 1: 0.9, 2: 0.8, 3: 0.0}
    difference = paired(ours, theirs)
    assert difference.mean == pytest.approx(-0.1)
    assert difference.error == pytest.approx(0, abs=1e-9)
    assert difference.worse()
    assert not Difference.of([0.1, -0.2]).worse()  # -0.05 ± 0.15
    assert Difference.of([-0.1, -0.2]).worse()  # -0.15 ± 0.05
    assert not Difference.of([0.0, 0.0]).worse()
    assert str(Difference.of([-0.1, -0.2])) == "-0.1500 ± 0.0500"


def test_reports(tmp_path):
    record = Record(tmp_path / "results.jsonl")
    for row, theirs, ours in (("a", 0.9, 0.8), ("b", 0.5, 0.6)):
        for seed in (0, 1):
            record.add(Cell("estimators", row, "scikit-learn", seed), theirs)
            record.add(Cell("estimators", row, "multicapa", seed), ours)
    record.add(Cell("estimators", "c", "multicapa", 0), 0.1)  # nobody to compare it with
    text = duels.table(Record(tmp_path / "results.jsonl").of("estimators"), "multicapa", "scikit-learn")
    assert "| a | 0.9000 | 0.8000 | -0.1000 ± 0.0000 | worse |" in text
    assert "2 rows, mean difference +0.0000 ± 0.1000; worse by more than two standard errors: a" in text
    assert duels.table({}, "multicapa", "scikit-learn") == "nothing to compare"
    ranked = starts.ranking({"a": {"x": {0: 0.9}, "y": {0: 0.7}}, "b": {"x": {0: 0.5}, "y": {0: 0.6}}}, ("x", "y"))
    assert "| x | 0.7000 | +0.0000 ± 0.0000 | 0.100 (b) |" in ranked
    assert "| y | 0.6500 | -0.0500 ± 0.1500 | 0.200 (a) |" in ranked
    assert markdown(["", "n"], [["a", "1"]]) == "|  | n |\n| --- | --- |\n| a | 1 |"


def test_splits_are_standardised_by_what_is_trained_on():
    rows = data.split("friedman1", 3)
    np.testing.assert_allclose([rows.X.mean(), rows.X.std(), rows.y.mean(), rows.y.std()], [0, 1, 0, 1], atol=1e-12)
    assert abs(rows.X_test.mean()) > 1e-6
    assert len(rows.X) == 3 * len(rows.X_test)
    again, other = data.split("friedman1", 3), data.split("friedman1", 4)
    np.testing.assert_array_equal(rows.X, again.X)
    assert not np.array_equal(rows.X, other.X)


@pytest.mark.parametrize("form", ["plain", "residual", "batch norm", "residual, batch norm"])
def test_networks_are_what_their_rows_say(form):
    net = networks.Net("iris", (8,) * 6, "tanh", form)
    made = []

    def dense(units, activation, follows):
        made.append((units, activation, follows))
        return mc.Dense(units, activation)

    network = mc.Network(*networks.graph(net, 4, 3, "softmax", dense), seed=0)
    types = [layer["type"] for layer in network.spec]
    assert types.count("dense") == 7
    assert types.count("batch_norm") == (6 if "batch norm" in form else 0)
    assert types.count("add") == (2 if "residual" in form else 0)
    assert made[-1] == (3, "softmax", "softmax")
    assert {follows for _, _, follows in made[:-1]} == ({"tanh", "linear"} if "residual" in form else {"tanh"})


def test_scores():
    classes = np.array([0, 1, 1])
    assert networks.judge(np.eye(2)[[0, 1, 0]], classes) == pytest.approx(2 / 3)
    numbers = np.array([1.0, 2.0, 3.0])
    assert networks.judge(numbers[:, None], numbers) == 1
    assert networks.judge(np.zeros((3, 1)), numbers) == 0
    assert networks.judge(np.full((3, 1), np.nan), numbers) == 0


def test_every_section_has_rows_and_contenders():
    for section in quality.SECTIONS.values():
        assert len(section.ROWS) >= 8
        assert len(set(section.CONTENDERS)) == len(section.CONTENDERS) >= 2
    assert len(estimators.ROWS) >= 12
    assert "1e-08" in adam.CONTENDERS
