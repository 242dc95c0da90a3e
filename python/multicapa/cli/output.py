"""What the command line says: text that fits the terminal, results to standard output, the rest to standard error."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

_WIDEST, _NARROWEST = 80, 40
_BOLD, _RED = "1", "31"
_notes: list[list[str]] = []  # who collects them now; see collected_notes


class CommandError(Exception):
    """The run failed: why, and what to do about it, in words for the person at the keyboard."""

    code = 1


class UsageError(CommandError):
    """What was typed is wrong: an option, the name of a column, a file that is not there."""

    code = 2


def width() -> int:
    """Columns to write in: those of the terminal, within reason."""
    return min(max(shutil.get_terminal_size((_WIDEST, 24)).columns, _NARROWEST), _WIDEST) - 1


def wrapped(text: str, indent: str = "") -> str:
    """Text in lines that fit, broken at blanks only, so that commands and names stay whole."""
    return textwrap.fill(text, width(), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def command_line(words: Sequence[str], indent: str = "  ") -> str:
    """Words that are quoted where needed, as a command over as many lines as it takes."""
    pieces = [words[0]]
    for word in words[1:]:  # an option and its values stay together
        if word.startswith("--") or not pieces[-1].startswith("--"):
            pieces.append(word)
        else:
            pieces[-1] += f" {word}"
    lines, room = [indent + pieces[0]], width() - 2
    for piece in pieces[1:]:
        if len(lines[-1]) + 1 + len(piece) > room:
            lines[-1] += " \\"
            lines.append(f"{indent}    {piece}")
        else:
            lines[-1] += f" {piece}"
    return "\n".join(lines)


def plain(value: float) -> str:
    """A number of a table with four digits, as people write it: 250,300 and 0.0123, not 2.503e+05."""
    if 1e3 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def painted(text: str, colour: str, stream: TextIO) -> str:
    """Text with a colour where there is someone to see it."""
    seen = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\033[{colour}m{text}\033[0m" if seen else text


def say(text: str = "", indent: str = "  ") -> None:
    """One paragraph to standard output."""
    print(wrapped(text, indent), flush=True)


@contextmanager
def collected_notes() -> Iterator[list[str]]:
    """The notes that are made meanwhile, for a report."""
    notes: list[str] = []
    _notes.append(notes)
    try:
        yield notes
    finally:
        _notes.remove(notes)


def note(text: str) -> None:
    """Something worth knowing that stops nobody; to standard error, where it is in no file's way."""
    for notes in _notes:
        notes.append(text)
    print(wrapped(f"Note: {text}", "  "), file=sys.stderr, flush=True)


def complain(text: str) -> None:
    """Why nothing can be done, to standard error."""
    lines = wrapped(f"multicapa: {text}", "  ")
    name, rest = lines[: len("multicapa:")], lines[len("multicapa:") :]
    print(painted(name, _RED, sys.stderr) + rest, file=sys.stderr, flush=True)


def heading(text: str) -> None:
    """A line between two subjects."""
    print(f"\n{painted(text, _BOLD, sys.stdout)}", flush=True)


def written(paths: Sequence[tuple[str, str]], where: str = "") -> None:
    """The files that now exist, and what each is."""
    heading(f"Written{where}:")
    longest = max(len(path) for path, _ in paths)
    for path, what in paths:
        line = f"  {path:<{longest}}  {what}"
        print(line if len(line) <= width() else f"  {path}\n    {what}", flush=True)


def shorten(text: str, width: int) -> str:
    """Text cut to a width, with a sign that it was."""
    return text if len(text) <= width else text[: width - 1] + "~"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(f"  {line}".rstrip() for line in lines)
