"""What a training run adds to its cost and does to its gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multicapa.base.checks import check_flag, check_name, check_number, check_pair
from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork


@dataclass(frozen=True)
class Regularization:
    """Penalties, and how gradients are tamed."""

    l1: float | Mapping[str, float] = 0.0
    l2: float | Mapping[str, float] = 0.0
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
            given = getattr(self, what)
            if what in ("l1", "l2") and isinstance(given, Mapping):
                for layer, strength in given.items():
                    check_number(strength, f"{what} of {layer!r}", minimum=0)
            else:
                check_number(given, what, minimum=0)
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

    def own_penalties(self, network: CoreNetwork) -> tuple[tuple[float, float], ...]:
        """l1 and l2 of each parameter where they are given by layer; none where they are not."""
        by_layer = {what: getattr(self, what) for what in ("l1", "l2") if isinstance(getattr(self, what), Mapping)}
        if not by_layer:
            return ()
        tensors = network._core.parameter_tensors
        layers = [tensor["name"].rpartition(".")[0] for tensor in tensors]
        for what, given in by_layer.items():
            for name in given:
                check_name(name, set(layers), f"layer with parameters for {what},")
        meant = [tensor["penalized"] or self.penalize_biases for tensor in tensors]
        rows = {what: [float(given.get(layer, 0.0)) for layer in layers] for what, given in by_layer.items()}
        none = [0.0] * len(layers)
        pairs = zip(rows.get("l1", none), rows.get("l2", none), meant, strict=True)
        return tuple((l1, l2) if penalized else (0.0, 0.0) for l1, l2, penalized in pairs)

    def core_arguments(self) -> tuple[Any, ...]:
        norm = "at_most" if self.clip_norm else "always" if self.normalize_gradient else "as_is"
        limit = float(self.clip_norm or self.normalize_gradient or 0.0)
        clip = None if self.clip_value is None else self.clip_range
        noise = (float(self.weight_noise), float(self.target_noise))
        shared = (float(self.l2_shared), self.weighted_mean)
        l1, l2 = (0.0 if isinstance(given, Mapping) else float(given) for given in (self.l1, self.l2))
        return (l1, l2, self.penalize_biases, *noise, norm, limit, clip, *shared)


_PLAIN = (*Regularization().core_arguments(), ())


def objective_of(network: CoreNetwork, loss: Loss, regularization: Regularization | None = None) -> Any:
    """What the core is to minimise: a loss, and what is added to it; nothing by default."""
    if regularization is None:
        return network._objective(loss, _PLAIN)
    return network._objective(loss, (*regularization.core_arguments(), regularization.own_penalties(network)))
