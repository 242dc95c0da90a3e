"""Layers that keep mean and variance in bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from multicapa.base.checks import check_number
from multicapa.layers.base import Layer


@dataclass(eq=False)
class BatchNorm(Layer):
    """Normalise every unit over the batch: ``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``.

    The units of images and series are their channels or features, the last axis; their statistics are those of all
    pixels or steps of all samples.

    Parameters
    ----------
    epsilon : float, default=1e-5
    momentum : float, default=0.9
        Share of the old running mean and variance that an update keeps.
    ddof : {0, 1}, default=0
        The variance divides by ``b - ddof``, b the numbers that it is over: 0 as in the paper and in all libraries, 1
        as in the lectures.

    Notes
    -----
    Ioffe & Szegedy 2015. The statistics are those of the whole batch for any number of threads. Outside training the
    running mean and variance serve instead; they use the same divisor as the normalisation (PyTorch's running variance
    divides by ``b - 1`` always). A batch of one row has no variance: it is normalised by the running statistics and
    does not change them.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Dense(8), mc.BatchNorm(), mc.Activation("relu")], input_shape=(4,), seed=0)
    >>> sorted(net.state)
    ['batch_norm_1.running_mean', 'batch_norm_1.running_variance']
    """

    epsilon: float = 1e-5
    momentum: float = 0.9
    ddof: int = 0
    type: ClassVar[str] = "batch_norm"

    def __post_init__(self) -> None:
        self.epsilon = check_number(self.epsilon, "epsilon", above=0)
        self.momentum = check_number(self.momentum, "momentum", minimum=0, below=1)
        _check_ddof(self.ddof)


@dataclass(eq=False)
class LayerNorm(Layer):
    """Normalise every sample over its units: ``y = gamma (x - mean) / sqrt(variance + epsilon) + beta``.

    Parameters
    ----------
    epsilon : float, default=1e-5
    ddof : {0, 1}, default=0
        The variance divides by ``M - ddof``, M the number of units.

    Notes
    -----
    Ba, Kiros & Hinton 2016. The same in training and outside it.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.LayerNorm()], input_shape=(2,), seed=0, dtype="float64")
    >>> net.predict([[1.0, 3.0]]).round(3)
    array([[-1.,  1.]])
    """

    epsilon: float = 1e-5
    ddof: int = 0
    type: ClassVar[str] = "layer_norm"

    def __post_init__(self) -> None:
        self.epsilon = check_number(self.epsilon, "epsilon", above=0)
        _check_ddof(self.ddof)


def _check_ddof(ddof: int) -> None:
    if ddof not in (0, 1):
        raise ValueError(f"ddof should be 0 or 1, not {ddof!r}")
