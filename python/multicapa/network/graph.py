"""From a drawn graph of layers to plain data that the core is built from."""

from __future__ import annotations

import sys
from typing import Any

from multicapa import layers


def graph_spec(inputs: layers.Symbol, outputs: layers.Symbol) -> list[dict[str, Any]]:
    """The layers between two symbols as plain data, each after those it reads, all with names.

    A layer that is called again is an entry ``name:2`` that ``shares`` the parameters of the first.
    """
    symbols = _ancestors(outputs)
    if inputs not in symbols:
        raise ValueError("the output does not depend on the input")
    others = [s for s in symbols if not s.inputs and s is not inputs]
    if others:
        raise ValueError("the output depends on another input than the one given")
    names: dict[layers.Symbol, str] = {}
    counts: dict[str, int] = {}
    calls: dict[int, list[str]] = {}  # of each layer
    taken = {s.layer.name for s in symbols if s.layer.name is not None}
    spec = []
    for symbol in symbols:
        layer = symbol.layer
        before = calls.setdefault(id(layer), [])
        if before:
            names[symbol] = sys.intern(f"{before[0]}:{len(before) + 1}")
        else:
            names[symbol] = layer.name if layer.name is not None else _next_name(layer.type, counts, taken)
        before.append(names[symbol])
        options = {key: value for key, value in layer.options().items() if value is not None}
        if len(before) > 1:
            options = {"shares": before[0], **{k: v for k, v in options.items() if not k.endswith("_init")}}
        spec.append({"type": layer.type, "name": names[symbol], "inputs": [names[s] for s in symbol.inputs], **options})
    return spec


def _ancestors(symbol: layers.Symbol) -> list[layers.Symbol]:
    seen: set[layers.Symbol] = set()
    waiting = [symbol]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting.extend(current.inputs)
    return sorted(seen, key=lambda s: s.created)


def _next_name(kind: str, counts: dict[str, int], taken: set[str]) -> str:
    while True:
        counts[kind] = counts.get(kind, 0) + 1
        name = f"{kind}_{counts[kind]}"
        if name not in taken:
            return sys.intern(name)
