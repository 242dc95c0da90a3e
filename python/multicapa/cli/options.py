"""Options as data: the command line, its help and the configuration file are made from the same list."""

from __future__ import annotations

import argparse
import shlex
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from multicapa.base.checks import check_name


@dataclass(frozen=True)
class Option:
    """Something that can be said to a command, on its line or in a configuration file.

    ``parse`` turns text into a value and raises ArgumentTypeError where it makes no sense. None, for an option that was
    not given, is written as ``unset``.
    """

    name: str
    help: str
    default: Any = None
    parse: Callable[[str], Any] = str
    metavar: str = ""
    choices: Sequence[str] | None = None
    unset: str = ""
    repeated: bool = False  # several times on the line, a list in the file
    many: bool = False  # several values after it, a list in the file
    flag: bool = False
    positional: bool = False
    required: bool = False

    @property
    def key(self) -> str:
        """The name of the attribute."""
        return self.name.replace("-", "_")

    @property
    def typed(self) -> str:
        """What a person types to begin it."""
        return self.metavar if self.positional else f"--{self.name}"

    def convert(self, text: str) -> Any:
        """The value that a text stands for."""
        if text is argparse.SUPPRESS:  # what argparse makes of a positional argument that was not typed
            return text
        if text == self.unset and self.default is None:
            return None
        if self.choices is not None and text not in self.choices:
            raise ArgumentTypeError(f"should be one of {', '.join(self.choices)}, not {text!r}")
        return self.parse(text)

    def plain(self, value: Any) -> Any:
        """The value as a configuration file can say it."""
        if value is None:
            return self.unset
        return value if isinstance(value, bool | int | float | str) else self.text(value)

    def text(self, value: Any) -> str:
        """The text that a value comes from."""
        if value is None:
            return self.unset
        if isinstance(value, list):
            return ",".join(map(str, value)) or "none"
        return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)

    def words(self, value: Any) -> list[str]:
        """How the value is typed."""
        if self.flag:
            return [self.typed] if value else []
        values = value if self.repeated or self.many or isinstance(value, tuple) else [value]
        texts = [shlex.quote(self.text(each)) for each in values]
        if self.positional:
            return texts
        if self.many:
            return [self.typed, *texts]
        return [part for text in texts for part in ([f"{self.typed}={text}"] if _dashed(text) else [self.typed, text])]

    def explained(self) -> str:
        """The help with the choices and the default."""
        facts = [", ".join(self.choices)] if self.choices and not self.positional else []
        if not (self.flag or self.required or self.default == [] or self.text(self.default) == ""):
            default = " ".join(self.words(self.default)[1:]) if self.many else self.text(self.default)
            facts.append(f"default: {default}")
        return f"{self.help} ({'; '.join(facts)})" if facts else self.help

    def add_to(self, parser: Any) -> None:
        """Let argparse know it; what is not typed leaves no trace."""
        shown: dict[str, Any] = {"help": self.explained().replace("%", "%%"), "default": argparse.SUPPRESS}
        if self.flag:
            parser.add_argument(f"--{self.name}", action="store_true", **shown)
            return
        shown |= {"metavar": self.metavar or "NAME", "type": lambda text: self.convert(unmarked(text))}
        if self.positional:
            parser.add_argument(self.key, nargs="*" if self.many else "?", **shown)
        elif self.repeated:
            parser.add_argument(f"--{self.name}", action="append", **shown)
        else:
            parser.add_argument(f"--{self.name}", dest=self.key, nargs="+" if self.many else None, **shown)


@dataclass(frozen=True)
class Group:
    """Options that belong together: a heading in the help, a table in the file."""

    name: str
    title: str
    options: Sequence[Option]


