"""A table in three parts, ready for a network: to train on, to tell when to stop (dev), for the last word (test)."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from multicapa.base.arrays import Array
from multicapa.cli.columns import can_stratify, check_names, handle_missing, in_time, task_of, tell_counts, with_target
from multicapa.cli.kinds import KIND, read_kinds
from multicapa.cli.options import Group, Option, share
from multicapa.cli.output import CommandError, UsageError, note
from multicapa.cli.reading import READING, import_pandas, read_table
from multicapa.data import train_dev_test_split
from multicapa.data.table import (
    DATE_ORDERS,
    MISSING,
    ClassTarget,
    Columns,
    Frame,
    Kind,
    NumberTarget,
    TableError,
    Target,
    as_numbers,
    composed,
    gaps_in,
    listed,
    read_frame,
)

PARTS = ("train", "dev", "test")
_FEWEST_ROWS = 10


def _share_or_file(text: str) -> float | str:
    """A share of the rows, 0 for none, or a file of its own."""
    try:
        return float(share(text))
    except ArgumentTypeError:
        if not os.path.isfile(text):
            raise ArgumentTypeError(f"should be a share at least 0 and below 1, or a file, not {text!r}") from None
        return text


TABLE = Group(
    "table",
    "the table",
    (
        Option(
            "task",
            "auto: classification if the target is text, true/false or few whole numbers",
            "auto",
            choices=("auto", "classification", "regression"),
        ),
        Option("drop", "leave out a column; may be repeated", parse=composed, metavar="COLUMN", repeated=True),
        Option("weight", "a column that says how much each row counts in training", parse=composed, metavar="COLUMN"),
        KIND,
        Option(
            "missing",
            "missing values: complain, leave those rows out, or fill in the median or most frequent category",
            "error",
            choices=MISSING,
            metavar="HOW",
        ),
        Option("dates", "what 03/04/2024 means", "auto", choices=DATE_ORDERS, metavar="ORDER"),
        *READING,
        Option(
            "split",
            "which rows are for dev and test: any, or the last in time (by a column of dates, else as they stand)",
            "random",
            choices=("random", "time"),
            metavar="HOW",
        ),
        Option(
            "dev",
            "to tell when to stop: a share of the rows, 0 for none, or a file",
            0.15,
            _share_or_file,
            metavar="SHARE",
        ),
        Option(
            "test",
            "for the last word: a share of the rows, 0 for none, or a file",
            0.15,
            _share_or_file,
            metavar="SHARE",
        ),
    ),
)


@dataclass(frozen=True)
class Part:
    """Rows as a network takes them."""

    X: Array
    y: Array
    weights: Array | None = None


@dataclass(frozen=True)
class Prepared:
    """What is learnt from a table before training: how to read its columns, and its parts."""

    columns: Columns
    target: Target
    parts: Mapping[str, Part]  # of train, dev and test those that there are

    @property
    def dev(self) -> tuple[Array, Array] | None:
        """The pair that ``fit`` takes for validation."""
        part = self.parts.get("dev")
        return None if part is None else (part.X, part.y)


@dataclass(frozen=True)
class Table:
    """A table of which it is known what each column is, and its parts as frames."""

    kinds: Mapping[str, Kind]
    inputs: Sequence[str]
    classes: ClassTarget | None  # None for numbers
    frames: Mapping[str, Frame]
    options: Namespace

    def prepare(self) -> Prepared:
        """Learn scales and categories from the training rows, and encode all parts."""
        options, train = self.options, self.frames["train"]
        inputs = {name: self.kinds[name] for name in self.inputs}
        columns = Columns.fit(train, inputs, options.missing, not options.only_empty, options.na)
        target = self.classes or _number_target(train, self.kinds[options.target], options)
        parts = {}
        for name, frame in self.frames.items():
            weights = _weights(frame, options.weight) if options.weight and name == "train" else None
            X = columns.encode(frame, dtype=options.dtype).X
            parts[name] = Part(X, target.encode(frame[options.target]), weights)
        return Prepared(columns, target, parts)

    def folds(self, count: int) -> Iterator[Table]:
        """The rows of train and dev in turns: each row is once in dev, or if they are in order of time each but the
        first, after all that come before it."""
        from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit

        rest: Any = import_pandas().concat([self.frames[name] for name in ("train", "dev") if name in self.frames])
        seed = self.options.seed
        labels = self.classes.encode(rest[self.options.target]) if self.classes else None
        if labels is not None and np.bincount(labels).min() < count:
            labels = None
        folds: Any = (KFold if labels is None else StratifiedKFold)(count, shuffle=True, random_state=seed)
        if self.options.split == "time":
            folds = TimeSeriesSplit(count)
        for train, dev in folds.split(np.zeros(len(rest)), labels):
            yield replace(self, frames={"train": rest.iloc[train], "dev": rest.iloc[dev]})


def read_parts(options: Namespace) -> Table:
    """Read the table that a command asks for, say what is odd in it, and split it."""
    shares = [value for value in (options.dev, options.test) if not isinstance(value, str)]
    if sum(shares) >= 1:
        raise UsageError(
            f"--dev and --test leave nothing to train on: {options.dev:g} + {options.test:g} is not below 1"
        )
    file = read_table(options.file, options)
    check_names(file.frame, options.target, options.drop, options.weight)
    others = [options.target, *([options.weight] if options.weight else [])]
    inputs = [name for name in file.frame.columns if name not in (*others, *options.drop)]
    if not inputs:
        raise CommandError("no column is left to predict the target from")
    file.tell_words(list(file.frame.columns[gaps_in(file.frame).all(axis=0)]), options.na)
    kinds, frame = read_kinds(file.frame[[*inputs, *others]], options, file.separator, options.target)
    file.tell_words([name for name, kind in kinds.items() if kind.name == "category"], options.na)
    tell_counts(frame[inputs])
    frame = with_target(frame, options.target)
    task = task_of(frame[options.target], options.task)
    frame = handle_missing(frame, options.missing)
    if len(frame) < _FEWEST_ROWS:
        raise CommandError(f"usable rows: {len(frame)}. That is too few to learn from; {_FEWEST_ROWS} is the least")
    frame = in_time(frame, inputs, options.split)
    classes = None
    if task == "classification":
        classes = ClassTarget.fit(frame[options.target], kinds[options.target].written)
        kinds = {**kinds, options.target: Kind("category")}  # so that later files may hold other classes
    frames = _split(frame, classes, options)
    for name in ("dev", "test"):
        path = getattr(options, name)
        if isinstance(path, str):
            frames[name] = _further(path, kinds, classes, options)
    return Table(kinds, inputs, classes, {name: frames[name] for name in PARTS if name in frames}, options)


def _split(frame: Frame, classes: ClassTarget | None, options: Namespace) -> dict[str, Frame]:
    """The rows, at random or in order of time, into those parts that are shares of the table."""
    dev, test = (0.0 if isinstance(value, str) else value for value in (options.dev, options.test))
    labels = classes.encode(frame[options.target]) if classes else np.zeros(len(frame))
    shares = [value for value in (dev, test) if value]
    in_order = options.split == "time"
    stratify = (
        not in_order and classes is not None and bool(shares) and can_stratify(classes, frame[options.target], shares)
    )
    try:
        split = train_dev_test_split(
            np.arange(len(frame)),
            labels,
            dev=dev,
            test=test,
            stratify=stratify,
            seed=options.seed,
            shuffle=not in_order,
        )
    except ValueError as error:
        raise CommandError(f"{len(frame)} rows cannot be split so: {error}") from error
    rows = {"train": split.X_train, "dev": split.X_dev, "test": split.X_test}
    if len(rows["train"]) < 2:
        raise UsageError(f"--dev and --test leave {len(rows['train'])} of {len(frame)} rows to train on")
    return {name: frame.iloc[chosen] for name, chosen in rows.items() if len(chosen)}


def _further(path: str, kinds: Mapping[str, Kind], classes: ClassTarget | None, options: Namespace) -> Frame:
    """A part from a file of its own, read as the table of the training rows."""
    file = read_table(path, options)
    absent = [name for name in kinds if name not in file.frame.columns and name != options.weight]
    if absent:
        raise CommandError(f"{path!r} lacks {listed(map(repr, absent))}, which {options.file!r} has")
    kinds = {name: kind for name, kind in kinds.items() if name in file.frame.columns}
    file.tell_words([name for name, kind in kinds.items() if kind.name == "category"], options.na)
    try:
        frame = read_frame(file.frame, kinds)
    except TableError as error:
        raise CommandError(f"{path!r}: {error}") from error
    frame = with_target(frame, options.target)
    frame = handle_missing(frame, options.missing)
    if classes is not None:
        unknown = classes.encode(frame[options.target]) < 0
        if unknown.any():
            names = listed(map(repr, sorted(set(frame[options.target][unknown].map(str)))), 3)
            note(
                f"rows of {path!r} whose class {options.file!r} does not have ({names}) are left out: {unknown.sum()}."
            )
            frame = frame[~unknown]
        if not len(frame):
            raise CommandError(f"no row of {path!r} has a class that {options.file!r} has")
    return frame


def _number_target(train: Frame, kind: Kind, options: Namespace) -> NumberTarget:
    """Standardised numbers; counts stay as they are, for the Poisson loss takes no others."""
    series = train[options.target]
    if options.loss != "poisson":
        return NumberTarget.fit(series, kind.written)
    if (as_numbers(series) < 0).any():
        raise CommandError(f"--loss poisson is for counts, but the target {options.target!r} has negative numbers")
    return NumberTarget(str(series.name), 0.0, 1.0, written=kind.written)


def _weights(frame: Frame, column: str) -> Array:
    weights = as_numbers(frame[column])
    if np.isnan(weights).any() or (weights < 0).any() or not weights.any():
        raise CommandError(f"the weights in column {column!r} should be numbers from 0 on, not all of them 0")
    return weights
