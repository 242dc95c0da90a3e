"""The training table: samples per second, and the ratio to the best of the others."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from comparison.contenders import Contender, Measured, ours_and_best_peer, ratio, take_turns
from comparison.machine import Peak, cores
from comparison.rows import Goal, Row
from comparison.schedule import Schedule
from comparison.worker import Failure, Losses, bench_of

AGREEMENT = 0.05  # of the fall of the loss; the order of the samples differs from library to library


@dataclass(frozen=True)
class Training:
    """A row of the table."""

    row: Row
    measured: list[Measured]  # seconds of an epoch
    losses: list[Losses]  # of the same contenders
    peak: float  # GFLOP/s of all cores

    def rate(self, measured: Measured) -> float:
        """Samples per second."""
        return self.row.work.samples / measured.median

    def gflops(self, measured: Measured) -> float:
        return 1e-9 * self.rate(measured) * self.row.work.flops_per_sample

    def reaches(self, goal: Goal) -> bool | None:
        """None where there is no goal, or what it speaks of was not measured."""
        ours, _ = ours_and_best_peer(self.measured)
        if ours is None or goal == Goal():
            return None
        gflops, ahead = self.gflops(ours), ratio(self.measured, goal.over)
        if goal.ratio is not None and ahead is None:
            return None
        return (
            (goal.ratio is None or (ahead is not None and ahead >= goal.ratio))
            and (goal.of_peak is None or gflops / self.peak >= goal.of_peak)
            and (goal.gflops_per_core is None or gflops / cores() >= goal.gflops_per_core)
        )


def measure(row: Row, contenders: list[Contender], peak: Peak, schedule: Schedule) -> Training:
    able = [each for each in contenders if each.library.can(row.work) and each.library.trains(row.work)]
    losses = [contender.prepare(bench_of(row.work), row.work) for contender in able]
    check_agreement(able, losses)
    peaks: list[float] = []
    measured = take_turns(able, schedule, between=lambda: peaks.append(peak.measure()))
    return Training(row, measured, losses, statistics.median(peaks))


def check_agreement(contenders: list[Contender], losses: list[Losses]) -> None:
    """After as many updates from the same weights, all must have come about as far."""
    middle = statistics.median(each.last for each in losses)
    for contender, each in zip(contenders, losses, strict=True):
        if not abs(each.last - middle) <= AGREEMENT * (each.first - middle):
            raise Failure(f"{contender} came from {each.first:.4g} to {each.last:.4g}, the others to {middle:.4g}")


def as_json(result: Training) -> dict[str, Any]:
    work = result.row.work
    return {
        "name": work.title,
        "sizes": work.sizes,
        "layers": [str(layer) for layer in work.layers],
        "activation": work.activation,
        "batch": work.batch,
        "optimizer": work.optimizer,
        "loss": work.loss,
        "dtype": work.dtype,
        "samples": work.samples,
        "flops_per_sample": work.flops_per_sample,
        "peak_gflops": result.peak,
        "ratio": ratio(result.measured),
        "must": str(result.row.must),
        "must_reached": result.reaches(result.row.must),
        "aim": str(result.row.aim),
        "aim_reached": result.reaches(result.row.aim),
        "results": [
            {
                "library": each.library,
                "threads": each.threads,
                "samples_per_second": result.rate(each),
                "gflops": result.gflops(each),
                "of_peak": result.gflops(each) / result.peak,
                "spread": each.spread,
                "seconds_per_epoch": each.seconds,
                "checked_loss": losses.last,
            }
            for each, losses in zip(result.measured, result.losses, strict=True)
        ],
    }
