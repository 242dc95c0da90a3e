"""How good the models are that the defaults lead to, beside scikit-learn's and PyTorch's.

Sections: the estimators beside scikit-learn's, initial weights of networks beside each other, networks at their
defaults beside PyTorch's, the command line beside a pipeline, its options at other values, Adam's epsilon. Scores are
accuracies and R² on rows not seen, for the same splits and seeds on both sides, and differences are paired.

    python bench/python/quality.py --results quality.jsonl
    python bench/python/quality.py --sections estimators --rows digits --seeds 0 1 2

With --results each score is written as soon as it is there, and a second run goes on where the first ended.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small networks, and whoever wants more cores runs more sections

import argparse
import sys
import time
from types import ModuleType

from comparison import options
from scores import adam, beside_pytorch, estimators, settings, starts, tables
from scores.record import Cell, Record

SECTIONS: dict[str, ModuleType] = {
    section.NAME: section for section in (estimators, starts, beside_pytorch, tables, settings, adam)
}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = options.parser(__doc__ or "")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="default: all")
    parser.add_argument("--rows", default="", metavar="TEXT", help="only rows with TEXT in their name")
    parser.add_argument("--contenders", nargs="+", metavar="NAME", help="only these; default: all")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(10)), metavar="N", help="default: 0 to 9")
    parser.add_argument("--results", type=options.json_file, metavar="FILE", help="where scores are kept (JSON lines)")
    parser.add_argument("--json", type=options.json_file, metavar="FILE", help="write all scores as one JSON document")
    parser.add_argument("--only-report", action="store_true", help="measure nothing, print what --results has")
    chosen = parser.parse_args(arguments)
    if not any(chosen.rows in row for name in chosen.sections for row in SECTIONS[name].ROWS):
        parser.error(f"--rows: no row has {chosen.rows!r} in its name")
    if min(chosen.seeds) < 0:
        parser.error("--seeds should not be negative")
    known = {contender for name in chosen.sections for contender in SECTIONS[name].CONTENDERS}
    if unknown := set(chosen.contenders or ()) - known:
        parser.error(f"--contenders: there are {', '.join(sorted(known))}, not {', '.join(sorted(unknown))}")
    return chosen


def main(arguments: list[str] | None = None) -> int:
    chosen = parse(arguments)
    record = Record(chosen.results)
    for name in chosen.sections:
        section = SECTIONS[name]
        if not chosen.only_report:
            measure(section, chosen, record)
        print(f"\n## {name}\n\n{section.report(record.of(name))}", flush=True)
    options.write_json(chosen.json, {name: record.of(name) for name in chosen.sections})
    return 0


def measure(section: ModuleType, chosen: argparse.Namespace, record: Record) -> None:
    """All scores of a section that are not there yet, a row at a time."""
    absent = getattr(section, "absent", dict)()  # contenders that cannot be measured, and why
    for contender, why in absent.items():
        print(f"{contender} is left out: {why}")
    contenders = [c for c in section.CONTENDERS if c not in absent and c in (chosen.contenders or section.CONTENDERS)]
    for row in (row for row in section.ROWS if chosen.rows in row):
        start = time.perf_counter()
        wanted = [Cell(section.NAME, row, contender, seed) for contender in contenders for seed in chosen.seeds]
        missing = [cell for cell in wanted if cell not in record]
        for cell in missing:
            record.add(cell, section.measure(row, cell.contender, cell.seed))
        if missing:
            print(f"{section.NAME}: {row}, {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
