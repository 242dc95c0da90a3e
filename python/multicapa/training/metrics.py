"""Metrics: what else can be said of outputs, by the names of scikit-learn's scorers or by functions of the user's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from multicapa.base.arrays import Array
from multicapa.base.checks import find_name
from multicapa.losses import Loss
from multicapa.training.samples import Samples

# Of the targets and the outputs, as the core has them.
Metric = Callable[[Samples, Array, Loss], float]

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


def as_metrics(metrics: Any) -> dict[str, Metric]:
    """Metrics by name, from a sequence of names and functions."""
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
            return lambda samples, outputs, loss: -negative(samples, outputs, loss)
        from sklearn.metrics import get_scorer_names

        return _scorer(find_name(name, {*get_scorer_names(), *_ERRORS}, "metric", _ALIASES))
    if isinstance(metric, type) or not callable(metric):
        raise TypeError(f"a metric is the name of a scorer of scikit-learn or a function(y, outputs), not {metric!r}")

    def of_user(samples: Samples, outputs: Array, loss: Loss) -> float:
        value = metric(samples.targets.values, outputs)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise TypeError(f"the metric {name} should return a number, not {value!r}") from None

    return of_user


def measure(metrics: Mapping[str, Metric], samples: Samples, outputs: Array, loss: Loss) -> dict[str, float]:
    """The value of each metric."""
    return {name: metric(samples, outputs, loss) for name, metric in metrics.items()}


def try_out(metrics: Mapping[str, Metric], samples: Samples, outputs: Array, loss: Loss) -> None:
    """Raise, before a fit has begun, what the metrics would raise after its first epoch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a network that has learnt nothing yet
        measure(metrics, samples, outputs, loss)


def accuracy(samples: Samples, outputs: Array, loss: Loss) -> float:
    """The share of right classes; of several yes-or-no outputs, that of right answers."""
    if not samples.targets.are_classes and not is_classifier(loss):
        raise ValueError(f"accuracy is for classes; {loss.name} fits numbers, of which r2 and mse tell something")
    truth, guess = _classes(samples, loss), _guessed(samples, outputs, loss)
    right = guess == truth
    if samples.weights is None:
        return float(right.mean())
    return float(np.average(right.reshape(len(right), -1).mean(axis=1), weights=samples.weights))


def _one_of_several(samples: Samples, loss: Loss) -> bool:
    return samples.targets.are_classes or loss.name in ("cross_entropy", "kullback_leibler")


def _middle(loss: Loss) -> float:
    return 0.5 if loss.name in ("binary_cross_entropy", "focal") else 0.0


def _classes(samples: Samples, loss: Loss) -> Array:
    """Classes of shape (n,), or yes and no of the targets' shape."""
    values = samples.targets.values
    if samples.targets.are_classes:
        return values
    return values.argmax(axis=1) if _one_of_several(samples, loss) else values > _middle(loss)


def _guessed(samples: Samples, outputs: Array, loss: Loss) -> Array:
    return outputs.argmax(axis=1) if _one_of_several(samples, loss) else outputs > _middle(loss)


# ---- scikit-learn's scorers ----


def _scorer(name: str) -> Metric:
    from sklearn.metrics import get_scorer

    get_scorer(name)

    def score(samples: Samples, outputs: Array, loss: Loss) -> float:
        if not np.isfinite(outputs).all():
            return float("nan")
        model, truth = _as_scored(samples, outputs, loss)
        two = len(getattr(model, "classes_", ())) == 2 and truth.ndim == 1
        several = hasattr(model, "classes_") and not two
        meant = _OF_TWO.get(name, name) if several else name
        if several and truth.ndim == 1 and name == "roc_auc":
            meant = "roc_auc_ovr"
        weights = {} if samples.weights is None else {"sample_weight": samples.weights}
        try:
            return float(get_scorer(meant)(model, outputs, truth, **weights))
        except (TypeError, ValueError, AttributeError) as error:
            why = str(error).partition("\n")[0]
            raise ValueError(f"the metric {name!r} does not go with these targets and outputs: {why}") from error

    return score


def _as_scored(samples: Samples, outputs: Array, loss: Loss) -> tuple[Any, Array]:
    """A model in scikit-learn's manner that says what the outputs say, and the targets in its manner."""
    from multicapa.training.scored import Classifier, Regressor

    flat = outputs.reshape(len(outputs), -1)
    if not samples.targets.are_classes and not is_classifier(loss):
        truth = samples.targets.values.reshape(flat.shape)
        return (Regressor(flat[:, 0]), truth[:, 0]) if flat.shape[1] == 1 else (Regressor(flat), truth)
    truth, guess = (part.astype(np.int64) for part in (_classes(samples, loss), _guessed(samples, outputs, loss)))
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
