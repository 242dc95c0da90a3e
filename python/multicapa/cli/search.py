"""``multicapa search``: many trainings, of which the one that is best on dev becomes the model."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from multicapa.base.errors import DivergenceError
from multicapa.base.history import History
from multicapa.cli import figures, recipe, train
from multicapa.cli.candidates import candidates, searched, values, varied
from multicapa.cli.config import config_text
from multicapa.cli.fitting import fit_recipe, learn, limited_threads
from multicapa.cli.options import Command, Group, Option, count, number
from multicapa.cli.output import (
    CommandError,
    UsageError,
    collected_notes,
    columns,
    command_line,
    heading,
    say,
    shorten,
    width,
    written,
)
from multicapa.cli.parts import Prepared, read_parts
from multicapa.cli.reading import FILE, import_pandas, write_table
from multicapa.cli.report import Block, Figure, Report, Section, Table, Text, write_report
from multicapa.cli.scores import scores, shown
from multicapa.cli.summary import train_report

_SHOWN = 10  # of the candidates, on the screen


@dataclass(frozen=True)
class _Trial:
    """What became of one candidate: one history per fold."""

    candidate: Namespace
    histories: list[History]
    losses: list[float]  # on dev; infinite where training blew up
    scores: list[dict[str, float]]
    diverged: bool = field(default=False)

    @property
    def loss(self) -> float:
        return float(np.mean(self.losses))

    def score(self, name: str) -> float:
        """The mean over the folds."""
        return float(np.mean([values[name] for values in self.scores])) if self.scores else float("nan")

    @property
    def epochs(self) -> float:
        return float(np.mean([len(history) for history in self.histories]))

    @property
    def seconds(self) -> float:
        return float(sum(sum(history["seconds"]) for history in self.histories if len(history)))


def run(options: Namespace) -> None:
    """Try, rank, train the best once more as ``multicapa train`` would, judge it, write and tell."""
    train.check_outputs(options)
    if options.dev == 0 and options.folds is None:
        raise UsageError("candidates are compared on dev, but --dev is 0; --folds 5 would do without it")
    made = candidates(options)
    with collected_notes() as notes:
        table = read_parts(options)
        prepared = table.prepare()
        train.describe(table, prepared, options)
        data = [prepared] if options.folds is None else [fold.prepare() for fold in table.folds(options.folds)]
        trials = _ranked(_try_all(made, data, options))
        names = varied(made)
        _show(trials, names, options)
        if trials[0].diverged:
            raise CommandError("training blew up for every candidate. Try smaller steps: --learning-rate 0.0001")
        best = _as_train(trials[0].candidate)
        heading("The best once more, as multicapa train does it:")
        result = learn(prepared, best)
    train.judge(result)
    train.write(result, best)
    files = [(options.output, "the model of the best"), *train.draw(result, options)]
    files += _write_tables(trials, names, options)
    if options.report:
        report = train_report(result, best, notes, config_text(train.COMMAND, best))
        report = _with_search(report, trials, names, options)
        files += [(path, "the report") for path in write_report(report, options.report)]
    written(files)
    heading("The same model again:")
    print(command_line(["multicapa", "train", *_words(best)]))


def _try_all(made: Sequence[Namespace], data: Sequence[Prepared], options: Namespace) -> list[_Trial]:
    """All candidates, in as many processes as asked for, with a bar on a terminal."""
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    fits = f", {len(data)} folds each" if len(data) > 1 else ""
    say(f"Candidates: {len(made)}{fits}.")
    work = (delayed(_try)(candidate, data) for candidate in made)
    results = Parallel(n_jobs=options.jobs, return_as="generator")(work)
    bar = tqdm(results, total=len(made), desc="candidates", unit="", dynamic_ncols=True, disable=None, leave=False)
    return list(bar)


def _try(candidate: Namespace, data: Sequence[Prepared]) -> _Trial:
    with limited_threads(candidate.threads):  # of this process, which may be one of several
        return _tried(candidate, data)


def _tried(candidate: Namespace, data: Sequence[Prepared]) -> _Trial:
    histories: list[History] = []
    losses: list[float] = []
    judged: list[dict[str, float]] = []
    for prepared in data:
        network = recipe.build(prepared, candidate)
        try:
            fitted = fit_recipe(network, prepared, candidate, watch=False)
        except DivergenceError:
            return _Trial(candidate, [*histories, network.history], [float("inf")], [], True)
        dev = prepared.parts["dev"]
        histories.append(fitted.history)
        losses.append(float(fitted.kept["val_loss"]))
        judged.append(scores(prepared.target, network.predict(dev.X), dev.y))
    return _Trial(candidate, histories, losses, judged)


def _ranked(trials: Sequence[_Trial]) -> list[_Trial]:
    """By the loss on dev; those that blew up last."""
    return sorted(trials, key=lambda trial: trial.loss)


def _rows(trials: Sequence[_Trial], names: Sequence[str]) -> list[list[str]]:
    """The results as text, with a header."""
    judged = next((list(trial.scores[0]) for trial in trials if trial.scores), [])
    header = [*names, "dev loss", *judged, "epochs"]
    rows = []
    for trial in trials:
        cells = list(values(trial.candidate, names).values())
        loss = "diverged" if trial.diverged else f"{trial.loss:.4g}"
        rows.append([*cells, loss, *(_shown(trial, name) for name in judged), f"{trial.epochs:.0f}"])
    return [header, *rows]


def _shown(trial: _Trial, name: str) -> str:
    return "" if trial.diverged else shown(name, trial.score(name))


def _show(trials: Sequence[_Trial], names: Sequence[str], options: Namespace) -> None:
    rows = _rows(trials[:_SHOWN], names)
    while len(columns(rows).split("\n")[0]) > width() and len(rows[0]) > len(names) + 1:
        rows = [row[:-1] for row in rows]  # a narrow terminal gets fewer scores
    means = f", means over {options.folds} folds" if options.folds else ""
    heading(f"Best first, by the loss on dev{means}:")
    print(columns([[shorten(cell, 20) for cell in row] for row in rows]))
    if len(trials) > _SHOWN:
        where = "" if options.results else "; --results FILE.csv would keep all"
        say(f"  and {len(trials) - _SHOWN} more{where}")


def _as_train(candidate: Namespace) -> Namespace:
    """A candidate as the options of ``multicapa train``; what is written beside the model is the search's."""
    kept = {option.key: getattr(candidate, option.key) for option in train.COMMAND.options() if option != train.RESUME}
    return Namespace(**{**kept, "figure": None, "log": None, "report": None, "resume": False})


