"""Where the attention of a network looks."""

from __future__ import annotations

from typing import Any

from multicapa.base.arrays import Array
from multicapa.base.checks import check_name
from multicapa.network.core import CoreNetwork
from multicapa.network.inner import up_to
from multicapa.network.ports import bound


def attention_layer(network: CoreNetwork, layer: str | None) -> str:
    """The name of an attention layer: the one given, or the only one there is."""
    names = [each["name"] for each in network.spec if each["type"] == "attention"]
    if not names:
        raise ValueError("this network has no attention layer")
    if layer is None and len(names) > 1:
        raise ValueError(f"this network has several attention layers; choose one of {', '.join(names)}")
    return names[0] if layer is None else check_name(layer, names, "attention layer")


def attention_weights(network: CoreNetwork, X: Any, layer: str | None) -> Array:
    """See :meth:`multicapa.Network.attention_weights`."""
    cut = up_to(network, attention_layer(network, layer))
    last = cut.spec[-1]
    looking = CoreNetwork([*cut.spec[:-1], {**last, "gives_weights": True}], cut.dtype, cut.seed)
    looking.restore_numbers(cut.copy_numbers())
    if len(network.inputs) > 1:
        names = [port.name for port in network.inputs]
        given = dict(zip(names, bound(X, names, "X", "input"), strict=True))
        X = {port.name: given[port.name] for port in looking.inputs}
    weights: Array = looking.predict(X)
    heads: int = last["num_heads"]
    split = weights.reshape(*weights.shape[:-1], heads, weights.shape[-1] // heads)
    return split if split.ndim == 3 else split.swapaxes(1, 2)
