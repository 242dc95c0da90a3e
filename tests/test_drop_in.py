"""Ordinary scikit-learn scripts run as they are with the import changed, and are as good."""

import re
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "drop_in"
THEIRS = re.compile(r"^from sklearn\.neural_network import (\w+)$", re.MULTILINE)
# The least score, and how far apart the two may be, which differ in their random numbers.
GOOD = {"digits": (0.95, 0.02), "diabetes": (0.25, 0.1), "labels": (0.8, 0.02)}


def run(name, ours):
    """What the script leaves behind."""
    text = (SCRIPTS / f"{name}.py").read_text()
    changed, lines = THEIRS.subn(r"from multicapa import \1", text)
    assert lines == 1
    left = {}
    exec(compile(changed if ours else text, name, "exec"), left)
    return left


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", GOOD)
def test_only_the_import_changes(name, capsys):
    least, apart = GOOD[name]
    theirs, ours = run(name, ours=False), run(name, ours=True)
    assert ours["score"] >= least
    assert ours["score"] == pytest.approx(theirs["score"], abs=apart)
    lines = capsys.readouterr().out.splitlines()
    said = [re.sub(r"[\d.]+", "0", line) for line in lines]
    assert len(said) % 2 == 0
    if name != "diabetes":  # where the best parameters may be others
        assert [line.replace(" ", "") for line in said[: len(said) // 2]] == [
            line.replace(" ", "") for line in said[len(said) // 2 :]
        ]
    modules = {type(value).__module__.split(".")[0] for value in ours.values() if hasattr(value, "get_params")}
    assert "multicapa" in modules or name == "diabetes"


def test_every_script_is_run():
    assert {path.stem for path in SCRIPTS.glob("*.py")} == set(GOOD)
