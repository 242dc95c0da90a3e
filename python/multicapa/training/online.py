"""On-line learning: one update at once, with the samples given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa import losses, optimizers
from multicapa.base.errors import DivergenceError
from multicapa.network.core import CoreNetwork
from multicapa.training.labels import learn_classes
from multicapa.training.regularization import objective_of
from multicapa.training.run import diverged
from multicapa.training.samples import Samples, as_encoding
from multicapa.training.targets import Encoding


@dataclass
class OnlineLearner:
    """What partial_fit remembers between calls."""

    loss: losses.Loss
    optimizer: optimizers.Optimizer
    encoding: Encoding
    memory: Any = field(default=None, compare=False)  # the optimiser in the core
    updates: int = 0

    @property
    def optimizer_name(self) -> str:
        """What a file tells of it."""
        return self.optimizer.name


def partial_fit(
    network: CoreNetwork,
    x: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    loss: str | losses.Loss | None = None,
    optimizer: str | optimizers.Optimizer | None = None,
    sample_weight: npt.ArrayLike | None = None,
    target_range: tuple[float, float] | None = None,
) -> float:
    """Update the network at once with one sample or a few: on-line learning.

    The optimiser keeps its state from call to call; naming another loss or optimiser starts afresh.

    Parameters
    ----------
    x : array-like of shape (n_samples, *input_shape) or input_shape
    t : array-like
        Targets as in :meth:`fit`, or the target of the one sample.
    loss : str or Loss, optional
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
    learner = _learner(network, loss, optimizer, target_range)
    single = _is_sample(x, network.input_shape)
    xs, ts = (np.asarray(x)[None], np.asarray(t)[None]) if single else (x, t)
    samples = Samples.prepare(network, xs, ts, learner.loss, learner.encoding, sample_weight, None, "x")
    objective = objective_of(network, learner.loss)
    if learner.memory is None:
        learner.memory = optimizers.in_core(network._core, learner.optimizer)
    learn_classes(network, ts)
    network.loss, network._learner, network._standing = learner.loss, learner, None
    before = network.copy_numbers()
    rate = learner.optimizer.rate(learner.updates)
    value, _, done, cost_diverged = network._core.train_epoch(
        objective, learner.memory, *samples.core_arguments(), None, len(samples.x), [rate], None
    )
    if diverged(network, cost_diverged, before):
        raise DivergenceError(0, learner.updates, rate)
    learner.updates += done
    return float(value)


def _is_sample(x: npt.ArrayLike, shape: tuple[int, ...]) -> bool:
    try:
        return np.shape(x) == shape
    except ValueError:  # sequences of different lengths
        return False


def _learner(
    network: CoreNetwork,
    loss: str | losses.Loss | None,
    optimizer: str | optimizers.Optimizer | None,
    target_range: tuple[float, float] | None,
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
    chosen_loss = (old.loss if old else network.loss) if loss is None else losses.get(loss)
    chosen = (old.optimizer if old else optimizers.SGD()) if optimizer is None else optimizers.get(optimizer)
    encoding = old.encoding if old and target_range is None else as_encoding(target_range)
    if old and (chosen_loss, chosen, encoding) == (old.loss, old.optimizer, old.encoding):
        return old
    return OnlineLearner(chosen_loss, chosen, encoding)
