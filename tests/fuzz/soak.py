"""Random operations on random networks from several threads end with the bits of one thread, without growth and without
a hang. ``python -m fuzz.soak [seconds] [threads]``."""

import faulthandler
import functools
import hashlib
import pickle
import sys
import tempfile
import threading
import time

import numpy as np

import multicapa as mc
from fuzz.networks import KINDS, pick, random_network, samples, several

OPERATIONS = (
    "fit", "partial_fit", "predict", "evaluate", "loss_and_gradient", "together", "copy", "freeze", "file",
)  # fmt: skip
LOSSES = ("squared_error", "absolute_error", "half_squared_error")
MOST_ROWS = {"dense": 1500, "convolutional": 150, "recurrent": 300, "attending": 300, "several": 600}


def work(seed):
    """A digest of all that a series of operations finds."""
    rng, digest = np.random.default_rng(seed), hashlib.sha256()
    if seed % 20 == 19:
        return translated(rng, digest)
    kind = pick(rng, KINDS)
    net = random_network(rng, kind)
    for _ in range(8):
        net = operate(net, rng, digest, int(rng.integers(1, MOST_ROWS[kind.__name__])))
    digest.update(net.parameters.flat.tobytes() + net.state.flat.tobytes())
    return digest.hexdigest()


def operate(net, rng, digest, rows):
    """One operation; the network to go on with."""
    operation, loss = pick(rng, OPERATIONS), pick(rng, LOSSES)
    X, y = samples(net, rng, 20 if operation == "partial_fit" else rows)
    if operation == "fit":
        options = {"batch_size": int(rng.integers(1, 400)), "epochs": int(rng.integers(1, 3)), "loss": loss}
        net.fit(X, y, optimizer=mc.Adam(1e-4), clip_norm=1.0, verbose=False, **options)
    elif operation == "partial_fit":
        net.partial_fit(X, y, loss=loss, optimizer=mc.SGD(1e-5))
    elif operation == "predict":
        add(digest, net.predict(X))
    elif operation == "together":  # one network of all threads
        X, y = samples(common(), rng, 50)
        add(digest, common().predict(X))
        digest.update(repr(common().evaluate(X, y, loss=loss)).encode())
    elif operation == "copy":
        return pickle.loads(pickle.dumps(net))
    elif operation == "freeze":
        name = next(iter(net.parameters)).rpartition(".")[0]
        (net.freeze if rng.integers(2) else net.unfreeze)(name)
    elif operation == "file":
        training = bool(rng.integers(2))
        if training:
            net.fit(X, y, epochs=1, loss=loss, optimizer=mc.Adam(1e-4), verbose=False)
        with tempfile.TemporaryDirectory() as folder:
            net.save(f"{folder}/net", training=training)
            return mc.load(f"{folder}/net")
    elif operation == "evaluate":
        digest.update(repr(net.evaluate(X, y, loss=loss)).encode())
    else:
        cost, gradients = net.loss_and_gradient(X, y, loss=loss)
        digest.update(repr(cost).encode())
        add(digest, [gradients[name] for name in gradients])
    return net


def add(digest, outputs):
    for each in outputs if isinstance(outputs, list | tuple) else [outputs]:
        digest.update(np.ascontiguousarray(each).tobytes())


@functools.cache
def common():
    return random_network(np.random.default_rng(0), several)


def translated(rng, digest):
    """Of a small sequence-to-sequence model: trained, kept in a file, asked."""
    words = ["".join(rng.choice(list("abc"), rng.integers(1, 7))) for _ in range(40)]
    architecture = pick(rng, ("recurrent", "transformer"))
    model = mc.Seq2Seq(architecture, units=8, heads=2, seed=int(rng.integers(2**31)))
    model.fit(words, [word[::-1] for word in words], epochs=2, batch_size=16)
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model")
        model = mc.Seq2Seq.load(f"{folder}/model")
    digest.update(repr(model.predict(words[:10], beam_width=2)).encode())
    digest.update(model.network_.parameters.flat.tobytes())
    return digest.hexdigest()


def run(seconds, threads):
    """How many series were done, and how much memory grew after the first third, in MB."""
    start, lock, found, grown, failed = time.monotonic(), threading.Lock(), {}, [], []
    seeds = iter(range(10**9))

    def worker():
        while time.monotonic() - start < seconds and not failed:
            with lock:
                seed = next(seeds)
            try:
                digest = work(seed)
            except BaseException as error:
                error.add_note(f"in the series of seed {seed}")
                failed.append(error)
                return
            with lock:
                found[seed] = digest
                if time.monotonic() - start > seconds / 3:
                    grown.append(resident())

    workers = [threading.Thread(target=worker) for _ in range(threads)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    if failed:
        raise failed[0]
    growth = (np.median(grown[-10:]) - np.median(grown[:10])) if len(grown) > 20 else 0.0
    mc.set_num_threads(1)
    for seed in sorted(found)[:: max(1, len(found) // 200)]:  # again, alone and on one thread
        if work(seed) != found[seed]:
            raise AssertionError(f"the series of seed {seed} ends with other bits on one thread")
    return len(found), growth


def resident():
    """Anonymous memory of this process in MB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon"))


if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300.0
    faulthandler.dump_traceback_later(4 * seconds + 600, exit=True)
    done, growth = run(seconds, int(sys.argv[2]) if len(sys.argv) > 2 else 4)
    print(f"{done} series of operations, same bits on one thread; memory changed by {growth:.1f} MB")
