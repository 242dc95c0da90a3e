"""Small tables for the command line to learn from, and what its complaints look like."""

import os

import numpy as np
import pandas as pd

# Commands run in folders of their own, where a relative path to the package would lead nowhere.
_PATHS = [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(_PATHS)}

FAST = "--hidden 16 --learning-rate 0.02 --epochs 60"


def flowers(n=150, seed=0):
    """Two numbers and a category that tell three classes apart."""
    rng = np.random.default_rng(seed)
    k = rng.integers(0, 3, n)
    return pd.DataFrame(
        {
            "length": 3.0 * k + rng.normal(size=n) * 0.4,
            "width": 100 + rng.normal(size=n),
            "colour": np.array(["red", "blue", "white"])[(k + (rng.random(n) < 0.1)) % 3],
            "species": np.array(["a", "b", "c"])[k],
        }
    )


def houses(n=300, seed=0):
    """A price of a size and a town, in units far from 1."""
    rng = np.random.default_rng(seed)
    size, town = rng.uniform(40, 200, n), rng.integers(0, 3, n)
    price = 5e5 + 3000 * size + 1e5 * town + rng.normal(size=n) * 5000
    return pd.DataFrame({"size": size, "town": np.array(["Ulm", "Bonn", "Kiel"])[town], "price": price})


def scores(text):
    """The first score of each line of the table of scores."""
    lines = [line.split() for line in text.splitlines()]
    return {line[0]: float(line[2]) for line in lines if len(line) > 3 and line[0] in ("train", "dev", "test")}


def one_complaint(result, words, code):
    """Standard error ends with one short complaint that has these words in it."""
    found, _, err = result
    assert found == code, err
    complaint = err[err.index("multicapa: ") :]  # notes may come before it
    assert len(complaint.splitlines()) <= 4
    assert max(map(len, err.splitlines())) <= 80
    for word in words:
        assert word in " ".join(complaint.split()), err


def failure(result, *words):
    """The run failed, and the message says why."""
    one_complaint(result, words, 1)


def misuse(result, *words):
    """What was typed is wrong, and the message says what."""
    one_complaint(result, words, 2)
