"""What the outputs of a network can be, and which losses make sense of them."""

from __future__ import annotations

import math

from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork
from multicapa.network.ports import OutputPort

_PROBABILITIES = ("sigmoid", "softmax")
_NOT_NEGATIVE = (*_PROBABILITIES, "exponential", "softplus", "relu")
_BOUNDED = (*_PROBABILITIES, "tanh", "softsign", "step")
# By loss: the activations it makes sense of, what it takes, and what to write.
_TAKES = {
    "cross_entropy": (_PROBABILITIES, "probabilities", "softmax"),
    "kullback_leibler": (_PROBABILITIES, "probabilities", "softmax"),
    "binary_cross_entropy": (_PROBABILITIES, "probabilities", "sigmoid"),
    "focal": (_PROBABILITIES, "probabilities", "sigmoid"),
    "poisson": (_NOT_NEGATIVE, "rates that are not negative", "exponential"),
}
_ERRORS = ("half_squared_error", "squared_error", "absolute_error", "huber", "quantile")


def check_outputs(network: CoreNetwork) -> None:
    """Raise ValueError for a softmax of a single number, which is 1 whatever the network does."""
    shapes = {node["name"]: node["shape"] for node in network._core.nodes}
    for layer in network.spec:
        if "softmax" in (layer.get("activation"), layer.get("function")) and math.prod(shapes[layer["name"]]) == 1:
            raise ValueError(
                f"the softmax of the single unit of {layer['name']} is always 1; for two classes write "
                'Dense(1, "sigmoid") or Dense(2, "softmax")'
            )


def check_loss(output: OutputPort, loss: Loss) -> None:
    """Raise ValueError where a loss makes no sense of the outputs."""
    last, units = output.last, math.prod(output.shape)
    if loss.name in ("cross_entropy", "kullback_leibler") and units == 1:
        raise ValueError(
            f"{loss.name} compares two outputs or more; for a single one use binary_cross_entropy behind "
            'Dense(1, "sigmoid")'
        )
    if last is None or loss.name not in _TAKES:
        return
    sensible, what, write = _TAKES[loss.name]
    if last not in sensible:
        raise ValueError(
            f'{loss.name} takes {what}, which {last} outputs are not; end the network with Dense({units}, "{write}")'
        )


def check_classes(output: OutputPort, loss: Loss) -> None:
    """Raise ValueError where classes would be fitted as numbers without having been asked to."""
    last = output.last
    if last is None or last in _BOUNDED or loss.name not in _ERRORS:
        return
    units = math.prod(output.shape)
    raise ValueError(
        f"y holds classes, but the outputs are {last} and the loss is {loss.name}; to classify end the network with "
        f'Dense({units}, "softmax"), to fit the classes as the numbers 0 and 1 pass target_range=(0, 1)'
    )
