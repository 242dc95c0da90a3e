"""What all layers share, and what a graph is drawn with; the two layers that its operators stand for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

_creation = itertools.count()


@dataclass(frozen=True, eq=False)
class Symbol:
    """The output of a layer while a graph is being drawn; :class:`~multicapa.Network` makes it real.

    Two of one shape can be added and multiplied: ``f(x) + x`` is :func:`~multicapa.add`, ``f(x) * g(x)`` is
    :func:`~multicapa.multiply`.

    Examples
    --------
    >>> import multicapa as mc
    >>> x = mc.Input((3,))
    >>> h = mc.Dense(3, "relu")(x)
    >>> mc.Network(x, h + x, seed=0).output_shape
    (3,)
    """

    layer: Layer
    inputs: tuple[Symbol, ...]
    created: int = field(default_factory=lambda: next(_creation))

    def __post_init__(self) -> None:
        name = self.layer.name
        if name is not None and (not isinstance(name, str) or not name or ":" in name or not _can_be_written(name)):
            raise ValueError(f"the name of a layer should be a string without colons and surrogates, not {name!r}")

    def __add__(self, other: Symbol) -> Symbol:
        return Add()((self, other)) if isinstance(other, Symbol) else NotImplemented

    def __mul__(self, other: Symbol) -> Symbol:
        return Multiply()((self, other)) if isinstance(other, Symbol) else NotImplemented


@dataclass(kw_only=True, eq=False)
class Layer:
    """What all layers share: a name, the options that go to the core, and the initialisation of the weights.

    A layer that is called again uses the same weights, whose gradient is the sum over the calls; the network has them
    once, under the name of the first call.

    Examples
    --------
    >>> import multicapa as mc
    >>> x, step = mc.Input(3), mc.Dense(3, "tanh")
    >>> net = mc.Network(x, step(step(x)), seed=0)
    >>> [layer["name"] for layer in net.spec], list(net.parameters)
    (['input_1', 'dense_1', 'dense_1:2'], ['dense_1.weight', 'dense_1.bias'])
    """

    name: str | None = None
    type: ClassVar[str] = ""
    merges: ClassVar[bool] = False
    # How parameters start where nothing else is said; the others by the activation.
    first_values: ClassVar[dict[str, str]] = {"bias": "zeros", "gamma": "ones", "beta": "zeros"}

    def __call__(self, inputs: Symbol | Sequence[Symbol]) -> Symbol:
        symbols = (inputs,) if isinstance(inputs, Symbol) else tuple(inputs)
        for symbol in symbols:
            if not isinstance(symbol, Symbol):
                raise TypeError(f"a layer is called on the output of another one or on Input(...), not on {symbol!r}")
        if not self.merges and len(symbols) != 1:
            raise ValueError(
                f"{type(self).__name__} reads one layer, not {len(symbols)}; use concat or add to join them"
            )
        return Symbol(self, symbols)

    def options(self) -> dict[str, Any]:
        """Everything but the name, as plain values; None where it is left to the default."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "name"}
        return {name: bool(value) if isinstance(value, np.bool_) else value for name, value in values.items()}


def _can_be_written(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(eq=False)
class Add(Layer):
    """The sum of layers of one shape: a residual connection is ``add([f(x), x])`` (He et al. 2016).

    Examples
    --------
    >>> import multicapa as mc
    >>> x = mc.Input((3,))
    >>> mc.Network(x, mc.Add()([mc.Dense(3)(x), x]), seed=0)
    Network((3,) -> (3,), 2 layers, 12 parameters, float32)
    """

    type: ClassVar[str] = "add"
    merges: ClassVar[bool] = True


@dataclass(eq=False)
class Multiply(Layer):
    """The product of layers of one shape, number by number: a gate is ``multiply([f(x), sigmoid(g(x))])``.

    Examples
    --------
    >>> import multicapa as mc
    >>> x = mc.Input((3,))
    >>> mc.Network(x, mc.Multiply()([mc.Dense(3, "sigmoid")(x), x]), seed=0)
    Network((3,) -> (3,), 2 layers, 12 parameters, float32)
    """

    type: ClassVar[str] = "multiply"
    merges: ClassVar[bool] = True
