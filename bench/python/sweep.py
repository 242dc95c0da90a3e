"""Shape by shape: is multicapa ever slower on all threads than on one, or slower than another library?

Networks of two hidden layers, WIDTH-WIDTH-WIDTH-10, ReLU and a softmax, widths in steps that are not powers of two. A
shape that seems to be too slow is measured once more, three times as long, and that counts.

    python bench/python/sweep.py
    python bench/python/sweep.py --widths 24 75 210 --batches 1 16 128 --optimizers adam --peers jax pytorch
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from itertools import product

from comparison import options, report, shapes
from comparison.contenders import contenders, ratio
from comparison.libraries import OURS
from comparison.machine import describe
from comparison.schedule import Schedule
from comparison.shapes import Shape
from comparison.work import TITLES

WIDTHS = (8, 13, 24, 37, 52, 75, 100, 147, 210, 300, 420, 512)
BATCHES = (1, 7, 16, 50, 128, 512)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = options.parser(__doc__ or "")
    whole, optimizers = options.positive(int), tuple(shapes.RATES)
    parser.add_argument("--widths", nargs="+", type=whole, default=WIDTHS, metavar="N")
    parser.add_argument("--batches", nargs="+", type=whole, default=BATCHES, metavar="N")
    parser.add_argument("--optimizers", nargs="+", choices=optimizers, default=optimizers)
    options.add_measurement(parser, all_peers=False, rounds=5, seconds=0.1)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    settings = parse(arguments)
    batched = shapes.work_of(8, 16, "adam")
    libraries = [each for each in options.installed(settings.peers) if each.trains(batched)]
    own, others = ([each for each in libraries if (each.name == OURS) == wanted] for wanted in (True, False))
    schedule = Schedule(settings.rounds, settings.seconds, settings.patience)
    found: list[Shape] = []
    with contenders(own, [max(settings.threads)]) as (ours,), contenders(others, settings.threads) as peers:
        for optimizer, width, batch in product(settings.optimizers, settings.widths, settings.batches):
            work = shapes.work_of(width, batch, optimizer)
            found.append(shapes.measure(work, ours, peers, schedule))
            print(work.title, *found[-1].complaints or ["ok"], sep="; ", flush=True)
    for optimizer in settings.optimizers:
        print_grids(optimizer, [shape for shape in found if shape.work.optimizer == optimizer])
    complaints = [f"{shape.work.title}: {text}" for shape in found for text in shape.complaints]
    print(f"\n{len(complaints)} complaints about {len(found)} shapes", *complaints, sep="\n  ")
    print(schedule)
    as_json = [shapes.as_json(shape) for shape in found]
    options.write_json(settings.json, {"machine": describe(libraries), "schedule": asdict(schedule), "shapes": as_json})
    return 1 if complaints else 0


def print_grids(optimizer: str, found: list[Shape]) -> None:
    def of_threads(shape: Shape) -> float | None:
        return shape.speedup

    def of_peers(shape: Shape) -> float | None:
        return ratio(shape.measured)

    for what, value in (("all threads over one", of_threads), ("multicapa over the best of the others", of_peers)):
        if any(value(shape) is not None for shape in found):
            print(f"\n{TITLES[optimizer]}, speed of {what}\n{grid(found, value)}")


def grid(found: list[Shape], value: Callable[[Shape], float | None]) -> str:
    """Widths down, batches across."""
    batches = sorted({shape.work.batch for shape in found})
    cells = {(shape.width, shape.work.batch): report.times(value(shape)) for shape in found}
    rows = [
        [str(width), *(cells[width, batch] for batch in batches)] for width in sorted({shape.width for shape in found})
    ]
    return report.table(["width", *(f"batch {batch}" for batch in batches)], rows)


if __name__ == "__main__":
    sys.exit(main())
