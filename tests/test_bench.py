"""The comparison with other libraries runs, checks what it measures and writes what it found. Nothing is timed here."""

import ctypes.util
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("packaging")

from comparison import decoding, installed, schedule
from comparison.contenders import Measured, contenders, ours_and_best_peer, ratio
from comparison.libraries import LIBRARIES
from comparison.report import table
from comparison.rows import TRANSFORMER, TRANSLATION, Goal, Row, find
from comparison.training import Training, check_agreement
from comparison.work import JUDGED_IMAGES, JUDGED_SAMPLES, judge
from comparison.worker import DecodingBench, Failure, GraphBench, Losses, PredictionBench, TrainingBench
from helpers import ROOT

QUICK = ("--rounds", "1", "--seconds", "0.01", "--threads", "1", "--patience", "0.01")


def run(script, *options):
    command = [sys.executable, str(ROOT / "bench" / "python" / script), *QUICK, *options]
    return subprocess.run(command, capture_output=True, text=True)


def test_training_beside_scikit_learn(tmp_path):
    file = tmp_path / "found.json"
    options = ("--tables", "training", "--rows", "4-16-3", "--peers", "scikit-learn", "--json", str(file))
    done = run("peers.py", *options)
    assert done.returncode == 0, done.stderr
    assert "4-16-3 tanh (16, SGD)" in done.stdout
    found = json.loads(file.read_text())
    assert found["failures"] == []
    (row,) = found["training"]
    assert (row["must"], row["aim"], row["batch"]) == ("12×", "20×", 16)
    ours, theirs = row["results"]
    assert (ours["library"], theirs["library"]) == ("multicapa", "scikit-learn")
    assert ours["checked_loss"] == pytest.approx(theirs["checked_loss"], rel=0.05)
    assert row["ratio"] == pytest.approx(ours["samples_per_second"] / theirs["samples_per_second"])
    assert ours["gflops"] == pytest.approx(1e-9 * ours["samples_per_second"] * (4 * 4 * 16 + 6 * 16 * 3))
    assert ours["of_peak"] == pytest.approx(ours["gflops"] / row["peak_gflops"])


def test_sweep(tmp_path):
    file = tmp_path / "found.json"
    done = run("sweep.py", "--widths", "8", "--batches", "7", "16", "--optimizers", "sgd", "--json", str(file))
    assert done.returncode == 0, done.stderr
    shapes = json.loads(file.read_text())["shapes"]
    assert [(shape["width"], shape["batch"]) for shape in shapes] == [(8, 7), (8, 16)]
    assert all(shape["results"][0]["samples_per_second"] > 0 for shape in shapes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--rows", "5-5-5"), "no network has '5-5-5' in its name"),
        (("--rounds", "0"), "invalid positive int value: '0'"),
        (("--seconds", "nan"), "invalid positive float value: 'nan'"),
        (("--peak-binary", "nowhere"), "there is no file nowhere"),
        (("--json", "nowhere/found.json"), "there is no folder nowhere"),
        (("--peers", "matlab"), "invalid choice: 'matlab'"),
    ],
)
def test_bad_options_are_told(options, message):
    done = run("peers.py", *options)
    assert done.returncode == 2
    assert message in done.stderr


CONVOLUTIONS = ["LeNet-5", "digits 8×8×1", "series 128×9"]
SEQUENCES = ["LSTM 16→64, 32 steps", "GRU 16→64, 32 steps", "RNN 8→32, 50 steps", "LSTM both ways 12→64, 7 to 29 steps"]


@pytest.mark.parametrize("name", ["4-16-3", "28-300×5-1", "64×16 layers", "10-32-1", *CONVOLUTIONS, *SEQUENCES])
def test_the_judge_sees_the_loss_that_is_trained(name):
    bench = TrainingBench("with_multicapa", find(name), 1)
    bench.training.start(bench.weights)
    count = JUDGED_IMAGES if bench.work.layers else JUDGED_SAMPLES
    expected = bench.training.net.evaluate(bench.training.X[:count], bench.data.y[:count])["loss"]
    assert judge(bench.work, bench.training.weights(), bench.data) == pytest.approx(expected, rel=1e-5)
    assert bench.first_loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.skipif(ctypes.util.find_library("floatfann") is None, reason="FANN is not installed")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fann_takes_its_weights_and_trains(dtype):
    bench = TrainingBench("with_fann", replace(find("10-32-1"), dtype=dtype), 1)
    bench.training.start(bench.weights)
    for (W, b), (V, a) in zip(bench.weights, bench.training.weights(), strict=True):
        np.testing.assert_array_equal(W, V)
        np.testing.assert_array_equal(b, a)
    ours = TrainingBench("with_multicapa", bench.work, 1).check()
    assert bench.check().last == pytest.approx(ours.last, abs=0.05 * ours.first)


