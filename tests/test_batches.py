"""Training from batches that an iterable brings: generators, lists, loaders."""

import re

import numpy as np
import pytest

import multicapa as mc
from helpers import output_of

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(50, 4)).astype(np.float32), np.arange(50) % 3
ADAM = mc.Adam(0.01)


def network(dtype="float32", seed=0):
    layers = [mc.Dense(7, "tanh"), mc.Dropout(0.2), mc.Dense(3, "softmax")]
    return mc.Sequential(layers, input_shape=4, dtype=dtype, seed=seed)


def cut(size=16, *more):
    return [(X[i : i + size], Y[i : i + size], *(m[i : i + size] for m in more)) for i in range(0, 50, size)]


class Loader:
    """As PyTorch's: iterated anew for each epoch, lists as batches; ``known`` says whether it has a length."""

    def __init__(self, batches):
        self.batches, self.passes = batches, 0

    def __iter__(self):
        self.passes += 1
        return ([*batch] for batch in self.batches)


class LoaderWithLength(Loader):
    def __len__(self):
        return len(self.batches)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [list, Loader, LoaderWithLength])
def test_the_bits_are_those_of_the_same_samples_as_arrays(make, dtype):
    one, other = network(dtype), network(dtype)
    weights = rng.uniform(0.5, 2, 50)
    a = one.fit(make(cut(16, weights)), epochs=3, optimizer=ADAM, validation_data=(X, Y))
    b = other.fit(X, Y, epochs=3, batch_size=16, shuffle=False, sample_weight=weights, optimizer=ADAM,
                  validation_data=(X, Y))  # fmt: skip
    np.testing.assert_array_equal(one.parameters.flat, other.parameters.flat)
    assert a["val_loss"] == b["val_loss"]
    np.testing.assert_allclose(a["loss"], b["loss"], rtol=1e-6)


def test_each_epoch_iterates_anew():
    loader = Loader(cut())
    assert len(network().fit(loader, epochs=4)) == 4
    assert loader.passes == 4


def test_a_generator_is_good_for_one_epoch():
    taken = []

    def batches():
        for batch in cut():
            taken.append(batch)
            yield batch

    net, before = network(), network().parameters.flat.copy()
    with pytest.raises(ValueError, match=r"an iterator ends after one epoch, and 10 are wanted: .*steps_per_epoch"):
        net.fit(batches())
    assert not taken
    np.testing.assert_array_equal(net.parameters.flat, before)
    assert len(net.fit(batches(), epochs=1)) == 1
    assert len(taken) == 4


def test_steps_per_epoch_takes_so_many_and_an_iterator_goes_on():
    seen = []

    def endless():
        while True:
            for batch in cut():
                seen.append(batch)
                yield batch

    class Updates(mc.Callback):
        counts = ()

        def on_epoch_end(self, run, epoch):
            self.counts = (*self.counts, run.updates)

    updates = Updates()
    network().fit(endless(), epochs=3, steps_per_epoch=5, callbacks=[updates])
    assert updates.counts == (5, 10, 15)
    assert len(seen) == 15
    loader = Loader(cut())
    network().fit(loader, epochs=2, steps_per_epoch=3, callbacks=[updates])
    assert updates.counts[-2:] == (3, 6)
    assert loader.passes == 2
    with pytest.raises(ValueError, match="the batches of epoch 1 ended after 4, and steps_per_epoch is 5"):
        network().fit(loader, epochs=2, steps_per_epoch=5)
    with pytest.raises(ValueError, match="here are X and y"):
        network().fit(X, Y, steps_per_epoch=5)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ((X[:4, :3], Y[:4]), "X should have shape (n_samples, 4), not (4, 3)"),
        ((np.full((2, 4), np.nan), Y[:2]), "X should be finite, but X[0, 0] is nan"),
        ((X[:0], Y[:0]), "X has no samples"),
        ((X[:4], Y[:3]), "y should have 4 samples like X"),
        ((X[:4], Y[:4] + 1), "y holds class 3"),
        ((X[:4], Y[:4], [1, 1, 1, -1.0]), "sample_weight should be finite and not negative"),
        (X[:4], "should be (X, y) or (X, y, sample_weight), not ndarray"),
        ((X[:4],), "should be (X, y) or (X, y, sample_weight), not 1 of them"),
    ],
)
def test_a_bad_batch_is_named(bad, problem):
    net, before = network(), network().parameters.flat.copy()
    with pytest.raises((ValueError, TypeError), match=re.escape("batch 1 of epoch 1")) as caught:
        net.fit([bad, *cut()], epochs=2)
    assert problem in str(caught.value)
    np.testing.assert_array_equal(net.parameters.flat, before)  # known before anything changes
    with pytest.raises((ValueError, TypeError), match=re.escape("batch 5 of epoch 1")) as caught:
        net.fit([*cut(), bad], epochs=2)
    assert problem in str(caught.value)
    assert np.isfinite(net.predict(X)).all()


