"""In a fresh process: the time to import a library, and from there to the end of the first training step.

The import comes first of all, so that it pays for everything that it brings along, NumPy too.
"""

import importlib
import sys
import time


def seconds_to_import(name: str) -> float:
    begin = time.perf_counter()
    importlib.import_module(name)
    return time.perf_counter() - begin


def seconds_to_first_step(module: str) -> float:
    """Build a network, compile what is to be compiled, and update it with one batch."""
    from dataclasses import replace

    from comparison.machine import cores
    from comparison.rows import find
    from comparison.work import Data

    library = importlib.import_module(f"comparison.{module}")
    data = Data(replace(find("64-100-10"), least_samples=1))  # one batch
    data.y.sum()  # drawn before the clock starts
    begin = time.perf_counter()
    library.Training(data, cores()).run(1)
    return time.perf_counter() - begin


if __name__ == "__main__":
    imported, module = sys.argv[1:]
    print(seconds_to_import(imported), seconds_to_first_step(module) if module else "nan")