@dataclass(frozen=True)
class Command:
    """A command: ``run`` does it, ``main`` are the options that stand first."""

    name: str
    usage: Sequence[str]
    summary: str
    description: str
    examples: Sequence[str]
    run: Callable[[Namespace], None]
    main: Sequence[Option] = ()
    groups: Sequence[Group] = field(default=())

    def options(self) -> list[Option]:
        """All of them."""
        return [*self.main, *(option for group in self.groups for option in group.options)]

    def defaults(self) -> dict[str, Any]:
        """Values of options that nobody gave."""
        return {
            option.key: [] if option.default is None and (option.repeated or option.many) else option.default
            for option in self.options()
        }


_COMMON = {"--help", "-h", "--config", "--show-config"}
_MARK = "\0"  # before a value, where argparse would take it for an option; no text on a command line can hold it


def unmarked(text: str) -> str:
    """A value without what :func:`marked` put before it."""
    return text if text is argparse.SUPPRESS else text.removeprefix(_MARK)


def marked(arguments: Sequence[str], options: Sequence[Option]) -> list[str]:
    """The words of a command line, so that argparse takes the value of an option for one, whatever it begins with."""
    single = {option.typed for option in options if not (option.flag or option.positional or option.many)}
    known = {option.typed for option in options if not option.positional} | _COMMON
    words: list[str] = []
    rest = list(arguments)
    while rest:
        first = rest.pop(0)
        name, equals, value = first.partition("=")
        if name in single and equals:
            words.append(f"{name}={_MARK}{value}")
        elif first in single and rest and rest[0].startswith("-") and rest[0].partition("=")[0] not in known:
            words.append(f"{first}={_MARK}{rest.pop(0)}")
        else:
            words.append(first)
    return words


def word(name: str, value: str) -> str:
    """An option and its value as they are typed; one that begins with a dash would pass for an option itself."""
    text = shlex.quote(value)
    return f"--{name}{'=' if _dashed(text) else ' '}{text}"


def _dashed(quoted: str) -> bool:
    return quoted.startswith(("-", "'-"))


# ---- what a text may be ----


def number(low: float, high: float = float("inf"), kind: type = float, *, open_low: bool = False) -> Any:
    """A converter that says which numbers are welcome."""
    bounds = f"{'above' if open_low else 'at least'} {low:g}" + (f" and below {high:g}" if high < 1e18 else "")
    wanted = f"should be {'a whole number' if kind is int else 'a number'} {bounds}"

    def convert(text: str) -> float:
        try:
            value: float = kind(text)
        except ValueError:
            raise ArgumentTypeError(f"{wanted}, not {text!r}") from None
        if not (low < value < high if open_low else low <= value < high):
            raise ArgumentTypeError(f"{wanted}, not {text}")
        return value

    return convert


count, share = number(1, 2**31, int), number(0, 1)
seed = number(0, 2**32, int)
rate = number(0, 1e18, open_low=True)


def count_or(*words: str) -> Callable[[str], Any]:
    """A converter for a positive whole number or one of some words."""

    def convert(text: str) -> Any:
        if text in words:
            return text
        try:
            return count(text)
        except ArgumentTypeError as error:
            raise ArgumentTypeError(str(error).replace("should be", f"should be {', '.join(words)} or")) from None

    return convert


def name_of(known: Callable[[], Any], what: str) -> Callable[[str], str]:
    """A converter that knows the names and suggests the nearest."""

    def convert(text: str) -> str:
        try:
            return check_name(text, known(), what)
        except ValueError as error:
            said = str(error)
            # Argparse puts the option before it; the whole list is for when nothing is near.
            raise ArgumentTypeError(said.partition(" There are:")[0] if "did you mean" in said else said) from None

    return convert


def sizes(text: str) -> list[int]:
    """Units of layers: ``64,32``, or none."""
    if text.strip().lower() in ("", "none", "0"):
        return []
    try:
        return [count(part) for part in text.split(",")]
    except ArgumentTypeError:
        raise ArgumentTypeError(f"should be sizes such as 64,32 (or none), not {text!r}") from None


def list_of(convert: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """A converter of values with commas between them."""
    return lambda text: [convert(part) for part in text.split(",")]
