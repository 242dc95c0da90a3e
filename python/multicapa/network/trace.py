"""What a network computed for some samples on the way forward and back: the arrays of all layers, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa.base.arrays import Array
from multicapa.network.core import CoreNetwork

Nodes = Mapping[str, tuple[Array, Array | None]]  # of the core: outputs and deltas
_WITH_Z = ("dense", "conv1d", "conv2d", "activation", "custom_activation")


@dataclass(frozen=True, eq=False)
class Trace:
    """Every number of one pass forward and back; made by :meth:`multicapa.Network.trace`.

    Attributes
    ----------
    loss : float
        The cost: the mean over the samples.
    activations : dict of str to ndarray of shape (n_samples, *output_shape)
        What each layer puts out, the samples of the inputs first.
    z : dict of str to ndarray of the same shapes
        Before the activation, of layers that have one; the same as the output where it is linear.
    deltas : dict of str to ndarray of the same shapes
        dCost/dz, and dCost/d output of layers without z. As the cost is a mean, each holds the factor 1 / n_samples.
        Layers before the first parameters have none.
    gradients : dict of str to ndarray
        dCost/d parameter, by the names of ``Network.parameters``.
    """

    loss: float
    activations: dict[str, Array]
    z: dict[str, Array]
    deltas: dict[str, Array]
    gradients: dict[str, Array]

    def __repr__(self) -> str:
        samples, layers = len(next(iter(self.activations.values()))), len(self.activations) - 1
        plural = "" if samples == 1 else "s"
        return f"Trace(loss={self.loss:.6g}, {layers} layers, {samples} sample{plural})"


def probe(
    network: CoreNetwork, objective: Any, arguments: tuple[Any, ...]
) -> tuple[float, Nodes, dict[str, Array], dict[str, Array]]:
    """The cost, outputs and deltas of the core's nodes, the gradients, and deltas of z of recurrent layers.

    The last are of shape (n_samples, time, columns of the weights). ``arguments``: samples as the core takes them; the
    network is left as it was.
    """
    kept = network.gradients.flat.copy()
    loss, nodes, steps = network._core.probe(objective, *arguments)
    gradients = {name: view.copy() for name, view in network.gradients.items()}
    network.gradients.flat[:] = kept
    times = {node["name"]: node["steps"] for node in network._core.nodes}
    reads = {layer["name"]: layer["inputs"] for layer in network.spec}
    deltas = {
        name: each.reshape(len(each), times[reads[name][0]], -1)[..., : network.parameters[f"{name}.weight"].shape[-1]]
        for name, each in steps.items()
    }
    return loss, nodes, gradients, deltas


def z_of(layer: Mapping[str, Any], nodes: Nodes) -> tuple[Array | None, Array | None]:
    """z of a layer and its delta; of a layer without, its output and the delta of that."""
    if layer["type"] in ("activation", "custom_activation"):
        return nodes.get(layer["inputs"][0], (None, None))
    return nodes.get(layer["name"] + ":linear") or nodes[layer["name"]]


def traced(network: CoreNetwork, objective: Any, arguments: tuple[Any, ...]) -> Trace:
    """All numbers of one pass over samples as the core takes them."""
    loss, nodes, gradients, _ = probe(network, objective, arguments)
    inputs = arguments[0]
    sorting = next((lengths for _, lengths in inputs if lengths is not None), None)
    shapes = {node["name"]: node["shape"] for node in network._core.nodes}
    times = {node["name"]: node["time"] for node in network._core.nodes}

    def shaped(array: Array, name: str) -> Array:
        array = array.reshape(len(array), *shapes[name])
        own = inputs[times[name]][1] if times[name] >= 0 else None
        return array if sorting is None else _in_given_order(array, sorting, own)

    activations: dict[str, Array] = {}
    z, deltas = {}, {}
    for port, (x, _) in zip(network.inputs, inputs, strict=True):
        activations[port.name] = np.array(x).reshape(len(x), *port.shape)
    for layer in network.spec[len(inputs) :]:
        name = layer["name"]
        activations[name] = shaped(nodes[name][0], name)
        value, delta = z_of(layer, nodes)
        if layer["type"] in _WITH_Z:
            z[name] = activations[layer["inputs"][0]] if value is None else shaped(value, name)
        if delta is not None:
            deltas[name] = shaped(delta, name)
    return Trace(loss, activations, z, deltas, gradients)


def _in_given_order(array: Array, sorting: Array, lengths: Array | None) -> Array:
    """The core has the longest sequences first, and leaves anything beyond their ends."""
    ordered = np.empty_like(array)
    ordered[np.argsort(-sorting, kind="stable")] = array
    if lengths is not None:
        ordered[np.arange(array.shape[1]) >= lengths[:, None]] = 0
    return ordered
