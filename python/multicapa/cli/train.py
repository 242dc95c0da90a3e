"""``multicapa train``: a network that predicts one column of a table from the others."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

from multicapa.cli import figures, recipe
from multicapa.cli.checkpoint import Keeping
from multicapa.cli.config import config_text, import_toml
from multicapa.cli.csv_text import named
from multicapa.cli.fitting import Result, learn
from multicapa.cli.options import Command, Group, Option
from multicapa.cli.output import UsageError, collected_notes, command_line, heading, note, plain, say, written
from multicapa.cli.parts import TABLE, Prepared, Table, read_parts
from multicapa.cli.reading import FILE, check_writable
from multicapa.cli.report import check_report, write_report
from multicapa.cli.scores import base_rate, show_confusion, show_scores
from multicapa.cli.summary import train_report
from multicapa.data.table import ClassTarget, NumberColumn, as_numbers, composed, listed

TARGET = Option("target", "the column to predict", parse=composed, metavar="COLUMN", required=True)
MODEL_OUT = Option("output", "the model", "model.safetensors", metavar="FILE")
FIGURE_OUT = Option("figure", "the learning curves (.png, .svg or .pdf)", metavar="FILE")
LOG_OUT = Option("log", "a CSV file with a row for each epoch", metavar="FILE")
REPORT_OUT = Option("report", "a page with scores and curves (.html or .md)", metavar="FILE")

RESUME = Option("resume", "go on where a training that was stopped or killed stands", False, flag=True)


def run(options: Namespace) -> None:
    """Read, train, judge, write and tell."""
    check_outputs(options)
    recipe.check_recipe(options)
    with collected_notes() as notes:
        table = read_parts(options)
        prepared = table.prepare()
        describe(table, prepared, options)
        keeping = Keeping(options.output, options.resume)
        result = learn(prepared, options, log=options.log, keeping=keeping)
    judge(result)
    write(result, options)
    files = [(options.output, "the model")]
    files += [(options.log, "each epoch")] if options.log else []
    files += draw(result, options)
    if options.report:
        again = Namespace(**{**vars(options), RESUME.key: False})  # the whole of it
        report = train_report(result, options, notes, config_text(COMMAND, again))
        files += [(path, "the report") for path in write_report(report, options.report)]
    written(files)
    if result.fitted.interrupted:
        what = f" with --resume goes on from {keeping.path}" if keeping.begun else " begins anew"
        say(f"This is what there was; the same command{what}.")
        raise KeyboardInterrupt
    keeping.done()
    heading("Next:")
    print(command_line(["multicapa", "predict", shlex.quote(options.output), "NEW_ROWS.csv", "--output", "new.csv"]))


def check_outputs(options: Namespace) -> None:
    """Complain before the work is done about files that could not be written after it."""
    figures.check_figure(options.figure)
    check_report(options.report)
    if options.report:
        import_toml()  # for the options in it
    if Path(options.output).exists() and not Path(options.output).is_file():
        raise UsageError(f"{options.output!r} is not a file; a model cannot be written there")
    inputs = [options.file, *(path for path in (options.dev, options.test) if isinstance(path, str))]
    outputs = [options.output, options.figure, options.log, options.report, getattr(options, "results", None)]
    for place, path in enumerate(outputs):
        check_writable(path, [*inputs, *outputs[:place]])


def describe(table: Table, prepared: Prepared, options: Namespace) -> None:
    """What was found in the table, in a few lines; the reader should see at once when it was misread."""
    counts = {name: len(part.y) for name, part in prepared.parts.items()}
    parts = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    say(f"{named(options.file)}: {sum(counts.values()):,} rows ({parts}).")
    for title, columns in column_kinds(prepared).items():
        say(f"{title}: {listed(columns, 8)}.")
    target = prepared.target
    if isinstance(target, ClassTarget):
        names = listed(map(repr, target.classes), 6)
        doubt = options.task == "auto" and isinstance(target.classes[0], int | float) and len(target.classes) > 2
        hint = " For numbers: --task regression." if doubt else ""
        say(f"Target {target.name}, {len(target.classes)} classes: {names}.{hint}")
    else:
        values = as_numbers(table.frames["train"][target.name])
        say(
            f"Target {target.name}, numbers around {plain(values.mean())} with a standard deviation of "
            f"{plain(values.std())}."
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


def judge(result: Result) -> None:
    """Show how good a model is on each part, and what it confuses on the one it knows least."""
    model, last, parts = result.model, result.last, result.prepared.parts
    heading("How good it is:")
    show_scores(result.scores)
    say(f"  ({base_rate(model.target, parts['train'].y, parts[last].y, last)})")
    show_confusion(model.target, result.outputs[last], parts[last].y, f"{last.capitalize()} rows")


def write(result: Result, options: Namespace) -> None:
    """Save a model with what can be told of its training; the same bytes for the same training."""
    result.fitted.remember(recipe.told(options))
    result.model.save(options.output)


def draw(result: Result, options: Namespace) -> list[tuple[str, str]]:
    """The learning curves, if wanted; the file and what it is."""
    if not options.figure:
        return []
    title = f"{Path(options.file).name}: {options.target}"
    figures.save(figures.curves(result.fitted.history, result.fitted.best_epoch, title=title), options.figure)
    return [(options.figure, "the learning curves")]


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
        Group("output", "what is written", (MODEL_OUT, FIGURE_OUT, LOG_OUT, REPORT_OUT, RESUME)),
    ),
)
