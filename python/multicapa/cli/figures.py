"""Pictures of a model and its training, through multicapa's and scikit-learn's displays."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from multicapa import plots
from multicapa.base.arrays import Array
from multicapa.base.history import History
from multicapa.cli.output import CommandError, UsageError, note
from multicapa.cli.scores import MOST_CLASSES_IN_TABLE
from multicapa.data.table import ClassTarget, NumberColumn, TableModel, Target, listed
from multicapa.plots import space, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg", ".pdf")
_NO_GLYPH = "Glyph .* missing"
_MOST_POINTS = 5000  # of a scatter plot; more only make it slower


def check_figure(path: str | None) -> None:
    """Complain before the work is done when a figure could not be drawn after it."""
    if path and not path.lower().endswith(ENDINGS):
        raise UsageError(f"the figure {path!r} should end in .png, .svg or .pdf")
    if path:
        check_matplotlib()


def check_matplotlib() -> None:
    """Complain when figures cannot be drawn at all."""
    try:
        plots.check_matplotlib()
    except ImportError as error:
        raise CommandError(str(error)) from None


def save(figure: Figure, path: str) -> None:
    """Write a figure; the ending of the name says how."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", _NO_GLYPH)
        figure.savefig(path, dpi=160)
    if any(re.match(_NO_GLYPH, str(warning.message)) for warning in caught):
        note(f"{path} has letters that matplotlib's font lacks; a report in HTML shows them.")


