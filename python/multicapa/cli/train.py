"""``multicapa train``: a network that predicts one column of a table from the others."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from multicapa.arrays import Array
from multicapa.cli import figures, recipe
from multicapa.cli.config import config_text
from multicapa.cli.fitting import Fitted, fit_recipe, limited_threads, tell
from multicapa.cli.options import Command, Group, Option
from multicapa.cli.output import collected_notes, command_line, heading, note, say, written
from multicapa.cli.parts import TABLE, Prepared, Table, read_parts
from multicapa.cli.reading import FILE, check_writable
from multicapa.cli.report import check_report, write_report
from multicapa.cli.scores import Scores, scores, show_confusion, show_scores
from multicapa.cli.summary import train_report
from multicapa.table import ClassTarget, NumberColumn, TableModel, as_numbers, listed

TARGET = Option("target", "the column to predict", metavar="COLUMN", required=True)
MODEL_OUT = Option("output", "the model", "model.safetensors", metavar="FILE")
FIGURE_OUT = Option("figure", "the learning curves (.png, .svg or .pdf)", metavar="FILE")
LOG_OUT = Option("log", "a CSV file with a row for each epoch", metavar="FILE")
REPORT_OUT = Option("report", "a page with scores and curves (.html or .md)", metavar="FILE")


def run(options: Namespace) -> None:
    """Read, train, judge, write and tell."""
    check_outputs(options)
    recipe.check_recipe(options)
    with collected_notes() as notes:
        table = read_parts(options)
        prepared = table.prepare()
        describe(table, prepared, options)
        with limited_threads(options.threads):
            model, fitted = train(prepared, options)
            tell(fitted, options.epochs)
            outputs = answers(model, prepared)
    judged = judge(model, prepared, outputs)
    write(model, fitted, options)
    files = [(options.output, "the model")]
    files += [(options.log, "each epoch")] if options.log else []
    if options.figure:
        title = f"{Path(options.file).name}: {options.target}"
        figures.save(figures.curves(fitted.history, fitted.best_epoch, title=title), options.figure)
        files.append((options.figure, "the learning curves"))
    if options.report:
        again = config_text(COMMAND, options)
        report = train_report(model, fitted, prepared, outputs, judged, options, notes, again)
        files += [(path, "the report") for path in write_report(report, options.report)]
    finish(files, options.output)


def check_outputs(options: Namespace) -> None:
    """Complain before the work is done about files that could not be written after it."""
    figures.check_figure(options.figure)
    check_report(options.report)
    inputs = [options.file, *(path for path in (options.dev, options.test) if isinstance(path, str))]
    outputs = [options.output, options.figure, options.log, options.report, getattr(options, "results", None)]
    for place, path in enumerate(outputs):
        check_writable(path, [*inputs, *outputs[:place]])


def describe(table: Table, prepared: Prepared, options: Namespace) -> None:
    """What was found in the table, in a few lines; the reader should see at once when it was misread."""
    counts = {name: len(part.y) for name, part in prepared.parts.items()}
    parts = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    say(f"{options.file}: {sum(counts.values()):,} rows ({parts}).")
    for title, columns in column_kinds(prepared).items():
        say(f"{title}: {listed(columns, 8)}.")
    target = prepared.target
    if isinstance(target, ClassTarget):
        names = listed(map(str, target.classes), 6)
        doubt = options.task == "auto" and isinstance(target.classes[0], int | float) and len(target.classes) > 2
        hint = " For numbers: --task regression." if doubt else ""
        say(f"Target {target.name}, {len(target.classes)} classes: {names}.{hint}")
    else:
        values = as_numbers(table.frames["train"][target.name])
        say(
            f"Target {target.name}, numbers around {values.mean():.4g} with a standard deviation of {values.std():.4g}."
        )
    constant = [c.name for c in prepared.columns.columns if isinstance(c, NumberColumn) and c.scale is None]
    if constant:
        note(f"{listed(map(repr, constant))} never varied in the training rows, so nothing is learnt from it.")


def column_kinds(prepared: Prepared) -> dict[str, list[str]]:
    """Names of the columns by what they are read as."""
    titles = {"number": "Numbers", "category": "Categories", "date": "Dates"}
    kinds: dict[str, list[str]] = {}
    for column in prepared.columns.columns:
        shown = f"{column.name} ({column.width})" if column.kind == "category" else column.name
        kinds.setdefault(titles[column.kind], []).append(shown)
    return kinds


def train(prepared: Prepared, options: Namespace) -> tuple[TableModel, Fitted]:
    """A fitted model, and how it came about."""
    network = recipe.build(prepared, options)
    sizes = (prepared.columns.width, *options.hidden, *network.output_shape)
    say(f"Network {' - '.join(map(str, sizes))}: {network.n_parameters:,} weights.")
    fitted = fit_recipe(network, prepared, options, log=options.log)
    return TableModel(network, prepared.columns, prepared.target), fitted


def answers(model: TableModel, prepared: Prepared) -> dict[str, Array]:
    """What the network says to each part."""
    return {name: model.network.predict(part.X) for name, part in prepared.parts.items()}


def judge(model: TableModel, prepared: Prepared, outputs: Mapping[str, Array]) -> Scores:
    """Show how good a model is on each part, and what it confuses on the one it knows least."""
    parts = prepared.parts
    judged = {name: (len(part.y), scores(model.target, outputs[name], part.y)) for name, part in parts.items()}
    heading("How good it is:")
    show_scores(judged)
    last = list(parts)[-1]
    if isinstance(model.target, ClassTarget):
        frequent = int(np.bincount(parts["train"].y).argmax())
        always = float(np.mean(parts[last].y == frequent))
        say(f"  (always saying {model.target.classes[frequent]} would be right on {always:.3f} of {last})")
    show_confusion(model.target, outputs[last], parts[last].y, f"{last.capitalize()} rows")
    return judged


def write(model: TableModel, fitted: Fitted, options: Namespace) -> None:
    """Save a model with what can be told of its training; the same bytes for the same training."""
    groups = (recipe.NETWORK, recipe.TRAINING)
    told = {option.name: option.plain(getattr(options, option.key)) for group in groups for option in group.options}
    del told["threads"]  # which change nothing
    fitted.remember(told)
    model.save(options.output)


def finish(files: list[tuple[str, str]], model: str) -> None:
    """What was written, and what to do with it."""
    written(files)
    heading("Next:")
    print(command_line(["multicapa", "predict", shlex.quote(model), "NEW_ROWS.csv", "--output", "predicted.csv"]))


COMMAND = Command(
    name="train",
    usage=("FILE --target COLUMN [options]", "--config FILE [options]"),
    summary="train on a table",
    description="Train a network to predict one column of a table from the others. Numbers are standardised, texts "
    "become categories, dates a trend and places in the year and week. The rows are split at random: most to train "
    "on, some (dev) to tell when to stop, some (test) for the last word.",
    examples=(
        "multicapa train flowers.csv --target species",
        "multicapa train houses.csv --target price --drop address --missing impute --hidden 128,64 --dropout 0.1 "
        "--output houses.safetensors --report houses.html",
        "multicapa train flowers.csv --target species --show-config > flowers.toml",
        "multicapa train --config flowers.toml --seed 1",
    ),
    run=run,
    main=(FILE, TARGET),
    groups=(
        TABLE,
        recipe.NETWORK,
        recipe.TRAINING,
        Group("output", "what is written", (MODEL_OUT, FIGURE_OUT, LOG_OUT, REPORT_OUT)),
    ),
)
