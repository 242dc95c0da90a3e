"""What can be typed: commands, options and their help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from multicapa import __version__
from multicapa.cli import demo, info, train, use
from multicapa.cli.output import complain
from multicapa.table import MISSING

_WIDTH = 80


class _Parser(argparse.ArgumentParser):
    """argparse with help of a fixed width, and errors that fit on two lines."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
                prog, width=_WIDTH - 1, max_help_position=26
            ),
            allow_abbrev=False,
            **options,
        )

    def error(self, message: str) -> NoReturn:
        self.exit(complain(f"{message} (see {self.prog} --help)"))


def _number(low: float, high: float, kind: type = float, *, open_low: bool = False) -> Any:
    """A converter for argparse that says which numbers are welcome."""

    def convert(text: str) -> float:
        bounds = f"{'above' if open_low else 'at least'} {low:g}" + (f" and below {high:g}" if high < 1e18 else "")
        wanted = f"should be {'a whole number' if kind is int else 'a number'} {bounds}"
        try:
            value: float = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{wanted}, not {text!r}") from None
        if not (low < value < high if open_low else low <= value < high):
            raise argparse.ArgumentTypeError(f"{wanted}, not {text}")
        return value

    return convert


_count, _share = _number(1, 2**31, int), _number(0, 1, open_low=True)
_seed = _number(0, 2**32, int)


