"""Poolings: the largest number or the mean of each channel, of what a window sees or of the whole map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from multicapa.layers.base import Layer
from multicapa.layers.window import Padding, as_padding, as_sizes


@dataclass(eq=False)
class MaxPool2D(Layer):
    """The largest number of each channel in windows of an image.

    Parameters
    ----------
    pool_size : int or (int, int), default=2
        Height and width of a window.
    strides : int or (int, int), optional
        How far a window moves at a time, down and across; by default its own size, so that windows lie side by side.
    padding : {"valid", "same"}, int, (int, int) or ((int, int), (int, int)), default="valid"
        As in :class:`Conv2D`; what lies beyond the image is never the largest. Less than the size of a window.

    Raises
    ------
    ValueError
        When the network is built, if a window does not fit the image or would see nothing of it.

    Notes
    -----
    Samples have the shape (height, width, channels), or (height, width) for one channel. The gradient goes to the
    first of equal maxima, row by row. What is left over beyond the last full window is not seen.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.MaxPool2D(2)], input_shape=(2, 4), seed=0)
    >>> net.predict([[[1.0, 2, 3, 4], [8, 7, 6, 5]]]).ravel()
    array([8., 6.], dtype=float32)
    """

    pool_size: int | Sequence[int] = 2
    strides: int | Sequence[int] | None = None
    padding: Padding = "valid"
    type: ClassVar[str] = "max_pool2d"
    axes: ClassVar[int] = 2

    def __post_init__(self) -> None:
        self.pool_size = as_sizes(self.pool_size, "pool_size", self.axes)
        if self.strides is not None:
            self.strides = as_sizes(self.strides, "strides", self.axes)
        self.padding = as_padding(self.padding, self.axes)


@dataclass(eq=False)
class AveragePool2D(MaxPool2D):
    """The mean of each channel in windows of an image.

    Parameters
    ----------
    pool_size, strides
        As in :class:`MaxPool2D`.
    padding : {"valid", "same"}, int, (int, int) or ((int, int), (int, int)), default="valid"
        As in :class:`MaxPool2D`; what lies beyond the image does not count in the mean.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.AveragePool2D(2, padding="same")], input_shape=(2, 3), seed=0)
    >>> net.predict([[[1.0, 2, 3], [3, 2, 5]]]).ravel()
    array([2., 4.], dtype=float32)
    """

    type: ClassVar[str] = "average_pool2d"


@dataclass(eq=False)
class MaxPool1D(MaxPool2D):
    """The largest number of each feature in windows of a series.

    Parameters
    ----------
    pool_size : int, default=2
        Steps that a window sees.
    strides : int, optional
        How far a window moves at a time; by default its own size.
    padding : {"valid", "same"}, int or (int, int), default="valid"
        As in :class:`Conv1D`; less than the size of a window.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.MaxPool1D(2)], input_shape=(4, 1), seed=0)
    >>> net.predict([[[1.0], [2], [4], [3]]]).ravel()
    array([2., 4.], dtype=float32)
    """

    type: ClassVar[str] = "max_pool1d"
    axes: ClassVar[int] = 1


@dataclass(eq=False)
class AveragePool1D(MaxPool1D):
    """The mean of each feature in windows of a series.

    Parameters
    ----------
    pool_size, strides, padding
        As in :class:`MaxPool1D`; what lies beyond the series does not count in the mean.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.AveragePool1D(2)], input_shape=(4, 1), seed=0)
    >>> net.predict([[[1.0], [2], [4], [3]]]).ravel()
    array([1.5, 3.5], dtype=float32)
    """

    type: ClassVar[str] = "average_pool1d"


@dataclass(eq=False)
class GlobalMaxPool2D(Layer):
    """The largest number of each channel of an image: (height, width, channels) becomes (channels,).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Sequential([mc.GlobalMaxPool2D()], input_shape=(8, 8, 3), seed=0).output_shape
    (3,)
    """

    type: ClassVar[str] = "global_max_pool2d"


@dataclass(eq=False)
class GlobalAveragePool2D(Layer):
    """The mean of each channel of an image: (height, width, channels) becomes (channels,) (Lin, Chen & Yan 2014).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Sequential([mc.GlobalAveragePool2D()], input_shape=(8, 8, 3), seed=0).output_shape
    (3,)
    """

    type: ClassVar[str] = "global_average_pool2d"


@dataclass(eq=False)
class GlobalMaxPool1D(Layer):
    """The largest number of each feature of a series: (time, features) becomes (features,).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Sequential([mc.GlobalMaxPool1D()], input_shape=(20, 3), seed=0).output_shape
    (3,)
    """

    type: ClassVar[str] = "global_max_pool1d"


@dataclass(eq=False)
class GlobalAveragePool1D(Layer):
    """The mean of each feature of a series over the steps that it has: (time, features) becomes (features,).

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.Sequential([mc.GlobalAveragePool1D()], input_shape=(20, 3), seed=0).output_shape
    (3,)
    """

    type: ClassVar[str] = "global_average_pool1d"
