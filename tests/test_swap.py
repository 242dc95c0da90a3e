"""Three ordinary scripts run as well with our networks as with scikit-learn's. Nothing is timed here."""

import json

import pytest

pytest.importorskip("sklearn")

import swap

SCRIPTS = sorted(path.stem for path in swap.SCRIPTS.glob("*.py"))


def test_only_the_import_changes():
    assert SCRIPTS == ["diabetes", "digits", "labels"]
    for script in SCRIPTS:
        theirs, ours = (swap.source(script, library).splitlines() for library in (swap.THEIRS, swap.OURS))
        changed = [(a, b) for a, b in zip(theirs, ours, strict=True) if a != b]
        assert len(changed) == 1
        assert changed[0][0].replace("sklearn.neural_network", "multicapa") == changed[0][1]


def test_scripts_run_with_both_and_agree(tmp_path, capsys):
    file = tmp_path / "found.json"
    assert swap.main(["--scripts", "labels", "--rounds", "1", "--json", str(file)]) == 0
    found = json.loads(file.read_text())["labels"]
    theirs, ours = found[swap.THEIRS], found[swap.OURS]
    assert theirs["epochs"] == ours["epochs"] == 60
    assert ours["score"] == pytest.approx(theirs["score"], abs=0.03)
    assert "| labels |" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--rounds", "0"], ["--scripts", "nothing"]])
def test_wrong_options(options):
    with pytest.raises(SystemExit):
        swap.main(options)
