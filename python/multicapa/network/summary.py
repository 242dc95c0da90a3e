"""What a network consists of, layer by layer: the rows of its table, and the table as text."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from multicapa.base.checks import check_integer
from multicapa.network.core import CoreNetwork

_BETWEEN = "  "
_NARROWEST = 6  # a column of text is not squeezed below this
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class Row:
    """One layer, as people read it."""

    name: str
    type: str
    detail: str  # activation, rate or the like; "" if there is nothing to tell
    shape: tuple[int, ...]
    parameters: int
    frozen: bool
    reads: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Type and detail: ``dense, relu``."""
        parts = (self.type, self.detail, "frozen" if self.frozen else "")
        return ", ".join(part for part in parts if part)


def rows(network: CoreNetwork) -> list[Row]:
    """A row for each layer, in the order of the network; names without characters that cannot be printed."""
    shapes = {node["name"]: node["shape"] for node in network._core.nodes}
    sizes: dict[str, int] = {}
    for name, view in network.parameters.items():
        layer = name.rpartition(".")[0]
        sizes[layer] = sizes.get(layer, 0) + view.size
    return [
        Row(
            printable(layer["name"]),
            layer["type"],
            _detail(layer),
            shapes[layer["name"]],
            sizes.get(layer["name"], 0),
            layer["name"] in network._frozen,
            tuple(printable(name) for name in layer["inputs"]),
        )
        for layer in network.spec
    ]


def _detail(layer: Mapping[str, Any]) -> str:
    shared = f"as {printable(layer['shares'])}" if "shares" in layer else ""
    return ", ".join(part for part in (_own_detail(layer), shared) if part)


def _own_detail(layer: Mapping[str, Any]) -> str:
    match layer["type"]:
        case "dense":
            plain = layer.get("activation", "linear") == "linear"
            parts = ["" if plain else _activation(layer["activation"], layer.get("activation_parameter"))]
            parts += [] if layer.get("bias", True) else ["no bias"]
            return ", ".join(part for part in parts if part)
        case "conv1d" | "conv2d":
            plain = layer.get("activation", "linear") == "linear"
            parts = [_window(layer, "kernel_size")]
            parts += [f"{layer['groups']} groups"] if layer.get("groups", 1) > 1 else []
            parts += [] if plain else [_activation(layer["activation"], layer.get("activation_parameter"))]
            parts += [] if layer.get("bias", True) else ["no bias"]
            return ", ".join(parts)
        case "max_pool1d" | "max_pool2d" | "average_pool1d" | "average_pool2d":
            return _window(layer, "pool_size")
        case "simple_rnn" | "second_order_rnn" | "lstm" | "gru":
            return ", ".join(part for part in _recurrent(layer) if part)
        case "maxout":
            return f"{layer['pieces']} pieces"
        case "activation":
            return _activation(layer["function"], layer.get("parameter"))
        case "custom" | "custom_activation":
            function = layer["forward" if layer["type"] == "custom" else "value"]
            return printable(getattr(function, "__name__", type(function).__name__))
        case "attention":
            parts = [layer["score"], *(["causal"] if layer["causal"] else [])]
            parts += [f"{layer['num_heads']} heads"] if layer["num_heads"] > 1 else []
            return ", ".join(parts)
        case "dropout":
            return f"{layer['rate']:g}" + (", whole channels" if layer.get("whole_channels") else "")
        case "gaussian_noise":
            return f"{layer['stddev']:g}"
        case _:
            return ""


def _recurrent(layer: Mapping[str, Any]) -> list[str]:
    """What is not as usual."""
    function = layer.get("activation", "tanh")
    return [
        "" if function == "tanh" else _activation(function, layer.get("activation_parameter")),
        "" if layer.get("reset_after", True) else "reset before",
        "reverse" if layer.get("reverse") else "",
        "" if layer.get("bias", True) else "no bias",
        *(f"{what.replace('_', ' ')} {layer[what]:g}" for what in ("dropout", "recurrent_dropout") if layer.get(what)),
    ]


def _window(layer: Mapping[str, Any], size: str) -> str:
    """Its size, and what is not as usual: ``3×3, strides 2×2, same``."""
    usual = layer[size] if size == "pool_size" else None
    parts = [_by(layer[size])]
    for key in ("strides", "dilation"):
        value = layer.get(key)
        if value is not None and value != usual and np.max(value) > 1:
            parts.append(f"{key} {_by(value)}")
    padding = layer.get("padding", "valid")
    if padding == "same":
        parts.append("same")
    elif padding != "valid" and any(padding):
        parts.append(f"padding {padding[0] if len(set(padding)) == 1 else ' '.join(map(str, padding))}")
    return ", ".join(parts)


