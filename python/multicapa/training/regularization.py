"""What a training run adds to its cost and does to its gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from multicapa.base.checks import check_flag, check_number, check_pair
from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork


@dataclass(frozen=True)
class Regularization:
    """Penalties, and how gradients are tamed."""

    l1: float = 0.0
    l2: float = 0.0
    penalize_biases: bool = False
    clip_norm: float | None = None
    normalize_gradient: float | None = None
    clip_value: float | tuple[float, float] | None = None
    weight_noise: float = 0.0
    target_noise: float = 0.0
    l2_shared: float = 0.0  # as l2, but divided by what the costs of a batch are divided by:
    weighted_mean: bool = False  # the sum of its weights instead of its number of samples

    def __post_init__(self) -> None:
        for what in ("l1", "l2", "weight_noise", "target_noise", "l2_shared"):
            check_number(getattr(self, what), what, minimum=0)
        for what in ("penalize_biases", "weighted_mean"):
            check_flag(getattr(self, what), what)
        for what in ("clip_norm", "normalize_gradient"):
            if getattr(self, what) is not None:
                check_number(getattr(self, what), what, above=0)
        if self.clip_norm is not None and self.normalize_gradient is not None:
            raise ValueError("clip_norm and normalize_gradient exclude each other")
        if isinstance(self.clip_value, tuple | list):
            low, high = check_pair(self.clip_value, "clip_value")
            if low >= high:
                raise ValueError(f"clip_value should be (low, high) with low < high, not {self.clip_value!r}")
        elif self.clip_value is not None:
            check_number(self.clip_value, "clip_value", above=0)

    @property
    def clip_range(self) -> tuple[float, float]:
        if isinstance(self.clip_value, tuple | list):
            return (float(self.clip_value[0]), float(self.clip_value[1]))
        return (-float(self.clip_value or 0), float(self.clip_value or 0))

    def core_arguments(self) -> tuple[Any, ...]:
        norm = "at_most" if self.clip_norm else "always" if self.normalize_gradient else "as_is"
        limit = float(self.clip_norm or self.normalize_gradient or 0.0)
        clip = None if self.clip_value is None else self.clip_range
        noise = (float(self.weight_noise), float(self.target_noise))
        shared = (float(self.l2_shared), self.weighted_mean)
        return (float(self.l1), float(self.l2), self.penalize_biases, *noise, norm, limit, clip, *shared)


def set_objective(network: CoreNetwork, loss: Loss, regularization: Regularization | None = None) -> None:
    """What the network's next steps minimise: a loss, and what is added to it; nothing by default."""
    network._set_objective(loss, (regularization or Regularization()).core_arguments())
