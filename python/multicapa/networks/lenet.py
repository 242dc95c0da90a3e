"""LeNet-5."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt

from multicapa import layers
from multicapa.base.checks import check_integer, check_name
from multicapa.layers.window import Padding
from multicapa.model import Sequential

_POOLS = {"max": layers.MaxPool2D, "average": layers.AveragePool2D}


def lenet5(
    input_shape: Sequence[int] = (28, 28),
    n_outputs: int = 10,
    *,
    activation: str = "relu",
    pooling: str = "max",
    padding: Padding = "same",
    output_activation: str = "softmax",
    dtype: npt.DTypeLike = "float32",
    seed: int | None = None,
) -> Sequential:
    """LeNet-5: twice a convolution of 5×5 and a pooling, with 6 and 16 filters, then dense layers of 120 and 84 units.

    Parameters
    ----------
    input_shape : (height, width) or (height, width, channels), default=(28, 28)
        Of one image; from 12 pixels on, 16 with ``padding="valid"``.
    n_outputs : int, default=10
        Units of the output layer.
    activation : str, default="relu"
        Of all layers before the output layer: see :func:`multicapa.layers.activations`.
    pooling : {"max", "average"}, default="max"
    padding : str, int or sequence, default="same"
        Zeros around the image, as in :class:`multicapa.Conv2D`. With "same" an image of 28×28 is seen as the original
        saw it, amid 32×32.
    output_activation : str, default="softmax"
    dtype, seed
        As in :class:`multicapa.Network`.

    Returns
    -------
    Sequential

    Raises
    ------
    ValueError
        If an argument is none of these, or the image is too small.

    Notes
    -----
    LeCun, Bottou, Bengio & Haffner 1998. Theirs had tanh, averages (with a weight and a bias each), a table of which
    filters of the second layer see which maps, and distances to drawn digits at the end:
    ``lenet5(activation="tanh", pooling="average")`` comes nearest. What is called LeNet-5 today is the default; some
    leave out the padding.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.networks.lenet5(seed=0)
    Sequential((28, 28) -> (10,), 8 layers, 61,706 parameters, float32)
    >>> mc.networks.lenet5(padding="valid", seed=0).n_parameters
    44426
    """
    if isinstance(input_shape, str) or not hasattr(input_shape, "__len__") or len(input_shape) not in (2, 3):
        raise ValueError(f"input_shape should be (height, width) or (height, width, channels), not {input_shape!r}")
    pool = _POOLS[check_name(pooling, _POOLS, "pooling")]
    return Sequential(
        [
            layers.Conv2D(6, 5, activation, padding=padding),
            pool(2),
            layers.Conv2D(16, 5, activation),
            pool(2),
            layers.Flatten(),
            layers.Dense(120, activation),
            layers.Dense(84, activation),
            layers.Dense(check_integer(n_outputs, "n_outputs", minimum=1), output_activation),
        ],
        input_shape=input_shape,
        dtype=dtype,
        seed=seed,
    )
