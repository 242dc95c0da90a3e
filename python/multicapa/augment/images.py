"""Images: flip, rotate, crop, recolour, add noise.

Images are arrays of shape (n_samples, height, width) or (n_samples, height, width, channels), of any type of number;
:class:`Images` takes flat rows too. Whole numbers are computed with as floats, rounded, and clipped to their type.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.augment.arguments import check_functions, check_pair, check_rng, check_share
from multicapa.base.checks import check_integer, check_number

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

_NUMBERS_AT_ONCE = 1 << 18  # what is computed with at once stays in the cache
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


class _Augmenter(ABC):
    """What all share: the checks, and the way from any type to blocks of floats and back."""

    def __call__(self, X: npt.ArrayLike, rng: np.random.Generator) -> Array:
        """New samples in the shape and type of X, which stays as it is."""
        check_rng(rng)
        array = np.asarray(X)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"X should hold numbers, not {array.dtype}")
        if array.ndim < 2:
            raise ValueError(f"X should have shape (n_samples, ...), not {array.shape}")
        shape = self._sample_shape(array.shape)
        new = np.empty(array.shape, array.dtype)
        step = max(1, _NUMBERS_AT_ONCE // max(1, math.prod(shape)))
        for start in range(0, len(array) if array.size else 0, step):
            block = np.array(array[start : start + step], dtype=_float_for(array.dtype), order="C")  # always a copy
            changed = self._change(block.reshape(len(block), *shape), rng)
            new[start : start + step] = _as_type(changed.reshape(block.shape), array.dtype)
        return new

    def _sample_shape(self, shape: Shape) -> Shape:
        """The shape of samples as :meth:`_change` wants them, from the shape of X: height, width, channels."""
        if len(shape) not in (3, 4):
            hint = "; for flat rows write Images([...], shape=(height, width))" if len(shape) == 2 else ""
            raise ValueError(
                f"X should have shape (n_samples, height, width) or (n_samples, height, width, channels), "
                f"not {shape}{hint}"
            )
        return (*shape[1:], 1)[:3]

    @abstractmethod
    def _change(self, images: Array, rng: np.random.Generator) -> Array:
        """New images; those given are a copy and may be overwritten."""


def _float_for(dtype: np.dtype[Any]) -> np.dtype[Any]:
    small = dtype.itemsize <= (4 if dtype.kind == "f" else 2)
    return np.dtype(np.float32 if small else np.float64)


def _as_type(values: Array, dtype: np.dtype[Any]) -> Array:
    if dtype.kind == "f":
        return values
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return np.clip(np.rint(values), low, high).astype(dtype)


@dataclass(frozen=True)
class HorizontalFlip(_Augmenter):
    """Swap left and right.

    Parameters
    ----------
    p : float, default=0.5
        Probability that an image is flipped, from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from multicapa.augment import HorizontalFlip
    >>> HorizontalFlip(p=1)([[[1, 2, 3], [4, 5, 6]]], np.random.default_rng(0))
    array([[[3, 2, 1],
            [6, 5, 4]]])
    """

    p: float = 0.5

    def __post_init__(self) -> None:
        check_share(self.p, "p")

    def _change(self, images: Array, rng: np.random.Generator) -> Array:
        chosen = rng.random(len(images)) < self.p
        images[chosen] = images[chosen, :, ::-1]
        return images


@dataclass(frozen=True)
class Rotation(_Augmenter):
    """Rotate about the centre, with linear interpolation; the size stays.

    Parameters
    ----------
    degrees : float or (float, float)
        Each image is rotated by an angle drawn evenly from [-degrees, degrees] or [low, high]; counterclockwise if
        positive.
    fill : float or "edge", default=0
        What comes in from outside: this value, or the nearest pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from multicapa.augment import Rotation
    >>> Rotation((90, 90))([[[1.0, 2.0], [3.0, 4.0]]], np.random.default_rng(0))
    array([[[2., 4.],
            [1., 3.]]])
    """

    degrees: float | tuple[float, float]
    fill: float | str = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.degrees, tuple | list):
            check_pair(self.degrees, "degrees")
        else:
            check_number(self.degrees, "degrees", minimum=0)
        _check_fill(self.fill)

    def _change(self, images: Array, rng: np.random.Generator) -> Array:
        low, high = self.degrees if isinstance(self.degrees, tuple | list) else (-self.degrees, self.degrees)
        angles = np.deg2rad(rng.uniform(low, high, len(images)))
        cos, sin = np.cos(angles).round(15), np.sin(angles).round(15)  # exact at right angles
        matrices = np.array([[cos, sin], [-sin, cos]]).transpose(2, 0, 1)
        centre = (np.array(images.shape[1:3]) - 1) / 2
        return _resample(images, matrices, centre - matrices @ centre, self.fill)


@dataclass(frozen=True)
class Crop(_Augmenter):
    """Pad on all sides and cut out the old size at a random place: a shift by whole pixels.

    Parameters
    ----------
    padding : int
        Pixels; the largest shift up, down, left and right. Less than height and width.
    fill : float or "edge", default=0
        What the padding holds: this value, or the nearest pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from multicapa.augment import Crop
    >>> images = np.arange(1, 10).reshape(1, 3, 3)
    >>> Crop(1)(images, np.random.default_rng(4))
    array([[[5, 6, 0],
            [8, 9, 0],
            [0, 0, 0]]])
    """

    padding: int
    fill: float | str = 0.0

    def __post_init__(self) -> None:
        check_integer(self.padding, "padding", minimum=0)
        _check_fill(self.fill)

    def _change(self, images: Array, rng: np.random.Generator) -> Array:
        count, height, width, _ = images.shape
        pad = self.padding
        if pad >= min(height, width):
            raise ValueError(f"padding should be less than height and width, but {pad} is not for {height} x {width}")
        around = ((0, 0), (pad, pad), (pad, pad), (0, 0))
        if isinstance(self.fill, str):
            padded = np.pad(images, around, mode="edge")
        else:
            padded = np.pad(images, around, constant_values=self.fill)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
        top, left = rng.integers(0, 2 * pad, (2, count), endpoint=True)
        return np.moveaxis(windows[np.arange(count), top, left], 1, -1)


@dataclass(frozen=True)
class ResizedCrop(_Augmenter):
    """Cut out a random part and enlarge it to the old size, with linear interpolation.

    Parameters
    ----------
    scale : float or (float, float), default=0.8
        Each image keeps a share of its area drawn evenly from [scale, 1] or [low, high]; above 0 and at most 1. The
        part has the proportions of the image.

    Examples
    --------
    >>> import numpy as np
    >>> from multicapa.augment import ResizedCrop
    >>> ResizedCrop(0.5)(np.eye(3)[None], np.random.default_rng(0)).shape
    (1, 3, 3)
    """

    scale: float | tuple[float, float] = 0.8

    def __post_init__(self) -> None:
        for value in check_pair(self._range, "scale"):
            check_share(check_number(value, "scale", above=0), "scale")

    @property
    def _range(self) -> tuple[float, float]:
        return self.scale if isinstance(self.scale, tuple | list) else (self.scale, 1.0)

    def _change(self, images: Array, rng: np.random.Generator) -> Array:
        side = np.sqrt(rng.uniform(*self._range, len(images)))[:, None]
        free = (1 - side) * np.array(images.shape[1:3])
        # Pixels are squares about whole numbers: the part's first edge lies at corner - 1/2.
        corner = rng.random((len(images), 2)) * free
        return _resample(images, side[:, :, None] * np.eye(2), corner + side / 2 - 0.5, "edge")


def _resample(images: Array, matrices: Array, offsets: Array, fill: float | str) -> Array:
    """Pixels x become those at ``matrix x + offset``, one matrix and offset per image, by bilinear interpolation."""
    count, height, width, channels = images.shape
    frame = ((0, 0), (1, 1), (1, 1), (0, 0))
    framed = np.pad(images, frame, "edge") if isinstance(fill, str) else np.pad(images, frame, constant_values=fill)
    places = matrices @ np.indices((height, width)).reshape(2, -1) + offsets[:, :, None] + 1
    y, x = np.clip(places[:, 0], 0, height + 1), np.clip(places[:, 1], 0, width + 1)
    top, left = np.minimum(y.astype(np.intp), height), np.minimum(x.astype(np.intp), width)
    down, right = ((place - start)[..., None].astype(images.dtype) for place, start in ((y, top), (x, left)))
    pixels = framed.reshape(-1, channels)
    corner = (np.arange(count)[:, None] * (height + 2) + top) * (width + 2) + left
    upper, lower = (pixels[row] + right * (pixels[row + 1] - pixels[row]) for row in (corner, corner + width + 2))
    return np.reshape(upper + down * (lower - upper), images.shape)


def _check_fill(fill: Any) -> None:
    if isinstance(fill, str):
        if fill != "edge":
            raise ValueError(f"fill should be a number or 'edge', not {fill!r}")
    else:
        check_number(fill, "fill")


@dataclass(frozen=True)
class ColorChange(_Augmenter):
    """Change brightness, contrast and saturation, in this order, each by a random factor per image.

    Each factor is drawn evenly from [1 - change, 1 + change]. Brightness multiplies the image, so it wants a black of
    0; contrast multiplies the distance from the image's mean, saturation that from the pixel's grey
    (0.299 red + 0.587 green + 0.114 blue). Give :class:`Images` a ``value_range`` to clip what runs over.

    Parameters
    ----------
    brightness, contrast : float, default=0.2
        From 0 (none) to 1.
    saturation : float, default=0
        From 0 to 1; above 0 for images with 3 channels only.

    Examples
    --------
    >>> import numpy as np
    >>> from multicapa.augment import ColorChange
    >>> ColorChange(brightness=0, contrast=0.5)([[[4.0, 6.0]]], np.random.default_rng(0)).mean()
    np.float64(5.0)
    """

    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.0

    def __post_init__(self) -> None:
        check_share(self.brightness, "brightness")
        check_share(self.contrast, "contrast")
        check_share(self.saturation, "saturation")

    def _change(self, images: Array, rng: np.random.Generator) -> Array:
        channels = images.shape[3]
        if self.saturation and channels != 3:
            raise ValueError(f"saturation is for images with 3 channels, not {channels}")

        def factors(change: float) -> Array:
            return rng.uniform(1 - change, 1 + change, (len(images), 1, 1, 1)).astype(images.dtype)

        if self.brightness:
            images *= factors(self.brightness)
        if self.contrast:
            mean = images.mean(axis=(1, 2, 3), keepdims=True)
            images = mean + (images - mean) * factors(self.contrast)
        if self.saturation:
            grey = (images @ np.array(_LUMA, images.dtype))[..., None]
            images = grey + (images - grey) * factors(self.saturation)
        return images


@dataclass(frozen=True)
class Noise(_Augmenter):
    """Add Gaussian noise of mean 0 to every number, of images or of any other samples.

    Parameters
    ----------
    stddev : float
        Standard deviation, in the units of X; not negative.

    Examples
    --------
    >>> import numpy as np
    >>> from multicapa.augment import Noise
    >>> Noise(0.1)(np.zeros((1000, 4)), np.random.default_rng(0)).std().round(2)
    np.float64(0.1)
    """

    stddev: float

    def __post_init__(self) -> None:
        check_number(self.stddev, "stddev", minimum=0)

    def _sample_shape(self, shape: Shape) -> Shape:
        return shape[1:]

    def _change(self, images: Array, rng: np.random.Generator) -> Array:
        noise = rng.standard_normal(images.shape, dtype=images.dtype.type)
        noise *= self.stddev
        noise += images
        return noise


@dataclass(frozen=True)
class Images(_Augmenter):
    """Several augmenters, one after the other, also for images that are flat rows.

    Parameters
    ----------
    augmenters : sequence of augmenters
        Those of this module, or any function ``augment(X, rng)``. Each gets what the one before returned, in blocks of
        samples of float32 (float64 when X is, or holds integers of more than 16 bits).
    shape : (height, width) or (height, width, channels), optional
        Of one image. Needed when X has shape (n_samples, height * width * channels).
    value_range : (float, float), optional
        The result is clipped to it.

    Examples
    --------
    >>> import numpy as np
    >>> from multicapa.augment import HorizontalFlip, Images, Noise
    >>> rows = np.array([[1.0, 0.0, 0.0, 0.0]])
    >>> Images([HorizontalFlip(p=1)], shape=(2, 2))(rows, np.random.default_rng(0))
    array([[0., 1., 0., 0.]])
    >>> augment = Images([HorizontalFlip(), Noise(0.1)], shape=(2, 2), value_range=(0, 1))
    >>> augment(rows, np.random.default_rng(0)).min()
    np.float64(0.0)
    """

    augmenters: Sequence[Callable[[Any, np.random.Generator], Any]]
    shape: Shape | None = None
    value_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "augmenters", check_functions(self.augmenters, "augmenters"))
        if self.shape is not None:
            if not isinstance(self.shape, tuple | list) or len(self.shape) not in (2, 3):
                raise ValueError(f"shape should be (height, width) or (height, width, channels), not {self.shape!r}")
            sides = tuple(check_integer(side, "shape", minimum=1) for side in self.shape)
            object.__setattr__(self, "shape", sides)
        if self.value_range is not None:
            low, high = check_pair(self.value_range, "value_range")
            if low == high:
                raise ValueError(f"value_range should be (low, high) with low < high, not {self.value_range!r}")

    def _sample_shape(self, shape: Shape) -> Shape:
        if self.shape is None:
            super()._sample_shape(shape)
            return shape[1:]
        if shape[1:] not in (self.shape, (math.prod(self.shape),)):
            sides = ", ".join(map(str, self.shape))
            flat = math.prod(self.shape)
            raise ValueError(f"X should have shape (n_samples, {sides}) or (n_samples, {flat}), not {shape}")
        return self.shape

    def _change(self, images: Array, rng: np.random.Generator) -> Array:
        shape, dtype = images.shape, images.dtype
        for augmenter in self.augmenters:
            images = np.asarray(augmenter(images, rng), dtype=dtype)
            if images.shape != shape:
                raise ValueError(f"{augmenter!r} should return shape {shape}, not {images.shape}")
        return images if self.value_range is None else np.clip(images, *self.value_range)
