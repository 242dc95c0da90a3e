"""The examples run, and show what the lectures claim."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Runs an example in an empty folder and returns the variables it leaves; it draws the pictures it speaks of."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)

    def run_example(name):
        left = runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        out = capsys.readouterr().out
        assert len(out.splitlines()) >= 2, "an example tells something"
        assert max(map(len, out.splitlines())) <= 80
        pictures = sorted(path.name for path in tmp_path.iterdir())
        assert sorted(re.findall(r"\w+\.(?:png|svg)", out)) == pictures
        assert all((tmp_path / picture).stat().st_size > 5_000 for picture in pictures)
        return left

    return run_example


def test_backpropagation(run):
    """Every number of the lectures' 4-2-2-1 network, by their formulas."""
    left = run("backpropagation")
    trace, x, t, net = left["trace"], left["x"], left["t"], left["net"]
    W = [left["before"][f"dense_{i}.weight"] for i in (1, 2, 3)]
    b = [left["before"][f"dense_{i}.bias"] for i in (1, 2, 3)]
    assert [matrix.shape for matrix in W] == [(4, 2), (2, 2), (2, 1)]
    a = [x]
    for i in range(3):
        z = a[i] @ W[i] + b[i]
        np.testing.assert_allclose(trace.z[f"dense_{i + 1}"], z, rtol=1e-13)
        a.append(1 / (1 + np.exp(-z)))
        np.testing.assert_allclose(trace.activations[f"dense_{i + 1}"], a[-1], rtol=1e-13)
    assert trace.loss == pytest.approx(((a[3] - t) ** 2).item() / 2, rel=1e-13)
    delta = (a[3] - t) * a[3] * (1 - a[3])
    for i in (2, 1, 0):
        np.testing.assert_allclose(trace.deltas[f"dense_{i + 1}"], delta, rtol=1e-12)
        np.testing.assert_allclose(trace.gradients[f"dense_{i + 1}.weight"], a[i].T @ delta, rtol=1e-12)
        np.testing.assert_allclose(trace.gradients[f"dense_{i + 1}.bias"], delta[0], rtol=1e-12)
        stepped = W[i] - 0.5 * a[i].T @ delta
        np.testing.assert_allclose(net.parameters[f"dense_{i + 1}.weight"], stepped, rtol=1e-12)
        delta = (delta @ W[i].T) * a[i] * (1 - a[i])
    assert left["cost_after"] < trace.loss


def test_perceptron(run):
    """Converges on separable data and then stands still; never on XOR, which two layers solve."""
    left = run("perceptron")
    assert 1 < left["epochs_on_line"] < 500
    assert left["change_when_right"] == 0
    assert left["epochs_on_gates"]["and"] is not None
    assert left["epochs_on_gates"]["or"] is not None
    assert left["epochs_on_gates"]["xor"] is None
    np.testing.assert_allclose(left["xor_outputs"], left["gates"]["xor"], atol=0.2)


def test_adaline(run):
    """Reaches the least-squares solution, nearer with a falling rate."""
    left = run("adaline")
    assert left["distance_falling"] < 0.01
    assert left["distance_falling"] < left["distance_constant"] < 0.3
    assert left["last_errors"] < left["first_errors"]


def test_logistic_regression(run):
    left = run("logistic_regression")
    for case in ("two_classes", "three_classes"):
        difference, ours, theirs = left[case]
        assert difference < 1e-5
        assert ours == theirs


def test_linear_collapse(run):
    left = run("linear_collapse")
    assert left["difference"] < 1e-12
    assert left["loss_of_deep"] == pytest.approx(left["loss_of_plane"], rel=1e-4)
    assert left["loss_of_bent"] < 0.01 * left["loss_of_plane"]


def test_digits(run):
    assert run("digits")["accuracy"] > 0.95


def test_lenet_digits(run):
    """Filters see digits wherever they lie; a dense network of the same size does not."""
    reached = {name: np.median(each) for name, each in run("lenet_digits")["accuracies"].items()}
    assert reached["convolutional"] > 0.985
    assert reached["convolutional"] > max(reached["dense"], reached["dense, not moved"]) + 0.01


def test_series(run):
    left = run("series")
    assert left["accuracies"]["Conv1D"] > 0.9
    assert left["accuracies"]["Conv1D"] > left["accuracies"]["dense"] + 0.2
    assert left["accuracy_long"] > 0.9


