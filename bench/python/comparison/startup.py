"""The start-up table: time to import, and from there to the first update."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from comparison import installed
from comparison.libraries import Library
from comparison.rows import find
from comparison.schedule import Schedule

HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Start:
    """A row of the table."""

    name: str
    import_seconds: float
    first_step_seconds: float | None
    size: installed.Size


@dataclass(frozen=True)
class Package:
    name: str
    imports: str
    module: str  # in which its training stands, "" for none
    distributions: tuple[str, ...]


def packages(libraries: list[Library]) -> list[Package]:
    """NumPy first, which all the others bring along."""
    trained = find("64-100-10")
    return [
        Package("NumPy alone", "numpy", "", ("numpy",)),
        *(
            Package(each.name, each.imports, each.module if each.trains(trained) else "", each.distributions)
            for each in libraries
            if each.distributions
        ),
    ]


def measure(libraries: list[Library], schedule: Schedule) -> list[Start]:
    """Each in a fresh process, in turn."""
    measured = packages(libraries)
    times = [
        [in_fresh_process(package.imports, package.module) for package in measured] for _ in schedule.begin_rounds()
    ]
    return [
        Start(
            package.name,
            statistics.median(first for first, _ in own),
            statistics.median(second for _, second in own) if package.module else None,
            installed.measure(package.distributions),
        )
        for package, own in zip(measured, zip(*times, strict=True), strict=True)
    ]


def in_fresh_process(imported: str, module: str) -> tuple[float, float]:
    """Seconds to import, seconds to the first step."""
    path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "comparison.first_step", imported, module]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=True, capture_output=True, text=True)
    first, second = done.stdout.split()
    return float(first), float(second)


def as_json(row: Start) -> dict[str, Any]:
    return asdict(row)
