"""The parser of the command line, made from the commands and their options."""

from __future__ import annotations

import argparse
import difflib
import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Any, NoReturn

from multicapa import __version__
from multicapa.cli import demo, info, plot, search, train, use
from multicapa.cli.config import config_text, read_config
from multicapa.cli.options import Command, marked
from multicapa.cli.output import UsageError, command_line, width, wrapped

COMMANDS: tuple[Command, ...] = (
    demo.COMMAND,
    train.COMMAND,
    search.COMMAND,
    use.PREDICT,
    use.EVALUATE,
    plot.COMMAND,
    info.COMMAND,
)

EXIT_CODES = {
    0: "all went well",
    1: "the run failed: data that cannot be used, training that blew up, a full disk",
    2: "wrong usage: an option, the name of a column, a file that is not there",
    130: "stopped by Ctrl-C; no result was written, only a log as far as it came",
}


class _Parser(argparse.ArgumentParser):
    """argparse with help as wide as the terminal, and errors in our own manner."""

    def __init__(self, **options: Any) -> None:
        wide = width()
        super().__init__(
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
                prog, width=wide, max_help_position=26 if wide > 70 else 22
            ),
            allow_abbrev=False,
            **options,
        )

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def parse(arguments: Sequence[str] | None) -> None:
    """Read the command line and run what it asks for.

    Raises
    ------
    UsageError
        If it cannot be understood.
    SystemExit
        After ``--help`` and ``--version``.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    named = next((command for command in COMMANDS if words[:1] == [command.name]), None)
    if named is not None:
        words[1:] = marked(words[1:], named.options())
    parser = _build()
    if not words:
        parser.print_help()
        return
    if named is None and not words[0].startswith("-"):
        commands = [command.name for command in COMMANDS]
        raise UsageError(f"there is no command {words[0]!r}{_meant(words[0], commands)} (see multicapa --help)")
    known, unknown = parser.parse_known_args(words)
    typed = vars(known)
    if unknown:
        raise UsageError(_complaint(unknown[0], typed["command"]))
    command: Command = typed.pop("command")
    configured, showing = typed.pop("config", None), typed.pop("show_config", False)
    from_file = read_config(configured, command) if configured else {}
    options = Namespace(**command.defaults() | from_file | typed)
    if showing:
        print(config_text(command, options), end="")
        return
    lacking = [option for option in command.options() if option.required and getattr(options, option.key) in (None, [])]
    if lacking:
        names = " and ".join(
            option.typed if option.positional else f"{option.typed} {option.metavar}" for option in lacking
        )
        raise UsageError(f"'multicapa {command.name}' needs {names} (see multicapa {command.name} --help)")
    command.run(options)


def _meant(typed: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(typed, names, 1)
    return f"; did you mean {near[0]}?" if near else f". There are: {', '.join(names)}"


def _complaint(word: str, command: Command) -> str:
    """About something that no option takes."""
    help_on = f"(see multicapa {command.name} --help)"
    if not word.startswith("--"):
        return f"{word!r} belongs to no option {help_on}"
    name = word.partition("=")[0]
    near = difflib.get_close_matches(name, [option.typed for option in command.options() if not option.positional], 1)
    return f"there is no option {name}{f'; did you mean {near[0]}?' if near else ''} {help_on}"


def _build() -> argparse.ArgumentParser:
    codes = "\n".join(wrapped(f"  {code:<5}{meaning}", " " * 7) for code, meaning in EXIT_CODES.items())
    parser = _Parser(
        prog="multicapa",
        usage="multicapa COMMAND ...",
        description="Train and use neural networks on tables, on the CPU.",
        epilog=f"exit codes:\n{codes}\n\nNew here? Start with:\n  multicapa demo\n\n"
        "Each command explains itself:\n  multicapa train --help",
    )
    parser.add_argument("--version", action="version", version=f"multicapa {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        _add(commands, command)
    return parser


def _add(commands: Any, command: Command) -> None:
    examples = "\n".join(command_line(example.split(" ")) for example in command.examples)
    title = "example:" if len(command.examples) == 1 else "examples:"
    parser = commands.add_parser(
        command.name,
        prog=f"multicapa {command.name}",
        help=command.summary,
        description="\n\n".join(wrapped(paragraph) for paragraph in command.description.split("\n\n")),
        epilog=f"{title}\n{examples}",
        usage="\n       ".join(f"multicapa {command.name} {usage}".rstrip() for usage in command.usage),
    )
    parser.set_defaults(command=command)
    for option in command.main:
        option.add_to(parser)
    for group in command.groups:
        place = parser.add_argument_group(group.title)
        for option in group.options:
            option.add_to(place)
    if command.groups:
        place = parser.add_argument_group("all options in a file")
        quiet = {"default": argparse.SUPPRESS}
        place.add_argument(
            "--config", metavar="FILE", help="options from a TOML file; what is typed beside it wins", **quiet
        )
        place.add_argument(
            "--show-config", action="store_true", help="print all options as such a file, and do nothing else", **quiet
        )