@pytest.mark.parametrize("name", [*CONVOLUTIONS, *SEQUENCES])
@pytest.mark.parametrize("library", ["with_pytorch", "with_jax"])
def test_layers_of_other_libraries_are_the_same_network(library, name):
    """Their weights come back as they went in, and their probabilities are those of NumPy."""
    pytest.importorskip({"with_pytorch": "torch", "with_jax": "jax"}[library])
    work = replace(find(name), batch=8, least_samples=16)
    bench = TrainingBench(library, work, 1)
    bench.training.start(bench.weights)
    for (W, b), (V, a) in zip(bench.weights, bench.training.weights(), strict=True):
        np.testing.assert_array_equal(W, V)
        np.testing.assert_array_equal(b, a)
    if work.lengths is None:
        PredictionBench(library, work, 3, 1).check()
        return
    ours, theirs = (
        TrainingBench(each, replace(work, least_samples=64), 1).check() for each in ("with_multicapa", library)
    )
    assert abs(theirs.last - ours.last) < 0.05 * (ours.first - ours.last)


@pytest.mark.parametrize("work", [TRANSFORMER, TRANSLATION], ids=lambda work: work.name)
@pytest.mark.parametrize("library", ["with_multicapa", "with_pytorch", "with_jax"])
def test_graphs_are_the_same_in_all_libraries(library, work):
    """Their weights come back as they went in, and a step leaves those that multicapa's leaves."""
    pytest.importorskip({"with_multicapa": "numpy", "with_pytorch": "torch", "with_jax": "jax"}[library])
    small = replace(work, units=8, batch=16, least_samples=16)
    bench, ours = (GraphBench(name, small, 1) for name in (library, "with_multicapa"))
    bench.training.start(bench.weights)
    for name, weight in bench.training.weights().items():
        np.testing.assert_array_equal(weight, bench.weights[name], name)
    if library == "with_multicapa":
        net, X = ours.training.net, ours.data.X
        ours.training.start(ours.weights)
        assert ours.first_loss == pytest.approx(
            net.evaluate(list(X) if len(X) > 1 else X[0], ours.data.y)["loss"], 1e-5
        )
    assert bench.check().last == pytest.approx(ours.check().last, rel=1e-4)


@pytest.mark.parametrize("width", [1, 4])
def test_decoding_is_the_same_in_pytorch(width):
    pytest.importorskip("torch")
    small = replace(TRANSLATION, units=16)
    ours, theirs = (DecodingBench(name, small, 20, width, 1).check() for name in ("with_multicapa", "with_pytorch"))
    decoding.check_agreement("PyTorch", theirs, ours)
    if width == 1:
        assert [tokens for tokens, _ in theirs] == [tokens for tokens, _ in ours]
    with pytest.raises(Failure, match="PyTorch found sentences with a mean score"):
        decoding.check_agreement("PyTorch", [(tokens, score + 1) for tokens, score in theirs], ours)


def test_operations_of_an_lstm():
    """Four gates of inputs and states at each of 32 steps; no gradient of the inputs."""
    inputs, states, last = 32 * 16 * 256, 32 * 64 * 256, 64 * 4
    assert find("LSTM 16→64, 32 steps").flops_per_sample == 4 * inputs + 6 * (states + last)


def test_multiplications_of_lenet_are_those_of_the_formula():
    """SimpleChains.jl's count: 24² · 6 · 25, 8² · 16 · 150, and the dense layers."""
    first, *others = 24**2 * 6 * 25, 8**2 * 16 * 150, 256 * 120, 120 * 84, 84 * 10
    assert find("LeNet-5").flops_per_sample == 4 * first + 6 * sum(others)


