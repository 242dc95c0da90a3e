"""Help, wrong usage, exit codes, signals, extras that are not installed."""

import builtins
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tables import ENVIRONMENT, failure, flowers, misuse

import multicapa as mc
from multicapa.cli.parser import COMMANDS, EXIT_CODES

NAMES = [command.name for command in COMMANDS]


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("command", ["", *(f"{name} " for name in NAMES)])
def test_help_fits_and_ends_with_an_example(run, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = run(f"{command}--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= min(columns, 80)
    assert f"  multicapa {command}".rstrip() in out.rpartition("\n\n")[2]


def test_help_shows_every_option_with_its_default(run):
    for command in COMMANDS:
        shown = " ".join(run(f"{command.name} --help")[1].split())
        for option in command.options():
            assert option.typed in shown
            if isinstance(option.default, int | str) and not option.flag:
                assert f"default: {option.default})" in shown
            if option.choices and not option.positional:
                assert ", ".join(option.choices) in shown


def test_help_tells_the_exit_codes(run):
    _, out, _ = run("--help")
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in " ".join(out.split())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--loud", "COMMAND"),
        ("fly", "There are: demo, train"),
        ("tran t.csv", "did you mean train?"),
        ("train t.csv --traget species", "there is no option --traget; did you mean --target?"),
        ("train t.csv other.csv --target species", "'other.csv' belongs to no option"),
        ("train", "needs FILE and --target COLUMN"),
        ("train t.csv", "needs --target COLUMN"),
        ("predict model.safetensors", "needs FILE"),
        ("train t.csv --target species --dropout 2", "--dropout"),
        ("train t.csv --target species --hidden big", "64,32"),
        ("train t.csv --target species --epochs 0", "--epochs"),
        ("train t.csv --target species --epochs 1.5", "whole number"),
        ("train t.csv --target species --activation rleu", "did you mean 'relu'?"),
        ("train t.csv --target species --optimizer adagrat", "did you mean 'adagrad'?"),
        ("train t.csv --target species --schedule wild", "should be one of constant, cosine"),
        ("train t.csv --target species --drop species", "target"),
        ("train t.csv --target species --weight species", "target"),
        ("train none.csv --target species", "no file 'none.csv'"),
        ("info none.safetensors", "none.safetensors"),
        ("info t.csv", "'t.csv' is a table where a model should be"),
        ("evaluate none.safetensors t.csv", "none.safetensors"),
        ("train t.csv --target species --learnin-rate 1", "--learnin-rate"),
    ],
)
def test_wrong_usage(run, line, words):
    flowers().to_csv("t.csv", index=False)
    misuse(run(line), words)


def test_without_a_command_the_help_is_shown(run):
    assert run("") == run("--help")


def test_version(run):
    assert run("--version")[:2] == (0, f"multicapa {mc.__version__}\n")


def test_the_process_returns_the_exit_code(tmp_path):
    def returned(*words):
        command = [sys.executable, "-m", "multicapa", *words]
        return subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=False).returncode

    (tmp_path / "empty.csv").write_text("")
    assert returned("info") == 0
    assert returned("train", "empty.csv", "--target", "x") == 1
    assert returned("train", "none.csv", "--target", "x") == 2


def test_missing_extras_are_named(run, monkeypatch):
    flowers().to_csv("t.csv", index=False)
    run("train t.csv --target species --epochs 1")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib", None)
        for option in ("--figure x.png", "--report x.html"):
            failure(run(f"train t.csv --target species {option}"), 'pip install "multicapa[plots]"')
        failure(run("plot curves model.safetensors"), 'pip install "multicapa[plots]"')
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "tomli_w", None)
        for option in ("--show-config", "--report x.html"):
            failure(run(f"train t.csv --target species {option}"), 'pip install "multicapa[cli]"')
    real = builtins.__import__

    def without_pandas(name, *rest, **options):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    for line in ("train t.csv --target species", "predict model.safetensors t.csv", "evaluate model.safetensors t.csv"):
        failure(run(line), 'pip install "multicapa[cli]"')


def test_info_tells_versions_and_machine(run):
    code, out, _ = run("info")
    assert code == 0
    facts = (mc.__version__, np.__version__, mc._core.isa(), *mc._core.available_isas(), "BLAS", "threads")
    for fact in facts:
        assert fact in out


def test_info_tells_what_a_model_reads_and_how_it_was_trained(run):
    flowers().assign(day="2024-01-01").to_csv("t.csv", index=False)
    run("train t.csv --target species --epochs 1 --missing drop --hidden 8,4")
    _, out, _ = run("info model.safetensors")
    assert mc.load("model.safetensors").summary(79) in out
    facts = ("Predicts species: 'a', 'b', 'c'", "length, width", "colour (3)", "dates: day", "rows are left out")
    for fact in (*facts, "Epochs trained: 1, with hidden 8,4"):
        assert fact in out
    mc.Sequential([mc.Dense(2)], input_shape=3, seed=0).save("plain")
    code, out, _ = run("info plain")
    assert code == 0
    assert "dense_1" in out


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_during_training(tmp_path):
    flowers(3000).to_csv(tmp_path / "t.csv", index=False)
    command = "train t.csv --target species --epochs 1000000 --patience none --hidden 256,256 --log log.csv"
    process = subprocess.Popen(
        [sys.executable, "-m", "multicapa", *command.split()],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = tmp_path / "log.csv"
    unfinished = tmp_path / "model.safetensors.unfinished"
    for _ in range(600):  # until the first epoch is over, and noted
        if log.exists() and log.read_text().count("\n") > 1 and unfinished.exists():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert (tmp_path / "model.safetensors").exists()  # what there was
    assert unfinished.exists()


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_who_has_seen_enough(run):
    flowers(20000).to_csv("t.csv", index=False)
    run("train t.csv --target species --epochs 1")
    process = subprocess.Popen(
        [sys.executable, "-m", "multicapa", "predict", "model.safetensors", "t.csv"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().endswith("predicted_species\n")
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 0


def test_colours_are_for_terminals(run, monkeypatch):
    """Neither stream of a test is one."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    flowers().to_csv("t.csv", index=False)
    assert "\033" not in run("train t.csv --target species --epochs 1")[1]
    assert "\033" not in run("train t.csv --target nothing")[2]
