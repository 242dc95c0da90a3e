"""The rows of the training table, and the figures that each must reach and aims at."""

from __future__ import annotations

from dataclasses import dataclass, replace

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

MUST_IN_FLOAT64 = {"64-100-10": Goal(6, over="scikit-learn")}


def rows(dtype: str = "float32") -> list[Row]:
    if dtype == "float32":
        return list(FLOAT32)
    return [Row(replace(row.work, dtype=dtype), MUST_IN_FLOAT64.get(row.work.name, Goal())) for row in FLOAT32]


def find(name: str) -> Work:
    """The work of a row."""
    return next(row.work for row in FLOAT32 if row.work.name == name)
