"""From scikit-learn's names for networks and solvers to ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from multicapa import initializers, layers, optimizers
from multicapa.checks import check_integer, check_name, check_number

_SPELLINGS = {"identity": "linear", "logistic": "sigmoid"}
_ADAMS = ("adam", "adamw", "adamax", "nadam")
SCHEDULES = ("constant", "invscaling", "adaptive")


def hidden_sizes(model: Any) -> list[int]:
    """The numbers of units of the hidden layers, checked."""
    sizes = model.hidden_layer_sizes
    sizes = list(sizes) if isinstance(sizes, Iterable) and not isinstance(sizes, str) else [sizes]
    return [check_integer(size, "each of hidden_layer_sizes", minimum=1) for size in sizes]


def architecture(model: Any) -> tuple[Any, ...]:
    """Sizes, activations, dropout and normalisation of the hidden layers, checked and in our names."""
    sizes = hidden_sizes(model)
    given = model.activation
    names = [given] * len(sizes) if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    if len(names) != len(sizes):
        raise ValueError(f"activation lists {len(names)} names for {len(sizes)} hidden layers")
    known = [*layers.activations(), *_SPELLINGS]
    for name in [given] if isinstance(given, str) else names:
        check_name(name, known, "activation")
    rate = check_number(model.dropout, "dropout", minimum=0, below=1)
    for what in ("batch_norm", "layer_norm"):
        check_flag(getattr(model, what), what)
    if model.batch_norm and model.layer_norm:
        raise ValueError("batch_norm and layer_norm exclude each other")
    if not sizes and (rate or model.batch_norm or model.layer_norm):
        raise ValueError("dropout, batch_norm and layer_norm need hidden layers, but hidden_layer_sizes is empty")
    norm = "batch" if model.batch_norm else "layer" if model.layer_norm else ""
    return tuple(sizes), tuple(_SPELLINGS.get(name, name) for name in names), rate, norm


def hidden_layers(description: tuple[Any, ...]) -> list[layers.Layer]:
    """The layers of :func:`architecture`: weights, normalisation, activation, dropout."""
    sizes, activations, rate, norm = description
    made: list[layers.Layer] = []
    for units, activation in zip(sizes, activations, strict=True):
        if norm:
            made.append(layers.Dense(units, weight_init=initializers.default_for(activation)))
            made += [layers.BatchNorm() if norm == "batch" else layers.LayerNorm(), layers.Activation(activation)]
        else:
            made.append(layers.Dense(units, activation))
        if rate:
            made.append(layers.Dropout(rate))
    return made


def check_flag(value: Any, what: str) -> None:
    """Raise unless a switch is on or off."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{what} should be True or False, not {value!r}")


def check_options(model: Any) -> None:
    """Raise for arguments that no other function here looks at."""
    for what in ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping"):
        check_flag(getattr(model, what), what)
    check_number(model.alpha, "alpha", minimum=0)
    check_number(model.tol, "tol", minimum=0)
    check_number(model.power_t, "power_t", minimum=0)
    check_number(model.validation_fraction, "validation_fraction", minimum=0, below=1)
    check_integer(model.max_iter, "max_iter", minimum=1)
    if model.n_iter_no_change != math.inf:
        check_integer(model.n_iter_no_change, "n_iter_no_change", minimum=1)
    if model.batch_size != "auto":
        check_integer(model.batch_size, "batch_size ('auto' apart)", minimum=1)
    check_name(model.learning_rate, SCHEDULES, "learning_rate")


def is_lbfgs(solver: Any) -> bool:
    """Whether a solver works on all samples at once, with a line search."""
    return solver == "lbfgs" or isinstance(solver, optimizers.LBFGS)


def optimizer_of(model: Any, samples: int, steps: int, continues: bool) -> optimizers.Optimizer:
    """The optimiser that the arguments of an estimator describe."""
    solver = model.solver
    if isinstance(solver, optimizers.Optimizer):
        if model.learning_rate != "constant":
            raise ValueError("learning_rate goes with solvers by name; give the optimiser a schedule instead")
        if model.learning_rate_init != 0.001:
            raise ValueError("learning_rate_init goes with solvers by name; the optimiser has its own learning rate")
        return solver
    check_name(solver, optimizers.OPTIMIZERS, "solver")
    if solver == "lbfgs":
        if model.learning_rate != "constant":
            raise ValueError("L-BFGS has no learning rate; leave learning_rate at 'constant'")
        return optimizers.LBFGS(gradient_tolerance=model.tol, max_evaluations=model.max_fun)
    first = check_number(model.learning_rate_init, "learning_rate_init", above=0)
    rate: float | Callable[[int], float] = first
    if model.learning_rate == "invscaling":
        seen = model.t_

        def rate(step: int) -> float:  # changes between epochs, with the number of samples seen
            epoch = step // steps
            return (
                first if epoch == 0 and not continues else float(first / (seen + epoch * samples + 1) ** model.power_t)
            )

    if solver == "sgd" and check_number(model.momentum, "momentum", minimum=0, below=1) > 0:
        solver = "nesterov" if model.nesterovs_momentum else "momentum"
    options: dict[str, float] = {}
    if solver in ("momentum", "nesterov"):
        options = {"momentum": model.momentum}
    elif solver in _ADAMS:
        options = {"beta1": model.beta_1, "beta2": model.beta_2, "epsilon": model.epsilon}
    return optimizers.OPTIMIZERS[solver](rate, **options)
