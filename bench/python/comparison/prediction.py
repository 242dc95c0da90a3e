"""The prediction table: the time of a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from comparison.contenders import Contender, Measured, calls_as_json, ours_and_best_peer, ratio, take_turns
from comparison.rows import find
from comparison.schedule import Schedule
from comparison.work import Work
from comparison.worker import PredictionBench


@dataclass(frozen=True)
class Question:
    """A network, how many rows it is to answer, and what multicapa must reach."""

    work: Work
    rows: int
    microseconds: float | None = None
    not_slower_than: str | None = None

    @property
    def title(self) -> str:
        return f"{self.work.name}, {self.rows:,} row{'s' if self.rows > 1 else ''}"

    @property
    def must(self) -> str:
        if self.microseconds is not None:
            return f"under {self.microseconds:g} µs"
        return f"1× {self.not_slower_than}" if self.not_slower_than else ""


QUESTIONS = (
    Question(find("64-100-10"), 1, microseconds=5),
    Question(find("64-100-10"), 64),
    Question(find("64-100-10"), 100_000, not_slower_than="ONNX Runtime"),
    Question(find("784-256-128-10"), 1),
    Question(find("784-256-128-10"), 64),
    Question(find("784-256-128-10"), 20_000),
    Question(find("LeNet-5"), 1, microseconds=60),
    Question(find("LeNet-5"), 1000),
)


@dataclass(frozen=True)
class Prediction:
    """A row of the table."""

    question: Question
    measured: list[Measured]  # seconds of a call

    def reaches_must(self) -> bool | None:
        """None where there is nothing to reach, or what it speaks of was not measured."""
        ours, _ = ours_and_best_peer(self.measured)
        if ours is None or not self.question.must:
            return None
        if self.question.microseconds is not None:
            return 1e6 * ours.median < self.question.microseconds
        ahead = ratio(self.measured, self.question.not_slower_than)
        return None if ahead is None else ahead >= 1


def measure(question: Question, contenders: list[Contender], schedule: Schedule) -> Prediction:
    able = [contender for contender in contenders if contender.library.can(question.work)]
    for contender in able:
        contender.prepare(PredictionBench, question.work, question.rows)
    return Prediction(question, take_turns(able, schedule))


def as_json(result: Prediction) -> dict[str, Any]:
    question = result.question
    return {
        "network": question.work.name,
        "rows": question.rows,
        "ratio": ratio(result.measured),
        "must": question.must,
        "must_reached": result.reaches_must(),
        "results": calls_as_json(result.measured, "rows", question.rows),
    }
