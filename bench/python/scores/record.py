"""What has been measured: a line of JSON for each score, so that a run can be broken off and gone on with."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cell:
    """One score: of a contender, on a row of a section's table, from a seed."""

    section: str
    row: str
    contender: str
    seed: int


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences and its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Difference:
        values = list(values)
        error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
        return cls(statistics.fmean(values), error)

    def worse(self, errors: float = 2.0) -> bool:
        """Whether it is below 0 by more than so many standard errors."""
        return self.mean < -errors * self.error - 1e-12

    def __str__(self) -> str:
        return f"{self.mean:+.4f} ± {self.error:.4f}"


class Record:
    """Scores by cell, kept in a file if there is one."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._scores: dict[Cell, float] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                score = entry.pop("score")
                self._scores[Cell(**entry)] = score

    def __contains__(self, cell: Cell) -> bool:
        return cell in self._scores

    def add(self, cell: Cell, score: float) -> None:
        self._scores[cell] = score
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps({**vars(cell), "score": score}) + "\n")

    def of(self, section: str) -> dict[str, dict[str, dict[int, float]]]:
        """Scores by row, contender and seed."""
        found: dict[str, dict[str, dict[int, float]]] = {}
        for cell, score in self._scores.items():
            if cell.section == section:
                found.setdefault(cell.row, {}).setdefault(cell.contender, {})[cell.seed] = score
        return found


def paired(ours: dict[int, float], theirs: dict[int, float]) -> Difference:
    """Ours minus theirs over the seeds that both have."""
    return Difference.of(ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys()))


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table as READMEs have it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
