"""The first weights from the command line: for all layers or for each, in files of options and in searches."""

import numpy as np
import pytest
from tables import flowers, misuse

import multicapa as mc

ONCE = "--epochs 1 --learning-rate 1e-12 --dtype float64"  # what is left is the start


def start(run, more=""):
    """The parameters of a network with two hidden layers, as it began."""
    flowers().to_csv("t.csv", index=False)
    code, _, err = run(f"train t.csv --target species --hidden 8,4 {ONCE} {more}")
    assert code == 0, err
    return {name: np.array(view) for name, view in mc.load("model.safetensors").parameters.items()}


def test_by_default_as_networks_do(run):
    found = start(run)
    layers = [mc.Dense(8, "relu"), mc.Dense(4, "relu"), mc.Dense(3, "softmax")]
    net = mc.Sequential(layers, input_shape=5, dtype="float64", seed=0)
    for name, view in net.parameters.items():
        np.testing.assert_allclose(found[name], view, atol=1e-9)


def test_for_all_layers_or_for_each(run):
    found = start(run, "--weight-init ones --bias-init ones")
    assert all(np.allclose(values, 1) for values in found.values())
    found = start(run, "--weight-init zeros,auto,ones --bias-init auto,ones,zeros")
    np.testing.assert_allclose(found["dense_1.weight"], 0, atol=1e-9)
    assert 0 < np.abs(found["dense_2.weight"]).max() <= np.sqrt(1 / 8)
    np.testing.assert_allclose(found["dense_3.weight"], 1, atol=1e-9)
    np.testing.assert_allclose(found["dense_2.bias"], 1, atol=1e-9)
    np.testing.assert_allclose(found["dense_3.bias"], 0, atol=1e-9)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_beside_norms(run, norm):
    found = start(run, f"--norm {norm} --weight-init zeros,auto,ones --activation tanh")
    np.testing.assert_allclose(found["dense_1.weight"], 0, atol=1e-9)
    assert np.abs(found["dense_2.weight"]).max() > 0.8 * np.sqrt(6 / 12)  # Glorot's, which suits tanh


def test_a_file_of_options_gives_the_same_bits(run, tmp_path):
    line = "train t.csv --target species --hidden 8,4 --epochs 2 --weight-init he_uniform,auto,zeros --bias-init zeros"
    flowers().to_csv("t.csv", index=False)
    assert run(line)[0] == 0
    first = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "options.toml").write_text(run(f"{line} --show-config")[1])
    assert 'weight-init = "he_uniform,auto,zeros"' in (tmp_path / "options.toml").read_text()
    assert run("train --config options.toml")[0] == 0
    assert (tmp_path / "model.safetensors").read_bytes() == first
    (tmp_path / "more.toml").write_text('file = "t.csv"\ntarget = "species"\nhidden = []\nweight_init = ["ones"]\n')
    assert run("train --config more.toml --epochs 1")[0] == 0


def test_searched(run):
    flowers().to_csv("t.csv", index=False)
    code, out, err = run(
        "search t.csv --target species --hidden 8 --learning-rate 0.01 --batch-size 32 --epochs 3 "
        "--weight-init auto zeros he_uniform,ones"
    )
    assert code == 0, err
    assert "he_uniform,ones" in out
    shown = run("search t.csv --target species --weight-init auto zeros --show-config")[1]
    assert '"auto"' in shown


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("--weight-init he_unifrom", "did you mean 'he_uniform'"),
        ("--bias-init zeros,zeros", "--bias-init names 2, but there are 3 layers with weights"),
        ("--hidden none --weight-init ones,ones", "--weight-init names 2, but there"),
    ],
)
def test_wrong_ones_are_named(run, more, words):
    flowers().to_csv("t.csv", index=False)
    misuse(run(f"train t.csv --target species {more}"), words)
