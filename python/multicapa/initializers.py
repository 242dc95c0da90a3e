"""How weights start.

Each function takes a random generator, a shape and the numbers of inputs and outputs of a unit, and returns an
array. Layers take a name from :data:`INITIALIZERS`, such a function, or the array itself.

============== =============================================== ==============================
name           distribution                                    source
============== =============================================== ==============================
glorot_uniform uniform in ±sqrt(6 / (fan_in + fan_out))        Glorot & Bengio 2010
glorot_normal  normal, variance 2 / (fan_in + fan_out)         Glorot & Bengio 2010
glorot_sigmoid uniform in ±sqrt(2 / (fan_in + fan_out))        scikit-learn's for "logistic"
he_uniform     uniform in ±sqrt(6 / fan_in)                    He et al. 2015
he_normal      normal, variance 2 / fan_in                     He et al. 2015
lecun_uniform  uniform in ±sqrt(3 / fan_in)                    LeCun et al. 1998
lecun_normal   normal, variance 1 / fan_in                     LeCun et al. 1998
fan_in_uniform uniform in ±1 / sqrt(fan_in)                    PyTorch's for linear layers
orthogonal     orthonormal rows or columns                     Saxe et al. 2014
uniform        uniform in ±0.05
normal         normal, standard deviation 0.05
zeros, ones    constant
============== =============================================== ==============================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.base.arrays import as_real
from multicapa.base.checks import check_name

Array = npt.NDArray[np.float64]
Initializer = Callable[[np.random.Generator, tuple[int, ...], int, int], Array]


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], limit: float) -> Array:
    return rng.uniform(-limit, limit, shape)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], variance: float) -> Array:
    return rng.normal(0.0, np.sqrt(variance), shape)


def _orthogonal(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    rows, columns = shape[0], int(np.prod(shape[1:]))
    square = rng.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(square)
    q *= np.sign(np.diag(r))  # makes the distribution uniform over the orthogonal matrices
    return (q if rows >= columns else q.T).reshape(shape)


INITIALIZERS: dict[str, Initializer] = {
    "glorot_uniform": lambda rng, shape, n, m: _uniform(rng, shape, np.sqrt(6 / (n + m))),
    "glorot_normal": lambda rng, shape, n, m: _normal(rng, shape, 2 / (n + m)),
    "he_uniform": lambda rng, shape, n, m: _uniform(rng, shape, np.sqrt(6 / n)),
    "he_normal": lambda rng, shape, n, m: _normal(rng, shape, 2 / n),
    "glorot_sigmoid": lambda rng, shape, n, m: _uniform(rng, shape, np.sqrt(2 / (n + m))),
    "lecun_uniform": lambda rng, shape, n, m: _uniform(rng, shape, np.sqrt(3 / n)),
    "lecun_normal": lambda rng, shape, n, m: _normal(rng, shape, 1 / n),
    "fan_in_uniform": lambda rng, shape, n, m: _uniform(rng, shape, np.sqrt(1 / n)),
    "orthogonal": _orthogonal,
    "uniform": lambda rng, shape, n, m: _uniform(rng, shape, 0.05),
    "normal": lambda rng, shape, n, m: _normal(rng, shape, 0.05**2),
    "zeros": lambda rng, shape, n, m: np.zeros(shape),
    "ones": lambda rng, shape, n, m: np.ones(shape),
}


def _orthogonal_gates(rng: np.random.Generator, shape: tuple[int, ...], units: int, m: int) -> Array:
    gates = [_orthogonal(rng, (units, units), units, units) for _ in range(shape[1] // units)]
    return np.concatenate(gates, axis=1)


# Those of recurrent layers' parameters, an orthogonal matrix for each gate and a forget gate that is open at first.
_OF_GATES: dict[str, Initializer] = {
    "orthogonal_gates": _orthogonal_gates,
    "forget_gate_at_one": lambda rng, shape, n, m: np.repeat([0.0, 1.0, 0.0, 0.0], shape[0] // 4),
}

_DEFAULTS = {"sigmoid": "he_uniform"} | dict.fromkeys(
    ("tanh", "softsign", "elu", "selu", "gelu", "silu", "softplus", "mish"), "glorot_uniform"
)
DEFAULT_BIAS = "fan_in_uniform"


def default_for(activation: str, output: bool = False) -> str:
    """The name of the initialisation of a layer's weights.

    Chosen by the scores of networks (``bench/python/quality.py``, section "starts"): PyTorch's for the output layer,
    for relu, leaky_relu and layers without an activation of their own, Glorot's for activations that saturate or bend
    smoothly, He's for sigmoids in between, whose slope is a quarter at most. Beside such weights biases start as
    PyTorch's do, at :data:`DEFAULT_BIAS`, so that units bend at different places from the first; beside weights that
    are chosen, at 0.

    Parameters
    ----------
    activation : str
        The layer's own.
    output : bool, default=False
        Whether it is the last layer of the network.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.initializers.default_for("relu"), mc.initializers.default_for("tanh")
    ('fan_in_uniform', 'glorot_uniform')
    """
    return "fan_in_uniform" if output else _DEFAULTS.get(activation, "fan_in_uniform")


def check(how: Any, what: str) -> None:
    """Raise unless it is a name from the table, a function, numbers, or None for the default."""
    if isinstance(how, str):
        check_name(how, INITIALIZERS, f"initialisation of {what}")
    elif how is not None and not callable(how):
        _numbers(how, what)


def _numbers(values: Any, what: str) -> npt.NDArray[np.float64]:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{what} should be a name, a function or an array of numbers, not {values!r}") from None
    if not np.isfinite(numbers).all():
        raise ValueError(f"{what} should be finite")
    return numbers


def initialize(
    how: Any,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    fan_in: int,
    fan_out: int,
    what: str,
    dtype: np.dtype[Any],
) -> npt.NDArray[Any]:
    """The first values of one parameter, from a name, a function or an array."""
    if isinstance(how, str) and how in _OF_GATES:
        return _OF_GATES[how](rng, shape, fan_in, fan_out)
    if isinstance(how, str):
        check_name(how, INITIALIZERS, "initialisation")
        return INITIALIZERS[how](rng, shape, fan_in, fan_out)
    values = np.asarray(how(rng, shape, fan_in, fan_out) if callable(how) else how)
    if values.shape != shape:
        raise ValueError(f"the initial values of {what} should have shape {shape}, not {values.shape}")
    return as_real(values, dtype, f"the initial values of {what}")
