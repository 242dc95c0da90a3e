"""On-line learning: one update at once, with the samples given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from multicapa import losses, optimizers
from multicapa.arrays import Encoding
from multicapa.errors import DivergenceError
from multicapa.training import Samples, as_encoding, diverged

if TYPE_CHECKING:
    from multicapa.network import Network


@dataclass
class OnlineLearner:
    """What partial_fit remembers between calls."""

    loss: losses.Loss
    optimizer: optimizers.Optimizer
    encoding: Encoding
    memory: Any = field(default=None, compare=False)  # the optimiser in the core
    updates: int = 0


def partial_fit(
    network: Network,
    x: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    loss: str | losses.Loss | None = None,
    optimizer: str | optimizers.Optimizer | None = None,
    sample_weight: npt.ArrayLike | None = None,
    target_range: tuple[float, float] | None = None,
) -> float:
    """One update with the samples given; see :meth:`multicapa.Network.partial_fit`."""
    learner = _learner(network, loss, optimizer, target_range)
    single = np.shape(x) == network.input_shape
    xs, ts = (np.asarray(x)[None], np.asarray(t)[None]) if single else (x, t)
    samples = Samples.prepare(network, xs, ts, learner.loss, learner.encoding, sample_weight, None, "x")
    objective = network._objective(learner.loss)
    if learner.memory is None:
        learner.memory = optimizers.in_core(network._core, learner.optimizer)
    network.loss, network._learner = learner.loss, learner
    before = network.copy_numbers()
    rate = learner.optimizer.rate(learner.updates)
    value, _, done, cost_diverged = network._core.train_epoch(
        objective, learner.memory, *samples.core_arguments(), None, len(samples.x), [rate], None
    )
    if diverged(network, cost_diverged, before):
        raise DivergenceError(0, learner.updates, rate)
    learner.updates += done
    return float(value)


def _learner(
    network: Network,
    loss: str | losses.Loss | None,
    optimizer: str | optimizers.Optimizer | None,
    target_range: tuple[float, float] | None,
) -> OnlineLearner:
    """What goes on from the last call, or begins afresh."""
    old = network._learner
    chosen_loss = (old.loss if old else network.loss) if loss is None else losses.get(loss)
    chosen = (old.optimizer if old else optimizers.SGD()) if optimizer is None else optimizers.get(optimizer)
    encoding = old.encoding if old and target_range is None else as_encoding(target_range)
    if old and (chosen_loss, chosen, encoding) == (old.loss, old.optimizer, old.encoding):
        return old
    return OnlineLearner(chosen_loss, chosen, encoding)
