"""Activations: those of the core's list, and your own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from multicapa import _core
from multicapa.base.checks import check_name, check_number, find_name
from multicapa.layers.base import Layer


@dataclass(eq=False)
class Activation(Layer):
    """An activation as a layer of its own.

    Parameters
    ----------
    function : str
        Its name: see :func:`multicapa.layers.activations`.
    parameter : float, optional
        Slope of leaky_relu (0.1), alpha of elu (1).

    Notes
    -----
    No value is further from the exact one than 7.0 ULP in float32, 4.6 in float64, and most are within 3. NaN stays
    NaN. See docs/accuracy.md for the errors of each function, and for the tails of exponentials, which end in zeros.

    Examples
    --------
    >>> import multicapa as mc
    >>> net = mc.Sequential([mc.Activation("relu")], input_shape=(2,), seed=0)
    >>> net.predict([[-1.0, 2.0]])
    array([[0., 2.]], dtype=float32)
    """

    function: str
    parameter: float | None = None
    type: ClassVar[str] = "activation"

    def __post_init__(self) -> None:
        self.function = find_activation(self.function)
        self.parameter = check_activation(self.function, self.parameter)


@dataclass(eq=False)
class CustomActivation(Layer):
    """An activation of your own, as two functions on arrays.

    Parameters
    ----------
    value : callable
        From z of shape (n_samples, n_units) to a of the same shape.
    derivative : callable
        From z to da/dz, of the same shape.

    Notes
    -----
    Slower than the built-in ones: the core calls Python for every block of samples, on one thread. A network with one
    cannot be saved to a file.

    Examples
    --------
    >>> import multicapa as mc, numpy as np
    >>> sine = mc.layers.CustomActivation(np.sin, np.cos)
    >>> net = mc.Sequential([sine], input_shape=(1,), seed=0)
    >>> net.predict([[0.0]])
    array([[0.]], dtype=float32)
    """

    value: Callable[[Any], Any]
    derivative: Callable[[Any], Any]
    type: ClassVar[str] = "custom_activation"

    def __post_init__(self) -> None:
        if not callable(self.value) or not callable(self.derivative):
            raise TypeError("value and derivative should be functions from arrays to arrays")


def activations() -> dict[str, str]:
    """The names of the activations and their formulas.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.layers.activations()["softsign"]
    'z / (1 + |z|)'
    """
    return {row["name"]: row["formula"] for row in _core.activations()}


# What other libraries call the same functions.
ALIASES = {
    "identity": "linear",
    "logistic": "sigmoid",
    "swish": "silu",
    "leakyrelu": "leaky_relu",
    "exp": "exponential",
    "sgn": "step",
    "sign": "step",
    "heaviside": "step",
}


def find_activation(name: Any) -> str:
    """The name in :func:`activations` that is meant, in any case or by an alias; else raise ValueError.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.layers.find_activation("ReLU"), mc.layers.find_activation("swish")
    ('relu', 'silu')
    """
    return find_name(name, activations(), "activation", ALIASES)


def check_activation(name: str, parameter: float | None) -> float | None:
    """Raise unless there is such an activation and it takes such a parameter; return the parameter as a float."""
    rows = {row["name"]: row for row in _core.activations()}
    check_name(name, rows, "activation")
    if parameter is None:
        return None
    if rows[name]["parameter"] is None:
        raise ValueError(f"the activation {name} has no parameter")
    if name == "leaky_relu":
        return check_number(parameter, "the slope of leaky_relu", minimum=0, below=1)
    return check_number(parameter, f"the {rows[name]['parameter']} of {name}", above=0)
