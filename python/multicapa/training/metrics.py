"""Metrics: what else can be said of outputs, by the names of scikit-learn's scorers or by functions of the user's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa.base.arrays import Array
from multicapa.base.checks import check_name, find_name
from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork
from multicapa.network.joint import JointLoss, parts_of
from multicapa.training.samples import Answers, Samples

# Of the targets and the outputs, as the core has them.
Metric = Callable[[Answers, Array, Loss], float]
Outputs = Sequence[Array]  # one array for each output

_TAKEN = ("epoch", "loss", "learning_rate", "seconds")
_ALIASES = {"auc": "roc_auc", "acc": "accuracy"}
# Errors under the names that people give them: scikit-learn's scorers are their negatives.
_ERRORS = {
    "mse": "neg_mean_squared_error",
    "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "log_loss": "neg_log_loss",
}
# Scorers of two classes, and what they become where there are more.
_OF_TWO = {"f1": "f1_macro", "precision": "precision_macro", "recall": "recall_macro", "jaccard": "jaccard_macro"}


def is_classifier(loss: Loss) -> bool:
    """Whether accuracy means something under this loss."""
    return loss.name in ("cross_entropy", "kullback_leibler", "binary_cross_entropy", "focal", "hinge", "perceptron")


@dataclass(frozen=True)
class Measured:
    """A metric of one of a network's outputs."""

    output: int
    metric: Metric


def as_metrics(metrics: Any, network: CoreNetwork) -> dict[str, Measured]:
    """Metrics by name, from a sequence of names and functions.

    Where there are several outputs they are measured of each, or those of a dict by output of these.
    """
    names = [output.name for output in network.outputs]
    if len(names) == 1 and not isinstance(metrics, Mapping):
        return {name: Measured(0, metric) for name, metric in _by_name(metrics).items()}
    lists = metrics if isinstance(metrics, Mapping) else dict.fromkeys(names, metrics)
    for name in lists:
        check_name(name, names, "output")
    return {
        f"{name}_{kind}" if len(names) > 1 else kind: Measured(place, metric)
        for place, name in enumerate(names)
        for kind, metric in _by_name(lists.get(name, ())).items()
    }


def usual_metrics(loss: Loss) -> dict[str, Measured]:
    """Accuracy, of each output whose loss is that of a classifier."""
    return {
        f"{name}_accuracy" if isinstance(loss, JointLoss) else "accuracy": Measured(place, accuracy)
        for place, (name, part, _) in enumerate(parts_of(loss))
        if is_classifier(part)
    }


def _by_name(metrics: Any) -> dict[str, Metric]:
    if isinstance(metrics, str) or not isinstance(metrics, Sequence):
        raise TypeError(f"metrics should be a list of names and functions, not {metrics!r}")
    found: dict[str, Metric] = {}
    for metric in metrics:
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
        if name in found or name in _TAKEN or name.startswith("val_"):
            raise ValueError(f"a metric cannot be called {name!r}: the history has that name already")
        found[name] = _as_metric(metric, name)
    return found


def _as_metric(metric: Any, name: str) -> Metric:
    if isinstance(metric, str):
        if name.lower() in ("accuracy", "acc"):
            return accuracy
        if name.lower() in _ERRORS:
            negative = _scorer(_ERRORS[name.lower()])
            return lambda answers, outputs, loss: -negative(answers, outputs, loss)
        from sklearn.metrics import get_scorer_names

        return _scorer(find_name(name, {*get_scorer_names(), *_ERRORS}, "metric", _ALIASES))
    if isinstance(metric, type) or not callable(metric):
        raise TypeError(f"a metric is the name of a scorer of scikit-learn or a function(y, outputs), not {metric!r}")

    def of_user(answers: Answers, outputs: Array, loss: Loss) -> float:
        value = metric(answers.targets.values, outputs)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise TypeError(f"the metric {name} should return a number, not {value!r}") from None

    return of_user


def measure(metrics: Mapping[str, Measured], samples: Samples, outputs: Outputs, loss: Loss) -> dict[str, float]:
    """The value of each metric; where there are targets at each step, the steps count as samples."""
    parts = parts_of(loss)
    rows: dict[int, tuple[Answers, Array]] = {}
    values = {}
    for name, measured in metrics.items():
        place = measured.output
        if place not in rows:
            rows[place] = samples.answers[place].as_rows(outputs[place])
        values[name] = measured.metric(*rows[place], parts[place][1])
    return values


