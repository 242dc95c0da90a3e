"""``multicapa predict`` and ``multicapa evaluate``: a trained model on other tables."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path

import numpy as np

from multicapa.cli.columns import missing_message
from multicapa.cli.fitting import limited_threads
from multicapa.cli.output import CommandError, note, say, scores, shorten, show_confusion, show_scores
from multicapa.cli.reading import check_writable, import_pandas, read_table, write_table
from multicapa.table import (
    ClassTarget,
    Encoded,
    Frame,
    MissingValuesError,
    TableModel,
    is_missing,
    listed,
    near,
)


def predict(options: Namespace) -> None:
    """Write a table with predictions added."""
    if options.output:
        check_writable(options.output, [options.file, options.model])
    model, frame = _read(options)
    if options.probabilities and not isinstance(model.target, ClassTarget):
        raise CommandError(
            f"--probabilities needs a model of classes, but this one predicts numbers ({model.target.name})"
        )
    encoded = _encode(model, frame, options.missing)
    with limited_threads(options.threads):
        outputs = model.network.predict(encoded.X)
    result = frame[encoded.kept].copy()
    predictions = model.target.decode(outputs)
    numbers = predictions.dtype.kind == "f"
    # The network computes in float32; more digits would promise more than there is.
    result[f"predicted_{model.target.name}"] = predictions.astype(np.float32) if numbers else predictions
    if options.probabilities and isinstance(model.target, ClassTarget):
        for k, name in enumerate(model.target.classes):
            result[f"probability_{name}"] = outputs[:, k]
    if options.output:
        write_table(result, options.output)
        say(f"{options.output}: {len(result):,} rows, predictions in column predicted_{model.target.name}.")
    else:
        result.to_csv(sys.stdout, index=False)


def evaluate(options: Namespace) -> None:
    """Compare predictions with a known target."""
    model, frame = _read(options)
    name = model.target.name
    if name not in frame.columns:
        raise CommandError(
            f"the table lacks the target {name!r}, so there is nothing to compare with{near(name, list(frame.columns))}"
        )
    unknown = is_missing(frame[name])
    if unknown.any():
        note(f"rows that have no {name!r} are left out: {unknown.sum():,} of {len(frame):,}.")
        frame = frame[~unknown]
    encoded = _encode(model, frame, options.missing)
    truth = model.target.encode(frame[name][encoded.kept])
    if len(truth) == 0:
        raise CommandError("no row is left to evaluate on")
    if isinstance(model.target, ClassTarget) and (truth < 0).any():
        others = sorted(set(frame[name][encoded.kept][truth < 0].map(str)))
        note(f"rows of classes the model never saw ({listed(others, 3)}) count as wrong: {(truth < 0).sum():,}.")
    with limited_threads(options.threads):
        outputs = model.network.predict(encoded.X)
    show_scores({shorten(Path(options.file).name, 40): (len(truth), scores(model.target, outputs, truth))})
    show_confusion(model.target, outputs, truth, "Rows of the table")


def _read(options: Namespace) -> tuple[TableModel, Frame]:
    import_pandas()
    return _load(options.model), read_table(options.file, options.na, options.decimal)


def _load(path: str) -> TableModel:
    try:
        return TableModel.load(path)
    except FileNotFoundError as error:
        raise CommandError(str(error)) from None
    except ValueError as error:
        raise CommandError(f"{error}" if path in str(error) else f"{path}: {error}") from error


def _encode(model: TableModel, frame: Frame, missing: str | None) -> Encoded:
    """The inputs of the rows, with notes about rows left out and categories that training never saw."""
    try:
        encoded = model.columns.encode(frame, missing)
    except MissingValuesError as error:
        raise CommandError(missing_message(error.counts)) from None
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
