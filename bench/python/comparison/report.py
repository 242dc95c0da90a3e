"""The tables in a terminal."""

from __future__ import annotations

from comparison.contenders import Measured, ours_and_best_peer, ratio
from comparison.decoding import Decoding
from comparison.installed import Size
from comparison.prediction import Prediction
from comparison.startup import Start
from comparison.training import Training

MARKS = {True: "✓", False: "✗", None: " "}  # reached or not


def table(header: list[str], rows: list[list[str]]) -> str:
    """Columns as wide as they must be: the first to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]

    def line(cells: list[str]) -> str:
        first, *others = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join([first, *others]).rstrip()

    return "\n".join([line(header), "  ".join("─" * width for width in widths), *map(line, rows)])


def number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def times(factor: float | None) -> str:
    return "" if factor is None else f"{factor:.2f}×"


def against(results: list[Measured], each: Measured) -> float | None:
    """How much faster multicapa's best is than this."""
    ours, _ = ours_and_best_peer(results)
    return each.median / ours.median if ours else None


def training_row(result: Training) -> str:
    """One network, a line for each contender."""
    work = result.row.work
    header = ["", "threads", "k samples/s", "GFLOP/s", "of peak", "spread", "loss", "multicapa is"]
    rows = [
        [
            each.library,
            str(each.threads),
            number(1e-3 * result.rate(each)),
            number(result.gflops(each)),
            f"{result.gflops(each) / result.peak:.0%}",
            f"{each.spread:.0%}",
            f"{losses.last:.4f}",
            times(against(result.measured, each)),
        ]
        for each, losses in zip(result.measured, result.losses, strict=True)
    ]
    return f"{work.title}, {work.loss}, {work.dtype}\n{table(header, rows)}"


def training_summary(results: list[Training]) -> str:
    header = ["network (batch, optimiser)", "k samples/s", "GFLOP/s", "of peak", "best peer", "ratio", "must", "aim"]
    rows = []
    for result in results:
        ours, peer = ours_and_best_peer(result.measured)
        row = result.row
        rows.append(
            [
                row.work.title,
                number(1e-3 * result.rate(ours)) if ours else "",
                number(result.gflops(ours)) if ours else "",
                f"{result.gflops(ours) / result.peak:.0%}" if ours else "",
                f"{peer.library} {number(1e-3 * result.rate(peer))}" if peer else "",
                times(ratio(result.measured)),
                *(f"{goal} {MARKS[result.reaches(goal)]}" for goal in (row.must, row.aim)),
            ]
        )
    return table(header, rows)


def prediction_row(result: Prediction) -> str:
    question = result.question
    header = ["", "threads", "µs a call", "k rows/s", "spread", "multicapa is"]
    rows = [
        [
            each.library,
            str(each.threads),
            number(1e6 * each.median),
            number(1e-3 * question.rows / each.median),
            f"{each.spread:.0%}",
            times(against(result.measured, each)),
        ]
        for each in result.measured
    ]
    return f"{question.title}\n{table(header, rows)}"


def prediction_summary(results: list[Prediction]) -> str:
    header = ["network, rows", "µs a call", "best peer", "ratio", "must"]
    rows = []
    for result in results:
        ours, peer = ours_and_best_peer(result.measured)
        rows.append(
            [
                result.question.title,
                number(1e6 * ours.median) if ours else "",
                f"{peer.library} {number(1e6 * peer.median)}" if peer else "",
                times(ratio(result.measured)),
                f"{result.question.must} {MARKS[result.reaches_must()]}",
            ]
        )
    return table(header, rows)


def decoding_row(result: Decoding) -> str:
    header = ["", "threads", "ms", "sentences/s", "spread", "multicapa is"]
    rows = [
        [
            each.library,
            str(each.threads),
            number(1e3 * each.median),
            number(result.request.sentences / each.median),
            f"{each.spread:.0%}",
            times(against(result.measured, each)),
        ]
        for each in result.measured
    ]
    return f"{result.request.title}\n{table(header, rows)}"


def decoding_summary(results: list[Decoding]) -> str:
    header = ["sentences", "ms", "best peer", "ratio", "must"]
    rows = []
    for result in results:
        ours, peer = ours_and_best_peer(result.measured)
        rows.append(
            [
                result.request.title,
                number(1e3 * ours.median) if ours else "",
                f"{peer.library} {number(1e3 * peer.median)}" if peer else "",
                times(ratio(result.measured)),
                f"{result.request.must:g}× {MARKS[result.reaches_must()]}",
            ]
        )
    return table(header, rows)


def megabytes(size: int | None) -> str:
    return "" if size is None else number(1e-6 * size)


def start_up(rows: list[Start]) -> str:
    header = ["", "import, s", "first step, ms", "MB without BLAS", "MB", "with what it requires"]
    lines = []
    for row in rows:
        step = "" if row.first_step_seconds is None else number(1e3 * row.first_step_seconds)
        size: Size = row.size
        sizes = [megabytes(size.without_blas), megabytes(size.with_blas), megabytes(size.with_requirements)]
        lines.append([row.name, f"{row.import_seconds:.3f}", step, *sizes])
    return table(header, lines)
