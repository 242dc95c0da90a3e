"""How good a network is on samples: its mean loss, for classifiers its accuracy, and metrics that are asked for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import numpy as np

from multicapa.base.arrays import Array
from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork
from multicapa.training.metrics import Metric, accuracy, is_classifier, measure
from multicapa.training.regularization import objective_of
from multicapa.training.samples import Samples


def evaluate(
    network: CoreNetwork, samples: Samples, loss: Loss, metrics: Mapping[str, Metric] | None = None
) -> dict[str, float]:
    """Mean loss, for classifiers accuracy, and the metrics; RuntimeWarning if the loss is not finite."""
    wanted = {"accuracy": accuracy} if is_classifier(loss) else {}
    value, outputs = outputs_of(network, samples, loss, bool(wanted or metrics))
    if not math.isfinite(value):
        what = f"the loss is {value}: the outputs are too large for {network.dtype}, or for their {loss.name}"
        warnings.warn(what, RuntimeWarning, stacklevel=3)
    return {"loss": value, **measure({**wanted, **(metrics or {})}, samples, outputs, loss)}


def outputs_of(network: CoreNetwork, samples: Samples, loss: Loss, wanted: bool = True) -> tuple[float, Array]:
    """Mean loss, and where they are wanted the outputs."""
    objective = objective_of(network, loss)
    found = [
        (len(piece.x), *network._core.evaluate(objective, *piece.core_arguments(), wanted))
        for piece, _ in samples.pieces()
    ]
    if len(found) == 1:
        return found[0][1:]
    outputs = np.concatenate([outputs for _, _, outputs in found]) if wanted else found[0][2]
    return sum(count * value for count, value, _ in found) / len(samples.x), outputs
