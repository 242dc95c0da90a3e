"""Convolutions: filters that move over images and series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from multicapa.base.checks import check_integer
from multicapa.layers.activation import check_activation
from multicapa.layers.base import Layer
from multicapa.layers.window import Padding, as_padding, as_sizes


@dataclass(eq=False)
class Conv2D(Layer):
    """Filters that move over images: ``a = g(x * W + b)``, channels last.

    Parameters
    ----------
    filters : int
        Number of channels that come out.
    kernel_size : int or (int, int)
        Height and width of a filter.
    activation : str, default="linear"
        Name of g: see :func:`multicapa.layers.activations`.
    strides : int or (int, int), default=1
        How far a filter moves at a time, down and across.
    padding : {"valid", "same"}, int, (int, int) or ((int, int), (int, int)), default="valid"
        Zeros around the image: none; as many as give ``ceil(height / stride)`` rows and ``ceil(width / stride)``
        columns, an odd one below and right; or numbers of them: on all sides, (vertical, horizontal), or
        ((top, bottom), (left, right)).
    dilation : int or (int, int), default=1
        Distance between the pixels that a filter sees.
    groups : int, default=1
        Into how many parts channels and filters are divided; the filters of a part see its channels only.
    bias : bool, default=True
        Whether there is a b, one number for each filter.
    activation_parameter : float, optional
        Slope of leaky_relu (0.1), alpha of elu (1).
    weight_init, bias_init : str, array or callable, optional
        See :mod:`multicapa.initializers`. By default He's for the relu family, LeCun's for selu, else Glorot's; zeros
        for b.

    Raises
    ------
    ValueError
        When the network is built, if a filter does not fit the image, or filters or channels cannot be divided into
        the groups.

    Notes
    -----
    Samples have the shape (height, width, channels), or (height, width) for one channel. ``W`` has shape (kernel
    height, kernel width, channels / groups, filters), and ``z[i, j] = sum W[k, l] x[i s + k d - p, j s + l d - p]``:
    filters are not turned, as in all libraries. LeCun et al. 1989.

    Examples
    --------
    >>> import multicapa as mc
    >>> layers = [mc.Conv2D(6, 5, "relu"), mc.MaxPool2D(2), mc.Flatten(), mc.Dense(10, "softmax")]
    >>> net = mc.Sequential(layers, input_shape=(28, 28), seed=0)
    >>> net.parameters["conv2d_1.weight"].shape
    (5, 5, 1, 6)
    """

    filters: int
    kernel_size: int | Sequence[int]
    activation: str = "linear"
    strides: int | Sequence[int] = 1
    padding: Padding = "valid"
    dilation: int | Sequence[int] = 1
    groups: int = 1
    bias: bool = True
    activation_parameter: float | None = None
    weight_init: Any = None
    bias_init: Any = None
    type: ClassVar[str] = "conv2d"
    axes: ClassVar[int] = 2

    def __post_init__(self) -> None:
        self.filters = check_integer(self.filters, "filters", minimum=1)
        self.kernel_size = as_sizes(self.kernel_size, "kernel_size", self.axes)
        self.strides = as_sizes(self.strides, "strides", self.axes)
        self.padding = as_padding(self.padding, self.axes)
        self.dilation = as_sizes(self.dilation, "dilation", self.axes)
        self.groups = check_integer(self.groups, "groups", minimum=1)
        if self.filters % self.groups:
            raise ValueError(f"{self.filters} filters cannot be divided into {self.groups} groups")
        self.activation_parameter = check_activation(self.activation, self.activation_parameter)


@dataclass(eq=False)
class Conv1D(Conv2D):
    """Filters that move along series: ``a = g(x * W + b)``, features last.

    Parameters
    ----------
    filters : int
        Number of features that come out.
    kernel_size : int
        Steps that a filter sees.
    activation, groups, bias, activation_parameter, weight_init, bias_init
        As in :class:`Conv2D`.
    strides, dilation : int, default=1
        How far a filter moves at a time, and the distance between the steps that it sees.
    padding : {"valid", "same"}, int or (int, int), default="valid"
        Zeros around the series: none; as many as give ``ceil(time / stride)`` steps, an odd one at the end; or numbers
        of them: at both ends, or (before, after). ``(dilation * (kernel_size - 1), 0)`` sees no future.

    Raises
    ------
    ValueError
        As :class:`Conv2D`.

    Notes
    -----
    Samples have the shape (time, features), or (time,) for one feature; ``W`` has shape (kernel size, features /
    groups, filters).

    Examples
    --------
    >>> import multicapa as mc
    >>> layers = [mc.Conv1D(32, 5, "relu"), mc.GlobalAveragePool1D(), mc.Dense(6, "softmax")]
    >>> net = mc.Sequential(layers, input_shape=(128, 9), seed=0)
    >>> net.parameters["conv1d_1.weight"].shape
    (5, 9, 32)
    """

    type: ClassVar[str] = "conv1d"
    axes: ClassVar[int] = 1
