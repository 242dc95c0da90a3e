"""Where branches of a graph join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from multicapa.layers.base import Layer, Symbol


@dataclass(eq=False)
class Add(Layer):
    """The sum of layers of one shape: a residual connection is ``add([f(x), x])`` (He et al. 2016)."""

    type: ClassVar[str] = "add"
    merges: ClassVar[bool] = True


@dataclass(eq=False)
class Concat(Layer):
    """Flat layers or sequences side by side: what reads the result reads all of them, each with its own weights."""

    type: ClassVar[str] = "concat"
    merges: ClassVar[bool] = True


def add(inputs: Sequence[Symbol], name: str | None = None) -> Symbol:
    """Sum of layers of one shape; short for ``Add()(inputs)``.

    Examples
    --------
    >>> import multicapa as mc
    >>> x = mc.Input(4)
    >>> net = mc.Network(x, mc.add([mc.Dense(4, "tanh")(x), x]), seed=0)
    """
    return Add(name=name)(inputs)


def concat(inputs: Sequence[Symbol], name: str | None = None) -> Symbol:
    """Flat layers side by side; short for ``Concat()(inputs)``.

    Examples
    --------
    >>> import multicapa as mc
    >>> x = mc.Input(4)
    >>> mc.Network(x, mc.concat([mc.Dense(3, "tanh")(x), x]), seed=0).output_shape
    (7,)
    """
    return Concat(name=name)(inputs)