def try_out(metrics: Mapping[str, Measured], samples: Samples, outputs: Outputs, loss: Loss) -> None:
    """Raise, before a fit has begun, what the metrics would raise after its first epoch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a network that has learnt nothing yet
        measure(metrics, samples, outputs, loss)


def accuracy(answers: Answers, outputs: Array, loss: Loss) -> float:
    """The share of right classes; of several yes-or-no outputs, that of right answers."""
    if not answers.targets.are_classes and not is_classifier(loss):
        raise ValueError(f"accuracy is for classes; {loss.name} fits numbers, of which r2 and mse tell something")
    truth, guess = _classes(answers, loss), _guessed(answers, outputs, loss)
    right = guess == truth
    if answers.weights is None:
        return float(np.count_nonzero(right) / right.size)
    return float(np.average(right.reshape(len(right), -1).mean(axis=1), weights=answers.weights))


def _one_of_several(answers: Answers, loss: Loss) -> bool:
    return answers.targets.are_classes or loss.name in ("cross_entropy", "kullback_leibler")


def _middle(loss: Loss) -> float:
    return 0.5 if loss.name in ("binary_cross_entropy", "focal") else 0.0


def _classes(answers: Answers, loss: Loss) -> Array:
    """Classes of shape (n,), or yes and no of the targets' shape."""
    values = answers.targets.values
    if answers.targets.are_classes:
        return values
    return values.argmax(axis=1) if _one_of_several(answers, loss) else values > _middle(loss)


def _guessed(answers: Answers, outputs: Array, loss: Loss) -> Array:
    return outputs.argmax(axis=1) if _one_of_several(answers, loss) else outputs > _middle(loss)


# ---- scikit-learn's scorers ----


def _scorer(name: str) -> Metric:
    from sklearn.metrics import get_scorer

    get_scorer(name)

    def score(answers: Answers, outputs: Array, loss: Loss) -> float:
        if not np.isfinite(outputs).all():
            return float("nan")
        model, truth = _as_scored(answers, outputs, loss)
        two = len(getattr(model, "classes_", ())) == 2 and truth.ndim == 1
        several = hasattr(model, "classes_") and not two
        meant = _OF_TWO.get(name, name) if several else name
        if several and truth.ndim == 1 and name == "roc_auc":
            meant = "roc_auc_ovr"
        weights = {} if answers.weights is None else {"sample_weight": answers.weights}
        try:
            return float(get_scorer(meant)(model, outputs, truth, **weights))
        except (TypeError, ValueError, AttributeError) as error:
            why = str(error).partition("\n")[0]
            raise ValueError(f"the metric {name!r} does not go with these targets and outputs: {why}") from error

    return score


def _as_scored(answers: Answers, outputs: Array, loss: Loss) -> tuple[Any, Array]:
    """A model in scikit-learn's manner that says what the outputs say, and the targets in its manner."""
    from multicapa.training.scored import Classifier, Regressor

    flat = outputs.reshape(len(outputs), -1)
    if not answers.targets.are_classes and not is_classifier(loss):
        truth = answers.targets.values.reshape(flat.shape)
        return (Regressor(flat[:, 0]), truth[:, 0]) if flat.shape[1] == 1 else (Regressor(flat), truth)
    truth, guess = (part.astype(np.int64) for part in (_classes(answers, loss), _guessed(answers, outputs, loss)))
    truth, guess = (part.reshape(len(flat), -1) for part in (truth, guess))
    probable = bool(flat.min() >= 0 and flat.max() <= 1)
    if truth.shape[1] > 1:
        labels = np.eye(truth.shape[1], dtype=np.int64)  # which scikit-learn takes for several labels, also if only two
        return Classifier(guess, flat, labels, probable), truth
    return Classifier(guess[:, 0], _columns(flat, probable), np.arange(max(flat.shape[1], 2)), probable), truth[:, 0]


def _columns(flat: Array, probable: bool) -> Array:
    """One column for each class, also where one output stands for two of them."""
    if flat.shape[1] > 1:
        return flat
    return np.concatenate([1 - flat if probable else -flat, flat], axis=1)