def _by(extents: int | Sequence[int]) -> str:
    return "×".join(map(str, extents)) if isinstance(extents, Sequence) else str(extents)


def _activation(name: str, parameter: float | None) -> str:
    return name if parameter is None else f"{name}({parameter:g})"


def printable(text: str) -> str:
    """The text with line ends and other control characters as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Lines(str):
    """A text of several lines that prompts and notebooks show as it is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def text_table(network: CoreNetwork, width: int = 80) -> Lines:
    """The layers and totals in lines of at most ``width`` characters; cells that are too long go on below."""
    check_integer(width, "width", minimum=50)
    table = [("layer", "type", "output", "parameters", "reads")]
    table += [(r.name, r.kind, str(r.shape), f"{r.parameters:,}", ", ".join(r.reads)) for r in rows(network)]
    widths = _fitted([max(_columns(row[i]) for row in table) for i in range(5)], width, fixed=3)
    lines = [line for row in table for line in _lines(row, widths)]
    lines.insert(1, "-" * max(map(_columns, lines)))
    lines.append(lines[1])
    for total in totals(network):
        lines += _wrapped(total, width)
    return Lines("\n".join(lines))


def totals(network: CoreNetwork) -> list[str]:
    """Several inputs and outputs, how many parameters, how many of them are frozen, and the memory they take."""
    count, frozen = network.n_parameters, sum(row.parameters for row in rows(network) if row.frozen)
    own, state = count * network.dtype.itemsize, sum(view.nbytes for view in network.state.values())
    kept = f", {frozen:,} of them frozen" if frozen else ""
    what = "gradients and state" if state else "gradients"
    plural = "" if count == 1 else "s"
    ends = []
    if len(network.inputs) > 1 or len(network.outputs) > 1:
        named = [
            ", ".join(f"{printable(p.name)} {p.shape}" for p in ports) for ports in (network.inputs, network.outputs)
        ]
        ends = [f"from {named[0]} to {named[1]}"]
    return [
        *ends,
        f"{count:,} parameter{plural}{kept}",
        f"{network.dtype}: {memory(own)}, with {what} {memory(2 * own + state)}",
    ]


def memory(size: int) -> str:
    """A number of bytes as people write it."""
    power = min(int(math.log(size, 1024)), len(_UNITS) - 1) if size else 0
    return f"{size / 1024**power:.{1 if power else 0}f} {_UNITS[power]}"


def _fitted(natural: Sequence[int], width: int, fixed: int) -> list[int]:
    """Widths of the columns: the widest is narrowed until all fit, but for the one whose cells cannot be broken."""
    widths = list(natural)
    while (excess := sum(widths) + len(_BETWEEN) * (len(widths) - 1) - width) > 0:
        widest = max((i for i in range(len(widths)) if i != fixed), key=lambda i: widths[i])
        if widths[widest] <= _NARROWEST:
            break
        next_to_it = max(w for i, w in enumerate(widths) if i not in (widest, fixed))
        widths[widest] -= max(1, min(excess, widths[widest] - max(next_to_it, _NARROWEST)))
    return widths


def _lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
    lines = []
    for i in range(max(map(len, cells))):
        parts = [cell[i] if i < len(cell) else "" for cell in cells]
        padded = [
            " " * (w - _columns(p)) + p if column == 3 else p + " " * (w - _columns(p))
            for column, (p, w) in enumerate(zip(parts, widths, strict=True))
        ]
        lines.append(_BETWEEN.join(padded).rstrip())
    return lines


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes: two for each Chinese, Japanese or Korean character."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _wrapped(text: str, width: int) -> list[str]:
    """Broken after blanks, else after underscores, else anywhere."""
    lines, start = [], 0
    while (end := _fitting(text, start, width)) < len(text):
        for mark in (" ", "_"):
            found = text.rfind(mark, start + 1, end + (mark == " "))
            if found > 0:
                end = found + 1
                break
        lines.append(text[start:end].rstrip())
        start = end + len(text[end : end + width]) - len(text[end : end + width].lstrip())
    return [*lines, text[start:]]


def _fitting(text: str, start: int, width: int) -> int:
    """Where a line of at most ``width`` columns ends, of one character at least."""
    if text.isascii():
        return min(start + max(width, 1), len(text))
    end, columns = start, 0
    while end < len(text) and (end == start or columns + _columns(text[end]) <= width):
        columns += _columns(text[end])
        end += 1
    return end
