"""A fit that was stopped goes on to the same bits as one that was not."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import multicapa as mc
from helpers import DTYPES, numbers_of

pytest.importorskip("safetensors")
rng = np.random.default_rng(0)
X = rng.normal(size=(70, 5))
Y = np.digitize(X[:, 0] + 0.5 * X[:, 1], [-0.5, 0.5])


def network(dtype="float32"):
    layers = [mc.Dense(8, "tanh"), mc.BatchNorm(), mc.Dropout(0.2), mc.Dense(6, "relu"), mc.Dense(3, "softmax")]
    return mc.Sequential(layers, input_shape=(5,), dtype=dtype, seed=3)


def shaken(x, generator):
    return x + generator.normal(scale=0.1, size=x.shape)


def callbacks():
    return [mc.EarlyStopping(patience=4), mc.ReduceOnPlateau(factor=0.5, patience=1)]


def options(optimizer, **others):
    return {
        "optimizer": optimizer, "batch_size": 16, "validation_data": (X[:20], Y[:20]), "augment": shaken,
        "weight_noise": 0.01, "verbose": False, **others,
    }  # fmt: skip


def optimizer(name):
    schedule = mc.schedules.Cosine(0.05, steps=100)
    return mc.optimizers.get(name) if name == "rprop" else type(mc.optimizers.get(name))(schedule)


def records(history):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history]


def same(one, other):
    assert numbers_of(one) == numbers_of(other)
    assert records(one.history) == records(other.history)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in mc.optimizers.names() if name != "lbfgs"])
def test_ten_epochs_a_file_and_ten_more(tmp_path, name, dtype):
    whole, part = network(dtype), network(dtype)
    whole.fit(X, Y, epochs=20, callbacks=callbacks(), **options(optimizer(name)))
    part.fit(X, Y, epochs=10, callbacks=callbacks(), **options(optimizer(name)))
    part.save(tmp_path / "net.safetensors", training=True)
    loaded = mc.load(tmp_path / "net.safetensors")
    assert numbers_of(loaded) == numbers_of(part)  # the best ones, which EarlyStopping brought back
    loaded.fit(X, Y, epochs=20, callbacks=callbacks(), resume=True, **options(optimizer(name)))
    same(loaded, whole)


def test_without_a_file():
    whole, part = network(), network()
    whole.fit(X, Y, epochs=12, **options("momentum"))
    part.fit(X, Y, epochs=3, **options("momentum"))
    for epochs in (3, 7, 12):
        history = part.fit(X, Y, epochs=epochs, resume=True, **options("momentum"))
    assert len(history) == 12
    same(part, whole)


@pytest.mark.parametrize("stops", range(1, 13, 3))
def test_checkpoints_of_any_epoch(tmp_path, stops):
    """The checkpoint stands first, and is written when the others have seen the epoch."""
    whole = network()
    keep = mc.Checkpoint(tmp_path / "{epoch}", best_only=False, training=True)
    whole.fit(X, Y, epochs=20, callbacks=[keep, *callbacks()], **options("adam"))
    saved = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    loaded = mc.load(saved[min(stops, len(saved) - 1)])
    loaded.fit(X, Y, epochs=20, callbacks=callbacks(), resume=True, **options("adam"))
    same(loaded, whole)
    finished = mc.load(saved[-1])  # early stopping knows that it is over
    finished.fit(X, Y, epochs=20, callbacks=callbacks(), resume=True, **options("adam"))
    same(finished, whole)


def test_a_curriculum_by_the_loss_keeps_its_order(tmp_path):
    whole, part = network(), network()
    whole.fit(X, Y, epochs=6, curriculum=mc.Curriculum("loss", 5), **options("sgd"))
    part.fit(X, Y, epochs=3, curriculum=mc.Curriculum("loss", 5), **options("sgd"))
    part.save(tmp_path / "net", training=True)
    loaded = mc.load(tmp_path / "net")
    loaded.fit(X, Y, epochs=6, curriculum=mc.Curriculum("loss", 5), resume=True, **options("sgd"))
    same(loaded, whole)


def test_frozen_layers_and_logs(tmp_path):
    whole, part = network(), network()
    for net, epochs in ((whole, 6), (part, 3)):
        net.freeze("dense_1")
        net.fit(X, Y, epochs=epochs, callbacks=[mc.CSVLog(tmp_path / f"{epochs}.csv")], **options("adam"))
    part.save(tmp_path / "net", training=True)
    loaded = mc.load(tmp_path / "net")
    part.fit(X, Y, epochs=5, callbacks=[mc.CSVLog(tmp_path / "3.csv")], resume=True, **options("adam"))
    loaded.fit(X, Y, epochs=6, callbacks=[mc.CSVLog(tmp_path / "3.csv")], resume=True, **options("adam"))
    same(loaded, whole)
    first = [[line.split(",")[0] for line in (tmp_path / name).read_text().splitlines()] for name in ("6.csv", "3.csv")]
    assert first[0] == first[1]


SCRIPT = """
import os, sys
import multicapa as mc
sys.path.insert(0, sys.argv[2])
import test_resume as t
path = sys.argv[1]
net = mc.load(path) if os.path.exists(path) else t.network()
keep = mc.Checkpoint(path, best_only=False, training=True)
net.fit(t.X, t.Y, epochs=150, callbacks=[keep, mc.EarlyStopping(patience=200)], resume=os.path.exists(path),
        **t.options("momentum"))
