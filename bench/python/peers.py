"""multicapa beside other libraries, in one run: training, prediction, decoding, start-up.

Every library trains the same networks on the same arrays from the same weights, each in a process of its own, on one
thread and on all; they take turns, round by round, and the medians count. GFLOP/s count two operations per
multiplication, forward and backward; the inputs of the first layer need no gradient. How each library is used stands in
comparison/with_LIBRARY.py.

    python bench/python/peers.py
    python bench/python/peers.py --tables training --rows 64-100-10 --dtype float64 --peers scikit-learn
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from comparison import decoding, options, prediction, report, startup, training
from comparison.contenders import contenders
from comparison.decoding import Request
from comparison.libraries import Library
from comparison.machine import Peak, describe
from comparison.prediction import Question
from comparison.rows import Row, rows
from comparison.schedule import Schedule
from comparison.worker import Failure

TABLES = ("training", "prediction", "decoding", "start-up")
Item = TypeVar("Item", Row, Question, Request)
Result = TypeVar("Result")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = options.parser(__doc__ or "")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES, help="default: all")
    parser.add_argument("--rows", default="", metavar="TEXT", help="only networks with TEXT in their name")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="of the training table")
    options.add_measurement(parser, all_peers=True, rounds=5, seconds=0.4)
    parser.add_argument("--peak-binary", type=Path, metavar="FILE", help="default: build/release/multicapa_bench")
    settings = parser.parse_args(arguments)
    if settings.peak_binary is not None and not settings.peak_binary.is_file():
        parser.error(f"--peak-binary: there is no file {settings.peak_binary}")
    settings.work = [row for row in rows(settings.dtype) if settings.rows in row.work.name]
    settings.questions = [each for each in prediction.QUESTIONS if settings.rows in each.work.name]
    settings.requests = [each for each in decoding.REQUESTS if settings.rows in each.title]
    if not settings.work:
        parser.error(f"--rows: no network has {settings.rows!r} in its name")
    return settings


def main(arguments: list[str] | None = None) -> int:
    settings = parse(arguments)
    libraries = options.installed(settings.peers)
    machine, peak = describe(libraries), Peak(settings.peak_binary, settings.dtype)
    print(f"{machine['processor']}, {machine['cores']} cores; the peak is that of {peak.how}")
    print(", ".join(f"{name} {version}" for name, version in machine["versions"].items()))

    run = Run(libraries, settings.threads, Schedule(settings.rounds, settings.seconds, settings.patience))
    found: dict[str, Any] = {"machine": machine, "peak": peak.how}
    if "training" in settings.tables:
        results = run.train(settings.work, peak)
        print(f"\n{report.training_summary(results)}")
        found["training"] = [training.as_json(each) for each in results]
    if "prediction" in settings.tables:
        answers = run.predict(settings.questions)
        print(f"\n{report.prediction_summary(answers)}")
        found["prediction"] = [prediction.as_json(each) for each in answers]
    if "decoding" in settings.tables:
        translated = run.decode(settings.requests)
        print(f"\n{report.decoding_summary(translated)}")
        found["decoding"] = [decoding.as_json(each) for each in translated]
    if "start-up" in settings.tables:
        starts = startup.measure(libraries, run.schedule)
        print(f"\n{report.start_up(starts)}")
        found["start_up"] = [startup.as_json(each) for each in starts]
    print(f"\n{run.schedule}")
    options.write_json(settings.json, found | {"schedule": asdict(run.schedule), "failures": run.failures})
    return 1 if run.failures else 0


@dataclass
class Run:
    """What is compared, and what failed on the way."""

    libraries: list[Library]
    threads: list[int]
    schedule: Schedule
    failures: list[str] = field(default_factory=list)

    def train(self, rows: list[Row], peak: Peak) -> list[training.Training]:
        able = [
            library
            for library in self.libraries
            if any(library.can(row.work) and library.trains(row.work) for row in rows)
        ]
        with contenders(able, self.threads) as present:
            return self._each(
                rows, lambda row: training.measure(row, present, peak, self.schedule), report.training_row
            )

    def predict(self, questions: list[Question]) -> list[prediction.Prediction]:
        able = [library for library in self.libraries if library.predicts]
        with contenders(able, self.threads) as present:
            return self._each(
                questions, lambda each: prediction.measure(each, present, self.schedule), report.prediction_row
            )

    def decode(self, requests: list[Request]) -> list[decoding.Decoding]:
        able = [library for library in self.libraries if library.decodes]
        with contenders(able, self.threads) as present:
            return self._each(
                requests, lambda each: decoding.measure(each, present, self.schedule), report.decoding_row
            )

    def _each(
        self, items: Iterable[Item], measure: Callable[[Item], Result], show: Callable[[Result], str]
    ) -> list[Result]:
        """Measures and prints them; one that fails is told of and left out."""
        results = []
        for item in items:
            try:
                results.append(measure(item))
            except Failure as failure:
                self.failures.append(f"{item.title}: {failure}")
                print(f"\nFAILED {self.failures[-1]}", file=sys.stderr)
            else:
                print(f"\n{show(results[-1])}", flush=True)
        return results


if __name__ == "__main__":
    sys.exit(main())
