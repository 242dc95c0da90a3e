"""``multicapa train`` at its defaults beside scikit-learn's networks in a pipeline, on tables in CSV files.

The pipeline is what a careful user writes: numbers standardised, texts one-hot, a target of numbers standardised too.
Both get the same rows to learn from and are judged by the same others; of its own, ``multicapa train`` sets some aside.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from scores import data, duels

NAME = "tables"
OURS, THEIRS = "multicapa train", "scikit-learn"
CONTENDERS = (OURS, THEIRS)
TARGET = "target"


@cache
def _table(name: str) -> Any:
    """A data frame; what it is made of is fixed."""
    import pandas as pd

    if name in ("shop", "letters"):
        return _made_of_texts(name)
    X, y = data.load(name)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    frame[TARGET] = y if data.is_regression(name) else [f"class {value}" for value in y]
    return frame


def _made_of_texts(name: str) -> Any:
    """Numbers and categories that matter together."""
    import pandas as pd

    rng = np.random.default_rng(0)
    rows = 3000
    kind, place = rng.integers(0, 5, rows), rng.integers(0, 8, rows)
    size, age, noise = rng.gamma(3.0, 30.0, rows), rng.uniform(0, 60, rows), rng.normal(size=rows)
    by_kind, by_place = rng.uniform(0.5, 1.5, 5), rng.uniform(-40, 40, 8)
    value = size * by_kind[kind] + by_place[place] - age * (place % 2) + 8 * noise
    frame = pd.DataFrame({"kind": [f"kind {i}" for i in kind], "place": [f"place {i}" for i in place],
                          "size": size.round(1), "age": age.round(1)})  # fmt: skip
    thirds = np.digitize(value, np.quantile(value, [1 / 3, 2 / 3]))
    frame[TARGET] = value.round(2) * 100 if name == "shop" else [("low", "middle", "high")[i] for i in thirds]
    return frame


ROWS: Sequence[str] = ("wine", "digits", "four classes", "letters", "diabetes", "friedman1", "friedman3", "shop")


def measure(name: str, contender: str, seed: int) -> float:
    return of_command_line(name, seed) if contender == OURS else _of_pipeline(name, seed)


def _split(name: str, seed: int) -> tuple[Any, Any]:
    frame = _table(name)
    kept = None if _is_regression(name) else frame[TARGET]
    rest, test = train_test_split(frame, random_state=seed, stratify=kept)
    return rest, test


def _is_regression(name: str) -> bool:
    return name == "shop" or data.is_regression(name)


def of_command_line(name: str, seed: int, *told: str) -> float:
    """What a model scores that ``multicapa train`` has made, with these options besides."""
    from multicapa import cli
    from multicapa.data.table import TableModel

    rest, test = _split(name, seed)
    with tempfile.TemporaryDirectory() as folder:
        table, judge, model = (str(Path(folder) / file) for file in ("rest.csv", "test.csv", "model.safetensors"))
        rest.to_csv(table, index=False)
        test.to_csv(judge, index=False)
        arguments = ["train", table, "--target", TARGET, "--test", judge, "--seed", str(seed), "--output", model, *told]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            if cli.main(arguments):
                raise RuntimeError(f"multicapa {' '.join(arguments)} failed:\n{said.getvalue()}")
        predicted = TableModel.load(model).predict(test)
    return _score(test[TARGET], predicted, _is_regression(name))


def _of_pipeline(name: str, seed: int) -> float:
    from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rest, test = _split(name, seed)
    columns = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    network: Any = (
        TransformedTargetRegressor(MLPRegressor(random_state=seed), transformer=StandardScaler())
        if _is_regression(name)
        else MLPClassifier(random_state=seed)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may not have converged
        model = make_pipeline(columns, network).fit(rest.drop(columns=TARGET), rest[TARGET])
    return _score(test[TARGET], model.predict(test.drop(columns=TARGET)), _is_regression(name))


def _score(truth: Any, predicted: Any, regression: bool) -> float:
    if not regression:
        return float(np.mean(np.asarray(truth) == predicted))
    truth = np.asarray(truth, dtype=np.float64)
    return float(1 - np.mean((truth - predicted) ** 2) / truth.var())


def report(scores: duels.Scores) -> str:
    return duels.table(scores, OURS, THEIRS)
