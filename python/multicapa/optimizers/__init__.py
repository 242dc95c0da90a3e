"""Optimisers: how a gradient changes the weights.

A name from :func:`names` serves wherever an optimiser is asked for, with the defaults below, which are PyTorch's. The
learning rate is a number or a schedule: a function of the number of updates made so far (:mod:`multicapa.schedules`).
"""

from multicapa.optimizers.descent import minimize
from multicapa.optimizers.memory import Key, in_core, key_of, restored
from multicapa.optimizers.rules import (
    LBFGS,
    OPTIMIZERS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Momentum,
    Nadam,
    Nesterov,
    Optimizer,
    Rate,
    RMSprop,
    Rprop,
    get,
    names,
)

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Key",
    "Momentum",
    "Nadam",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "Rate",
    "Rprop",
    "get",
    "in_core",
    "key_of",
    "minimize",
    "names",
    "restored",
]
