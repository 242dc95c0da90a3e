"""Layers that disturb a network while it trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from multicapa.base.checks import check_number
from multicapa.layers.base import Layer


@dataclass(eq=False)
class Dropout(Layer):
    """While training, set each unit to 0 with probability ``rate`` and divide the others by ``1 - rate``.

    Parameters
    ----------
    rate : float
        At least 0 and below 1. In ``predict`` and ``evaluate`` the layer does nothing.
    whole_channels : bool, default=False
        Whether a channel of an image or a feature of a series (the last axis) is dropped at all pixels or steps at
        once. Neighbours resemble each other, so that a single one tells little when it is missing.

    Notes
    -----
    Srivastava et al. 2014, with inverted scaling; whole channels: Tompson et al. 2015. The same units are dropped for
    any number of threads.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dropout(0.5)], input_shape=(2,), seed=0)
    >>> net.predict([[1.0, 2.0]])
    array([[1., 2.]], dtype=float32)
    """

    rate: float
    whole_channels: bool = False
    type: ClassVar[str] = "dropout"

    def __post_init__(self) -> None:
        self.rate = check_number(self.rate, "rate", minimum=0, below=1)


@dataclass(eq=False)
class GaussianNoise(Layer):
    """While training, add noise from the normal distribution: to inputs or hidden units, wherever it stands.

    Parameters
    ----------
    stddev : float
        Not negative. In ``predict`` and ``evaluate`` the layer does nothing.

    Notes
    -----
    Bishop 1995. For noise on weights and targets see ``fit(weight_noise=..., target_noise=...)``.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.GaussianNoise(0.1), mc.Dense(2, "softmax")], input_shape=(2,), seed=0)
    """

    stddev: float
    type: ClassVar[str] = "gaussian_noise"

    def __post_init__(self) -> None:
        self.stddev = check_number(self.stddev, "stddev", minimum=0)