def _words(best: Namespace) -> list[str]:
    """What to type for the same model: options that are not the usual ones."""
    usual = train.COMMAND.defaults()
    return [
        word
        for option in train.COMMAND.options()
        if getattr(best, option.key) != usual[option.key] and option.key != "output"
        for word in option.words(getattr(best, option.key))
    ]


def _write_tables(trials: Sequence[_Trial], names: Sequence[str], options: Namespace) -> list[tuple[str, str]]:
    """All results, and all epochs of all trials."""
    files = []
    if options.results:
        write_table(import_pandas().DataFrame([_result(trial, names) for trial in trials]), options.results)
        files.append((options.results, "all candidates"))
    if options.log:
        write_table(_log(trials, names), options.log)
        files.append((options.log, "each epoch of each of them"))
    return files


def _log(trials: Sequence[_Trial], names: Sequence[str]) -> Any:
    return import_pandas().DataFrame([record for trial in trials for record in _epochs(trial, names)])


def _result(trial: _Trial, names: Sequence[str]) -> dict[str, Any]:
    judged = {f"dev_{name.replace('²', '2')}": trial.score(name) for name in (trial.scores[0] if trial.scores else ())}
    spread = {"dev_loss_deviation": float(np.std(trial.losses))} if len(trial.losses) > 1 else {}
    work = {"epochs": trial.epochs, "seconds": round(trial.seconds, 3)}
    return {**values(trial.candidate, names), "dev_loss": trial.loss, **spread, **judged, **work}


def _epochs(trial: _Trial, names: Sequence[str]) -> list[dict[str, Any]]:
    # A plate needs rate and batch size even when they are the same for all.
    told = values(trial.candidate, list(dict.fromkeys([*names, "learning-rate", "batch-size"])))
    records = []
    for fold, history in enumerate(trial.histories):
        number = {"fold": fold + 1} if len(trial.histories) > 1 else {}
        records += [{**told, **number, **{k: v for k, v in epoch.items() if k != "learning_rate"}} for epoch in history]
    if trial.diverged:
        records.append({**told, "epoch": len(trial.histories[-1]) + 1, "loss": float("inf")})
    return records


def _with_search(report: Report, trials: Sequence[_Trial], names: Sequence[str], options: Namespace) -> Report:
    """The report of the best, with what it was chosen from."""
    header, *rows = _rows(trials, names)
    means = f"; means over {options.folds} folds" if options.folds else ""
    blocks: list[Block] = [
        Text(
            f"Candidates: {len(trials)}. Best first, by the loss on dev{means}. The test rows judge the best one only."
        ),
        Table(header, rows),
    ]
    if set(names) == {"learning-rate", "batch-size"} and not options.folds:
        plate = figures.plate(_log(trials, names))
        blocks.append(Figure("plate", "Loss per epoch for each learning rate and batch size.", plate))
    first, scored, *rest = report.sections
    return Report(report.title, report.subtitle, [first, scored, Section("The search", blocks), *rest])


def _command() -> Command:
    of_train = {group.name: searched(group) for group in train.COMMAND.groups}
    files = (
        train.MODEL_OUT,
        Option("results", "all candidates, best first (CSV or Parquet)", metavar="FILE"),
        Option("log", "each epoch of each candidate (CSV or Parquet)", metavar="FILE"),
        train.FIGURE_OUT,
        train.REPORT_OUT,
    )
    how = (
        Option(
            "random",
            "draw so many candidates instead of trying all combinations",
            None,
            count,
            metavar="N",
            unset="none",
        ),
        Option(
            "folds",
            "compare by cross-validation over train and dev",
            None,
            number(2, 1000, int),
            metavar="K",
            unset="none",
        ),
        Option("jobs", "processes that work side by side", 1, count, metavar="N"),
    )
    return Command(
        name="search",
        usage=("FILE --target COLUMN [options]", "--config FILE [options]"),
        summary="try many settings, keep the best",
        description="Train a network for every combination of the values given, rank them by their loss on dev, and "
        "save the best, judged once on test. Options followed by [...] take several values, with blanks between them; "
        "with --random also a range to draw from, such as 0.0001..0.1. All else is as in multicapa train.",
        examples=(
            "multicapa search flowers.csv --target species",
            "multicapa search flowers.csv --target species --hidden 16 64,32 --learning-rate 0.001 0.01 "
            "--dropout 0 0.2",
            "multicapa search flowers.csv --target species --random 30 --learning-rate 1e-4..0.1 --l2 1e-6..0.01 "
            "--folds 5 --jobs 2",
        ),
        run=run,
        main=(FILE, train.TARGET),
        groups=(
            Group("search", "the search", how),
            of_train["table"],
            of_train["network"],
            of_train["training"],
            Group("output", "what is written", files),
        ),
    )


COMMAND = _command()
