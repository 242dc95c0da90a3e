"""Which network a layer with weights belongs to: one, since networks do not share weights."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterable
from typing import Any

from multicapa.layers import Layer

_OWNERS: weakref.WeakKeyDictionary[Layer, weakref.ref[Any]] = weakref.WeakKeyDictionary()


def check_free(layers: Iterable[Layer]) -> None:
    """Raise ValueError if one of the layers is in another network that still exists."""
    for layer in layers:
        if _owner(layer) is not None:
            gc.collect()  # what refers to itself may only wait to be cleared away
        if _owner(layer) is not None:
            what = type(layer).__name__ if layer.name is None else f"{type(layer).__name__} {layer.name!r}"
            raise ValueError(
                f"a {what} of this network is in another one already, and networks do not share weights. To share them "
                "make one network of several outputs. Otherwise give each network layers of its own "
                "(copy.deepcopy(layer), or a function that makes them); numbers are taken over by "
                'net["dense_1"].parameters["weight"] = other["dense_1"].parameters["weight"]'
            )


def own(network: Any, layers: Iterable[Layer]) -> None:
    """Remember that the layers belong to this network."""
    for layer in layers:
        _OWNERS[layer] = weakref.ref(network)


def _owner(layer: Layer) -> Any:
    found = _OWNERS.get(layer)
    return None if found is None else found()
