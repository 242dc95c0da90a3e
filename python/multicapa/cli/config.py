"""A configuration file: all options of a command in TOML, to be printed and to be run again."""

from __future__ import annotations

import tomllib
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from multicapa.cli.options import Command, Option
from multicapa.cli.output import CommandError, UsageError
from multicapa.data.table import near


def read_config(path: str, command: Command) -> dict[str, Any]:
    """Values by option from a TOML file.

    Parameters
    ----------
    path : str
        A file as :func:`config_text` makes it; options may be left out, and stand in or outside their tables.
    command : Command

    Returns
    -------
    dict

    Raises
    ------
    UsageError
        If the file is absent, no TOML, for another command, or says what no option of this command takes.
    """
    try:
        entries = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError):
        raise UsageError(f"there is no configuration file {path!r}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path!r} is not TOML: {error}") from None
    made_for = entries.pop("command", command.name)
    if made_for != command.name:
        raise UsageError(f"{path!r} is for 'multicapa {made_for}', not for 'multicapa {command.name}'")
    known = {option.name: option for option in command.options()}
    values = {}
    for name, entry in _flat(entries, command, path):
        option = known.get(name.replace("_", "-"))
        if option is None:
            raise UsageError(f"{path!r}: 'multicapa {command.name}' has no option {name!r}{near(name, list(known))}")
        try:
            values[option.key] = _value(option, entry)
        except ArgumentTypeError as error:
            raise UsageError(f"{path!r}: {name} {error}") from None
    return values


def _flat(entries: dict[str, Any], command: Command, path: str) -> list[tuple[str, Any]]:
    """Names and entries, those of known tables with the others."""
    groups = {group.name for group in command.groups}
    pairs: list[tuple[str, Any]] = []
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            pairs.append((name, entry))
        elif name in groups:
            pairs.extend(entry.items())
        else:
            raise UsageError(f"{path!r}: there is no table [{name}]{near(name, sorted(groups))}")
    return pairs


def _value(option: Option, entry: Any) -> Any:
    """The value of an option from what TOML made of it."""
    if option.flag:
        if not isinstance(entry, bool):
            raise ArgumentTypeError(f"should be true or false, not {entry!r}")
        return entry
    if option.repeated or option.many:
        return [option.convert(_text(each)) for each in (entry if isinstance(entry, list) else [entry])]
    return option.convert(_text(entry))


def _text(entry: Any) -> str:
    return ",".join(map(_text, entry)) if isinstance(entry, list) else str(entry)


def import_toml() -> Any:
    """The library that writes TOML, or the way to get it."""
    try:
        import tomli_w
    except ImportError:
        raise CommandError('writing TOML needs tomli-w: pip install "multicapa[cli]"') from None
    return tomli_w


def config_text(command: Command, options: Namespace) -> str:
    """The configuration as TOML, every option of the command in it."""
    entries: dict[str, Any] = {"command": command.name}
    entries |= {option.name: _entry(option, options) for option in command.main}
    for group in command.groups:
        entries[group.name] = {option.name: _entry(option, options) for option in group.options}
    text: str = import_toml().dumps({key: entry for key, entry in entries.items() if entry != {}})
    return text


def _entry(option: Option, options: Namespace) -> Any:
    value = getattr(options, option.key)
    return [option.plain(each) for each in value] if option.repeated or option.many else option.plain(value)
