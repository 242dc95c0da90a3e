"""Where branches of a graph join; ``a + b`` and ``a * b`` are short for add and multiply of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from multicapa.layers.base import Add, Layer, Multiply, Symbol


@dataclass(eq=False)
class Concat(Layer):
    """Layers side by side along their last axis: units, channels or features of steps. The others should be the same.

    What reads the result reads all of them, each with its own weights.

    Examples
    --------
    >>> import multicapa as mc
    >>> x = mc.Input((3,))
    >>> mc.Network(x, mc.Concat()([mc.Dense(2)(x), x]), seed=0)
    Network((3,) -> (5,), 2 layers, 8 parameters, float32)
    """

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
    """Layers side by side along their last axis; short for ``Concat()(inputs)``.

    Examples
    --------
    >>> import multicapa as mc
    >>> x = mc.Input(4)
    >>> mc.Network(x, mc.concat([mc.Dense(3, "tanh")(x), x]), seed=0).output_shape
    (7,)
    """
    return Concat(name=name)(inputs)


def multiply(inputs: Sequence[Symbol], name: str | None = None) -> Symbol:
    """Product of layers of one shape, number by number; short for ``Multiply()(inputs)``.

    Examples
    --------
    A gate decides how much of x goes on:

    >>> import multicapa as mc
    >>> x = mc.Input(4)
    >>> gate = mc.Dense(4, "sigmoid")(x)
    >>> net = mc.Network(x, mc.Dense(1)(mc.multiply([gate, x]) + x), seed=0)
    >>> [layer["type"] for layer in net.spec]
    ['input', 'dense', 'multiply', 'add', 'dense']
    """
    return Multiply(name=name)(inputs)
