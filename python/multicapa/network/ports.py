"""Where numbers enter a network and where they leave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multicapa.base.checks import check_name
from multicapa.layers import RECURRENT

_SAME_NUMBERS = ("flatten", "reshape")
_LINEAR = ("dense", "maxout", "batch_norm", "layer_norm")


@dataclass(frozen=True)
class InputPort:
    """What one of a network's inputs reads."""

    name: str
    shape: tuple[int, ...]
    time: int  # steps that a sample may have; 0 where there is no time
    vocabulary: int  # of tokens; 0 where it reads none


@dataclass(frozen=True)
class OutputPort:
    """What one of a network's outputs is."""

    name: str
    shape: tuple[int, ...]
    steps: int  # with an output of their own; 0 where there is no time
    time: int  # the input whose steps these are, or -1
    activation: str  # "linear" where the last layer has none
    last: str | None  # the activation that the numbers come from, also through reshapes; None where that is unknown


def ports_of(
    spec: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]]
) -> tuple[tuple[InputPort, ...], tuple[OutputPort, ...]]:
    """The inputs and outputs of a spec in their order; ``nodes``: the core's."""
    by_node = {node["name"]: node for node in nodes}
    layers = {layer["name"]: layer for layer in spec}
    entries = [layer["name"] for layer in spec if layer["type"] == "input"]
    inputs = tuple(
        InputPort(
            name,
            by_node[name]["shape"],
            by_node[name]["steps"] if _walks(nodes, place, len(entries)) else 0,
            next((r["input_dim"] for r in spec if r["type"] == "embedding" and name in r["inputs"]), 0),
        )
        for place, name in enumerate(entries)
    )
    ends = sorted((layer for layer in spec if "output" in layer), key=lambda layer: int(layer["output"])) or [spec[-1]]
    outputs = []
    for layer in ends:
        node = by_node[layer["name"]]
        steps = node["steps"] if node["sequence"] else 0
        outputs.append(
            OutputPort(layer["name"], node["shape"], steps, node["time"], _activation(layer), _last(layer, layers))
        )
    return inputs, tuple(outputs)


def _walks(nodes: Sequence[Mapping[str, Any]], place: int, inputs: int) -> bool:
    """Whether some layer works step by step on an input."""
    named = {node["name"]: node for node in nodes}

    def reads(node: Mapping[str, Any]) -> bool:
        return inputs == 1 or any(named[name]["time"] == place for name in node["inputs"])

    return any((node["sequence"] or node["type"] in (*RECURRENT, "attention")) and reads(node) for node in nodes)


def _activation(layer: Mapping[str, Any]) -> str:
    return str(layer["function"] if layer["type"] == "activation" else layer.get("activation") or "linear")


def _last(layer: Mapping[str, Any], layers: Mapping[str, Mapping[str, Any]]) -> str | None:
    while layer["type"] in _SAME_NUMBERS:
        layer = layers[layer["inputs"][0]]
    if layer["type"] == "activation":
        return str(layer["function"])
    last: str | None = layer.get("activation", "linear" if layer["type"] in _LINEAR else None)
    return last


def bound(given: Any, names: Sequence[str], what: str, kind: str) -> list[Any]:
    """One for each of several inputs or outputs: from a dict by their names, or a list in their order."""
    listed = ", ".join(names)
    if isinstance(given, Mapping):
        for name in given:
            check_name(name, names, kind)
        missing = [name for name in names if name not in given]
        if missing:
            raise ValueError(f"{what} has nothing for the {kind} {', '.join(missing)}; the {kind}s are {listed}")
        return [given[name] for name in names]
    if not isinstance(given, list | tuple):
        raise TypeError(
            f"{what} should be a dict by name or a list with one for each of the {kind}s {listed}, not "
            f"{type(given).__name__}"
        )
    if len(given) != len(names):
        raise ValueError(f"{what} should have one for each of the {kind}s {listed}: {len(names)}, not {len(given)}")
    return list(given)
