"""On-line learning: one update at once, with the samples given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa import losses, optimizers
from multicapa.base.errors import DivergenceError
from multicapa.network.core import CoreNetwork
from multicapa.network.joint import as_loss
from multicapa.network.ports import bound
from multicapa.training.labels import learn_classes
from multicapa.training.regularization import objective_of
from multicapa.training.run import diverged
from multicapa.training.samples import Samples, as_encodings
from multicapa.training.targets import Encoding


@dataclass
class OnlineLearner:
    """What partial_fit remembers between calls."""

    loss: losses.Loss
    optimizer: optimizers.Optimizer
    encodings: list[Encoding]
    memory: Any = field(default=None, compare=False)  # the optimiser in the core
    updates: int = 0

    @property
    def optimizer_name(self) -> str:
        """What a file tells of it."""
        return self.optimizer.name


def partial_fit(
    network: CoreNetwork,
    x: Any,
    t: Any,
    *,
    loss: str | losses.Loss | Mapping[str, Any] | Sequence[Any] | None = None,
    loss_weights: Mapping[str, float] | Sequence[float] | None = None,
    optimizer: str | optimizers.Optimizer | None = None,
    sample_weight: npt.ArrayLike | Mapping[str, Any] | None = None,
    target_range: tuple[float, float] | Mapping[str, tuple[float, float]] | None = None,
) -> float:
    """Update the network at once with one sample or a few: on-line learning.

    The optimiser keeps its state from call to call; naming another loss or optimiser starts afresh.

    Parameters
    ----------
    x : array-like of shape (n_samples, *input_shape) or input_shape
    t : array-like
        Targets as in :meth:`fit`, or the target of the one sample. For several inputs and outputs dicts or lists.
    loss, loss_weights
        As in :meth:`fit`.
    optimizer : str or Optimizer, default="sgd"
    sample_weight : array-like of shape (n_samples,), optional
    target_range : (float, float), optional

    Returns
    -------
    float
        The loss before the update.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(1, weight_init="zeros")], input_shape=(1,), seed=0)
    >>> net.partial_fit([1.0], [1.0], loss="half_squared_error", optimizer=mc.SGD(0.5))
    0.5
    >>> net.predict([[1.0]]).item()
    1.0
    """
    learner = _learner(network, loss, loss_weights, optimizer, target_range)
    single = _is_sample(x, network)
    xs, ts = (_one(x, len(network.inputs)), _one(t, len(network.outputs))) if single else (x, t)
    samples = Samples.prepare(network, xs, ts, learner.loss, learner.encodings, sample_weight, None, "x")
    objective = objective_of(network, learner.loss)
    if learner.memory is None:
        learner.memory = optimizers.in_core(network._core, learner.optimizer)
    learn_classes(network, ts)
    network.loss, network._learner, network._standing = learner.loss, learner, None
    before = network.copy_numbers()
    rate = learner.optimizer.rate(learner.updates)
    value, _, done, cost_diverged, _ = network._core.train_epoch(
        objective, learner.memory, *samples.core_arguments(), None, len(samples), [rate], None
    )
    if diverged(network, cost_diverged, before):
        raise DivergenceError(0, learner.updates, rate)
    learner.updates += done
    return float(value)


def _is_sample(x: Any, network: CoreNetwork) -> bool:
    """Whether x is one sample, of each input where there are several."""
    several = len(network.inputs) > 1 or isinstance(x, dict)
    parts = bound(x, [port.name for port in network.inputs], "x", "input") if several else [x]
    try:
        return all(np.shape(part) == port.shape for part, port in zip(parts, network.inputs, strict=True))
    except ValueError:  # sequences of different lengths
        return False


def _one(given: Any, count: int) -> Any:
    """The one sample as a batch of its own."""
    if isinstance(given, dict):
        return {name: np.asarray(part)[None] for name, part in given.items()}
    if count > 1:
        return [np.asarray(part)[None] for part in given]
    return np.asarray(given)[None]


def _learner(
    network: CoreNetwork,
    loss: Any,
    loss_weights: Any,
    optimizer: str | optimizers.Optimizer | None,
    target_range: Any,
) -> OnlineLearner:
    """What goes on from the last call, or begins afresh."""
    old: OnlineLearner | str | None = network._learner
    if isinstance(old, str):  # what files.read knows of it
        if optimizer is None:
            raise ValueError(
                f"the network learnt on-line by {old}, whose memory its file does not hold (a pickle would): name the "
                "optimizer to start afresh"
            )
        old = None
    chosen_loss = as_loss(network.outputs, loss, loss_weights, old.loss if old else network.loss)
    chosen = (old.optimizer if old else optimizers.SGD()) if optimizer is None else optimizers.get(optimizer)
    encodings = old.encodings if old and target_range is None else as_encodings(network, target_range)
    if old and (chosen_loss, chosen, encodings) == (old.loss, old.optimizer, old.encodings):
        return old
    return OnlineLearner(chosen_loss, chosen, encodings)
