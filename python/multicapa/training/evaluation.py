"""How good a network is on samples: its mean loss and, for classifiers, its accuracy."""

from __future__ import annotations

import math
import warnings

import numpy as np

from multicapa.base.arrays import Array
from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork
from multicapa.training.regularization import objective_of
from multicapa.training.samples import Samples


def is_classifier(loss: Loss) -> bool:
    """Whether accuracy means something under this loss."""
    return loss.name in ("cross_entropy", "kullback_leibler", "binary_cross_entropy", "focal", "hinge", "perceptron")


def evaluate(network: CoreNetwork, samples: Samples, loss: Loss) -> dict[str, float]:
    """Mean loss and, for classifiers, accuracy; RuntimeWarning if the loss is not finite."""
    found = [(len(piece.x), _evaluate(network, piece, loss)) for piece, _ in samples.pieces()]
    means = found[0][1]
    if len(found) > 1:
        means = {name: sum(n * values[name] for n, values in found) / len(samples.x) for name in means}
    if not math.isfinite(means["loss"]):
        what = f"the loss is {means['loss']}: the outputs are too large for {network.dtype}, or for their {loss.name}"
        warnings.warn(what, RuntimeWarning, stacklevel=3)
    return means


def _evaluate(network: CoreNetwork, samples: Samples, loss: Loss) -> dict[str, float]:
    wanted = is_classifier(loss)
    value, outputs = network._core.evaluate(objective_of(network, loss), *samples.core_arguments(), wanted)
    return {"loss": value, "accuracy": _accuracy(outputs, samples, loss)} if wanted else {"loss": value}


def _accuracy(outputs: Array, samples: Samples, loss: Loss) -> float:
    targets = samples.targets
    if targets.are_classes:
        right = outputs.argmax(axis=1) == targets.values
    elif loss.name in ("cross_entropy", "kullback_leibler"):
        right = outputs.argmax(axis=1) == targets.values.argmax(axis=1)
    else:
        middle = 0.5 if loss.name in ("binary_cross_entropy", "focal") else 0.0
        right = (outputs > middle) == (targets.values > middle)
    if samples.weights is None:
        return float(right.mean())
    return float(np.average(right.reshape(len(right), -1).mean(axis=1), weights=samples.weights))