@pytest.mark.parametrize(
    ("given", "options", "problem"),
    [
        (X, {}, "y is missing"),
        ({"input_1": X}, {}, "y is missing"),
        (5, {}, "should be an iterable of batches"),
        ([], {}, "there are no batches"),
        (cut(), {"batch_size": 10}, "batch_size does not go with an iterable of batches: they have sizes of their own"),
        (cut(), {"sample_weight": np.ones(50)}, "sample_weight does not go"),
        (cut(), {"class_weight": "balanced"}, "class_weight does not go"),
        (cut(), {"augment": lambda X, rng: X}, "augment does not go"),
        (cut(), {"curriculum": mc.Curriculum("loss", epochs=2)}, "curriculum does not go"),
        (cut(), {"validation_split": 0.2}, "pass validation_data"),
        (cut(), {"metrics": ["f1"]}, "measured on validation_data"),
        (cut(), {"optimizer": "lbfgs"}, "L-BFGS works on all samples at once"),
        (cut(), {"steps_per_epoch": 0}, "steps_per_epoch"),
    ],
)
def test_what_does_not_go_with_batches(given, options, problem):
    net, before = network(), network().parameters.flat.copy()
    with pytest.raises((ValueError, TypeError), match=problem):
        net.fit(given, **options)
    np.testing.assert_array_equal(net.parameters.flat, before)
    assert len(net.history) == 0


def test_callbacks_metrics_and_early_stopping_go_on():
    batches = []

    class Look(mc.Callback):
        def on_batch_end(self, run, batch):
            batches.append(batch["batch"])

    stop = mc.EarlyStopping(monitor="val_f1", patience=2)
    history = network().fit(
        cut(), epochs=200, validation_data=(X, Y), metrics=["f1"], callbacks=[Look(), stop], optimizer=ADAM
    )
    assert len(history) < 200
    assert history.names() == ["epoch", "loss", "learning_rate", "seconds", "val_loss", "val_accuracy", "val_f1"]
    assert batches == [1, 2, 3, 4] * len(history)


def test_schedules_see_each_update():
    rate = mc.schedules.Exponential(0.1, 0.9)
    one = network().fit(cut(), epochs=3, optimizer=mc.SGD(rate))["learning_rate"]
    assert one == network().fit(X, Y, epochs=3, batch_size=16, optimizer=mc.SGD(rate))["learning_rate"]


def test_a_fit_resumes_to_the_same_bits(tmp_path):
    whole, half = network(), network()
    whole.fit(Loader(cut()), epochs=6, optimizer=ADAM)
    half.fit(Loader(cut()), epochs=2, optimizer=ADAM)
    half.save(tmp_path / "net.safetensors", training=True)
    resumed = mc.load(tmp_path / "net.safetensors")
    assert len(resumed.fit(Loader(cut()), epochs=6, optimizer=ADAM, resume=True)) == 6
    np.testing.assert_array_equal(resumed.parameters.flat, whole.parameters.flat)
    # One epoch is left, for which a generator is enough.
    half.fit(Loader(cut()), epochs=5, optimizer=ADAM, resume=True)
    half.fit(iter(cut()), epochs=6, optimizer=ADAM, resume=True)
    np.testing.assert_array_equal(half.parameters.flat, whole.parameters.flat)


def test_texts_and_several_ends():
    net = network()
    names = np.array(["red", "green", "blue"])[Y]
    with pytest.raises(ValueError, match="no fit has said yet which output stands for which"):
        net.evaluate(X, names)
    net.fit([(X[:25], names[:25]), (X[25:], names[25:])], epochs=2)
    assert net.classes.tolist() == ["blue", "green", "red"]
    a, b = mc.Input(4, name="a"), mc.Input(2, name="b")
    h = mc.concat([a, b])
    net = mc.Network([a, b], [mc.Dense(1, name="u")(h), mc.Dense(3, "softmax", name="v")(h)], seed=0)
    batch = ({"a": X, "b": X[:, :2]}, {"u": X[:, 0], "v": Y})
    assert net.fit([batch, batch], epochs=2).names()[1:4] == ["loss", "u_loss", "v_loss"]
    values, wanted = net.evaluate([batch]), net.evaluate(*batch)
    assert values == pytest.approx(wanted, rel=1e-6)