net.save(path + ".done")
"""


def test_kills_at_random_moments(tmp_path):
    from pathlib import Path

    path, moments = str(tmp_path / "net"), np.random.default_rng(1)
    command = [sys.executable, "-c", SCRIPT, path, str(Path(__file__).parent)]
    kills = 0
    while kills < 3:
        process = subprocess.Popen(command)
        while not Path(path).exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    subprocess.run(command, check=True)
    whole = network()
    whole.fit(X, Y, epochs=150, callbacks=[mc.EarlyStopping(patience=200)], **options("momentum"))
    assert numbers_of(mc.load(path + ".done")) == numbers_of(whole)


def test_refusals(tmp_path):
    net = network()
    with pytest.raises(ValueError, match="no training to resume"):
        net.fit(X, Y, resume=True)
    with pytest.raises(ValueError, match="no training to save"):
        net.save(tmp_path / "net", training=True)
    net.fit(X, Y, epochs=1, optimizer="adam")
    before = numbers_of(net)
    with pytest.raises(ValueError, match="by adam"):
        net.fit(X, Y, epochs=2, optimizer="momentum", resume=True)
    with pytest.raises(ValueError, match="L-BFGS"):
        net.fit(X, Y, epochs=2, optimizer="lbfgs", batch_size=None, resume=True)
    assert numbers_of(net) == before
    net.partial_fit(X[0], Y[0])
    with pytest.raises(ValueError, match="no training to resume"):
        net.fit(X, Y, epochs=2, resume=True)
    with pytest.raises(ValueError, match="L-BFGS"):
        net.fit(X, Y, optimizer="lbfgs", batch_size=None, callbacks=[mc.Checkpoint(tmp_path / "n", training=True)])


def test_a_damaged_training(tmp_path):
    import json

    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    net = network()
    net.fit(X, Y, epochs=1)
    net.save(tmp_path / "net", training=True)
    tensors = load_file(tmp_path / "net")
    with safe_open(tmp_path / "net", framework="numpy") as file:
        texts = file.metadata()
    training = json.loads(texts["multicapa_training"])
    memory = training["memory"]
    damaged = [
        training | {"memory": [*memory[:place], value, *memory[place + 1 :]]}
        for place, value in ((3, -1), (4, "abcd"), (4, [1.0]), (5, []), (6, ["x", "y"]), (6, memory[6][:1]))
    ]
    damaged += [training | change for change in ({"updates": -1}, {"rate_factor": 0.0}, {"rate_factor": True})]
    without = {key: value for key, value in training.items() if key != "memory"}
    for text in ("{", "3", "[]", "{}", *map(json.dumps, (*damaged, without))):
        save_file(tensors, tmp_path / "bad", metadata=texts | {"multicapa_training": text})
        with pytest.raises(ValueError, match="bad"):
            mc.load(tmp_path / "bad")
    save_file(tensors, tmp_path / "good", metadata=texts)
    mc.load(tmp_path / "good")


def stateful(folder):
    pytest.importorskip("tensorboardX")
    keep = mc.Checkpoint(folder / "kept", training=True)
    return [*callbacks(), keep, mc.CSVLog(folder / "log.csv"), mc.TensorBoard(folder / "board"), mc.Diagnosis()]


ODD_STATES = [
    ("EarlyStopping", "best", None),
    ("EarlyStopping", "best", "0.5"),
    ("EarlyStopping", "best", 10**400),  # no float, so it would fail when it is compared with one
    ("EarlyStopping", "best_epoch", -1),
    ("EarlyStopping", "waited", 1.5),
    ("EarlyStopping", "waited", True),
    ("EarlyStopping", "numbers", 3),
    ("EarlyStopping", "numbers", []),
    ("EarlyStopping", "numbers", [np.zeros(3), "state"]),
    ("EarlyStopping", "numbers", [np.zeros(3), np.zeros(3)]),
    ("ReduceOnPlateau", "best", [1.0]),
    ("ReduceOnPlateau", "waited", None),
    ("Checkpoint", "best", "none"),
    ("CSVLog", "before", "1"),
    ("TensorBoard", "epochs", -3),
    ("Diagnosis", "records", 5),
    ("Diagnosis", "records", [5]),
    ("Diagnosis", "warned", [[]]),
]


MISSING = [(kind, name, KeyError) for kind, name in sorted({(kind, name) for kind, name, _ in ODD_STATES})]


@pytest.mark.parametrize(("kind", "name", "value"), [*ODD_STATES, *MISSING], ids=lambda part: str(part)[:20])
def test_a_damaged_state_of_a_callback(tmp_path, kind, name, value):
    """Refused before anything changes, files included; with a whole one the same network goes on."""
    net = network()
    net.fit(X, Y, epochs=2, callbacks=stateful(tmp_path), **options("adam"))
    state = next(state for found, state in net._standing["callbacks"] if found == kind)
    was = state.pop(name)
    if value is not KeyError:
        state[name] = value
    before = numbers_of(net), records(net.history), sorted(tmp_path.rglob("*")), (tmp_path / "log.csv").read_bytes()
    with pytest.raises(ValueError, match=rf"training to resume is damaged: of {kind}, .*{name}|best weights"):
        net.fit(X, Y, epochs=4, callbacks=stateful(tmp_path), resume=True, **options("adam"))
    after = numbers_of(net), records(net.history), sorted(tmp_path.rglob("*")), (tmp_path / "log.csv").read_bytes()
    assert after == before
    state[name] = was
    assert len(net.fit(X, Y, epochs=4, callbacks=stateful(tmp_path), resume=True, **options("adam"))) == 4


@pytest.mark.parametrize("order", [[0, 0, *range(2, 70)], [*range(69), 70], [-1, *range(1, 70)], [[0]], 3, "abc"])
def test_a_damaged_order_of_a_curriculum(tmp_path, order):
    net = network()
    net.fit(X, Y, epochs=2, curriculum=mc.Curriculum("loss", 5), **options("sgd"))
    net._standing["order"] = np.array(order) if isinstance(order, list) else order
    net.save(tmp_path / "net", training=True)
    with pytest.raises(ValueError, match="damaged training"):
        mc.load(tmp_path / "net")


def test_another_number_of_samples_than_the_curriculum_has():
    net = network()
    net.fit(X, Y, epochs=2, curriculum=mc.Curriculum("loss", 5), **options("sgd"))
    before = records(net.history)
    with pytest.raises(ValueError, match="difficulty should have 40 entries"):
        net.fit(X[:40], Y[:40], epochs=4, curriculum=mc.Curriculum("loss", 5), resume=True, **options("sgd"))
    assert records(net.history) == before
    net.fit(X, Y, epochs=4, curriculum=mc.Curriculum("loss", 5), resume=True, **options("sgd"))
