"""Epochs count from 1 wherever a person reads of them."""

import numpy as np
import pytest

import multicapa as mc

X = np.random.default_rng(0).normal(size=(20, 3))
Y = X[:, 0]


def network():
    return mc.Sequential([mc.Dense(4, "tanh"), mc.Dense(1)], input_shape=3, seed=0)


@pytest.mark.parametrize("options", [{}, {"optimizer": "lbfgs", "batch_size": None}])
def test_records_files_and_logs(options, tmp_path):
    log, best = tmp_path / "log.csv", mc.EarlyStopping(monitor="loss", patience=10)
    keep = mc.Checkpoint(tmp_path / "{epoch}.safetensors", best_only=False)
    history = network().fit(X, Y, epochs=3, callbacks=[mc.CSVLog(log), keep, best], **options)
    assert history["epoch"] == [1, 2, 3]
    assert [line.split(",")[0] for line in log.read_text().splitlines()] == ["epoch", "1", "2", "3"]
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == [f"{i}.safetensors" for i in (1, 2, 3)]
    assert best.best_epoch == 3
    assert history[best.best_epoch - 1]["loss"] == min(history["loss"])


def test_logs_go_on_counting(tmp_path):
    net, log = network(), tmp_path / "log.csv"
    for _ in range(2):
        net.fit(X, Y, epochs=2, callbacks=[mc.CSVLog(log, append=True)])
    assert [line.split(",")[0] for line in log.read_text().splitlines()[1:]] == list("1234")
    assert net.fit(X, Y, epochs=3, resume=True)["epoch"] == [1, 2, 3]


def test_errors():
    def explode(network, epoch):
        if epoch["epoch"] == 2:
            network.parameters.flat[:] = 1e30

    net = network()
    with pytest.raises(mc.DivergenceError, match="exploded in epoch 3 after 0 updates") as caught:
        net.fit(X, Y, epochs=5, callbacks=[explode])
    assert (caught.value.epoch, len(net.history)) == (3, 2)
    with pytest.raises(ValueError, match="batch 1 of epoch 1"):
        net.fit([(X[:, :2], Y)])


def test_pictures():
    pytest.importorskip("matplotlib")
    history = network().fit(X, Y, epochs=4)
    ax = mc.plots.LearningCurvesDisplay.from_history(history, best_epoch=2).ax_
    lines = {line.get_label(): list(line.get_xdata()) for line in ax.lines}
    assert lines["kept: epoch 2"] == [2, 2]
    assert [1, 2, 3, 4] in lines.values()
    assert min(tick for tick in ax.get_xticks() if ax.get_xlim()[0] <= tick) >= 1
