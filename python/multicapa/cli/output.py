"""What the command line says: text of at most 80 columns."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from multicapa.arrays import Array
from multicapa.table import ClassTarget, Target

_WIDTH = 79
MOST_CLASSES_IN_TABLE = 12


class CommandError(Exception):
    """Wrong usage or data, in words for the person at the keyboard."""


def wrapped(text: str, indent: str = "") -> str:
    """Text in lines that fit, broken at blanks only, so that commands and names stay whole."""
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def say(text: str = "") -> None:
    """One paragraph to standard output."""
    print(wrapped(text, "  "), flush=True)


def note(text: str) -> None:
    """Something worth knowing that stops nobody; to standard error, where it is in no file's way."""
    print(wrapped(f"Note: {text}", "  "), file=sys.stderr, flush=True)


def complain(text: str) -> int:
    """Why nothing can be done, to standard error; returns the exit code."""
    print(wrapped(f"multicapa: {text}", "  "), file=sys.stderr, flush=True)
    return 2


def heading(text: str) -> None:
    """A line between two subjects."""
    print(f"\n{text}", flush=True)


def shorten(text: str, width: int) -> str:
    """Text cut to a width, with a sign that it was."""
    return text if len(text) <= width else text[: width - 1] + "~"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(f"  {line}".rstrip() for line in lines)


def scores(target: Target, outputs: Array, truth: Array) -> dict[str, float]:
    """How good outputs of a network are: accuracy, or R2 and the root mean squared error."""
    if isinstance(target, ClassTarget):
        return {"accuracy": float(np.mean(outputs.argmax(axis=1) == truth))}
    errors = target.decode(outputs) - (truth * target.scale + target.mean)
    spread = float(np.sum((truth - truth.mean()) ** 2)) * target.scale**2
    r2 = 1 - float(np.sum(errors**2)) / spread if spread > 0 else np.nan
    return {"R²": r2, "RMSE": float(np.sqrt(np.mean(errors**2)))}


def show_scores(parts: dict[str, tuple[int, dict[str, float]]]) -> None:
    """A table of the scores of several parts of the data: ``{"train": (rows, scores)}``."""
    names = list(next(iter(parts.values()))[1])
    rows = [["", "rows", *names]]
    for part, (count, values) in parts.items():
        rows.append([part, f"{count:,}", *(f"{v:.4g}" if name == "RMSE" else f"{v:.3f}" for name, v in values.items())])
    print(columns(rows), flush=True)


def confusion_table(truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], names: Sequence[str]) -> str:
    """How often each class was taken for which.

    Parameters
    ----------
    truth, predicted : ndarray of int
        Positions of classes; rows whose true class is -1 (unknown to the model) are left out.
    names : sequence of str
        Of the classes.

    Returns
    -------
    str
        One line per true class, one column per predicted class; a dot stands for none.
    """
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    known = truth >= 0
    np.add.at(counts, (truth[known], predicted[known]), 1)
    label = min(max(map(len, names)), 14)
    width = min(max(*(len(name) for name in names), len(str(counts.max()))), (_WIDTH - 2 - label) // len(names) - 2)
    cells = [["", *(shorten(name, width) for name in names)]]
    for name, row in zip(names, counts, strict=True):
        cells.append([shorten(name, label), *(str(count) if count else "." for count in row)])
    return columns(cells)


def show_confusion(target: Target, outputs: Array, truth: Array, part: str) -> None:
    """The confusion table of a classifier with few classes, or the classes it confuses most."""
    if not isinstance(target, ClassTarget):
        return
    names = [str(value) for value in target.classes]
    predicted = outputs.argmax(axis=1)
    if len(names) <= MOST_CLASSES_IN_TABLE:
        heading(f"{part}: one line per true class, one column per prediction")
        print(confusion_table(truth, predicted, names), flush=True)
        return
    wrong = (truth != predicted) & (truth >= 0)
    pairs, counts = np.unique(np.stack([truth[wrong], predicted[wrong]], axis=1), axis=0, return_counts=True)
    if len(pairs):
        heading(f"{part}: most frequent confusions among the {len(names)} classes")
        rows = [["true class", "taken for", "rows"]]
        for i in np.argsort(-counts, kind="stable")[:5]:
            rows.append([*(shorten(names[k], 28) for k in pairs[i]), str(counts[i])])
        print(columns(rows), flush=True)
