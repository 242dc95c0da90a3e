"""The tables in a terminal."""

from __future__ import annotations

from comparison.contenders import Measured, ours_and_best_peer, ratio
from comparison.decoding import Decoding
from comparison.installed import Size
from comparison.prediction import Prediction
from comparison.startup import Start
from comparison.training import Training

Unit = tuple[str, float]  # its name, and what a call's second, or its inverse, is multiplied with
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
    return _calls(question.title, result.measured, ("µs a call", 1e6), ("k rows/s", 1e-3 * question.rows))


def prediction_summary(results: list[Prediction]) -> str:
    rows = [(each.question.title, each.measured, _goal(each.question.must, each.reaches_must())) for each in results]
    return _calls_summary("network, rows", ("µs a call", 1e6), rows)


def decoding_row(result: Decoding) -> str:
    request = result.request
    return _calls(request.title, result.measured, ("ms", 1e3), ("sentences/s", request.sentences))


def decoding_summary(results: list[Decoding]) -> str:
    rows = [
        (each.request.title, each.measured, _goal(f"{each.request.must:g}×", each.reaches_must())) for each in results
    ]
    return _calls_summary("sentences", ("ms", 1e3), rows)


def _calls(title: str, measured: list[Measured], time: Unit, made: Unit) -> str:
    """What is called again and again, a line for each contender; ``made`` is what a second of it brings."""
    header = ["", "threads", time[0], made[0], "spread", "multicapa is"]
    rows = [
        [
            each.library,
            str(each.threads),
            number(time[1] * each.median),
            number(made[1] / each.median),
            f"{each.spread:.0%}",
            times(against(measured, each)),
        ]
        for each in measured
    ]
    return f"{title}\n{table(header, rows)}"


def _calls_summary(what: str, time: Unit, results: list[tuple[str, list[Measured], str]]) -> str:
    rows = []
    for title, measured, goal in results:
        ours, peer = ours_and_best_peer(measured)
        rows.append(
            [
                title,
                number(time[1] * ours.median) if ours else "",
                f"{peer.library} {number(time[1] * peer.median)}" if peer else "",
                times(ratio(measured)),
                goal,
            ]
        )
    return table([what, time[0], "best peer", "ratio", "must"], rows)


def _goal(told: str, reached: bool | None) -> str:
    return f"{told} {MARKS[reached]}"


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
