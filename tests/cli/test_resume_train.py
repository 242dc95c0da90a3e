"""Trainings that are killed or stopped: what is kept, and that ``--resume`` ends with the same bytes."""

import os
import time
from pathlib import Path

import pandas as pd
import pytest
from tables import flowers

import multicapa as mc
from helpers import output_of
from multicapa.cli import checkpoint

LINE = "train t.csv --target species --hidden 30 --dropout 0.2 --norm batch --noise 0.1 --patience 400 --seed 3"
UNFINISHED = "model.safetensors.unfinished"


@pytest.fixture
def table(tmp_path):
    flowers().to_csv(tmp_path / "t.csv", index=False)


@pytest.fixture
def interrupted_after(monkeypatch):
    """Ctrl-C in the given epoch, once."""

    def set_up(epoch):
        left = [epoch]
        begin = mc.training.Run.begin_epoch

        def begin_epoch(run):
            if len(run.history) == left[0]:
                left[0] = -1
                raise KeyboardInterrupt
            begin(run)

        monkeypatch.setattr(mc.training.Run, "begin_epoch", begin_epoch)

    return set_up


def same_file(one, other):
    return Path(one).read_bytes() == Path(other).read_bytes()


def losses(path):
    return pd.read_csv(path)["loss"].tolist()


def test_interrupted_and_resumed(run, table, interrupted_after, tmp_path):
    line = f"{LINE} --epochs 40 --schedule plateau --patience 30 --log log.csv"
    assert run(f"{line} --output whole")[0] == 0
    assert not os.path.exists("whole.unfinished")
    os.rename("log.csv", "whole.csv")
    interrupted_after(13)
    code, out, _ = run(line)
    assert code == 130
    assert "Interrupted after 13 epochs" in out
    assert f"--resume goes on from {UNFINISHED}" in " ".join(out.split())
    assert run("evaluate model.safetensors t.csv")[0] == 0
    assert len(losses("log.csv")) == 13
    code, out, err = run(f"{line} --resume")
    assert (code, err) == (0, "")
    assert "Going on after epoch" in out
    assert same_file("model.safetensors", "whole")
    assert not os.path.exists(UNFINISHED)
    assert losses("log.csv") == losses("whole.csv")


def test_nothing_to_keep_before_the_first_epoch(run, table, interrupted_after):
    interrupted_after(0)
    assert run(f"{LINE} --epochs 5")[0] == 130
    assert not os.path.exists("model.safetensors")
    code, _, err = run(f"{LINE} --epochs 5 --resume")
    assert code == 0
    assert f"there is no {UNFINISHED} to go on from" in err


def test_others_are_not_gone_on_with(run, table, interrupted_after):
    interrupted_after(3)
    run(f"{LINE} --epochs 9")
    refused = run(f"{LINE} --epochs 9 --resume --learning-rate 0.5")
    assert refused[0] != 0
    assert "--learning-rate was" in refused[2]
    other = flowers()
    other.iloc[0, 0] += 1
    other.to_csv("t.csv", index=False)
    code, _, err = run(f"{LINE} --epochs 9 --resume")
    assert code != 0
    assert "the table is another" in err
    code, _, err = run(f"{LINE} --epochs 9")
    assert code == 0
    assert "--resume would have gone on" in err


def test_no_resume_of_l_bfgs(run, table):
    code, _, err = run("train t.csv --target species --optimizer lbfgs --epochs 3 --resume")
    assert code != 0
    assert "SciPy keeps its memory" in err


def test_checkpoints_take_a_small_share_of_the_time(run, table, monkeypatch):
    saved = []
    save = checkpoint.Checkpoint._save
    monkeypatch.setattr(checkpoint.Checkpoint, "_save", lambda *a: (time.sleep(0.02), saved.append(1), save(*a)))
    assert run(f"{LINE} --epochs 200")[0] == 0
    assert 1 <= len(saved) < 40


KILLED = """
from kills import killed
from multicapa.cli import main

def train():
    if code := main({line!r}.split()):
        raise SystemExit(code)

print(killed(train, {watched!r}, 20, seed={seed}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks what it kills")
def test_twenty_kills(run, tmp_path):
    flowers(300).to_csv("t.csv", index=False)
    line = f"{LINE} --schedule plateau --epochs 600"
    assert run(f"{line} --output whole")[0] == 0
    kills = rounds = 0
    while kills < 20:
        script = KILLED.format(line=f"{line} --resume", watched=UNFINISHED, seed=rounds)
        kills += int(output_of(script, timeout=600).splitlines()[-1])
        rounds += 1
        assert same_file("model.safetensors", "whole")
        assert not os.path.exists(UNFINISHED)
        os.unlink("model.safetensors")
    print(f"{kills} kills in {rounds} trainings, the same bytes")


def test_ctrl_c_before_the_first_checkpoint_promises_nothing(run, table, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint._Seldom, "on_epoch_end", stop)
    code, out, _ = run(f"{LINE} --epochs 5")
    assert code == 130
    assert not os.path.exists(UNFINISHED)
    assert "This is what there was; the same command begins anew." in " ".join(out.split())
