"""Contenders: each library on one thread and on all, in a process of its own, measured in turn."""

from __future__ import annotations

import multiprocessing
import os
import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from comparison import worker
from comparison.libraries import OURS, Library
from comparison.schedule import Schedule


@dataclass
class Measured:
    """The seconds that one repetition took in each round."""

    library: str
    threads: int
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """The distance of the quartiles, as a part of the median."""
        low, high = np.quantile(self.seconds, (0.25, 0.75))
        return float((high - low) / self.median)


def thread_limits(threads: int) -> dict[str, str]:
    """The environment in which every library keeps to a number of threads."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"), str(threads))
    if threads == 1:
        limits["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return limits


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Contender:
    """A library on a number of threads, in a process where it meets no other library's threads."""

    def __init__(self, library: Library, threads: int) -> None:
        self.library, self.threads = library, threads
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        with environment(thread_limits(threads)):
            self.call(os.getpid)  # starts the process

    def __str__(self) -> str:
        return f"{self.library.name} on {self.threads} thread{'s' if self.threads > 1 else ''}"

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return self._pool.submit(function, *arguments).result()
        except worker.Failure as failure:
            raise worker.Failure(f"{self}: {failure}") from None
        except Exception as error:  # whatever goes wrong in a library, or ends its process
            raise worker.Failure(f"{self}: {error!r}") from error

    def prepare(self, bench: type[worker.Bench], *arguments: Any) -> Any:
        """Returns what the bench's check returns."""
        return self.call(worker.prepare, bench, self.library.module, *arguments, self.threads)

    def do(self, method: str, *arguments: Any) -> Any:
        """Calls a method of the bench prepared."""
        return self.call(worker.do, method, *arguments)

    def close(self) -> None:
        self._pool.shutdown()


@contextmanager
def contenders(libraries: list[Library], threads: list[int]) -> Iterator[list[Contender]]:
    with ExitStack() as stack:
        started = []
        for library in libraries:
            for count in threads if library.threads else [1]:
                started.append(Contender(library, count))
                stack.callback(started[-1].close)
        yield started


def take_turns(
    prepared: list[Contender], schedule: Schedule, between: Callable[[], None] = lambda: None
) -> list[Measured]:
    """Each contender's times of what it has prepared, round by round; `between` is called once a round."""
    for contender in prepared:
        contender.do("calibrate", schedule.seconds)
    results = [Measured(contender.library.name, contender.threads) for contender in prepared]
    for _ in schedule.begin_rounds():
        between()
        for contender, result in zip(prepared, results, strict=True):
            result.seconds.append(contender.do("measure"))
    return results


def calls_as_json(results: list[Measured], things: str, count: int) -> list[dict[str, Any]]:
    """Times of calls, each of which makes so many things."""
    return [
        {
            "library": each.library,
            "threads": each.threads,
            f"{things}_per_second": count / each.median,
            "spread": each.spread,
            "seconds_per_call": each.seconds,
        }
        for each in results
    ]


def ours_and_best_peer(results: list[Measured], over: str | None = None) -> tuple[Measured | None, Measured | None]:
    """The fastest of multicapa's and the fastest of the others', or of one of them."""
    fastest = sorted(results, key=lambda result: result.median)
    ours = next((result for result in fastest if result.library == OURS), None)
    peers = (result for result in fastest if result.library != OURS and over in (None, result.library))
    return ours, next(peers, None)


def ratio(results: list[Measured], over: str | None = None) -> float | None:
    """How much faster multicapa's best is than the best of the others, or of one of them."""
    ours, peer = ours_and_best_peer(results, over)
    return peer.median / ours.median if ours and peer else None
