"""What a report says of a training: facts, scores, curves, and how to do it again."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from multicapa import __version__
from multicapa.cli import figures, recipe
from multicapa.cli.csv_text import named
from multicapa.cli.fitting import Result
from multicapa.cli.output import command_line, plain
from multicapa.cli.parts import Prepared
from multicapa.cli.report import Block, Code, Drawing, Figure, Report, Section, Table, Text, Tiles
from multicapa.cli.scores import base_rate, class_rows, score_rows, shown
from multicapa.data.table import CategoryColumn, ClassTarget, Column, DateColumn, listed


def train_report(result: Result, options: Namespace, notes: Sequence[str], config: str) -> Report:
    """The report of ``multicapa train``, which was run with the options that ``config`` says in TOML."""
    fitted, last = result.fitted, result.last
    what = "Loss and accuracy" if "val_accuracy" in fitted.history.names() else "Loss"
    drawn = [
        Figure("curves", f"{what} after each epoch.", figures.curves(fitted.history, fitted.best_epoch, small=True)),
        Figure(
            "predictions",
            f"What was predicted against what was true, {last} rows.",
            figures.predictions(result.model.target, result.outputs[last], result.prepared.parts[last].y),
        ),
    ]
    header, *rows = score_rows(result.scores)
    sections = [
        Section("", [Tiles(_tiles(result))]),
        Section("How good it is", [Table(header, rows), *_more_scores(result), *drawn]),
        Section("The table", _table(result.prepared, notes)),
        Section("The network", _network(result, options)),
        _again(options, config),
    ]
    subtitle = f"multicapa {__version__}, {date.today():%d %B %Y}"
    return Report(f"{options.target} from {Path(named(options.file)).name}", subtitle, sections)


def _more_scores(result: Result) -> list[Block]:
    """The base rate, and of classifiers each class."""
    target, last, parts = result.model.target, result.last, result.prepared.parts
    told = base_rate(target, parts["train"].y, parts[last].y, last)
    blocks: list[Block] = [Text(f"For comparison: {told}.")]
    if isinstance(target, ClassTarget):
        header, *rows = class_rows(target, result.outputs[last], parts[last].y)
        blocks.append(Table(header, rows))
    return blocks


def _again(options: Namespace, config: str) -> Section:
    """How to get the same bits once more, and how to use them."""
    predict = command_line(
        ["multicapa", "predict", shlex.quote(options.output), "NEW_ROWS.csv", "--output", "new.csv"], ""
    )
    blocks: list[Block] = [
        Text("These options, saved as this.toml, give the same model to the last bit on the same kind of processor:"),
        Code(f"multicapa train --config this.toml\n{predict}"),
        Code(config.rstrip()),
    ]
    return Section("Run it again", blocks, folded=True)


def _tiles(result: Result) -> list[tuple[str, str]]:
    judged, best = result.scores, result.fitted.best_epoch
    epochs = ("epochs", str(len(result.fitted.history))) if best is None else ("best epoch", str(best))
    scores = [(f"{name}, {result.last}", shown(name, value)) for name, value in judged[result.last][1].items()]
    return [*scores, ("rows in all", f"{sum(count for count, _ in judged.values()):,}"), epochs]


def _table(prepared: Prepared, notes: Sequence[str]) -> list[Block]:
    target = prepared.target
    goal = listed(map(repr, target.classes), 12) if isinstance(target, ClassTarget) else "numbers"
    rows = [[column.name, column.kind, _about(column)] for column in prepared.columns.columns]
    return [
        Text(f"Predicted: {target.name} ({goal})."),
        Table(["column", "read as", "found in the training rows"], rows, numbers=False),
        *(Text(f"Note: {text}") for text in notes),
    ]


def _about(column: Column) -> str:
    if isinstance(column, CategoryColumn):
        return f"{column.width}: {listed(map(repr, column.categories), 6)}"
    if column.scale is None:
        return "always the same"
    if isinstance(column, DateColumn):
        middle = date.fromordinal(date(1970, 1, 1).toordinal() + int(column.mean))
        return f"around {middle}, give or take {column.scale:.0f} days"
    return f"{plain(column.mean)} ± {plain(column.scale)}"


def _network(result: Result, options: Namespace) -> list[Block]:
    network = result.fitted.network
    drawing = Drawing("network", "The layers, from the inputs down.", network.to_svg())
    return [Text(_training(result, options)), drawing, Code(network.summary())]


def _training(result: Result, options: Namespace) -> str:
    fitted = result.fitted
    how = recipe.described(options, result.prepared.parts["train"])
    kept = "" if fitted.best_epoch is None else f"; the weights of epoch {fitted.best_epoch} were kept"
    weights, epochs = fitted.network.n_parameters, len(fitted.history)
    return f"{weights:,} weights, trained with {how}, for {epochs} epochs in {fitted.duration}{kept}."
