"""Where samples enter, and the same numbers under another shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from multicapa.base.checks import check_integer
from multicapa.layers.base import Layer, Symbol


def Input(shape: int | Sequence[int], name: str | None = None) -> Symbol:
    """Where samples enter a network.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of one sample, without the batch axis.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Input((28, 28)).layer.shape
    (28, 28)
    """
    return Symbol(InputLayer(shape, name=name), ())


@dataclass(eq=False)
class InputLayer(Layer):
    """Made by :func:`Input`.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Input((3,)).layer.type
    'input'
    """

    shape: int | Sequence[int]
    type: ClassVar[str] = "input"

    def __post_init__(self) -> None:
        shape = tuple(self.shape) if isinstance(self.shape, Iterable) else (self.shape,)
        if not shape:
            raise ValueError("the shape of a sample needs at least one axis")
        self.shape = tuple(check_integer(extent, "an axis of shape", minimum=1) for extent in shape)


@dataclass(eq=False)
class Flatten(Layer):
    """Samples of any shape as one row of numbers.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Sequential([mc.Flatten()], input_shape=(8, 8), seed=0).output_shape
    (64,)
    """

    type: ClassVar[str] = "flatten"


@dataclass(eq=False)
class Reshape(Layer):
    """The same numbers under another shape.

    Parameters
    ----------
    shape : sequence of int
        Of one sample, without the batch axis.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Sequential([mc.Reshape((8, 8))], input_shape=(64,), seed=0).output_shape
    (8, 8)
    """

    shape: Sequence[int]
    type: ClassVar[str] = "reshape"

    def __post_init__(self) -> None:
        self.shape = tuple(check_integer(n, "an axis of shape", minimum=1) for n in self.shape)
