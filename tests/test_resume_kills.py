"""Trainings that are killed twenty times at random moments end with the bits of one that was left alone."""

import os

import numpy as np
import pytest

import multicapa as mc
from helpers import numbers_of, output_of

pytest.importorskip("safetensors")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="forks what it kills")]
KILLS, EPOCHS = 20, 250
rng = np.random.default_rng(0)
X = rng.normal(size=(90, 5))
Y = np.digitize(X[:, 0] + 0.5 * X[:, 1] + 0.5 * rng.normal(size=90), [-0.5, 0.5])
DEV = X[:30], rng.integers(0, 3, 30)


class Loader:
    def __iter__(self):
        return ((X[i : i + 25], Y[i : i + 25]) for i in range(0, 90, 25))


def shaken(x, generator):
    return x + generator.normal(scale=0.1, size=x.shape)


def by_epoch():
    return mc.schedules.ByEpoch(mc.schedules.Cosine(0.05, steps=EPOCHS))


# By name: hidden layers, and a function that makes what fit is told anew for each process.
SCENARIOS = {
    "dense": ([], lambda: {"optimizer": "adam"}),
    "dropout": ([mc.Dropout(0.3), mc.GaussianNoise(0.1)], lambda: {"optimizer": "adam", "weight_noise": 0.01}),
    "batch norm": ([mc.BatchNorm()], lambda: {"optimizer": "rmsprop"}),
    "momentum": ([], lambda: {"optimizer": mc.SGD(0.02, momentum=0.9, nesterov=True)}),
    "schedule by step": ([], lambda: {"optimizer": mc.Adam(mc.schedules.CosineRestarts(0.05, steps=37))}),
    "schedule by epoch": ([], lambda: {"optimizer": mc.SGD(by_epoch())}),
    "plateau": ([], lambda: {"callbacks": [mc.ReduceOnPlateau(factor=0.7, patience=3)], "validation_data": DEV}),
    "early stopping": ([], lambda: {"callbacks": [mc.EarlyStopping(patience=180)], "validation_data": DEV}),
    "augmentation": ([mc.Dropout(0.1)], lambda: {"augment": shaken}),
    "curriculum": ([], lambda: {"curriculum": mc.Curriculum("loss", 100)}),
    "batches": ([mc.Dropout(0.1)], lambda: {}),
}


def train(name, path=None):
    """From the file, where there is one, to the end."""
    hidden, options = SCENARIOS[name]
    told = options()
    data = (Loader(),) if name == "batches" else (X, Y)
    resume = path is not None and os.path.exists(path)
    layers = [mc.Dense(8, "tanh"), *hidden, mc.Dense(3, "softmax")]
    net = mc.load(path) if resume else mc.Sequential(layers, input_shape=5, seed=3)
    keep = [] if path is None else [mc.Checkpoint(path, best_only=False, training=True)]
    told["callbacks"] = [*keep, *told.get("callbacks", ())]
    net.fit(*data, epochs=EPOCHS, resume=resume, **told)
    if path is not None:
        net.save(f"{path}.done")
    return net


SCRIPT = """
import test_resume_kills as t
from kills import killed
path = {path!r}
print(killed(lambda: t.train({name!r}, path), path, t.KILLS, seed={seed}))
"""


@pytest.mark.parametrize("name", SCENARIOS)
def test_twenty_kills(name, tmp_path):
    path = str(tmp_path / "net")
    printed = output_of(SCRIPT.format(path=path, name=name, seed=list(SCENARIOS).index(name)), timeout=600)
    assert int(printed) == KILLS
    whole, found = train(name), mc.load(f"{path}.done")
    assert numbers_of(found) == numbers_of(whole)
    print(f"{name}: {printed.strip()} kills, {len(whole.history)} epochs, the same bits")
