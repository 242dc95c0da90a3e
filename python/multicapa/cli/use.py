"""``multicapa predict`` and ``multicapa evaluate``: a trained model on other tables."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any

from multicapa.cli.columns import missing_message, with_target
from multicapa.cli.fitting import limited_threads
from multicapa.cli.options import Command, Group, Option
from multicapa.cli.output import CommandError, UsageError, note, say, shorten
from multicapa.cli.reading import FILE, READING, check_writable, import_pandas, read_network, read_table, write_table
from multicapa.cli.recipe import THREADS
from multicapa.cli.scores import scores, show_confusion, show_scores
from multicapa.data.table import (
    MISSING,
    ClassTarget,
    Encoded,
    Frame,
    MissingValuesError,
    TableError,
    TableModel,
    listed,
    near,
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
    model, frame = read_model_and_table(options)
    if options.probabilities and not isinstance(model.target, ClassTarget):
        raise UsageError(
            f"--probabilities needs a model of classes, but this one predicts numbers ({model.target.name})"
        )
    encoded = encode(model, frame, options.missing)
    with limited_threads(options.threads):
        outputs = model.network.predict(encoded.X)
    result = frame[encoded.kept].copy()
    new = _new_columns(model, outputs, options.probabilities)
    for name, values in new.items():
        if name in result.columns:
            note(f"column {name!r} of the table is replaced.")
        result[name] = values
    if options.output:
        write_table(result, options.output)
        say(f"{options.output}: {len(result):,} rows, predictions in column {next(iter(new))}.")
    else:
        result.to_csv(sys.stdout, index=False)


def _new_columns(model: TableModel, outputs: Any, probabilities: bool) -> dict[str, Any]:
    predictions = model.target.decode(outputs)
    if predictions.dtype.kind == "f":  # more digits than the network computes with would promise more than there is
        predictions = predictions.astype(model.network.dtype)
    new = {f"predicted_{model.target.name}": predictions}
    if probabilities and isinstance(model.target, ClassTarget):
        new |= {f"probability_{name}": outputs[:, k] for k, name in enumerate(model.target.classes)}
    return new


def evaluate(options: Namespace) -> None:
    """Compare predictions with a known target."""
    model, frame = read_model_and_table(options)
    encoded, truth = encode_with_truth(model, frame, options.missing)
    with limited_threads(options.threads):
        outputs = model.network.predict(encoded.X)
    show_scores({shorten(Path(options.file).name, 32): (len(truth), scores(model.target, outputs, truth))})
    show_confusion(model.target, outputs, truth, "Rows of the table")


def encode_with_truth(model: TableModel, frame: Frame, missing: str | None) -> tuple[Encoded, Any]:
    """Inputs and known targets of the rows that have both; complains when there is none."""
    name = model.target.name
    if name not in frame.columns:
        hint = near(name, list(frame.columns))
        raise CommandError(f"the table lacks the target {name!r}, so there is nothing to compare with{hint}")
    frame = with_target(frame, name)
    if not len(frame):
        raise CommandError(f"no row has a {name!r}, so there is nothing to compare with")
    encoded = encode(model, frame, missing)
    truth = model.target.encode(frame[name][encoded.kept])
    if isinstance(model.target, ClassTarget) and (truth < 0).any():
        others = sorted(set(frame[name][encoded.kept][truth < 0].map(str)))
        note(f"rows of classes the model never saw ({listed(others, 3)}) count as wrong: {(truth < 0).sum():,}.")
    return encoded, truth


def read_model_and_table(options: Namespace) -> tuple[TableModel, Frame]:
    """What the command line names."""
    import_pandas()
    model = load_model(options.model)
    return model, read_table(options.file, options.na, options.separator, options.decimal)


def load_model(path: str) -> TableModel:
    """A model with its columns, or why it is none."""
    network = read_network(path)
    try:
        return TableModel.of(network)
    except TableError as error:
        raise CommandError(f"{path}: {error}") from error


def encode(model: TableModel, frame: Frame, missing: str | None) -> Encoded:
    """The inputs of the rows, with notes about rows left out and categories that training never saw."""
    try:
        encoded = model.columns.encode(frame, missing, model.network.dtype)
    except MissingValuesError as error:
        raise CommandError(missing_message(error.counts)) from None
    except TableError as error:
        if re.search(r"has '-?\d+,\d+'$", str(error)):
            raise CommandError(f"{error}. If the comma is decimal: --decimal comma") from None
        raise
    gone = int((~encoded.kept).sum())
    if gone:
        note(f"rows that have missing values are left out: {gone:,} of {len(frame):,}.")
    if not encoded.kept.any():
        raise CommandError("every row has missing values; try --missing impute")
    for column, texts in encoded.unseen.items():
        examples = listed((repr(text) for text in Counter(texts)), 3)
        found = f"categories that training never saw ({examples}; rows: {len(texts):,})"
        note(f"column {column!r} has {found}; they count as none.")
    return encoded


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
