"""``multicapa plot``: pictures of what was trained."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multicapa.base.history import History
from multicapa.cli import figures
from multicapa.cli.fitting import limited_threads, recalled
from multicapa.cli.options import Command, Group, Option
from multicapa.cli.output import CommandError, UsageError, written
from multicapa.cli.reading import check_writable, import_pandas, infer, is_table, read_network, read_table
from multicapa.cli.recipe import THREADS
from multicapa.cli.use import USED_TABLE, encode, encode_with_truth, read_both

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def run(options: Namespace) -> None:
    """Draw and write."""
    output = options.output or f"{options.kind}.png"
    figures.check_figure(output)
    check_writable(output, options.files)
    with limited_threads(options.threads):
        figure = _KINDS[options.kind](options)
    if options.title:
        figure.suptitle(options.title, x=0.02, ha="left", fontsize=11)
    figures.save(figure, output)
    written([(output, f"the {options.kind}")])


def _curves(options: Namespace) -> Figure:
    """Of one model or log, or of several in the same axes."""
    if not options.files:
        raise UsageError("'multicapa plot curves' needs a model, or a log that multicapa train wrote; or several")
    read = [_history(path) for path in options.files]
    if len(read) == 1:
        return figures.curves(*read[0])
    labels = _labels(options.files)
    return figures.several_curves({label: history for label, (history, _) in zip(labels, read, strict=True)})


def _labels(paths: list[str]) -> list[str]:
    """The names of files, or their paths where names are not enough."""
    stems = [Path(path).stem for path in paths]
    return stems if len(set(stems)) == len(stems) else paths


def _history(path: str) -> tuple[History, int | None]:
    """The epochs of a model's training, or of a log, and which one was kept."""
    if is_table(path):
        return _logged(path), None
    trained = recalled(read_network(path))
    if trained is None:
        raise CommandError(f"{path!r} does not say how it was trained: it was not made by 'multicapa train'")
    return trained[0], trained[1]


def _logged(path: str) -> History:
    frame = infer(read_table(path).frame)
    if "loss" not in frame.columns or "epoch" not in frame.columns:
        raise CommandError(f"{path!r} is no log of epochs: it lacks the columns epoch and loss")
    if frame["epoch"].duplicated().any():
        raise CommandError(f"{path!r} holds several runs; 'multicapa plot plate' draws them")
    return figures.history_of(frame)


def _predictions(options: Namespace) -> Figure:
    model, file = _model_and_table(options)
    encoded, truth = encode_with_truth(model, file, options.missing)
    return figures.predictions(model.target, model.network.predict(encoded.X), truth)


def _boundary(options: Namespace) -> Figure:
    model, file = _model_and_table(options)
    encode(model, file, options.missing)  # says what is odd in the table
    return figures.boundary(model, file.frame, options.missing)


def _model_and_table(options: Namespace) -> tuple[Any, Any]:
    if len(options.files) != 2:
        raise UsageError(f"'multicapa plot {options.kind}' needs a model and a table")
    import_pandas()
    model, table = options.files
    return read_both(model, table, options)


def _plate(options: Namespace) -> Figure:
    """From the log of a search over learning rates and batch sizes."""
    if len(options.files) != 1:
        raise UsageError("'multicapa plot plate' needs the log of a search: multicapa search ... --log FILE.csv")
    return figures.plate(infer(read_table(options.files[0]).frame))


_KINDS: dict[str, Callable[[Namespace], Figure]] = {
    "curves": _curves,
    "predictions": _predictions,
    "boundary": _boundary,
    "plate": _plate,
}

COMMAND = Command(
    name="plot",
    usage=(
        "curves MODEL_OR_LOG... [options]",
        "predictions MODEL FILE [options]",
        "boundary MODEL FILE [options]",
        "plate SEARCH_LOG [options]",
    ),
    summary="pictures of a model and its training",
    description="Draw the learning curves of models or of logs; predictions against the truth of a table (for classes "
    "a confusion matrix); what a model of two numbers says all over their plane; or the plate of a search over "
    "learning rates and batch sizes.",
    examples=(
        "multicapa plot curves model.safetensors --output curves.svg",
        "multicapa plot predictions model.safetensors later.csv",
    ),
    run=run,
    main=(
        Option(
            "kind",
            "curves, predictions, boundary or plate",
            metavar="KIND",
            choices=tuple(_KINDS),
            positional=True,
            required=True,
        ),
        Option("files", "what it is drawn from", metavar="FILE", positional=True, many=True),
    ),
    groups=(
        USED_TABLE,
        Group(
            "output",
            "what is written",
            (
                Option("output", "the picture (.png, .svg or .pdf); by default KIND.png", metavar="FILE"),
                Option("title", "a line above it", metavar="TEXT"),
                THREADS,
            ),
        ),
    ),
)
