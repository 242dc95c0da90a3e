"""How good a network is on samples: its mean loss, for classifiers its accuracy, and metrics that are asked for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork
from multicapa.network.joint import parts_of
from multicapa.training.metrics import Measured, Outputs, measure, usual_metrics
from multicapa.training.regularization import objective_of
from multicapa.training.samples import Answers, Samples


def evaluate(
    network: CoreNetwork, samples: Samples, loss: Loss, metrics: Mapping[str, Measured] | None = None
) -> dict[str, float]:
    """Mean loss, for classifiers accuracy, and the metrics; RuntimeWarning if the loss is not finite.

    Of several outputs the loss is the weighted sum of those of each, which come with their names.
    """
    wanted = usual_metrics(loss)
    found = outputs_of(network, samples, loss, bool(wanted or metrics))
    if not math.isfinite(found.loss):
        what = f"the loss is {found.loss}: the outputs are too large for {network.dtype}, or for their {loss.name}"
        warnings.warn(what, RuntimeWarning, stacklevel=3)
    values = {"loss": found.loss, **named_losses(network, found.losses)}
    return {**values, **measure({**wanted, **(metrics or {})}, samples, found.outputs, loss)}


def evaluate_batches(
    network: CoreNetwork, batches: Iterable[Samples], loss: Loss, metrics: Mapping[str, Measured]
) -> dict[str, float]:
    """The same of all samples of some batches, of which only outputs and answers are kept."""
    wanted = {**usual_metrics(loss), **metrics}
    counts, losses, outputs, answers = [], [], [], []
    for samples in batches:
        found = outputs_of(network, samples, loss, bool(wanted))
        counts.append([part.count for part in samples.answers])
        losses.append(found.losses)
        outputs.append(found.outputs)
        answers.append(samples.answers)
    if not counts:
        raise ValueError("there are no batches")
    means = np.average(np.array(losses), axis=0, weights=np.array(counts)).tolist()
    weights = [weight for _, _, weight in parts_of(loss)]
    total = sum(mean * weight for mean, weight in zip(means, weights, strict=True))
    values = {"loss": total, **named_losses(network, means)}
    if not wanted:
        return values
    whole = Samples((), tuple(Answers.joined(parts) for parts in zip(*answers, strict=True)))
    return {**values, **measure(wanted, whole, [np.concatenate(parts) for parts in zip(*outputs, strict=True)], loss)}


def named_losses(network: CoreNetwork, losses: Sequence[float]) -> dict[str, float]:
    """The losses of several outputs by their names; nothing where there is one."""
    if len(network.outputs) == 1:
        return {}
    return {f"{output.name}_loss": loss for output, loss in zip(network.outputs, losses, strict=True)}


@dataclass(frozen=True)
class Found:
    """What a look at samples found: the loss, that of each output, and where they were wanted the outputs."""

    loss: float
    losses: Sequence[float]
    outputs: Outputs


def outputs_of(network: CoreNetwork, samples: Samples, loss: Loss, wanted: bool = True) -> Found:
    """Mean losses, and where they are wanted the outputs."""
    objective = objective_of(network, loss)
    found = [
        (len(piece), *network._core.evaluate(objective, *piece.core_arguments(), wanted))
        for piece, _ in samples.pieces()
    ]
    if len(found) == 1:
        return Found(*found[0][1:])
    outputs = [np.concatenate([row[3][0] for row in found])] if wanted else found[0][3]
    value = sum(row[0] * row[1] for row in found) / len(samples)
    return Found(value, [value], outputs)
