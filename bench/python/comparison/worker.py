"""What happens inside the process of a contender: prepare, check, measure."""

from __future__ import annotations

import importlib
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from comparison.graphs import END, Graph, GraphData, Translation
from comparison.work import Data, Weights, Work, first_weights, judge, log_softmax, logits

CHECKED_STEPS = 50


class Failure(Exception):
    """A library did not do what it is measured at."""


@dataclass(frozen=True)
class Losses:
    """Before training, and after as many updates as every other library has made."""

    first: float
    last: float


class Bench:
    """Something to do again and again."""

    repetitions = 1

    def time(self, repetitions: int) -> float:
        """Seconds."""
        raise NotImplementedError

    def calibrate(self, seconds: float) -> None:
        """Find how often to repeat it so that a measurement takes this long."""
        repetitions = 1
        while (taken := self.time(repetitions)) < seconds / 8:
            repetitions *= 4
        self.repetitions = max(1, round(repetitions * seconds / taken))

    def measure(self) -> float:
        """Seconds of one repetition."""
        return self.time(self.repetitions) / self.repetitions


class TrainingBench(Bench):
    """Epochs of training. Each measurement starts from the same weights and must bring the loss down."""

    def __init__(self, module: str, work: Work, threads: int) -> None:
        self.work, self.data = work, Data(work)
        self.weights = first_weights(work)
        self.training: Any = importlib.import_module(f"comparison.{module}").Training(self.data, threads)
        self.first_loss = self.judged(self.weights)

    def judged(self, weights: Weights) -> float:
        """By one thread: NumPy's others would spin for a tenth of a second, in the way of whatever is timed next."""
        with threadpool_limits(1, user_api="blas"):
            return judge(self.work, weights, self.data)

    def check(self) -> Losses:
        self.time(math.ceil(CHECKED_STEPS / self.work.steps))
        return Losses(self.first_loss, self.last_loss)

    def time(self, repetitions: int) -> float:
        self.training.start(self.weights)
        begin = time.perf_counter()
        self.training.run(repetitions)
        taken = time.perf_counter() - begin
        self.last_loss = self.judged(self.training.weights())
        if not self.last_loss < self.first_loss:
            raise Failure(f"the loss went from {self.first_loss:.4g} to {self.last_loss:.4g} in {repetitions} epochs")
        return taken


class GraphBench(TrainingBench):
    """The same of a graph, whose weights bear names."""

    def __init__(self, module: str, work: Graph, threads: int) -> None:
        self.work, self.data, self.weights = work, GraphData(work), work.first_weights  # type: ignore[assignment]
        self.training = importlib.import_module(f"comparison.graphs_{module}").Training(self.data, threads)
        self.first_loss = self.judged(self.weights)

    def judged(self, weights: Any) -> float:
        with threadpool_limits(1, user_api="blas"):
            return self.work.judge(weights, self.data)  # type: ignore[attr-defined, no-any-return]


def bench_of(work: Work) -> type[TrainingBench]:
    return GraphBench if isinstance(work, Graph) else TrainingBench


class DecodingBench(Bench):
    """Calls that translate the same sentences, with weights that let none of them end before the last token."""

    def __init__(self, module: str, work: Translation, sentences: int, width: int, threads: int) -> None:
        self.work, self.weights = work, {name: weight.copy() for name, weight in work.first_weights.items()}
        self.weights["next.bias"][END] = -20
        self.sources = GraphData(work).X[0][:sentences]
        library: Any = importlib.import_module(f"comparison.graphs_{module}")
        self.decoding = library.Decoding(work, self.weights, self.sources, width, threads)

    def check(self) -> list[tuple[list[int], float]]:
        """What it says, with scores that are NumPy's."""
        found: list[tuple[list[int], float]] = self.decoding.run()
        if len(found) != len(self.sources) or any(len(tokens) != self.sources.shape[1] for tokens, _ in found):
            raise Failure("a sentence has not as many tokens as there is room for")
        said, scores = np.array([tokens for tokens, _ in found]), np.array([score for _, score in found])
        error = float(np.abs(scores - self.work.scores(self.weights, self.sources, said)).max())
        if not error < 1e-3:
            raise Failure(f"a score is wrong by {error:.2g}")
        return found

    def time(self, repetitions: int) -> float:
        begin = time.perf_counter()
        for _ in range(repetitions):
            self.decoding.run()
        return time.perf_counter() - begin


class PredictionBench(Bench):
    """Calls that predict the same rows."""

    def __init__(self, module: str, work: Work, rows: int, threads: int) -> None:
        self.work, self.weights = work, first_weights(work)
        shape = work.shape or work.sizes[:1]
        self.X = np.random.default_rng(4).standard_normal((rows, *shape)).astype(work.dtype)
        library: Any = importlib.import_module(f"comparison.{module}")
        self.prediction = library.Prediction(work, self.weights, self.X, threads)

    def check(self) -> None:
        """Some of the probabilities against NumPy's."""
        rows = np.linspace(0, len(self.X) - 1, 100).astype(int)
        got = np.asarray(self.prediction.run(1))[rows]
        expected = np.exp(log_softmax(logits(self.work, self.weights, self.X[rows])))
        error = float(np.abs(got - expected).max())
        if not error < 1e-4:
            raise Failure(f"a probability is wrong by {error:.2g}")

    def time(self, repetitions: int) -> float:
        begin = time.perf_counter()
        self.prediction.run(repetitions)
        return time.perf_counter() - begin


_bench: Any = None


def prepare(bench: type[Bench], *arguments: Any) -> Any:
    global _bench
    _bench = None  # the memory of the last one
    _bench = bench(*arguments)
    return _bench.check()


def do(method: str, *arguments: Any) -> Any:
    return getattr(_bench, method)(*arguments)