def test_losses_of_several_outputs_are_means_over_all_batches():
    x = mc.Input(4)
    layers = mc.Dense(1, name="u"), mc.Dense(1, name="v")
    net = mc.Network(x, [layer(x) for layer in layers], seed=0)
    targets = {"u": np.where(np.arange(50) < 25, 100.0, 0.0), "v": np.zeros(50)}
    batches = [(X[:25], {k: t[:25] for k, t in targets.items()}), (X[25:], {k: t[25:] for k, t in targets.items()})]
    record = net.fit(batches, epochs=1, optimizer=mc.SGD(0.0))[0]
    assert record["u_loss"] == pytest.approx(net.evaluate(X, targets)["u_loss"], rel=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_evaluate_joins_batches(weighted):
    net = network("float64")
    weights = [rng.uniform(0.5, 2, 50)] if weighted else []
    net.fit(X, Y, epochs=1)
    whole = net.evaluate(X, Y, sample_weight=weights[0] if weighted else None, metrics=["auc", "f1"])
    assert net.evaluate(iter(cut(16, *weights)), metrics=["auc", "f1"]) == pytest.approx(whole, rel=1e-12)
    with pytest.raises(ValueError, match="batch 2: X has no samples"):
        net.evaluate([cut()[0], (X[:0], Y[:0])])
    with pytest.raises(ValueError, match="there are no batches"):
        net.evaluate([])


@pytest.mark.parametrize("weighted", [False, True])
def test_evaluate_joins_sequences(weighted):
    net = mc.Sequential([mc.GRU(3, return_sequences=True), mc.Dense(2, "softmax")], input_shape=(5, 2), seed=0)
    lengths = [5, 2, 3, 1, 4]
    sequences = [rng.normal(size=(n, 2)) for n in lengths]
    targets = [rng.integers(0, 2, n) for n in lengths]
    weights = np.arange(1.0, 6) if weighted else None
    whole = net.evaluate(sequences, targets, sample_weight=weights)
    first, second = (sequences[:2], targets[:2]), (sequences[2:], targets[2:])
    if weighted:
        first, second = (*first, weights[:2]), (*second, weights[2:])
    assert net.evaluate([first, second]) == pytest.approx(whole, rel=1e-6)


def test_the_loader_of_pytorch():
    torch = pytest.importorskip("torch")
    signs = (X[:, 0] > 0) + (X[:, 1] > 0).astype(np.int64)
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(signs))
    loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)
    net = network()
    history = net.fit(loader, epochs=30, optimizer=mc.Adam(0.05))
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    assert net.evaluate(loader) == pytest.approx(net.evaluate(X, signs), rel=1e-5)


PROGRESS = """
import io, sys, numpy as np, multicapa as mc
class Terminal(io.StringIO):
    def isatty(self): return True
sys.stderr = terminal = Terminal()
batches = [(np.ones((100, 4)), np.ones(100)) for _ in range(10)]
class Stream:
    def __iter__(self): return iter(batches)
net = mc.Sequential([mc.Dense(1)], input_shape=4, seed=0)
class Slow(mc.Callback):
    def on_batch_end(self, run, batch):
        import time; time.sleep(0.12)
net.fit({given}, epochs={epochs}, verbose=True, callbacks=[Slow()])
sys.stdout.write(terminal.getvalue().replace(chr(13), chr(10)))
"""


def shown(given, epochs):
    pytest.importorskip("tqdm")
    lines = output_of(PROGRESS.format(given=given, epochs=epochs), COLUMNS="100", LINES="30", PYTHONUTF8="1")
    return [line for line in lines.splitlines() if line.strip()]


def test_progress_within_an_epoch_of_known_length():
    shares = [int(share) for line in shown("batches", 1) for share in re.findall(r"epoch 1/1 +(\d+)%", line)]
    assert shares == sorted(shares)
    assert len({share for share in shares if 0 < share < 100}) >= 4


def test_progress_counts_where_the_length_is_not_known_and_learns_it():
    lines = shown("Stream()", 2)
    counted = [line for line in lines if re.search(r"epoch 1/2  [\d.k]+ samples", line)]
    assert len(counted) >= 4, lines
    shares = [int(share) for line in lines for share in re.findall(r"epoch 2/2 +(\d+)%", line)]
    assert shares == sorted(shares)
    assert shares[0] >= 50
    assert shares[-1] == 100
