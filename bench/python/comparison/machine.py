"""The machine: what it is, and the most arithmetic it can do."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from comparison.libraries import Library

ROOT = Path(__file__).resolve().parents[3]
PRODUCT_SIZE = 1536


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """Linux alone says it in so many words."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def describe(libraries: list[Library]) -> dict[str, Any]:
    return {
        "processor": processor(),
        "cores": cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for library in libraries for name in library.distributions},
    }


def version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:  # a source tree on PYTHONPATH
        return "from its source tree"


class Peak:
    """GFLOP/s of all cores at once, measured anew in every round: the clock of a shared machine wanders."""

    def __init__(self, binary: Path | None, dtype: str, seconds: float = 0.1) -> None:
        built = ROOT / "build/release/multicapa_bench"
        self.binary = binary or (built if built.exists() else None)
        self.dtype, self.seconds = dtype, seconds
        self.how = "fused multiply-adds in registers" if self.binary else "the best product of large matrices in NumPy"

    def measure(self) -> float:
        return self._chains() if self.binary else self._product()

    def _chains(self) -> float:
        """The C++ benchmark's chains of multiply-adds, on each core at once."""
        name = {"float32": "peak/fma/float", "float64": "peak/fma/double"}[self.dtype]
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / str(core) for core in range(cores())]
            options = ["--filter", name, "--threads", "1", "--seconds", str(self.seconds)]
            commands = [[str(self.binary), *options, "--json", str(file)] for file in files]
            running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
            if any(process.wait() for process in running):
                raise RuntimeError(f"{self.binary} failed")
            return float(sum(json.loads(file.read_text())["results"][0]["figures"]["GFLOP/s"] for file in files))

    def _product(self) -> float:
        a = np.ones((PRODUCT_SIZE, PRODUCT_SIZE), self.dtype)
        out, best, end = np.empty_like(a), np.inf, time.perf_counter() + self.seconds
        while (begin := time.perf_counter()) < end:
            np.matmul(a, a, out=out)
            best = min(best, time.perf_counter() - begin)
        return 2e-9 * PRODUCT_SIZE**3 / best
