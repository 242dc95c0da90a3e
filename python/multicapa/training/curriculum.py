"""Curriculum learning: easy samples first, harder ones admitted as training goes on (Bengio et al. 2009)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.base.checks import check_integer, check_name, check_number
from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork
from multicapa.training.regularization import objective_of
from multicapa.training.samples import Samples

Pacing = Callable[[float], float]

PACING: dict[str, Pacing] = {
    "linear": lambda share: share,
    "root": lambda share: float(np.sqrt(share)),
    "quadratic": lambda share: share**2,
    "exponential": lambda share: float((np.exp(3 * share) - 1) / (np.exp(3) - 1)),
    "step": lambda share: float(share >= 1),
}


class Curriculum:
    """Which samples an epoch may see.

    Parameters
    ----------
    difficulty : array-like of shape (n_samples,) or "loss"
        The samples are admitted in rising order of it. "loss" takes each sample's loss under the network as it is when
        the fit starts: a network that was trained before grades the samples for its successor.
    epochs : int
        After this many epochs all samples are admitted.
    start : float, default=0.2
        Share of the samples that the first epoch sees, above 0.
    pacing : str or callable, default="linear"
        From the share of ``epochs`` that has passed, in [0, 1], to the share of the way from ``start`` to all samples:
        linear, root (quick at first), quadratic and exponential (slow at first), step (all at once after ``epochs``).

    Examples
    --------
    >>> import multicapa as mc
    >>> curriculum = mc.Curriculum([0.9, 0.1, 0.5, 0.3], epochs=2, start=0.5)
    >>> [len(curriculum.admitted(epoch, 4)) for epoch in range(3)]
    [2, 3, 4]
    >>> curriculum.admitted(0, 4)
    array([1, 3])
    """

    def __init__(
        self,
        difficulty: npt.ArrayLike | str,
        epochs: int,
        start: float = 0.2,
        pacing: str | Pacing = "linear",
    ) -> None:
        self.epochs = check_integer(epochs, "epochs", minimum=1)
        self.start = check_number(start, "start", above=0)
        if self.start > 1:
            raise ValueError(f"start should be at most 1, not {start!r}")
        self.pacing = pacing if callable(pacing) else PACING[check_name(pacing, PACING, "pacing")]
        self.difficulty = difficulty
        self._order: npt.NDArray[np.int64] | None = None
        self._goes_on = False  # the next fit keeps the order of the last
        if not isinstance(difficulty, str):
            self._rank(np.asarray(difficulty, dtype=np.float64))
        elif difficulty != "loss":
            raise ValueError(f"difficulty should be numbers or 'loss', not {difficulty!r}")

    @property
    def order(self) -> npt.NDArray[np.int64] | None:
        """The samples from easy to hard, once that is known."""
        return self._order

    def go_on(self, order: npt.NDArray[np.int64]) -> None:
        """Let the next fit keep an order that the network has found before."""
        if isinstance(self.difficulty, str):
            self._order, self._goes_on = order, True

    def _rank(self, difficulty: npt.NDArray[Any]) -> None:
        if difficulty.ndim != 1 or not np.isfinite(difficulty).all():
            raise ValueError("difficulty should be one finite number per sample")
        self._order = np.argsort(difficulty, kind="stable")

    def grade(self, network: CoreNetwork, samples: Samples, loss: Loss) -> None:
        """Find out how hard the samples are, where that is left to the network."""
        if isinstance(self.difficulty, str) and not self._goes_on:
            self._rank(np.array([_loss_of(network, samples, loss, i) for i in range(len(samples))]))
        if self._order is None or len(self._order) != len(samples):
            raise ValueError(f"difficulty should have {len(samples)} entries, one per sample")
        self._goes_on = False

    def admitted(self, epoch: int, count: int) -> npt.NDArray[np.int64]:
        """The indices of the samples that this epoch may see, easiest first."""
        assert self._order is not None
        way = check_number(self.pacing(min(epoch / self.epochs, 1.0)), "the pacing function", minimum=0)
        share = self.start + (1 - self.start) * min(way, 1.0)
        return self._order[: max(1, min(count, round(share * count)))]


def _loss_of(network: CoreNetwork, samples: Samples, loss: Loss, i: int) -> float:
    one = samples.unweighted().part(slice(i, i + 1))
    return float(network._core.evaluate(objective_of(network, loss), *one.core_arguments(), False)[0])
