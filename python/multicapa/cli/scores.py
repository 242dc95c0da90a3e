"""How good a model is: scores, and which classes it confuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from multicapa.base.arrays import Array
from multicapa.cli.output import columns, heading, plain, shorten, width
from multicapa.data.table import ClassTarget, Target

MOST_CLASSES_IN_TABLE = 12

# By what a person calls a part of the rows: their number and the scores of a model on them.
Scores = Mapping[str, tuple[int, dict[str, float]]]


def scores(target: Target, outputs: Array, truth: Array) -> dict[str, float]:
    """Scores of a network's outputs, in the units of the table.

    Parameters
    ----------
    target : ClassTarget or NumberTarget
    outputs : ndarray of shape (rows, n_outputs)
    truth : ndarray of shape (rows,)
        Encoded by the target. Class -1, which training never saw, counts as wrong.

    Returns
    -------
    dict
        Of classes the accuracy, its mean over the classes (balanced), and the area under the ROC curve (AUC), of more
        than two the mean over the classes there are, each against the others; of numbers R², RMSE and MAE.
    """
    from sklearn import metrics

    if isinstance(target, ClassTarget):
        predicted = outputs.argmax(axis=1)
        recall = metrics.recall_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0.0)
        accuracy = float(metrics.accuracy_score(truth, predicted))
        return {"accuracy": accuracy, "balanced": float(recall), "AUC": _area(outputs, truth)}
    numbers, guessed = target.numbers(truth), target.numbers(outputs[:, 0])
    r2 = float(metrics.r2_score(numbers, guessed)) if len(numbers) > 1 else np.nan
    mean_squared = float(metrics.mean_squared_error(numbers, guessed))
    return {"R²": r2, "RMSE": mean_squared**0.5, "MAE": float(metrics.mean_absolute_error(numbers, guessed))}


def _area(outputs: Array, truth: Array) -> float:
    """Under the ROC curve; NaN where there is but one class."""
    from sklearn.metrics import roc_auc_score

    classes = [1] if outputs.shape[1] == 2 else range(outputs.shape[1])
    found = [roc_auc_score(truth == k, outputs[:, k]) for k in classes if 0 < np.count_nonzero(truth == k) < len(truth)]
    return float(np.mean(found)) if found else np.nan


def class_rows(target: ClassTarget, outputs: Array, truth: Array) -> list[list[str]]:
    """Precision, recall and their harmonic mean of each class that occurs, with a header."""
    from sklearn.metrics import precision_recall_fscore_support

    names = [str(value) for value in target.classes]
    values = precision_recall_fscore_support(truth, outputs.argmax(axis=1), labels=range(len(names)), zero_division=0.0)
    rows = [["class", "rows", "precision", "recall", "F1"]]
    for name, precision, recall, f1, count in zip(names, *values, strict=True):
        if count:
            rows.append([name, f"{count:,}", f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}"])
    return rows


def base_rate(target: Target, train: Array, truth: Array, part: str) -> str:
    """How good an answer is that knows nothing of the inputs."""
    if isinstance(target, ClassTarget):
        frequent = int(np.bincount(train[train >= 0]).argmax())
        return f"always saying {target.classes[frequent]} would be right on {np.mean(truth == frequent):.3f} of {part}"
    numbers, mean = target.numbers(truth), float(target.numbers(train).mean())
    error = float(np.sqrt(np.mean((numbers - mean) ** 2)))
    return f"always saying the mean of the training rows would have an RMSE of {shown('RMSE', error)} on {part}"


def score_rows(parts: Scores) -> list[list[str]]:
    """A table of scores, with a header."""
    names = list(next(iter(parts.values()))[1])
    rows = [["", "rows", *names]]
    for part, (count, values) in parts.items():
        rows.append([part, f"{count:,}", *(shown(name, value) for name, value in values.items())])
    return rows


def shown(name: str, value: float) -> str:
    """A score as text: shares with three decimals, numbers in units of the table with four digits."""
    return plain(value) if name in ("RMSE", "MAE") else f"{value:.3f}"


def show_scores(parts: Scores) -> None:
    """Print the table of scores."""
    print(columns(score_rows(parts)), flush=True)


def _confusion_table(truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], names: Sequence[str]) -> str:
    """One line per true class, one column per predicted class; a dot stands for none."""
    from sklearn.metrics import confusion_matrix

    known = truth >= 0
    counts = confusion_matrix(truth[known], predicted[known], labels=range(len(names)))
    label = min(max(map(len, names)), 14)
    room = (width() - 2 - label) // len(names) - 2
    cell = min(max(*(len(name) for name in names), len(str(counts.max()))), room)
    cells = [["", *(shorten(name, cell) for name in names)]]
    for name, row in zip(names, counts, strict=True):
        cells.append([shorten(name, label), *(str(count) if count else "." for count in row)])
    return columns(cells)


def show_confusion(target: Target, outputs: Array, truth: Array, part: str) -> None:
    """The confusion table of a classifier with few classes, or the classes it confuses most."""
    if not isinstance(target, ClassTarget) or not (truth >= 0).any():
        return
    names = [str(value) for value in target.classes]
    predicted = outputs.argmax(axis=1)
    if len(names) <= MOST_CLASSES_IN_TABLE:
        header, *rows = class_rows(target, outputs, truth)
        heading(f"{part}, class by class:")
        print(columns([["", *header[1:]], *([shorten(name, 24), *row] for name, *row in rows)]), flush=True)
        heading(f"{part}: a line per true class, a column per guess")
        print(_confusion_table(truth, predicted, names), flush=True)
        return
    wrong = (truth != predicted) & (truth >= 0)
    pairs, counts = np.unique(np.stack([truth[wrong], predicted[wrong]], axis=1), axis=0, return_counts=True)
    if len(pairs):
        heading(f"{part}: most frequent confusions")
        rows = [["true class", "taken for", "rows"]]
        for i in np.argsort(-counts, kind="stable")[:5]:
            rows.append([*(shorten(names[k], (width() - 14) // 2) for k in pairs[i]), str(counts[i])])
        print(columns(rows), flush=True)
