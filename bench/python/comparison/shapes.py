"""One shape of the sweep: multicapa on one thread and on all, and other libraries."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import multicapa
from comparison.contenders import Contender, Measured, ours_and_best_peer, ratio
from comparison.libraries import OURS
from comparison.schedule import Schedule
from comparison.work import Work
from comparison.worker import TrainingBench

RATES = {"adam": 1e-3, "sgd": 1e-2}
MARGIN = 0.03
MOST_STEPS, MOST_OPERATIONS = 2000, 2e9  # of an epoch, so that it takes a fraction of a second
OPERATIONS_PER_UPDATE = 20  # of one weight, reading and writing included


class ThreadsBench(TrainingBench):
    """The same training on one thread and on all, in one process: memory that lies badly does so for both."""

    def measure_on(self, threads: int) -> float:
        multicapa.set_num_threads(threads)
        return self.measure()


@dataclass(frozen=True)
class Shape:
    """What came out at one width and batch."""

    work: Work
    measured: list[Measured]

    @property
    def width(self) -> int:
        return self.work.sizes[0]

    @property
    def speedup(self) -> float | None:
        """Of all threads over one: the median of the rounds' own ratios, which no drift touches."""
        one, *more = (each for each in self.measured if each.library == OURS)
        if not more:
            return None
        return statistics.median(a / b for a, b in zip(one.seconds, more[0].seconds, strict=True))

    @property
    def complaints(self) -> list[str]:
        found = []
        if self.speedup is not None and self.speedup < 1 - MARGIN:
            found.append(f"more threads are slower: {self.speedup:.2f}×")
        ahead, (_, peer) = ratio(self.measured), ours_and_best_peer(self.measured)
        if ahead is not None and peer is not None and ahead < 1:
            found.append(f"{peer.library} on {peer.threads} is faster: {ahead:.2f}×")
        return found


def work_of(width: int, batch: int, optimizer: str) -> Work:
    sizes = (width, width, width, 10)
    work = Work("-".join(map(str, sizes)), sizes, "relu", batch, optimizer, RATES[optimizer], "classes")
    weights = sum(inputs * outputs for inputs, outputs in pairwise(sizes))
    operations = work.flops_per_sample + OPERATIONS_PER_UPDATE * weights / batch
    most = min(MOST_STEPS * batch, math.ceil(MOST_OPERATIONS / operations))
    return replace(work, least_samples=min(work.least_samples, most))


def measure(work: Work, ours: Contender, peers: list[Contender], schedule: Schedule) -> Shape:
    """A shape that seems too slow is measured once more, three times as long, and that counts."""
    ours.prepare(ThreadsBench, work)
    for peer in peers:
        peer.prepare(TrainingBench, work)
    for contender in (ours, *peers):
        contender.do("calibrate", schedule.seconds)
    shape = Shape(work, take_turns(ours, peers, schedule.begin_rounds()))
    return Shape(work, take_turns(ours, peers, schedule.begin_rounds(times=3))) if shape.complaints else shape


def take_turns(ours: Contender, peers: list[Contender], rounds: Iterator[None]) -> list[Measured]:
    own = [Measured(OURS, threads) for threads in sorted({1, ours.threads})]
    others = [Measured(peer.library.name, peer.threads) for peer in peers]
    for _ in rounds:
        for result in own:
            result.seconds.append(ours.do("measure_on", result.threads))
        for peer, result in zip(peers, others, strict=True):
            result.seconds.append(peer.do("measure"))
    return own + others


def as_json(shape: Shape) -> dict[str, Any]:
    work = shape.work
    return {
        "width": shape.width,
        "batch": work.batch,
        "optimizer": work.optimizer,
        "speedup_of_threads": shape.speedup,
        "ratio_to_best_peer": ratio(shape.measured),
        "complaints": shape.complaints,
        "results": [
            {"library": each.library, "threads": each.threads, "samples_per_second": work.samples / each.median}
            for each in shape.measured
        ],
    }