def test_training_that_does_not_train_is_an_error():
    bench = TrainingBench("with_multicapa", find("4-16-3"), 1)
    bench.training.run = lambda epochs: None
    with pytest.raises(Failure, match="the loss went from"):
        bench.time(1)


def test_predictions_are_checked():
    bench = PredictionBench("with_multicapa", find("64-100-10"), 3, 1)
    bench.check()
    bench.prediction.net.parameters["dense_1.bias"][:] = 1
    with pytest.raises(Failure, match="a probability is wrong by"):
        bench.check()


def test_a_library_that_lags_behind_is_an_error():
    fine = [Losses(2.0, 1.0), Losses(2.0, 1.04), Losses(2.0, 0.96)]
    check_agreement(["a", "b", "c"], fine)
    with pytest.raises(Failure, match=r"b came from 2 to 1\.06, the others to 1$"):
        check_agreement(["a", "b", "c"], [fine[0], Losses(2.0, 1.06), fine[2]])


def test_ratios_are_of_medians_and_goals_are_judged():
    measured = [
        Measured("multicapa", 1, [4.0, 2.0, 1.0]),
        Measured("multicapa", 2, [1.0, 1.0, 9.0]),
        Measured("A", 1, [2.0, 3.0, 4.0]),
        Measured("B", 2, [2.0, 8.0, 1.0]),
    ]
    ours, peer = ours_and_best_peer(measured)
    assert (ours.threads, peer.library) == (2, "B")
    assert ratio(measured) == 2
    assert ratio(measured, over="A") == 3
    assert ratio(measured[:2]) is None
    work = find("4-16-3")
    gflops = 1e-9 * work.samples * work.flops_per_sample
    result = Training(Row(work), measured, [], peak=2 * gflops)
    assert result.reaches(Goal()) is None
    assert result.reaches(Goal(2)) is True
    assert result.reaches(Goal(2.1)) is False
    assert result.reaches(Goal(2.9, over="A")) is True
    assert result.reaches(Goal(2, over="nobody")) is None
    assert result.reaches(Goal(of_peak=0.5)) is True
    assert result.reaches(Goal(2, of_peak=0.51)) is False
    assert str(Goal(1.1, of_peak=0.85, gflops_per_core=60)) == "1.1× 85% 60/core"
    assert Measured("A", 1, [1.0, 9.0, 2.0, 3.0, 2.0]).spread == 0.5


def test_sizes_of_installed_packages(tmp_path, monkeypatch):
    def install(name, files, requires=()):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {r}" for r in requires)]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        for file, size in files.items():
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).write_bytes(bytes(size))
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))

    blas = "bench_a.libs/libscipy_openblas-1234.so.0"
    install("bench_a", {"bench_a/x.py": 100, blas: 5000}, ["bench_b>=1", 'bench_c; extra == "more"'])
    install("bench_b", {"bench_b/y.py": 30}, ["bench_a"])
    install("bench_c", {"bench_c/z.py": 7})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed.measure(("bench_a",)) == installed.Size(100, 5100, 5130)


def test_rounds_wait_for_quiet(monkeypatch):
    busy = iter([2.0, 1.0, 0.1, 0.0, 0.2])
    monkeypatch.setattr(schedule, "busy_cores", lambda: next(busy))
    patient = schedule.Schedule(rounds=2, seconds=1, patience=1e6)
    assert len(list(patient.begin_rounds())) == 2
    assert str(patient) == "0 of 2 rounds began while other processes were busy"
    monkeypatch.setattr(schedule, "busy_cores", lambda: 2.0)
    hurried = schedule.Schedule(rounds=2, seconds=1, patience=1e-9)
    assert len(list(hurried.begin_rounds(times=3))) == 6
    assert hurried.disturbed == 6


def test_a_failure_says_whose_it_is():
    ours = [library for library in LIBRARIES if library.name == "multicapa"]
    with contenders(ours, [1]) as (contender,):
        with pytest.raises(Failure, match="multicapa on 1 thread: ends"):
            contender.call(fail)
        with pytest.raises(Failure, match="multicapa on 1 thread: ZeroDivisionError"):
            contender.call(divmod, 1, 0)


def fail():
    raise Failure("ends")


def test_table():
    lines = ["       n", "────  ──", "a     10", "long   9"]
    assert table(["", "n"], [["a", "10"], ["long", "9"]]).splitlines() == lines
