"""Costs: what training minimises, averaged over the samples.

A name from :func:`names` serves wherever a loss is asked for; the classes exist for the costs with a parameter and
carry the formulas. ``y`` is the network's output, ``t`` the target.
"""

from multicapa.losses.custom import CustomLoss, FunctionLoss
from multicapa.losses.formulas import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Focal,
    HalfSquaredError,
    Hinge,
    Huber,
    KullbackLeibler,
    Loss,
    Perceptron,
    Poisson,
    Quantile,
    SquaredError,
)
from multicapa.losses.lookup import ALIASES, OTHERS, default_for, get, names

__all__ = [
    "ALIASES",
    "LOSSES",
    "OTHERS",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "CustomLoss",
    "Focal",
    "FunctionLoss",
    "HalfSquaredError",
    "Hinge",
    "Huber",
    "KullbackLeibler",
    "Loss",
    "Perceptron",
    "Poisson",
    "Quantile",
    "SquaredError",
    "default_for",
    "get",
    "names",
]
