"""``multicapa predict`` and ``multicapa evaluate``: a trained model on other tables."""

from __future__ import annotations

import math
import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from multicapa.cli.columns import missing_message, tell_imputed, with_target
from multicapa.cli.fitting import limited_threads
from multicapa.cli.options import Command, Group, Option, word
from multicapa.cli.output import CommandError, UsageError, note, say, shorten
from multicapa.cli.reading import (
    FILE,
    READING,
    TableFile,
    check_writable,
    import_pandas,
    read_network,
    read_table,
    write_table,
)
from multicapa.cli.recipe import THREADS
from multicapa.cli.scores import scores, show_confusion, show_scores
from multicapa.data.table import (
    DECIMALS,
    MISSING,
    CategoryColumn,
    ClassTarget,
    Encoded,
    Kind,
    MissingValuesError,
    NumberTarget,
    TableError,
    TableModel,
    Written,
    is_missing,
    listed,
    near,
    read_frame,
)

MODEL = Option("model", "what multicapa train wrote", metavar="MODEL", positional=True, required=True)
USED_TABLE = Group(
    "table",
    "the table",
    (
        Option(
            "missing",
            "rows with missing values: complain, leave them out, or fill in what was usual in training",
            None,
            choices=MISSING,
            metavar="HOW",
            unset="as in training",
        ),
        *READING,
    ),
)


def predict(options: Namespace) -> None:
    """Write a table with predictions added."""
    check_writable(options.output, [options.file, options.model])
    model, file = read_model_and_table(options)
    if options.probabilities and not isinstance(model.target, ClassTarget):
        raise UsageError(
            f"--probabilities needs a model of classes, but this one predicts numbers ({model.target.name})"
        )
    encoded = encode(model, file, options.missing)
    with limited_threads(options.threads):
        outputs = model.network.predict(encoded.X)
    result = file.original[encoded.kept].copy()
    new = _new_columns(model, outputs, options.probabilities)
    for name, values in new.items():
        if name in result.columns:
            note(f"column {name!r} of the table is replaced.")
        result[name] = values
    if options.output:
        write_table(result, options.output, file, _decimal(model, options))
        say(f"{options.output}: {len(result):,} rows, predictions in column {next(iter(new))}.")
    else:
        write_table(result, sys.stdout, file, _decimal(model, options))


def _new_columns(model: TableModel, outputs: Any, probabilities: bool) -> dict[str, Any]:
    predictions = model.target.decode(outputs)
    if isinstance(model.target, NumberTarget) and predictions.dtype.kind == "f":
        # More digits than the network computes with would promise more than there is.
        digits = np.finfo(model.network.dtype).precision + 1 - math.floor(math.log10(model.target.scale))
        predictions = predictions.round(max(digits, 0))
    new = {f"predicted_{model.target.name}": predictions}
    if probabilities and isinstance(model.target, ClassTarget):
        new |= {f"probability_{name}": outputs[:, k] for k, name in enumerate(model.target.classes)}
    return new


def _decimal(model: TableModel, options: Namespace) -> str:
    """The decimal sign of the predictions: that of the table."""
    return model.target.written.decimal if options.decimal == "auto" else DECIMALS[options.decimal]


def evaluate(options: Namespace) -> None:
    """Compare predictions with a known target."""
    model, file = read_model_and_table(options)
    encoded, truth = encode_with_truth(model, file, options.missing)
    with limited_threads(options.threads):
        outputs = model.network.predict(encoded.X)
    show_scores({shorten(Path(options.file).name, 32): (len(truth), scores(model.target, outputs, truth))})
    show_confusion(model.target, outputs, truth, "Rows of the table")


