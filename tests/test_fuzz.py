"""A short turn of each tool in tests/fuzz; they run for long by hand."""

import sys

import pytest

from fuzz import convolutions, files, graphs, soak


def test_damaged_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded, longest = files.run(1000, seed=1)
    assert 0 < loaded < 900
    assert longest < 5


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_random_graphs(first):
    pytest.importorskip("torch")
    for seed in range(first, first + 100):
        graphs.check(seed)


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_random_convolutions(first):
    pytest.importorskip("torch")
    assert sum(convolutions.check(seed) for seed in range(first, first + 100)) > 60


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_soak():
    done, growth = soak.run(4.0, 3)
    assert done > 3
    assert growth < 200


def test_the_tools_can_fail(tmp_path, monkeypatch):
    """A wrong gradient and another error than the promised ones are noticed."""
    monkeypatch.setattr(files, "PROMISED", ())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="mutated"):
        files.run(50)
    assert (tmp_path / "fuzz-failure.safetensors").exists()
    pytest.importorskip("torch")
    from fuzz import in_torch

    padded, right = in_torch.sides, in_torch.evaluated
    monkeypatch.setattr(in_torch, "sides", lambda *a: padded(*a)[::-1])  # the odd zero on the other side
    with pytest.raises(AssertionError, match="off by"):
        sum(map(convolutions.check, range(50)))
    monkeypatch.setattr(in_torch, "evaluated", lambda *a: (lambda y, c, g: (y, c * (1 + 1e-6), g))(*right(*a)))
    with pytest.raises(AssertionError, match="cost"):
        graphs.check(0)
    series = iter(range(10**6))
    monkeypatch.setattr(soak, "work", lambda seed: str(next(series)))
    monkeypatch.setattr(soak, "resident", lambda: 0.0)
    with pytest.raises(AssertionError, match="other bits"):
        soak.run(0.05, 1)
