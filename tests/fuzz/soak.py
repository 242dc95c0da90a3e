"""Random operations on random networks from several threads end with the bits of one thread, without growth and without
a hang. ``python -m fuzz.soak [seconds] [threads]``."""

import faulthandler
import hashlib
import sys
import threading
import time

import numpy as np

import multicapa as mc

OPERATIONS = ("fit", "partial_fit", "predict", "evaluate", "loss_and_gradient", "copy", "freeze")


def random_network(rng):
    """A small graph of dense layers, norms, noise and merges."""
    x = mc.Input(int(rng.integers(1, 40)))
    h = x
    for _ in range(rng.integers(1, 5)):
        width = int(rng.integers(1, 150))
        made = mc.Dense(width, str(rng.choice(["tanh", "relu", "sigmoid", "gelu"])))(h)
        kind = rng.integers(6)
        if kind == 0:
            made = mc.BatchNorm()(made)
        elif kind == 1 and width > 1:
            made = mc.LayerNorm()(made)
        elif kind == 2:
            made = mc.Dropout(0.2)(made)
        elif kind == 3:
            made = mc.concat([made, h])
        elif kind == 4:
            made = mc.add([made, mc.Dense(width)(h)])
        h = made
    dtype = str(rng.choice(["float32", "float64"]))
    return mc.Network(x, mc.Dense(int(rng.integers(1, 12)))(h), dtype=dtype, seed=int(rng.integers(2**31)))


def work(seed):
    """A digest of all that a series of operations finds."""
    rng, digest = np.random.default_rng(seed), hashlib.sha256()
    net = random_network(rng)
    for _ in range(8):
        rows = int(rng.integers(1, 1500))
        X, y = rng.normal(size=(rows, *net.input_shape)), rng.normal(size=(rows, *net.output_shape))
        loss = str(rng.choice(["squared_error", "absolute_error", "half_squared_error"]))
        operation = str(rng.choice(OPERATIONS))
        if operation == "fit":
            options = {"batch_size": int(rng.integers(1, 400)), "epochs": int(rng.integers(1, 3)), "loss": loss}
            net.fit(X, y, optimizer=mc.Adam(1e-4), clip_norm=1.0, verbose=False, **options)
        elif operation == "partial_fit":
            net.partial_fit(X[:20], y[:20], loss=loss, optimizer=mc.SGD(1e-5))
        elif operation == "predict":
            digest.update(net.predict(X).tobytes())
        elif operation == "copy":
            import pickle

            net = pickle.loads(pickle.dumps(net))
        elif operation == "freeze":
            name = next(iter(net.parameters)).rpartition(".")[0]
            (net.freeze if rng.integers(2) else net.unfreeze)(name)
        else:
            digest.update(repr(getattr(net, operation)(X, y, loss=loss)).encode()[:40])
    digest.update(net.parameters.flat.tobytes() + net.state.flat.tobytes())
    return digest.hexdigest()


def run(seconds, threads):
    """How many series were done, and how much memory grew after the first third, in MB."""
    start, lock, found, grown = time.monotonic(), threading.Lock(), {}, []
    seeds = iter(range(10**9))

    def worker():
        while time.monotonic() - start < seconds:
            with lock:
                seed = next(seeds)
            digest = work(seed)
            with lock:
                found[seed] = digest
                if time.monotonic() - start > seconds / 3:
                    grown.append(resident())

    workers = [threading.Thread(target=worker) for _ in range(threads)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
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