def encode_with_truth(model: TableModel, file: TableFile, missing: str | None) -> tuple[Encoded, Any]:
    """Inputs and known targets of the rows that have both; complains when there is none."""
    name = model.target.name
    if name not in file.frame.columns:
        hint = near(name, list(file.frame.columns))
        raise CommandError(f"the table lacks the target {name!r}, so there is nothing to compare with{hint}")
    classes = isinstance(model.target, ClassTarget)
    kind = Kind("category") if classes else Kind("number", model.target.written)
    if classes:
        file.tell_words([name], model.columns.na)
    try:
        target = read_frame(file.frame, {name: kind})
    except TableError as error:
        raise _with_remedy(error) from None
    known = with_target(target, name)
    if not len(known):
        raise CommandError(f"no row has a {name!r}, so there is nothing to compare with")
    encoded = encode(model, file, missing, ~is_missing(target[name]))
    truth = model.target.encode(known[name][encoded.kept])
    if classes and (truth < 0).any():
        others = sorted(set(known[name][encoded.kept][truth < 0].map(str)))
        note(f"rows of classes the model never saw ({listed(others, 3)}) count as wrong: {(truth < 0).sum():,}.")
    return encoded, truth


def read_model_and_table(options: Namespace) -> tuple[TableModel, TableFile]:
    """What the command line names."""
    import_pandas()
    return read_both(options.model, options.file, options)


def read_both(model_path: str, path: str, options: Namespace) -> tuple[TableModel, TableFile]:
    """A model and a table, which is to be read as the one was that the model learnt from, unless options say more."""
    model = load_model(model_path)
    if options.decimal != "auto":
        model = model.with_decimal(DECIMALS[options.decimal])
    return model, read_table(path, options, model.columns)


def load_model(path: str) -> TableModel:
    """A model with its columns, or why it is none."""
    network = read_network(path)
    try:
        return TableModel.of(network)
    except TableError as error:
        raise CommandError(f"{path}: {error}") from error


def encode(model: TableModel, file: TableFile, missing: str | None, rows: Any = None) -> Encoded:
    """The inputs of the rows, with notes about rows left out and categories that training never saw."""
    frame = file.frame if rows is None else file.frame[rows]
    categories = [column.name for column in model.columns.columns if isinstance(column, CategoryColumn)]
    file.tell_words([name for name in categories if name in frame.columns], model.columns.na)
    try:
        encoded = model.columns.encode(frame, missing, model.network.dtype)
    except MissingValuesError as error:
        raise CommandError(missing_message(error.counts)) from None
    except TableError as error:
        raise _with_remedy(error) from None
    gone = int((~encoded.kept).sum())
    if gone:
        note(f"rows that have missing values are left out: {gone:,} of {len(frame):,}.")
    if not encoded.kept.any():
        raise CommandError("every row has missing values; try --missing impute")
    if encoded.filled:
        tell_imputed(encoded.filled)
    for column, texts in encoded.unseen.items():
        examples = listed((repr(text) for text in Counter(texts)), 3)
        found = f"categories that training never saw ({examples}; rows: {len(texts):,})"
        note(f"column {column!r} has {found}; they count as none.")
    return encoded


def _with_remedy(error: TableError) -> CommandError:
    """A text where training had numbers, with the option by which it may be one."""
    text = str(error).rpartition(" has ")[2][1:-1]
    if "should hold numbers" in str(error):
        for name, sign in DECIMALS.items():
            if sign in text and Written(sign, "" if sign == "." else ".").plain(text) is not None:
                return CommandError(f"{error}. If the {name} is decimal: --decimal {name}")
        return CommandError(f"{error}. If that means missing: {word('na', text)}")
    return CommandError(str(error))


PREDICT = Command(
    name="predict",
    usage=("MODEL FILE [options]",),
    summary="fill in the target for new rows",
    description="Write a table with a column of predictions added. The table needs the columns the model was trained "
    "on, in any order; others are passed through.",
    examples=("multicapa predict model.safetensors new.csv --output predicted.csv",),
    run=predict,
    main=(MODEL, FILE),
    groups=(
        USED_TABLE,
        Group(
            "output",
            "what is written",
            (
                Option("output", "CSV or Parquet; without it, CSV on the terminal", metavar="FILE"),
                Option("probabilities", "one more column for each class", False, flag=True),
                THREADS,
            ),
        ),
    ),
)

EVALUATE = Command(
    name="evaluate",
    usage=("MODEL FILE [options]",),
    summary="how good a model is on a table whose target is known",
    description="Compare a model's predictions with the known target of a table.",
    examples=("multicapa evaluate model.safetensors later.csv",),
    run=evaluate,
    main=(MODEL, FILE),
    groups=(USED_TABLE, Group("work", "the work", (THREADS,))),
)
