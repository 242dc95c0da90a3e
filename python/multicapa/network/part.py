"""One layer of a network, to look at and to write to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from multicapa.base.views import Views
from multicapa.network.core import CoreNetwork


class NetworkLayer:
    """A layer as it stands in a network; made by ``net.layers`` and ``net["dense_1"]``.

    Attributes
    ----------
    name, type : str
    options : dict
        As the network's spec has them, such as ``"units"``.
    reads : tuple of str
        The layers before it.
    output_shape : tuple of int
    parameters, gradients, state : mapping of str to array
        As those of the network, by short names such as ``"weight"``: views into the same memory.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(2, "tanh"), mc.Dense(1)], input_shape=(3,), seed=0)
    >>> net["dense_1"].parameters["bias"] = [0.5, -0.5]
    >>> net.parameters["dense_1.bias"]
    array([ 0.5, -0.5], dtype=float32)
    >>> [layer.name for layer in net.layers]
    ['dense_1', 'dense_2']
    """

    def __init__(self, network: CoreNetwork, spec: Mapping[str, Any]) -> None:
        self._network = network
        self.name: str = spec["name"]
        self.type: str = spec["type"]
        self.reads: tuple[str, ...] = tuple(spec["inputs"])
        self.options = {key: value for key, value in spec.items() if key not in ("name", "type", "inputs")}
        core = network._core
        self.output_shape: tuple[int, ...] = next(node["shape"] for node in core.nodes if node["name"] == self.name)
        self.parameters = self._views(network.parameters, core.parameter_tensors)
        self.gradients = self._views(network.gradients, core.parameter_tensors)
        self.state = self._views(network.state, core.state_tensors)

    def _views(self, whole: Views, tensors: list[dict[str, Any]]) -> Views:
        own = [(t, *t["name"].rpartition(".")) for t in tensors]
        owner = self.options.get("shares", self.name)
        return Views(whole.flat, [{**t, "name": short} for t, layer, _, short in own if layer == owner])

    @property
    def frozen(self) -> bool:
        """Whether :meth:`multicapa.Network.freeze` keeps its parameters."""
        return self.options.get("shares", self.name) in self._network._frozen

    def __repr__(self) -> str:
        count = sum(view.size for view in self.parameters.values())
        frozen = ", frozen" if self.frozen else ""
        return f"NetworkLayer({self.name!r}, {self.type}, {self.output_shape}, {count:,} parameters{frozen})"
