"""On-line learning: one update at once, with the samples given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from multicapa import losses, optimizers
from multicapa.base.errors import DivergenceError
from multicapa.network.core import CoreNetwork
from multicapa.training.regularization import set_objective
from multicapa.training.run import diverged
from multicapa.training.samples import Samples, as_encoding
from multicapa.training.targets import Encoding


@dataclass
class OnlineLearner:
    """What partial_fit remembers between calls."""

    loss: losses.Loss
    optimizer: optimizers.Optimizer
    encoding: Encoding
    updates: int = 0


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
    learner, fresh = _learner(network, loss, optimizer, target_range)
    single = np.shape(x) == network.input_shape
    xs, ts = (np.asarray(x)[None], np.asarray(t)[None]) if single else (x, t)
    samples = Samples.prepare(network, xs, ts, learner.loss, learner.encoding, sample_weight, None, "x")
    network.loss = learner.loss
    set_objective(network, learner.loss)
    if fresh:
        optimizers.set_in_core(network._core, learner.optimizer)
        network._learner = learner
    network._standing = None
    before = network.copy_numbers()
    rate = learner.optimizer.rate(learner.updates)
    value, done, cost_diverged = network._core.train_epoch(
        *samples.core_arguments(), None, len(samples.x), [rate], None
    )
    if diverged(network, cost_diverged, before):
        raise DivergenceError(0, learner.updates, rate)
    learner.updates += done
    return float(value)


def _learner(
    network: CoreNetwork,
    loss: str | losses.Loss | None,
    optimizer: str | optimizers.Optimizer | None,
    target_range: tuple[float, float] | None,
) -> tuple[OnlineLearner, bool]:
    old = network._learner
    chosen_loss = (old.loss if old else network.loss) if loss is None else losses.get(loss)
    chosen = (old.optimizer if old else optimizers.SGD()) if optimizer is None else optimizers.get(optimizer)
    encoding = old.encoding if old and target_range is None else as_encoding(target_range)
    if old and (chosen_loss, chosen, encoding) == (old.loss, old.optimizer, old.encoding):
        return old, False
    return OnlineLearner(chosen_loss, chosen, encoding), True
