"""What a network with several outputs minimises: a loss for each, and what they weigh in the sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multicapa import losses
from multicapa.base.checks import check_name, check_number
from multicapa.network.ports import OutputPort, bound


@dataclass(frozen=True)
class JointLoss(losses.Loss):
    """The sum of the outputs' losses, each times its weight; by output, in their order."""

    parts: tuple[tuple[str, losses.Loss, float], ...]
    name = "joint"


def parts_of(loss: losses.Loss) -> tuple[tuple[str, losses.Loss, float], ...]:
    """Name of the output, loss and weight; of the single output without a name."""
    return loss.parts if isinstance(loss, JointLoss) else (("", loss, 1.0),)


def as_loss(outputs: Sequence[OutputPort], loss: Any, weights: Any, usual: losses.Loss | None = None) -> losses.Loss:
    """The loss of a call, checked; ``usual``: where none is named."""
    if loss is None and weights is None and usual is not None:
        return usual
    if len(outputs) == 1:
        if weights is not None:
            raise ValueError("loss_weights are for networks with several outputs, and this one has one")
        if isinstance(loss, Mapping):
            (loss,) = bound(loss, [outputs[0].name], "loss", "output")
        return losses.get(losses.default_for(outputs[0].activation) if loss is None else loss)
    names = [output.name for output in outputs]
    if loss is None and isinstance(usual, JointLoss):
        chosen: list[Any] = [part for _, part, _ in usual.parts]
    elif loss is None or isinstance(loss, Mapping):
        given = loss or {}
        for name in given:
            check_name(name, names, "output")
        chosen = [given.get(output.name, losses.default_for(output.activation)) for output in outputs]
    else:
        chosen = bound(loss, names, "loss", "output") if isinstance(loss, list | tuple) else [loss] * len(names)
    return JointLoss(
        tuple(
            (name, losses.get(part), weight)
            for name, part, weight in zip(names, chosen, _weights(weights, names), strict=True)
        )
    )


def _weights(given: Any, names: Sequence[str]) -> list[float]:
    if given is None:
        return [1.0] * len(names)
    if isinstance(given, Mapping):
        for name in given:
            check_name(name, names, "output")
        given = [given.get(name, 1.0) for name in names]
    found = [
        check_number(weight, f"the loss weight of {name}", minimum=0)
        for name, weight in zip(names, bound(given, names, "loss_weights", "output"), strict=True)
    ]
    if not any(found):
        raise ValueError("loss_weights should not be 0 for every output")
    return found


def as_json(loss: losses.Loss) -> dict[str, Any]:
    """What a file says of a loss."""
    if isinstance(loss, JointLoss):
        return {"parts": [{"output": name, "weight": weight, **as_json(part)} for name, part, weight in loss.parts]}
    return {"name": loss.name, "parameter": loss.parameter}


def from_json(told: Mapping[str, Any], outputs: Sequence[OutputPort]) -> losses.Loss:
    """The loss that a file tells of; raise where it does not fit the outputs."""
    if "parts" in told:
        by_name = {part["output"]: part for part in told["parts"]}
        weights = {name: part["weight"] for name, part in by_name.items()}
        return as_loss(outputs, {name: from_json(part, ()) for name, part in by_name.items()}, weights)
    loss = losses.get(told["name"])
    if told["parameter"] != loss.parameter:
        loss = type(loss)(told["parameter"])  # type: ignore[call-arg]  # TypeError if it has none
    return loss
