"""Configuration files: what --show-config prints runs again to the same bits."""

import tomllib

import pandas as pd
import pytest
from tables import flowers, misuse

from multicapa.cli.parser import COMMANDS

pytest.importorskip("tomli_w")

# Options in all manners of values.
BUSY = (
    "train t.csv --target species --drop width --drop note --na ? --missing impute --hidden 8,4 --activation tanh,elu "
    "--dropout 0.1 --learning-rate 0.02 --schedule cosine --class-weight a=2,b=0.5 --clip-norm 1 --seed 5 --epochs 9 "
    "--dev 0.2 --test later.csv"
)


@pytest.fixture
def files(run):
    flowers().assign(note="x").to_csv("t.csv", index=False)
    flowers(30, seed=1).assign(note="x").to_csv("later.csv", index=False)


@pytest.mark.usefixtures("files")
def test_shown_and_run_again_the_same_bytes(run, tmp_path):
    code, shown, err = run(f"{BUSY} --show-config")
    assert (code, err) == (0, "")
    assert not (tmp_path / "model.safetensors").exists()
    (tmp_path / "c.toml").write_text(shown)
    assert run(BUSY)[0] == 0
    first = (tmp_path / "model.safetensors").read_bytes()
    predictions = run("predict model.safetensors later.csv")[1]
    (tmp_path / "model.safetensors").unlink()
    assert run("train --config c.toml")[0] == 0
    assert (tmp_path / "model.safetensors").read_bytes() == first
    assert run("predict model.safetensors later.csv")[1] == predictions
    assert run("train --config c.toml --show-config")[1] == shown


@pytest.mark.usefixtures("files")
def test_other_threads_give_the_same_bytes(run, tmp_path):
    line = "train t.csv --target species --hidden 64,64 --dropout 0.2 --epochs 5"
    run(f"{line} --threads 1 --output one")
    run(f"{line} --threads 3 --output three")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "three").read_bytes()


@pytest.mark.parametrize("command", COMMANDS[:-1], ids=lambda command: command.name)
def test_every_option_is_in_it_and_is_read_back(run, tmp_path, command):
    code, shown, _ = run(f"{command.name} --show-config")
    assert code == 0
    entries = tomllib.loads(shown)
    found = {name for value in entries.values() if isinstance(value, dict) for name in value} | set(entries)
    assert {option.name for option in command.options()} <= found
    (tmp_path / "c.toml").write_text(shown)
    assert run(f"{command.name} --config c.toml --show-config")[1] == shown


@pytest.mark.usefixtures("files")
def test_predict_from_a_file(run, tmp_path):
    run(BUSY)
    _, shown, _ = run("predict model.safetensors later.csv --probabilities --show-config")
    (tmp_path / "c.toml").write_text(shown)
    assert run("predict --config c.toml")[1] == run("predict model.safetensors later.csv --probabilities")[1]


@pytest.mark.usefixtures("files")
def test_what_is_typed_wins(run, tmp_path):
    (tmp_path / "c.toml").write_text('file = "t.csv"\ntarget = "species"\nepochs = 7\ndrop = ["note", "width"]\n')
    assert run("train --config c.toml --epochs 3 --drop note --log log.csv")[0] == 0
    assert len(pd.read_csv("log.csv")) == 3
    assert "width" in run("info model.safetensors")[1]


def test_written_by_hand(run, tmp_path):
    """Tables are optional, names may have underscores, lists may be lists."""
    text = 'file = "t.csv"\nlearning_rate = 0.5\n[network]\nhidden = [8, 4]\nactivation = "elu"\n[training]\nseed = 3\n'
    (tmp_path / "c.toml").write_text(text)
    shown = tomllib.loads(run("train --config c.toml --show-config")[1])
    assert (shown["file"], shown["training"]["learning-rate"], shown["training"]["seed"]) == ("t.csv", 0.5, 3)
    assert (shown["network"]["hidden"], shown["network"]["activation"]) == ("8,4", "elu")
    (tmp_path / "c.toml").write_text("hidden = [[8], [8, 4]]\nlearning-rate = [0.1, 0.2]\nbatch-size = 16\n")
    shown = tomllib.loads(run("search --config c.toml --show-config")[1])
    assert shown["network"]["hidden"] == ["8", "8,4"]
    assert shown["training"]["learning-rate"] == [0.1, 0.2]
    assert shown["training"]["batch-size"] == [16]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs = ", "is not TOML"),
        ("epoch = 3", "did you mean 'epochs'?"),
        ("[trainin]\nepochs = 3", "did you mean 'training'?"),
        ("epochs = 1.5", "epochs should be a whole number"),
        ("epochs = true", "epochs should be a whole number"),
        ('norm = "both"', "norm should be one of none, batch, layer"),
        ('command = "predict"', "is for 'multicapa predict'"),
        ("[training]\nhidden = [1, 0]", "64,32"),
    ],
)
def test_files_that_make_no_sense(run, tmp_path, text, words):
    (tmp_path / "c.toml").write_text(text)
    misuse(run("train t.csv --target species --config c.toml"), "c.toml", words)
    misuse(run("train --config none.toml"), "no configuration file 'none.toml'")


def test_flags_are_true_or_false(run, tmp_path):
    (tmp_path / "c.toml").write_text('probabilities = "yes"')
    misuse(run("predict m t.csv --config c.toml"), "probabilities should be true or false")