def test_iris_comparison(run):
    accuracies = run("iris_comparison")["accuracies"]
    assert len(accuracies) == 6
    assert accuracies["multilayer perceptron"] > 0.94
    assert accuracies["multilayer perceptron"] > max(accuracies.values()) - 0.02
    assert accuracies["the same, no hidden layer"] == pytest.approx(accuracies["logistic regression"], abs=0.01)


def test_overfitting(run):
    """The small net stays bad on both; of the large one train falls to almost nothing and dev turns; remedies help."""
    left = run("overfitting")
    small, right, large = left["small"], left["right"], left["large"]
    assert small["loss"][-1] > 1.3 * right["loss"][-1]
    assert small["val_loss"][-1] > 1.3 * right["val_loss"][-1]
    assert abs(right["loss"][-1] - right["val_loss"][-1]) < 0.05
    assert left["turn"] < 50
    plain_train, plain_dev = left["results"].pop("nothing")
    assert plain_train < 0.01
    assert plain_dev > 3 * min(large["val_loss"])
    for on_train, on_dev in left["results"].values():
        assert on_dev < 0.6 * plain_dev
        assert on_train > 10 * plain_train


def test_xor_and_moons(run):
    left = run("xor_and_moons")
    assert left["xor"][0] < 1
    assert left["xor"][2] == 1
    assert left["moons"][0] <= left["moons"][2] < 0.95 < left["moons"][8]
    assert left["chance"] == 1


def test_regression_diabetes(run):
    left = run("regression_diabetes")
    for loss in ("half_squared_error", "absolute_error", "huber"):
        assert left["r2"][f"network, {loss}"] > 0.35
        assert left["absolute"][f"network, {loss}"] < 0.75 * left["absolute"]["always the mean"]


def test_imbalanced(run):
    """Class weights raise the recall of the rare class; precision pays."""
    left = run("imbalanced")
    plain, weighted, balanced = left["results"].values()
    assert plain[2] < min(weighted[2], balanced[2])
    assert balanced[2] > plain[2] + 0.1
    assert balanced[1] < plain[1]
    assert left["always_no"] == pytest.approx(0.98, abs=0.005)


def test_every_example_is_run_here():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in EXAMPLES.glob("*.py")} <= tested


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_examples_are_short_and_explained(path):
    text = path.read_text()
    assert text.startswith('"""')
    assert len(text.splitlines()) <= 80


def test_parity(run):
    """A second-order network learns the automaton and keeps it on longer strings; a first-order one fails."""
    left = run("parity")
    assert left["second_longer"] > 0.99 > 0.8 > left["first_longer"]


def test_forecast(run):
    """Both networks come close to the noise; the stream agrees with predict to the last bit."""
    left = run("forecast")
    assert max(left["recurrent_error"], left["dense_error"]) < 0.16 < 0.5 * left["naive"]
    assert left["same"]


def test_gestures(run):
    """A recurrent network reads what a dense one has to have filled up, and speed does not matter to it."""
    left = run("gestures")
    assert left["scores"].mean() > 0.95
    assert left["scores"].mean() > left["dense_scores"].mean() + 0.03
    assert left["model"].predict([left["slow"]])[0] == left["names"][0]


def test_letters(run):
    left = run("letters")
    assert left["after"] < 0.6 < left["before"]
    assert left["share"] > 0.9
    assert len(left["made"]) > 50


def test_transformer(run):
    """Sees a number that comes twice, and looks from one to the other; a recurrent network of its size does not."""
    left = run("transformer")
    assert left["sees"] > 0.95 > 0.85 > left["remembers"]
    others = [left["weights"][1, j] for j in (0, 2, 3, 5)]
    assert left["weights"][1, 4] > 2 * max(others)


def test_numerals(run):
    left = run("numerals")
    assert left["exact"] > 0.9
    assert left["made"] == "732"
    assert left["weights"].shape == (1, 4, 4)


def test_dates(run):
    assert run("dates")["exact"] > 0.95


def test_reversing_and_sorting(run):
    assert min(run("reversing_and_sorting")["exact"].values()) > 0.9


def test_siamese(run):
    """One encoder serves both images; of digits that it has not been trained on it can tell something."""
    left = run("siamese")
    other, fresh = left["scores"].values()
    assert other > 0.9
    assert 0.55 < fresh < other
    assert not any(":" in name for name in left["net"].parameters)


def test_own_layer(run):
    left = run("own_layer")
    assert left["wrong"].wrong == ["bells"]
    assert left["right"].passed
    assert left["accuracy"] > 0.95
