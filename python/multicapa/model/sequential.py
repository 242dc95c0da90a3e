"""Networks whose layers follow one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt

from multicapa.layers import Input, Layer, concat
from multicapa.model.network import Network
from multicapa.network.graph import graph_spec


class Sequential(Network):
    """A network whose layers follow one another.

    Parameters
    ----------
    layers : sequence of Layer
        In order; each reads the one before. The list is a description, of which each network makes weights of its own.
    input_shape : int or sequence of int
        Shape of one sample.
    skip_connections : bool, default=False
        Whether each Dense and Maxout layer reads the input and all layers before it, each pair with its own weights:
        the layer-skipping feed-forward net.
    dtype, seed
        As in :class:`Network`.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(8, "relu"), mc.Dropout(0.2), mc.Dense(2, "softmax")], input_shape=(4,), seed=0)
    >>> net
    Sequential((4,) -> (2,), 3 layers, 58 parameters, float32)
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        input_shape: int | Sequence[int],
        skip_connections: bool = False,
        dtype: npt.DTypeLike = "float32",
        seed: int | None = None,
    ) -> None:
        if not layers:
            raise ValueError("a network needs at least one layer")
        for layer in layers:
            if not isinstance(layer, Layer):
                raise TypeError(f"Sequential takes layers, not {layer!r}")
        start = Input(input_shape)
        stages = [start]  # the input, and each layer with weights together with what follows it
        for layer in layers:
            if skip_connections and layer.type in ("dense", "maxout") and len(stages) > 1:
                stages.append(layer(concat(stages)))
            elif layer.type in ("dense", "maxout"):
                stages.append(layer(stages[-1]))
            else:
                stages[-1] = layer(stages[-1])
        self._make(graph_spec([start], [stages[-1]])[0], dtype, seed)
