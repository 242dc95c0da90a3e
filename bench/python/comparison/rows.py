"""The rows of the training table, and the figures that each must reach and aims at."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from comparison.convolution import Conv, Dense, Layer, Mean, Pool, Shape, shapes
from comparison.graphs import Transformer, Translation
from comparison.recurrence import Kind, Walk
from comparison.work import Work


@dataclass(frozen=True)
class Goal:
    """Figures to reach at once, written as "1.1× 85% 60/core"; None where there is none."""

    ratio: float | None = None
    over: str | None = None  # one library; None means the best of all
    of_peak: float | None = None
    gflops_per_core: float | None = None

    def __str__(self) -> str:
        parts = []
        if self.ratio is not None:
            parts.append(f"{self.ratio:g}×" + (f" {self.over}" if self.over else ""))
        if self.of_peak is not None:
            parts.append(f"{100 * self.of_peak:g}%")
        if self.gflops_per_core is not None:
            parts.append(f"{self.gflops_per_core:g}/core")
        return " ".join(parts)


@dataclass(frozen=True)
class Row:
    work: Work
    must: Goal = Goal()
    aim: Goal = Goal()

    @property
    def title(self) -> str:
        return self.work.title


def tower(inputs: int, width: int, layers: int, outputs: int) -> tuple[int, ...]:
    """Sizes of a network whose hidden layers have one width."""
    return (inputs, *[width] * layers, outputs)


def _images(name: str, shape: Shape, layers: tuple[Layer, ...], batch: int, samples: int) -> Work:
    """A network with convolutions, trained by Adam."""
    sizes = (math.prod(shape), shapes(shape, layers)[-1][0])
    return Work(name, sizes, "relu", batch, "adam", 1e-3, "classes", "float32", samples, shape, layers)


FLOAT32 = (
    Row(Work("4-16-3", (4, 16, 3), "tanh", 16, "sgd", 0.1, "classes"), Goal(12), Goal(20)),
    Row(Work("64-100-10", (64, 100, 10), "relu", 200, "adam", 1e-3, "classes"), Goal(4), Goal(5.5)),
    Row(Work("32-64-64-1", (32, 64, 64, 1), "relu", 256, "adam", 1e-3, "numbers"), Goal(4), Goal(5)),
    Row(Work("784-256-128-10", (784, 256, 128, 10), "relu", 128, "adam", 1e-3, "classes"), Goal(1.4), Goal(1.6)),
    Row(
        Work("1024×4", tower(1024, 1024, 3, 1024), "relu", 512, "sgd", 0.1, "numbers"),
        Goal(1.1, of_peak=0.85),
        Goal(of_peak=0.94),
    ),
    Row(Work("64×16 layers", tower(64, 64, 15, 64), "tanh", 64, "momentum", 0.05, "numbers"), Goal(2.5), Goal(3.2)),
    Row(Work("10-32-1", (10, 32, 1), "sigmoid", 1, "sgd", 0.02, "numbers"), Goal(2.5), Goal(5)),
    Row(Work("256-512-512-10", (256, 512, 512, 10), "relu", 32, "adam", 1e-3, "classes"), Goal(1.4), Goal(1.8)),
    Row(
        Work("4-32-16-4", (4, 32, 16, 4), "tanh", 10_000, "adam", 1e-3, "numbers"),
        Goal(4),
        Goal(6, gflops_per_core=60),
    ),
    Row(Work("28-300×5-1", tower(28, 300, 5, 1), "tanh", 100, "adam", 1e-4, "binary"), Goal(1.3), Goal(1.6)),
    Row(Work("10-46-46-10", (10, 46, 46, 10), "relu", 128, "adam", 1e-3, "classes"), Goal(4), Goal(6)),
)

LENET = (Conv(6, 5), Pool(), Conv(16, 5), Pool(), Dense(120), Dense(84), Dense(10))
DIGITS = (Conv(16, 3, same=True), Pool(), Conv(32, 3, same=True), Pool(), Dense(10))
COLOURS = (*[Conv(32, 3, same=True)] * 2, Pool(), *[Conv(64, 3, same=True)] * 2, Pool(), Dense(128), Dense(10))
SERIES = (Conv(32, 5), Pool(), Conv(64, 5), Mean(), Dense(6))

IMAGES = (
    Row(_images("LeNet-5", (28, 28, 1), LENET, 128, 4096), Goal(3), Goal(of_peak=0.6)),
    Row(_images("digits 8×8×1", (8, 8, 1), DIGITS, 32, 4096), Goal(5), Goal(8)),
    Row(_images("images 32×32×3", (32, 32, 3), COLOURS, 64, 256), Goal(1.2), Goal(1.6)),
    Row(_images("series 128×9", (128, 9), SERIES, 64, 2048), Goal(3), Goal(5)),
)


def _sequences(
    kind: Kind,
    shape: Shape,
    units: int,
    batch: int,
    optimizer: str,
    samples: int,
    lengths: tuple[int, int] | None = None,
) -> Work:
    """The last state of a recurrent layer, in both directions where lengths differ, and a dense layer behind it."""
    both = lengths is not None
    walk, name = Walk(kind, units, both), {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}[kind]
    steps = f"{lengths[0]} to {lengths[1]}" if lengths else f"{shape[0]}"
    title = f"{name}{' both ways' if both else ''} {shape[1]}→{units}, {steps} steps"
    rate = 1e-3 if optimizer == "adam" else 0.05
    sizes = (math.prod(shape), 4)
    return Work(title, sizes, "tanh", batch, optimizer, rate, "classes", "float32", samples, shape,
                (walk, Dense(4)), lengths)  # fmt: skip


SEQUENCES = (
    Row(_sequences("lstm", (32, 16), 64, 64, "adam", 2048), Goal(2), Goal(of_peak=0.6)),
    Row(_sequences("gru", (32, 16), 64, 64, "adam", 2048), Goal(2), Goal(3)),
    Row(_sequences("rnn", (50, 8), 32, 32, "sgd", 4096), Goal(5), Goal(10)),
    Row(_sequences("lstm", (100, 64), 256, 32, "adam", 128), Goal(1.2), Goal(1.5)),
    Row(_sequences("lstm", (29, 12), 64, 32, "adam", 2048, (7, 29)), Goal(3), Goal(5)),
)

TRANSFORMER = Transformer("transformer 2×64, 4 heads, 32 steps", (32 * 16, 4), "relu", 64, "adam", 1e-3, "classes",
                          least_samples=512, shape=(32, 16), blocks=2, units=64, heads=4)  # fmt: skip
TRANSLATION = Translation("GRU encoder–decoder 128, 12 to 12 tokens", (12, 29), "tanh", 64, "adam", 1e-3, "classes",
                          least_samples=512, shape=(12,), units=128)  # fmt: skip

GRAPHS = (Row(TRANSLATION, Goal(2), Goal(3)), Row(TRANSFORMER, Goal(1.5), Goal(2.5)))

MUST_IN_FLOAT64 = {"64-100-10": Goal(6, over="scikit-learn")}


def rows(dtype: str = "float32") -> list[Row]:
    if dtype == "float32":
        return [*FLOAT32, *IMAGES, *SEQUENCES, *GRAPHS]
    every = (*FLOAT32, *IMAGES, *SEQUENCES, *GRAPHS)
    return [Row(replace(row.work, dtype=dtype), MUST_IN_FLOAT64.get(row.work.name, Goal())) for row in every]


def find(name: str) -> Work:
    """The work of a row."""
    return next(row.work for row in (*FLOAT32, *IMAGES, *SEQUENCES, *GRAPHS) if row.work.name == name)
