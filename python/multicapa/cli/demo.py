"""``multicapa demo``: handwritten digits, in a few seconds."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from multicapa import plots
from multicapa.base.arrays import Array
from multicapa.cli import figures
from multicapa.cli.fitting import Fitted, fit, limited_threads, tell
from multicapa.cli.options import Command, Group, Option, count
from multicapa.cli.output import UsageError, command_line, heading, note, say, written
from multicapa.cli.recipe import SEED, THREADS
from multicapa.cli.scores import scores, show_confusion, show_scores
from multicapa.data import Split, Standardizer, train_dev_test_split
from multicapa.data.table import ClassTarget, Columns, NumberColumn, TableModel
from multicapa.layers import Dense, Dropout, GaussianNoise
from multicapa.model.sequential import Sequential
from multicapa.optimizers import Adam

_MODEL, _IMAGES, _FIGURE = "multicapa-demo.safetensors", "multicapa-demo-test.csv", "multicapa-demo.png"
_BATCH, _SMOOTHING, _PATIENCE = 32, 0.05, 25
_PIXELS = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]


def run(options: Namespace) -> None:
    """Train, judge, write and tell."""
    folder = Path(options.output)
    _make(folder)
    with limited_threads(options.threads):
        images, split, model = _prepare(options.seed)
        fitted = _train(model, split, options.epochs)
        heading("How often it is right:")
        _judge(model, split)
    _write(model, images, fitted, folder)
    _what_next(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{str(folder)!r} is not a folder") from None


def _prepare(seed: int) -> tuple[Split, Split, TableModel]:
    """The digits in three parts, the same standardised with what is known of the first, and a fresh network."""
    from sklearn.datasets import load_digits

    split = train_dev_test_split(*load_digits(return_X_y=True), seed=seed)
    standardizer = Standardizer().fit(split.X_train)
    inputs = tuple(
        NumberColumn(name, float(mean), float(scale) if np.isfinite(scale) else None, float(mean))
        for name, mean, scale in zip(_PIXELS, standardizer.mean_, standardizer.scale_, strict=True)
    )
    say(
        f"Handwritten digits, 8x8 pixels each: {len(split.X_train):,} images to train on, {len(split.X_dev)} (dev) "
        f"to tell when to stop, {len(split.X_test)} (test) that the network never sees before the end."
    )
    hidden = [layer for _ in range(2) for layer in (Dense(256, "relu"), Dropout(0.4))]
    layers = [GaussianNoise(0.4), *hidden, Dense(10, "softmax")]
    network = Sequential(layers, input_shape=len(_PIXELS), seed=seed)
    say(f"The network: 64 inputs, two hidden layers of 256 units, 10 outputs; {network.n_parameters:,} weights.")
    standardised = split._replace(
        X_train=standardizer.transform(split.X_train),
        X_dev=standardizer.transform(split.X_dev),
        X_test=standardizer.transform(split.X_test),
    )
    return split, standardised, TableModel(network, Columns(inputs), ClassTarget("digit", tuple(range(10))))


def _train(model: TableModel, split: Split, epochs: int) -> Fitted:
    train, dev = (split.X_train, split.y_train), (split.X_dev, split.y_dev)
    options: dict[str, Any] = {"optimizer": Adam(1e-3), "batch_size": _BATCH, "label_smoothing": _SMOOTHING}
    fitted = fit(model.network, train, dev, patience=_PATIENCE, epochs=epochs, **options)
    tell(fitted, epochs)
    return fitted


def _judge(model: TableModel, split: Split) -> None:
    outputs: dict[str, tuple[Array, Any]] = {
        "train": (model.network.predict(split.X_train), split.y_train),
        "dev": (model.network.predict(split.X_dev), split.y_dev),
        "test": (model.network.predict(split.X_test), split.y_test),
    }
    show_scores({part: (len(y), scores(model.target, out, y)) for part, (out, y) in outputs.items()})
    show_confusion(model.target, *outputs["test"], "Test images")


def _write(model: TableModel, images: Split, fitted: Fitted, folder: Path) -> None:
    fitted.remember({"optimizer": "adam", "batch-size": _BATCH, "label-smoothing": _SMOOTHING, "patience": _PATIENCE})
    model.save(folder / _MODEL)
    # The pixels as they were, 0 to 16: the model itself knows how to standardise them.
    table = np.column_stack([images.X_test, images.y_test])
    np.savetxt(folder / _IMAGES, table, fmt="%d", delimiter=",", header=",".join([*_PIXELS, "digit"]), comments="")
    files = [(_MODEL, "the network"), (_IMAGES, "the test images, one per row")]
    try:
        plots.check_matplotlib()
    except ImportError as error:
        note(f"{error}. The rest works without.")
    else:
        drawn = figures.curves(fitted.history, fitted.best_epoch, title="Handwritten digits")
        figures.save(drawn, str(folder / _FIGURE))
        files.append((_FIGURE, "the learning curves"))
    written(files, "" if folder == Path() else f" to {folder}")


def _what_next(folder: Path) -> None:
    heading("What to try next:")
    if folder != Path():
        print(f"  cd {shlex.quote(str(folder))}")
    for words in (
        ["info", _MODEL],
        ["evaluate", _MODEL, _IMAGES],
        ["predict", _MODEL, _IMAGES],
        ["plot", "predictions", _MODEL, _IMAGES],
        ["train", "YOUR_TABLE.csv", "--target", "COLUMN_TO_PREDICT"],
        ["train", "--help"],
    ):
        print(command_line(["multicapa", *words]))


COMMAND = Command(
    name="demo",
    usage=("[options]",),
    summary="learn to read handwritten digits, in a few seconds",
    description="Train a network on scikit-learn's handwritten digits, show how good it is on images it never saw, and "
    "write the model, its learning curves and the test images.",
    examples=("multicapa demo --output somewhere --seed 1",),
    run=run,
    groups=(
        Group(
            "options",
            "what it does",
            (
                Option("output", "folder for the files", ".", metavar="DIR"),
                Option("epochs", "at most so many", 200, count, metavar="N"),
                SEED,
                THREADS,
            ),
        ),
    ),
)
