"""From a drawn graph of layers to plain data that the core is built from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from multicapa import layers


def graph_spec(
    inputs: Sequence[layers.Symbol], outputs: Sequence[layers.Symbol]
) -> tuple[list[dict[str, Any]], dict[str, layers.Layer]]:
    """The layers between symbols as plain data, each after those it reads, all with names; and the layers by these.

    The inputs come first. A layer that is called again is an entry ``name:2`` that ``shares`` the parameters of the
    first. Where there are several outputs, each says the place among them that it has.
    """
    symbols = _ancestors(outputs)
    _check_ends(inputs, outputs, symbols)
    symbols = [*inputs, *(symbol for symbol in symbols if symbol.inputs)]
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
        if len(outputs) > 1 and symbol in outputs:
            options = {"output": outputs.index(symbol), **options}
        spec.append({"type": layer.type, "name": names[symbol], "inputs": [names[s] for s in symbol.inputs], **options})
    return spec, {name: symbol.layer for symbol, name in names.items()}


def _check_ends(inputs: Sequence[layers.Symbol], outputs: Sequence[layers.Symbol], found: list[layers.Symbol]) -> None:
    """Raise ValueError unless the outputs depend on all of the inputs and on no other."""
    several = len(inputs) + len(outputs) > 2
    for listed, what in ((inputs, "inputs"), (outputs, "outputs")):
        if not listed:
            raise ValueError(f"a network needs {what}")
        if len(set(listed)) < len(listed):
            raise ValueError(f"{what} lists one of them twice")
    for symbol in inputs:
        if not several and symbol not in found:
            raise ValueError("the output does not depend on the input")
        if symbol.inputs:
            raise ValueError(f"an input is what Input(...) returns, not the output of a {type(symbol.layer).__name__}")
        if symbol not in found:
            raise ValueError(f"no output depends on {symbol.layer!r}, one of the inputs")
        if symbol in outputs and several:
            raise ValueError(f"{symbol.layer!r} is an input and an output at once")
    others = [symbol for symbol in found if not symbol.inputs and symbol not in inputs]
    if others and not several:
        raise ValueError("the output depends on another input than the one given")
    if others:
        raise ValueError(f"the outputs depend on {others[0].layer!r}, which is not among the inputs")


def _ancestors(symbols: Sequence[layers.Symbol]) -> list[layers.Symbol]:
    seen: set[layers.Symbol] = set()
    waiting = [*symbols]
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