def _hidden(text: str) -> list[int]:
    if text.strip().lower() in ("", "none", "0"):
        return []
    try:
        return [_count(part) for part in text.split(",")]
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"should be sizes such as 64,32 (or none), not {text!r}") from None


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; ``options.run(options)`` runs what was asked for."""
    parser = _Parser(
        prog="multicapa",
        description="Train and use neural networks on tables, on the CPU.",
        epilog="New here? Start with:\n  multicapa demo\n\nEach command explains itself:\n  multicapa train --help",
    )
    parser.add_argument("--version", action="version", version=f"multicapa {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_add_demo, _add_train, _add_predict, _add_evaluate, _add_info):
        add(commands)
    return parser


def _command(
    commands: Any, name: str, usage: str, run: Any, summary: str, description: str, examples: Sequence[str]
) -> _Parser:
    shown = "\n".join(f"  {example}" for example in examples)
    title = "example:" if len(examples) == 1 else "examples:"
    parser: _Parser = commands.add_parser(
        name, help=summary, description=description, epilog=f"{title}\n{shown}", usage=f"multicapa {name} {usage}"
    )
    parser.set_defaults(run=run)
    return parser


def _add_demo(commands: Any) -> None:
    parser = _command(
        commands,
        "demo",
        "[options]",
        demo.run,
        "learn to read handwritten digits, in a few seconds",
        "Train a network on scikit-learn's handwritten digits, show how good it is on\n"
        "images it never saw, and write the model, its loss curves and the test images.",
        ["multicapa demo --output somewhere --seed 1"],
    )
    parser.add_argument("--output", metavar="DIR", default=".", help="folder for the files (default: here)")
    parser.add_argument("--epochs", type=_count, default=200, metavar="N", help="at most so many (default: 200)")
    parser.add_argument("--seed", type=_seed, default=0, metavar="S", help="fixes all chance (default: 0)")
    _add_threads(parser)


def _add_train(commands: Any) -> None:
    parser = _command(
        commands,
        "train",
        "FILE --target COLUMN [options]",
        train.run,
        "train on a table",
        "Train a network to predict one column of a table from the others. Numbers are\n"
        "standardised, texts become categories, and the rows are split at random: most\n"
        "to train on, some (dev) to tell when to stop, some (test) for the last word.",
        [
            "multicapa train flowers.csv --target species",
            "multicapa train houses.csv --target price --drop address --missing impute \\",
            "    --hidden 128,64 --dropout 0.1 --output houses.safetensors --figure a.png",
        ],
    )
    parser.add_argument("file", metavar="FILE", help="a CSV file with a header, or a Parquet file")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    table = parser.add_argument_group("the table")
    table.add_argument(
        "--task",
        choices=("auto", "classification", "regression"),
        default="auto",
        help="auto: classification if the target is text, true/false or few whole numbers",
    )
    table.add_argument(
        "--drop", action="append", default=[], metavar="COLUMN", help="leave out a column; may be repeated"
    )
    _add_table_options(table, "error")
    table.add_argument("--dev", type=_share, default=0.15, metavar="SHARE", help="share of the rows (default: 0.15)")
    table.add_argument("--test", type=_share, default=0.15, metavar="SHARE", help="share of the rows (default: 0.15)")
    _add_network_options(parser.add_argument_group("the network and its training"))
    _add_threads(parser)
    out = parser.add_argument_group("what is written")
    out.add_argument(
        "--output", metavar="FILE", default="model.safetensors", help="the model (default: model.safetensors)"
    )
    out.add_argument("--figure", metavar="FILE.png", help="the loss curves (.png, .svg or .pdf)")


def _add_network_options(group: Any) -> None:
    group.add_argument(
        "--hidden", type=_hidden, default=[64, 32], metavar="SIZES", help="hidden layers (default: 64,32), or none"
    )
    group.add_argument("--activation", default="relu", metavar="NAME", help="of the hidden layers (default: relu)")
    group.add_argument(
        "--dropout", type=_number(0, 1), default=0.0, metavar="RATE", help="after hidden layers (default: 0)"
    )
    group.add_argument("--epochs", type=_count, default=200, metavar="N", help="at most so many (default: 200)")
    group.add_argument(
        "--patience",
        type=_count,
        default=20,
        metavar="N",
        help="stop after so many epochs without progress on dev (default: 20)",
    )
    group.add_argument("--batch-size", type=_count, metavar="N", help="rows per update (default: 32 to 512, by rows)")
    group.add_argument(
        "--learning-rate", type=_number(0, 1e18, open_low=True), metavar="RATE", help="default: the optimiser's own"
    )
    group.add_argument("--optimizer", default="adam", metavar="NAME", help="default: adam")
    group.add_argument("--seed", type=_seed, default=0, metavar="S", help="fixes all chance (default: 0)")


def _add_table_options(group: Any, default: str | None) -> None:
    group.add_argument(
        "--missing",
        choices=MISSING,
        default=default,
        help="rows with missing values: complain, leave them out, or fill in the median or most frequent category "
        f"(default: {default or 'as in training'})",
    )
    group.add_argument(
        "--na", action="append", default=[], metavar="TEXT", help="a text that means missing, such as '?'"
    )
    group.add_argument("--decimal", choices=(".", ","), default=".", help="decimal sign (default: .)")


def _add_threads(parser: Any) -> None:
    parser.add_argument("--threads", type=_count, metavar="N", help="at most so many (default: what is there)")


def _add_predict(commands: Any) -> None:
    parser = _command(
        commands,
        "predict",
        "MODEL FILE [options]",
        use.predict,
        "fill in the target for new rows",
        "Write a table with a column of predictions added. The table needs the columns\n"
        "the model was trained on, in any order; others are passed through.",
        ["multicapa predict model.safetensors new.csv --output predicted.csv"],
    )
    _add_model_and_file(parser)
    parser.add_argument("--output", metavar="FILE", help="CSV or Parquet (default: CSV on the terminal)")
    parser.add_argument("--probabilities", action="store_true", help="one more column for each class")


def _add_evaluate(commands: Any) -> None:
    parser = _command(
        commands,
        "evaluate",
        "MODEL FILE [options]",
        use.evaluate,
        "how good a model is on a table whose target is known",
        "Compare a model's predictions with the known target of a table.",
        ["multicapa evaluate model.safetensors later.csv"],
    )
    _add_model_and_file(parser)


def _add_model_and_file(parser: Any) -> None:
    parser.add_argument("model", metavar="MODEL", help="what multicapa train wrote")
    parser.add_argument("file", metavar="FILE", help="a CSV file with a header, or a Parquet file")
    _add_table_options(parser, None)
    _add_threads(parser)


def _add_info(commands: Any) -> None:
    parser = _command(
        commands,
        "info",
        "[MODEL]",
        info.run,
        "versions and machine, or what is in a model",
        "Show versions, instruction set and threads; with MODEL, its layers and columns.",
        ["multicapa info model.safetensors"],
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help="a file that multicapa saved")