def _axes(width: float, height: float) -> Axes:
    """Axes of a figure that pyplot does not know: no window, nothing left behind."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def curves(history: History, best_epoch: int | None = None, *, title: str = "", small: bool = False) -> Figure:
    """Loss, and for classes accuracy, per epoch; small, for half a page."""
    two = "val_accuracy" in history.names()
    ax = _axes(5, 4.4 if two else 3.6) if small else _axes(7, 5.8 if two else 4.2)
    display = plots.LearningCurvesDisplay.from_history(history, best_epoch=best_epoch, ax=ax)
    if title:
        display.figure_.suptitle(title, x=0.02, ha="left", fontsize=11)
    return display.figure_


def several_curves(histories: Mapping[str, History]) -> Figure:
    """The same of several trainings, by label."""
    two = any("val_accuracy" in history.names() for history in histories.values())
    return plots.LearningCurvesDisplay.from_history(histories, ax=_axes(7, 5.8 if two else 4.2)).figure_


def predictions(target: Target, outputs: Array, truth: Array) -> Figure:
    """What was predicted against what was true: a confusion matrix, or points around a line."""
    known = truth >= 0 if isinstance(target, ClassTarget) else np.isfinite(truth)
    if not known.any():
        raise CommandError("no row has a known class, so there is nothing to draw")
    if isinstance(target, ClassTarget):
        return _confusion(target, outputs[known].argmax(axis=1), truth[known])
    return _errors(target, outputs, truth)


def _confusion(target: ClassTarget, predicted: Array, truth: Array) -> Figure:
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

    names = [str(value) for value in target.classes]
    few = len(names) <= MOST_CLASSES_IN_TABLE
    size = 2.2 + 0.34 * len(names) if few else 6.0
    ax = _axes(min(max(size + 1, 4.4), 7), min(max(size, 3.6), 6))
    display = ConfusionMatrixDisplay(confusion_matrix(truth, predicted, labels=range(len(names))), display_labels=names)
    upright = few and max(map(len, names)) <= 24 // len(names) + 1
    display.plot(ax=ax, cmap="Blues", colorbar=not few, include_values=few, values_format="d",
                 xticks_rotation="horizontal" if upright else "vertical")  # fmt: skip
    if not few:
        _thin_out(ax, names)
    ax.set_xlabel(f"predicted {target.name}")
    ax.set_ylabel(f"true {target.name}")
    ax.tick_params(color=style.QUIET, labelsize=9)
    ax.spines[:].set_visible(False)
    return space.root_figure(ax)


def _thin_out(ax: Any, names: list[str]) -> None:
    """No more class names than can be read."""
    step = -(-len(names) // 30)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(range(0, len(names), step), names[::step])


def _errors(target: Any, outputs: Array, truth: Array) -> Figure:
    from matplotlib.ticker import MaxNLocator
    from sklearn.metrics import PredictionErrorDisplay

    rows = np.random.default_rng(0).permutation(len(truth))[:_MOST_POINTS]
    y_true, y_pred = (target.numbers(values[rows]) + target.origin for values in (truth, outputs[:, 0]))
    ax = _axes(4.8, 4.2)
    PredictionErrorDisplay(y_true=y_true, y_pred=y_pred).plot(
        ax=ax,
        kind="actual_vs_predicted",
        scatter_kwargs={"color": style.TRAIN, "alpha": max(0.25, min(0.8, 60 / len(rows))), "s": 16, "linewidths": 0},
        line_kwargs={"color": style.DEV, "linewidth": 1.4, "alpha": 1.0},
    )
    style.dress(ax)
    for axis in (ax.xaxis, ax.yaxis):  # scikit-learn puts the ticks at odd numbers
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    ax.set_xlabel(f"predicted {target.name}")
    ax.set_ylabel(f"true {target.name}")
    return space.root_figure(ax)


def boundary(model: TableModel, frame: Any, missing: str | None) -> Figure:
    """What a model of two numbers says all over the plane, in the units of the table."""
    import pandas

    inputs = model.columns.columns
    if len(inputs) != 2 or not all(isinstance(column, NumberColumn) for column in inputs):
        kinds = ", ".join(f"{column.name} ({column.kind})" for column in inputs)
        raise UsageError(f"a boundary is drawn for models that read two numbers, but this one reads {kinds}")
    first, second = (column.name for column in inputs)
    encoded = model.columns.encode(frame, missing, model.network.dtype)
    kept = frame[encoded.kept]
    points = model.columns.read(kept).to_numpy(dtype=np.float64)
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    around = 0.1 * np.where(high > low, high - low, 1.0)
    sides = [np.linspace(*ends, 200) for ends in zip(low - around, high + around, strict=True)]
    xx0, xx1 = np.meshgrid(*sides)
    grid = pandas.DataFrame({first: xx0.ravel(), second: xx1.ravel()})
    outputs = model.network.predict(model.columns.encode(grid, dtype=model.network.dtype).X)
    shared: dict[str, Any] = {"xx0": xx0, "xx1": xx1, "X": points, "feature_names": (first, second)}
    truth = model.target.encode(kept[model.target.name]) if model.target.name in kept else None
    if isinstance(model.target, ClassTarget):
        response = outputs.reshape(*xx0.shape, -1).astype(np.float64)
        names = [str(value) for value in model.target.classes]
        display = plots.DecisionBoundaryDisplay(response=response, y=truth, class_names=names, **shared)
        return display.plot(_axes(6, 5)).figure_
    response = model.target.decode(outputs).reshape(xx0.shape)
    y = None if truth is None else model.target.numbers(truth) + model.target.origin
    return plots.DecisionBoundaryDisplay(response=response, y=y, **shared).plot(_axes(6, 5)).figure_


def history_of(frame: Any) -> History:
    """A log as a history again; what was not recorded in an epoch is left out."""
    return History([{name: value for name, value in row.items() if value == value} for row in frame.to_dict("records")])


def plate(log: Any) -> Figure:
    """The log of a search over learning rates and batch sizes, and nothing else, as a plate."""
    lacking = {"learning-rate", "batch-size", "epoch", "loss"} - set(log.columns)
    if lacking:
        raise CommandError(
            f"this is no log of a search over learning rates and batch sizes: no {listed(sorted(lacking))}"
        )
    runs = log.groupby(["learning-rate", "batch-size"], sort=True)
    if runs["epoch"].agg(lambda epochs: epochs.duplicated().any()).any():
        raise CommandError("the search varied more than learning rate and batch size; a plate shows just these")
    histories: dict[tuple[float, int | None], History] = {}
    diverged: dict[tuple[float, int | None], int] = {}
    try:
        for (rate, batch), rows in runs:
            pair = (float(rate), None if batch == "all" else int(batch))
            finite = np.isfinite(rows["loss"].to_numpy(dtype=np.float64))
            histories[pair] = history_of(rows[finite])
            if not finite.all():
                diverged[pair] = int(rows["epoch"].iloc[-1])
        rates = sorted({rate for rate, _ in histories})
        sizes = sorted({size for _, size in histories}, key=lambda size: size or np.inf)
        display = plots.PlateDisplay(rates, sizes, histories, diverged)
    except ValueError as error:
        raise CommandError(f"a plate needs each learning rate with each batch size, as numbers: {error}") from error
    return display.plot(_axes(1.4 + 1.7 * len(sizes), 1.1 + 1.4 * len(rates))).figure_


def inline_svg(figure: Figure, title: str) -> str:
    """A figure as part of a page: its ink takes the colour of the text around it, its ground that of the page."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", _NO_GLYPH)  # the reader's fonts draw the letters
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 role="img"', text, count=1)
    text = text.replace("<svg ", '<svg fill="currentColor" ', 1)
    text = re.sub(r"stroke: #e4e4e4", "stroke: currentColor; stroke-opacity: 0.15", text)
    text = re.sub(r"(fill|stroke): (#000000|#262626|black)", r"\1: currentColor", text)
    text = text.replace("'DejaVu Sans'", "inherit").replace('"DejaVu Sans"', "inherit")
    return text.replace("<defs>", f"<title>{title}</title><defs>", 1)
