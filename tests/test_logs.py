"""What is written down during training: CSV files, and event files as TensorBoard reads them."""

import copy
import csv
import pickle
import struct
import sys

import numpy as np
import pytest

import multicapa as mc

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5))
Y = np.digitize(X[:, 0] + 0.5 * X[:, 1], [-0.5, 0.5])


def classifier():
    x = mc.Input(5)
    h = mc.Dense(12, "tanh")(x)
    return mc.Network(x, mc.Dense(3, "softmax")(mc.concat([h, x])), seed=0)


def fails_in_the_third_epoch(net, epoch):
    if epoch["epoch"] == 3:
        raise RuntimeError("made to fail")


# ---- CSV ----


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_holds_the_history(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("something old")
    history = classifier().fit(X, Y, epochs=3, validation_data=(X, Y), callbacks=[mc.CSVLog(path)])
    rows = rows_of(path)
    assert list(rows[0]) == history.names()
    for name in history.names():
        assert [float(row[name]) for row in rows] == history[name]


def test_csv_is_written_epoch_by_epoch(tmp_path):
    path = tmp_path / "log.csv"
    lines = []
    callbacks = [mc.CSVLog(path), lambda net, epoch: lines.append(len(path.read_text().splitlines()))]
    with pytest.raises(RuntimeError):
        classifier().fit(X, Y, epochs=5, callbacks=[*callbacks, fails_in_the_third_epoch])
    assert lines == [2, 3, 4]
    assert len(rows_of(path)) == 3


def test_csv_goes_on_where_it_ended(tmp_path):
    """In the same object, and in another one after the first process has long ended."""
    path = tmp_path / "log.csv"
    net, log = classifier(), mc.CSVLog(path, append=True)
    losses = [loss for epochs in (2, 3) for loss in net.fit(X, Y, epochs=epochs, callbacks=[log])["loss"]]
    losses += net.fit(X, Y, epochs=1, callbacks=[mc.CSVLog(path, append=True)])["loss"]
    rows = rows_of(path)
    assert [int(row["epoch"]) for row in rows] == list(range(1, 7))
    assert [float(row["loss"]) for row in rows] == losses
    net.fit(X, Y, epochs=1, callbacks=[mc.CSVLog(path)])
    assert [row["epoch"] for row in rows_of(path)] == ["1"]


def test_csv_of_other_columns_is_not_continued(tmp_path):
    path = tmp_path / "log.csv"
    net = classifier()
    net.fit(X, Y, epochs=1, callbacks=[mc.CSVLog(path)])
    with pytest.raises(ValueError, match=r"columns epoch, .*, seconds, but the epochs have .*val_loss"):
        net.fit(X, Y, epochs=1, validation_data=(X, Y), callbacks=[mc.CSVLog(path, append=True)])
    assert len(rows_of(path)) == 1
    for other in ("a,b\n1,2\n", "epoch,loss\nfirst,2\n", "epoch,loss\n\n"):
        path.write_text(other)
        before = net.parameters.flat.copy()
        with pytest.raises(ValueError, match="no log to go on with"):
            net.fit(X, Y, epochs=1, callbacks=[mc.CSVLog(path, append=True)])
        np.testing.assert_array_equal(net.parameters.flat, before)
        assert path.read_text() == other


def test_a_torn_last_line_is_taken_out(tmp_path):
    path = tmp_path / "log.csv"
    net = classifier()
    net.fit(X, Y, epochs=3, callbacks=[mc.CSVLog(path)])
    path.write_text(path.read_text()[:-9])
    with pytest.warns(UserWarning, match="last line of .* is torn"):
        net.fit(X, Y, epochs=2, callbacks=[mc.CSVLog(path, append=True)])
    assert [row["epoch"] for row in rows_of(path)] == list("1234")
    assert None not in rows_of(path)[2]


def test_csv_of_an_empty_file_is_begun(tmp_path):
    path = tmp_path / "log.csv"
    path.touch()
    classifier().fit(X, Y, epochs=2, callbacks=[mc.CSVLog(path, append=True)])
    assert len(rows_of(path)) == 2


def test_csv_in_no_folder(tmp_path):
    net = classifier()
    before = net.parameters.flat.copy()
    with pytest.raises(FileNotFoundError, match="nowhere"):
        net.fit(X, Y, epochs=1, callbacks=[mc.CSVLog(tmp_path / "nowhere" / "log.csv")])
    np.testing.assert_array_equal(net.parameters.flat, before)
    with pytest.raises(TypeError, match="append"):
        mc.CSVLog(tmp_path / "log.csv", append="yes")


# ---- TensorBoard ----


def events_of(folder):
    """Everything in the event files of a folder. A record is its length, a check, the message, a check."""
    from tensorboardX.proto.event_pb2 import Event

    events = []
    for path in sorted(folder.glob("*tfevents*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            events.append(Event.FromString(data[at + 12 : at + 12 + length]))
            at += 16 + length
    return events


def values_of(folder, what):
    """By tag: (step, value) for each event that has this kind of value."""
    found = {}
    for event in events_of(folder):
        for value in event.summary.value:
            if value.HasField(what):
                found.setdefault(value.tag, []).append((event.step, getattr(value, what)))
    return found


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("tensorboardX")
    return tmp_path / "runs" / "first"


def test_scalars_are_the_history(folder):
    """Training and dev share a tag, in folders of their own, so that one chart shows both."""
    options = {"optimizer": mc.Adam(lambda step: 0.01 / (1 + step)), "validation_data": (X, Y)}
    history = classifier().fit(X, Y, epochs=4, callbacks=[mc.StopAtGradient(), mc.TensorBoard(folder)], **options)
    train, dev = values_of(folder / "train", "simple_value"), values_of(folder / "dev", "simple_value")
    assert set(train) == {"loss", "learning_rate", "seconds", "gradient_norm"}
    assert set(dev) == {"loss", "accuracy"}
    for tags, prefix in ((train, ""), (dev, "val_")):
        for tag, points in tags.items():
            assert [step for step, _ in points] == [1, 2, 3, 4]
            np.testing.assert_allclose([value for _, value in points], history[prefix + tag], rtol=1e-6)


def test_without_validation_data_there_is_no_dev(folder):
    classifier().fit(X, Y, epochs=1, callbacks=[mc.TensorBoard(folder)])
    assert [path.name for path in folder.iterdir()] == ["train"]


@pytest.mark.parametrize("every", [0, 1, 2])
def test_histograms_are_those_of_the_epoch(folder, every):
    net, seen = classifier(), []

    def keep(net, epoch):
        seen.append({f"{kind}/{name}": view.copy() for kind in ("parameters", "gradients")
                     for name, view in getattr(net, kind).items()})  # fmt: skip

    net.fit(X, Y, epochs=4, callbacks=[keep, mc.TensorBoard(folder, histograms=every)])
    found = values_of(folder / "train", "histo")
    assert set(found) == (set(seen[0]) if every else set())
    for tag, points in found.items():
        assert [step for step, _ in points] == list(range(1, 5, every))
        for step, histogram in points:
            values = seen[step - 1][tag].astype(np.float64)
            assert (histogram.num, sum(histogram.bucket)) == (values.size, values.size)
            np.testing.assert_allclose(histogram.sum, values.sum(), rtol=1e-5, atol=1e-8)
            np.testing.assert_allclose((histogram.min, histogram.max), (values.min(), values.max()), rtol=1e-6)


def test_network_as_text_and_as_graph(folder):
    from tensorboardX.proto.graph_pb2 import GraphDef

    net = classifier()
    net.fit(X, Y, epochs=1, optimizer=mc.Momentum(0.05), callbacks=[mc.TensorBoard(folder)])
    texts = {tag: points[0][1].string_val[0].decode() for tag, points in values_of(folder / "train", "tensor").items()}
    assert net.summary() in texts["network/text_summary"]
    assert "Momentum(learning_rate=0.05, momentum=0.9)" in texts["training/text_summary"]
    assert "CrossEntropy" in texts["training/text_summary"]
    (graph,) = [GraphDef.FromString(e.graph_def) for e in events_of(folder / "train") if e.graph_def]
    assert {node.name: list(node.input) for node in graph.node} == {
        layer["name"]: layer["inputs"] for layer in net.spec
    }
    concat = next(node for node in graph.node if node.name == "concat_1")
    assert [dim.size for dim in concat.attr["_output_shapes"].list.shape[0].dim] == [-1, 17]


def test_a_run_of_several_fits_goes_on(folder):
    """Within the same second, too, where the names of event files would be the same."""
    net, board = classifier(), mc.TensorBoard(folder)
    losses = [loss for epochs in (2, 3) for loss in net.fit(X, Y, epochs=epochs, callbacks=[board])["loss"]]
    points = sorted(values_of(folder / "train", "simple_value")["loss"])
    assert [step for step, _ in points] == [1, 2, 3, 4, 5]
    np.testing.assert_allclose([value for _, value in points], losses, rtol=1e-6)


def test_what_was_written_stays_when_a_fit_fails(folder):
    with pytest.raises(RuntimeError):
        classifier().fit(X, Y, epochs=5, callbacks=[mc.TensorBoard(folder), fails_in_the_third_epoch])
    assert len(values_of(folder / "train", "simple_value")["loss"]) == 3


def test_logs_can_be_copied_and_pickled(folder):
    """As scikit-learn's clone and joblib do."""
    for log in (mc.TensorBoard(folder), mc.CSVLog(folder.parent.parent / "log.csv")):
        classifier().fit(X, Y, epochs=1, callbacks=[log])
        for again in (copy.deepcopy(log), pickle.loads(pickle.dumps(log))):
            classifier().fit(X, Y, epochs=1, callbacks=[again])


def test_without_tensorboardx(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    net = classifier()
    before = net.parameters.flat.copy()
    with pytest.raises(ImportError, match=r'pip install "multicapa\[tensorboard\]"'):
        net.fit(X, Y, epochs=1, callbacks=[mc.TensorBoard(folder)])
    np.testing.assert_array_equal(net.parameters.flat, before)


@pytest.mark.parametrize("every", [-1, 1.5, "all", True])
def test_wrong_histograms(every):
    with pytest.raises((ValueError, TypeError), match="histograms"):
        mc.TensorBoard("runs", histograms=every)
