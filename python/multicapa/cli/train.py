"""``multicapa train``: a network that predicts one column of a table from the others."""

from __future__ import annotations

import shlex
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from multicapa import optimizers
from multicapa.arrays import Array
from multicapa.cli.columns import can_stratify, check_names, handle_missing, kinds_of, task_of
from multicapa.cli.fitting import check_figure, fit, limited_threads, save_figure
from multicapa.cli.output import CommandError, heading, note, say, scores, show_confusion, show_scores
from multicapa.cli.reading import check_writable, read_table
from multicapa.data import train_dev_test_split
from multicapa.layers import Dense, Dropout, Layer, check_activation
from multicapa.network import Network
from multicapa.sequential import Sequential
from multicapa.table import ClassTarget, Columns, Frame, NumberColumn, NumberTarget, TableModel, Target, listed


@dataclass(frozen=True)
class _Part:
    """Train, dev or test, ready for the network."""

    X: Array
    y: Array


def run(options: Namespace) -> None:
    """Read, train, judge, write and tell."""
    check_writable(options.output, [options.file])
    if options.figure:
        check_figure(options.figure)
        check_writable(options.figure, [options.file, options.output])
    optimizer = _optimizer(options)
    if options.dev + options.test >= 1:
        raise CommandError(
            f"--dev and --test leave nothing to train on: {options.dev:g} + {options.test:g} is not below 1"
        )
    frame = read_table(options.file, options.na, options.decimal)
    columns, target, parts = _prepare(frame, options)
    with limited_threads(options.threads):
        model = TableModel(_network(columns, target, options), columns, target)
        best = fit(
            model.network,
            (parts["train"].X, parts["train"].y),
            (parts["dev"].X, parts["dev"].y),
            patience=options.patience,
            epochs=options.epochs,
            optimizer=optimizer,
            batch_size=options.batch_size or _batch_size(len(parts["train"].y)),
        )
        _judge(model, parts)
    _write(model, best, options)


def _optimizer(options: Namespace) -> optimizers.Optimizer:
    """The optimiser asked for; complains about unknown names, of activations too, before any work is done."""
    try:
        check_activation(options.activation, None)
        chosen = optimizers.get(options.optimizer)
    except ValueError as error:
        said = str(error)
        raise CommandError(said.partition(" There are:")[0] if "did you mean" in said else said) from error
    rate = options.learning_rate
    return chosen if rate is None else type(chosen)(learning_rate=rate)


def _batch_size(rows: int) -> int:
    """About 300 updates per epoch, between 32 and 512 rows each."""
    return int(2 ** np.clip(np.round(np.log2(rows / 300)), 5, 9))


def _prepare(frame: Frame, options: Namespace) -> tuple[Columns, Target, dict[str, _Part]]:
    """What is learnt from the table before training: columns, target, and the three parts."""
    check_names(frame, options.target, options.drop)
    frame = frame.drop(columns=options.drop)
    kinds = kinds_of(frame.drop(columns=[options.target]))
    frame = handle_missing(frame, options.target, options.missing)
    task = task_of(frame[options.target], options.task)
    classes = ClassTarget.fit(frame[options.target]) if task == "classification" else None
    rows = _split(frame, classes, options)
    columns = Columns.fit(frame.iloc[rows["train"]], kinds, options.missing)
    target: Target = classes or NumberTarget.fit(frame[options.target].iloc[rows["train"]])
    _describe(frame, columns, target, options)
    parts = {
        part: _Part(columns.encode(frame.iloc[chosen]).X, target.encode(frame[options.target].iloc[chosen]))
        for part, chosen in rows.items()
    }
    return columns, target, parts


def _split(frame: Frame, classes: ClassTarget | None, options: Namespace) -> dict[str, Any]:
    """Numbers of the rows in each part."""
    labels = classes.encode(frame[options.target]) if classes else np.zeros(len(frame))
    stratify = classes is not None and can_stratify(classes, frame[options.target], options.dev, options.test)
    try:
        split = train_dev_test_split(
            np.arange(len(frame)), labels, dev=options.dev, test=options.test, stratify=stratify, seed=options.seed
        )
    except ValueError as error:
        raise CommandError(f"{len(frame)} rows cannot be split so: {error}") from error
    if len(split.X_train) < 2:
        raise CommandError(f"--dev and --test leave {len(split.X_train)} of {len(frame)} rows to train on")
    return {"train": split.X_train, "dev": split.X_dev, "test": split.X_test}


def _describe(frame: Frame, columns: Columns, target: Target, options: Namespace) -> None:
    """What was found in the table, in a few lines; the reader should see at once when it was misread."""
    numbers = [column for column in columns.columns if isinstance(column, NumberColumn)]
    categories = [column for column in columns.columns if not isinstance(column, NumberColumn)]
    say(f"{options.file}: {len(frame):,} rows.")
    if numbers:
        say(f"Numbers: {listed((column.name for column in numbers), 8)}.")
    if categories:
        say(f"Categories: {listed((f'{column.name} ({column.width})' for column in categories), 8)}.")
    if isinstance(target, ClassTarget):
        names = listed(map(str, target.classes), 6)
        doubt = options.task == "auto" and isinstance(target.classes[0], int | float) and len(target.classes) > 2
        hint = " For numbers: --task regression." if doubt else ""
        say(f"Target {target.name}, {len(target.classes)} classes: {names}.{hint}")
    else:
        say(f"Target {target.name}, numbers around {target.mean:.4g} with a standard deviation of {target.scale:.4g}.")
    constant = [column.name for column in numbers if column.scale is None]
    if constant:
        note(f"{listed(map(repr, constant))} never varied in the training rows, so nothing is learnt from it.")


def _network(columns: Columns, target: Target, options: Namespace) -> Network:
    layers: list[Layer] = []
    try:
        for units in options.hidden:
            layers.append(Dense(units, options.activation))
            if options.dropout:
                layers.append(Dropout(options.dropout))
        outputs = len(target.classes) if isinstance(target, ClassTarget) else 1
        layers.append(Dense(outputs, "softmax" if isinstance(target, ClassTarget) else "linear"))
        network = Sequential(layers, input_shape=columns.width, seed=options.seed)
    except ValueError as error:
        raise CommandError(str(error)) from error
    sizes = " - ".join(str(n) for n in (columns.width, *options.hidden, outputs))
    say(f"Network {sizes}: {network.n_parameters:,} weights.")
    return network


def _judge(model: TableModel, parts: dict[str, _Part]) -> None:
    outputs = {name: model.network.predict(part.X) for name, part in parts.items()}
    heading("How good it is:")
    show_scores({name: (len(part.y), scores(model.target, outputs[name], part.y)) for name, part in parts.items()})
    if isinstance(model.target, ClassTarget):
        shares = np.bincount(parts["train"].y)
        frequent = int(shares.argmax())
        share = float(np.mean(parts["test"].y == frequent))
        say(f"  (always saying {model.target.classes[frequent]} would be right on {share:.3f} of test)")
    show_confusion(model.target, outputs["test"], parts["test"].y, "Test rows")


def _write(model: TableModel, best: int, options: Namespace) -> None:
    model.save(options.output)
    heading("Written:")
    print(f"  {options.output}")
    if options.figure:
        title = f"{Path(options.file).name}, {options.target}: loss per epoch"
        save_figure(model.network.history, options.figure, best, title)
        print(f"  {options.figure}")
    heading("Next:")
    print(f"  multicapa predict {shlex.quote(options.output)} NEW_ROWS.csv --output predicted.csv")
