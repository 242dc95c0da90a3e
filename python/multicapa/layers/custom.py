"""A layer of the user's, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from multicapa.base.arrays import as_real
from multicapa.base.checks import check_integer
from multicapa.layers.base import Layer


@dataclass(eq=False)
class Custom(Layer):
    """A layer of your own, as two functions on arrays, with parameters if it has any.

    Parameters
    ----------
    forward : callable
        ``forward(x, **parameters)``: from samples of shape (n, ...) to outputs of shape (n, \\*output_shape). Where the
        layer is called on several others, ``forward(x1, x2, ..., **parameters)``.
    backward : callable
        ``backward(dy, x, **parameters)``: from the gradient of the cost with respect to the outputs to that with
        respect to x, of the same shape; with several inputs a list of these. A layer with parameters returns a pair:
        this, and a dict of the parameters' gradients, summed over the samples.
    parameters : dict of str to array-like, optional
        Initial values. They are trained like those of any layer, under names such as ``"custom_1.scale"``; penalties
        concern those with two axes or more.
    output_shape : int or sequence of int, optional
        Of one sample; by default that of the (first) input.

    Notes
    -----
    Slower than the library's layers: the core calls Python for every block of samples, on one thread. The functions
    get copies, should keep nothing between calls, and may be called for some of the samples of a batch at a time.
    Whether backward is right is told by :func:`multicapa.check_gradients`. Sequences should have one length, and a
    network with such a layer cannot be saved to a file; it can be pickled where its functions can.

    Examples
    --------
    A scale for each feature:

    >>> import multicapa as mc, numpy as np
    >>> def forward(x, scale):
    ...     return scale * x
    >>> def backward(dy, x, scale):
    ...     return scale * dy, {"scale": (dy * x).sum(axis=0)}
    >>> layer = mc.layers.Custom(forward, backward, {"scale": np.ones(3)})
    >>> net = mc.Sequential([mc.Dense(3, "tanh"), layer, mc.Dense(1)], input_shape=2, seed=0)
    >>> net.parameters["custom_1.scale"]
    array([1., 1., 1.], dtype=float32)
    >>> mc.check_gradients(net, np.eye(2), [0.0, 1.0]).passed
    True
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    parameters: Mapping[str, Any] | None = None
    output_shape: int | Sequence[int] | None = None
    type: ClassVar[str] = "custom"
    merges: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not callable(self.forward) or not callable(self.backward):
            raise TypeError("forward and backward should be functions from arrays to arrays")
        if not isinstance(self.parameters, Mapping | None):
            raise TypeError(f"parameters should be a dict of names and arrays, not {self.parameters!r}")
        for name, values in (self.parameters or {}).items():
            if not isinstance(name, str) or not name.isidentifier():
                raise ValueError(f"the name of a parameter should be one that functions can have, not {name!r}")
            if as_real(values, np.dtype(np.float64), f"the parameter {name}").size == 0:
                raise ValueError(f"the parameter {name} has no numbers")
        if self.output_shape is not None:
            shape = tuple(self.output_shape) if isinstance(self.output_shape, Iterable) else (self.output_shape,)
            self.output_shape = tuple(check_integer(extent, "an axis of output_shape", minimum=1) for extent in shape)

    def options(self) -> dict[str, Any]:
        """The functions, and of each parameter its shape and where it starts."""
        given = {name: np.array(values) for name, values in (self.parameters or {}).items()}
        return {
            "forward": self.forward,
            "backward": self.backward,
            "output_shape": self.output_shape,
            "parameter_names": ",".join(given) or None,
            **{f"shape_of_{name}": values.shape or (1,) for name, values in given.items()},
            **{f"{name}_init": values.reshape(values.shape or (1,)) for name, values in given.items()},
        }
