"""What the scripts' command lines have in common."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from comparison.libraries import LIBRARIES, OURS, Library
from comparison.machine import cores


def parser(documentation: str) -> argparse.ArgumentParser:
    """Its first paragraph above the options, the others below."""
    summary, _, rest = documentation.partition("\n\n")
    return argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    def convert(text: str) -> float:
        value = kind(text)
        if not (value > 0 and math.isfinite(value)):
            raise ValueError
        return value

    convert.__name__ = f"positive {kind.__name__}"  # for argparse's message
    return convert


def add_measurement(parser: argparse.ArgumentParser, *, all_peers: bool, rounds: int, seconds: float) -> None:
    """Options of what is measured against what, and how long."""
    peers = [library.key for library in LIBRARIES if library.name != OURS]
    default = peers if all_peers else []
    parser.add_argument(
        "--peers", nargs="*", choices=peers, default=default, help=f"default: {'all' if all_peers else 'none'}"
    )
    parser.add_argument("--threads", nargs="+", type=positive(int), default=sorted({1, cores()}), metavar="N")
    parser.add_argument("--rounds", type=positive(int), default=rounds, metavar="N", help=f"default: {rounds}")
    parser.add_argument(
        "--seconds", type=positive(float), default=seconds, metavar="S", help=f"a measurement; default: {seconds}"
    )
    parser.add_argument(
        "--patience", type=positive(float), default=5.0, metavar="S", help="a round waits for quiet so long; default: 5"
    )
    parser.add_argument("--json", type=json_file, metavar="FILE", help="write all that was measured to FILE")


def json_file(text: str) -> Path:
    path = Path(text)
    if not path.resolve().parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


def write_json(path: Path | None, found: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def installed(peers: list[str]) -> list[Library]:
    """multicapa and the peers, without those that are missing: of them it says how to install them."""
    chosen = [library for library in LIBRARIES if library.name == OURS or library.key in peers]
    for library in chosen:
        if not library.installed():
            print(f"{library.name} is not installed and left out: {library.install}")
    present = [library for library in chosen if library.installed()]
    if not any(library.name == OURS for library in present):
        sys.exit("multicapa itself is not installed")
    return present
