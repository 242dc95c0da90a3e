"""What a report says of a training: facts, scores, curves, and how to do it again."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from multicapa import __version__
from multicapa.arrays import Array
from multicapa.cli import figures, recipe
from multicapa.cli.fitting import Fitted
from multicapa.cli.output import command_line
from multicapa.cli.parts import Prepared
from multicapa.cli.report import Block, Code, Figure, Report, Section, Table, Text, Tiles
from multicapa.cli.scores import Scores, score_rows, shown
from multicapa.table import CategoryColumn, ClassTarget, Column, DateColumn, TableModel, listed


def train_report(
    model: TableModel,
    fitted: Fitted,
    prepared: Prepared,
    outputs: Mapping[str, Array],
    judged: Scores,
    options: Namespace,
    notes: Sequence[str],
    config: str,
) -> Report:
    """The report of ``multicapa train``."""
    last = list(prepared.parts)[-1]
    what = "Loss and accuracy" if "val_accuracy" in fitted.history.names() else "Loss"
    drawn = [
        Figure("curves", f"{what} after each epoch.", figures.curves(fitted.history, fitted.best_epoch, small=True)),
        Figure(
            "predictions",
            f"What was predicted against what was true, {last} rows.",
            figures.predictions(model.target, outputs[last], prepared.parts[last].y),
        ),
    ]
    sections = [
        Section("", [Tiles(_tiles(fitted, judged, last))]),
        Section("How good it is", [_scores(judged), *drawn]),
        Section("The table", _table(prepared, options, notes)),
        Section("The network", [Text(_network(model, fitted, prepared, options)), Code(model.network.summary())]),
        again(options, config),
    ]
    return Report(f"{options.target} from {Path(options.file).name}", subtitle(), sections)


def subtitle() -> str:
    """Where a report comes from."""
    return f"multicapa {__version__}, {date.today():%d %B %Y}"


def again(options: Namespace, config: str) -> Section:
    """How to get the same bits once more, and how to use them."""
    predict = command_line(
        ["multicapa", "predict", shlex.quote(options.output), "NEW_ROWS.csv", "--output", "p.csv"], ""
    )
    blocks: list[Block] = [
        Text("These options, saved as this.toml, give the same model to the last bit on the same kind of processor:"),
        Code(f"multicapa train --config this.toml\n{predict}"),
        Code(config.rstrip()),
    ]
    return Section("Run it again", blocks, folded=True)


def _tiles(fitted: Fitted, judged: Scores, last: str) -> list[tuple[str, str]]:
    values = judged[last][1]
    best = fitted.best_epoch
    epochs = ("epochs", str(len(fitted.history))) if best is None else ("best epoch", str(best + 1))
    scores = [(f"{name}, {last}", shown(name, value)) for name, value in values.items()]
    return [*scores, ("rows in all", f"{sum(count for count, _ in judged.values()):,}"), epochs]


def _scores(judged: Scores) -> Table:
    header, *rows = score_rows(judged)
    return Table(header, rows)


def _table(prepared: Prepared, options: Namespace, notes: Sequence[str]) -> list[Block]:
    rows = [[column.name, column.kind, _about(column)] for column in prepared.columns.columns]
    target = prepared.target
    goal = listed(map(str, target.classes), 12) if isinstance(target, ClassTarget) else "numbers"
    blocks: list[Block] = [Table(["column", "read as", "found in the training rows"], rows, numbers=False)]
    blocks.insert(0, Text(f"Predicted: {target.name} ({goal})."))
    return blocks + [Text(f"Note: {text}") for text in notes]


def _about(column: Column) -> str:
    if isinstance(column, CategoryColumn):
        return f"{column.width}: {listed(column.categories, 6)}"
    if column.scale is None:
        return "always the same"
    if isinstance(column, DateColumn):
        middle = date.fromordinal(date(1970, 1, 1).toordinal() + int(column.mean))
        return f"around {middle}, give or take {column.scale:.0f} days"
    return f"{column.mean:.4g} ± {column.scale:.4g}"


def _network(model: TableModel, fitted: Fitted, prepared: Prepared, options: Namespace) -> str:
    done = len(fitted.history)
    how = recipe.described(options, prepared.parts["train"])
    kept = "" if fitted.best_epoch is None else f"; the weights of epoch {fitted.best_epoch + 1} were kept"
    return f"{model.network.n_parameters:,} weights, trained with {how}, for {done} epochs in {fitted.duration}{kept}."
