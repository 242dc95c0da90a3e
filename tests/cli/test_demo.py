"""The demo: what it shows, writes and suggests."""

import subprocess
import sys

import pytest
from tables import ENVIRONMENT, misuse, scores


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "multicapa", "demo", "--output", str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=ENVIRONMENT,
    )
    return folder, done.stdout


def test_it_reads_digits_and_writes_its_files(demo):
    folder, out = demo
    found = scores(out)
    assert found["test"] >= 0.97
    assert found["train"] >= found["dev"] >= 0.95
    assert sorted(path.name for path in folder.iterdir()) == [
        "multicapa-demo-test.csv",
        "multicapa-demo.png",
        "multicapa-demo.safetensors",
    ]
    assert (folder / "multicapa-demo.png").read_bytes().startswith(b"\x89PNG")
    assert all(len(line) <= 80 for line in out.splitlines() if str(folder) not in line)


def test_what_it_suggests_works_and_agrees(demo, run, monkeypatch):
    folder, out = demo
    monkeypatch.chdir(folder)
    whole = out[out.index("What to try next:") :].replace("\\\n", "")
    suggested = [line.strip() for line in whole.splitlines() if "multicapa" in line]
    runnable = [line.removeprefix("multicapa ") for line in suggested if "YOUR" not in line and "cd " not in line]
    assert [line.split()[0] for line in runnable] == ["info", "evaluate", "predict", "plot", "train"]
    outputs = [run(line) for line in runnable]
    assert [code for code, _, _ in outputs] == [0, 0, 0, 0, 0]
    assert f"{scores(out)['test']:.3f}" in outputs[1][1]
    assert "256" in outputs[0][1]


@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_good_for_other_seeds(run, seed):
    code, out, _ = run(f"demo --seed {seed}")
    assert code == 0
    assert scores(out)["test"] >= 0.97


def test_it_goes_without_matplotlib(run, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, err = run("demo --epochs 1")
    assert code == 0
    assert 'pip install "multicapa[plots]"' in err
    assert (tmp_path / "multicapa-demo.safetensors").exists()
    assert not (tmp_path / "multicapa-demo.png").exists()


def test_where_a_file_is(run, tmp_path):
    (tmp_path / "file").write_text("")
    misuse(run("demo --output file"), "'file' is not a folder")
