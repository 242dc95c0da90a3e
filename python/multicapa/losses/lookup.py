"""Losses by what people call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from multicapa import _core
from multicapa.base.checks import find_name
from multicapa.losses.custom import FunctionLoss
from multicapa.losses.formulas import LOSSES, Loss

# What other libraries call the same costs. Those they scale otherwise are not among them: see OTHERS.
ALIASES = {
    "mse": "squared_error",
    "mean_squared_error": "squared_error",
    "categorical_crossentropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
    "crossentropy": "cross_entropy",
    "log_loss": "cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "bce": "binary_cross_entropy",
    "kl_divergence": "kullback_leibler",
    "kullback_leibler_divergence": "kullback_leibler",
    "pinball": "quantile",
}
OTHERS = {
    **dict.fromkeys(("mae", "mean_absolute_error", "l1"), "absolute_error, which is the sum over the outputs"),
    "binary_focal_crossentropy": "Focal(gamma), with class_weight for its alpha",
    "categorical_hinge": "hinge, which compares each output with -1 or 1",
}


def names() -> dict[str, str]:
    """The names of the losses and their formulas.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.losses.names()["hinge"]
    'sum_i max(0, 1 - t_i y_i), t_i = -1 or 1'
    """
    return {row["name"]: row["formula"] for row in _core.losses()}


def get(loss: str | Loss | Callable[[Any, Any], tuple[Any, Any]]) -> Loss:
    """A loss from itself, its name, what other libraries call it, or a function.

    Parameters
    ----------
    loss : str, Loss or function(y, t)
        A name of :func:`names`, in any case, or one of ``ALIASES``: mse, categorical_crossentropy, ... For functions
        see :class:`FunctionLoss`.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.losses.get("mse").name
    'squared_error'
    """
    if isinstance(loss, Loss):
        return loss
    if callable(loss) and not isinstance(loss, type):
        return FunctionLoss(loss)
    return LOSSES[find_name(loss, LOSSES, "loss", ALIASES, OTHERS)]()


def default_for(activation: str) -> str:
    """The loss that goes with the activation of an output layer.

    Examples
    --------
    >>> import multicapa as mc
    >>> mc.losses.default_for("softmax")
    'cross_entropy'
    """
    natural = {
        "softmax": "cross_entropy",
        "sigmoid": "binary_cross_entropy",
        "exponential": "poisson",
        "step": "perceptron",
    }
    return natural.get(activation, "squared_error")
