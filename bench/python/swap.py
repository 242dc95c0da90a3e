"""What the change of one import does to ordinary programs: three scripts, with scikit-learn's networks and with ours.

Each file in scripts/ runs as it is, and with ``sklearn.neural_network`` replaced by ``multicapa``; each library in a
process of its own, in turn, and the medians count. A time is that of the whole script, data and test included, once
everything is imported.

    python bench/python/swap.py
    python bench/python/swap.py --scripts digits --rounds 11 --json swap.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parent / "scripts"
THEIRS, OURS = "sklearn.neural_network", "multicapa"


def source(script: str, library: str) -> str:
    """A script with the networks of a library."""
    text = (SCRIPTS / f"{script}.py").read_text()
    if text.count(THEIRS) != 1:
        raise ValueError(f"{script}.py should name {THEIRS} once, in its import")
    return text.replace(THEIRS, library)


def run(script: str, library: str) -> dict[str, float]:
    """Its seconds, score and epochs."""
    code = compile(source(script, library), f"{script}.py with {library}", "exec")
    left: dict[str, Any] = {"__name__": "__main__"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it may not have converged is the same for both
        start = time.perf_counter()
        exec(code, left)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "score": float(left["score"]), "epochs": int(left["epochs"])}


def compare(scripts: list[str], rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """By script and library: the median of the seconds, the score and the epochs."""
    context = multiprocessing.get_context("spawn")
    processes = {library: ProcessPoolExecutor(1, context) for library in (THEIRS, OURS)}
    try:
        found: dict[str, dict[str, dict[str, float]]] = {}
        for script in scripts:
            runs: dict[str, list[dict[str, float]]] = {library: [] for library in processes}
            for number in range(rounds + 1):
                for library, process in processes.items():
                    done = process.submit(run, script, library).result()
                    if number:  # the first imports
                        runs[library].append(done)
            found[script] = {
                library: {**each[0], "seconds": statistics.median(one["seconds"] for one in each)}
                for library, each in runs.items()
            }
    finally:
        for process in processes.values():
            process.shutdown()
    return found


def table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = ["| script | scikit-learn | multicapa | ratio | score | epochs |", "|---|---|---|---|---|---|"]
    for script, by_library in found.items():
        theirs, ours = by_library[THEIRS], by_library[OURS]
        lines.append(
            f"| {script} | {theirs['seconds']:.3g} s | {ours['seconds']:.3g} s | "
            f"{theirs['seconds'] / ours['seconds']:.1f} | {theirs['score']:.3f}, {ours['score']:.3f} | "
            f"{theirs['epochs']}, {ours['epochs']} |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    known = sorted(path.stem for path in SCRIPTS.glob("*.py"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scripts", nargs="+", choices=known, default=known, help="default: all")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="how often each runs; default: 7")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures")
    settings = parser.parse_args(arguments)
    if settings.rounds < 1:
        parser.error("--rounds should be at least 1")
    found = compare(settings.scripts, settings.rounds)
    print(table(found))
    if settings.json:
        settings.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
