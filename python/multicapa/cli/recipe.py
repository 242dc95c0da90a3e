"""How a network is built and trained: options of the command line as layers, optimiser and schedule."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from multicapa import initializers, layers, optimizers, schedules
from multicapa.callbacks import ReduceOnPlateau
from multicapa.cli.options import Group, Option, count, count_or, list_of, name_of, number, rate, seed, share, sizes
from multicapa.cli.output import UsageError
from multicapa.cli.parts import Part, Prepared
from multicapa.data.table import ClassTarget, near
from multicapa.model.network import Network
from multicapa.model.sequential import Sequential
from multicapa.training.run import Callback

_activation = list_of(name_of(layers.activations, "activation"))
_start = list_of(name_of(lambda: ("auto", *initializers.INITIALIZERS), "initialisation"))
_optimizer = name_of(lambda: optimizers.OPTIMIZERS, "optimizer")

NETWORK = Group(
    "network",
    "the network",
    (
        Option("hidden", "units of the hidden layers, or none", [128, 64], sizes, metavar="SIZES"),
        Option("activation", "of the hidden layers, or one for each: relu,tanh", ["relu"], _activation, metavar="NAME"),
        Option("dropout", "share of units left out at random", 0.0, share, metavar="RATE"),
        Option(
            "norm",
            "normalise hidden layers, over the batch or over the layer",
            "none",
            choices=("none", "batch", "layer"),
        ),
        Option(
            "weight-init",
            "how weights start, or one for each layer, the output last; auto: as Network does",
            ["auto"],
            _start,
            metavar="NAME",
        ),
        Option("bias-init", "how biases start, in the same way", ["auto"], _start, metavar="NAME"),
        Option("noise", "deviation of noise on the inputs", 0.0, number(0), metavar="X"),
        Option("dtype", "numbers to compute in", "float32", choices=("float32", "float64")),
    ),
)

SEED = Option("seed", "fixes all chance", 0, seed, metavar="S")
THREADS = Option("threads", "at most so many; auto: what is there", None, count, metavar="N", unset="auto")
SCHEDULES = ("constant", "cosine", "one-cycle", "step", "exponential", "inverse-scaling", "plateau")
LOSSES = ("auto", "cross_entropy", "squared_error", "absolute_error", "huber", "poisson")

TRAINING = Group(
    "training",
    "its training",
    (
        Option("optimizer", "how gradients change weights, such as sgd or adamw", "adam", _optimizer, metavar="NAME"),
        Option("learning-rate", "auto: the optimiser's own", None, rate, metavar="RATE", unset="auto"),
        Option("schedule", "how the rate changes", "constant", choices=SCHEDULES, metavar="NAME"),
        Option("warm-up", "epochs in which the rate rises from 0", 0, number(0, 2**31, int), metavar="N"),
        Option("momentum", "of optimisers that have it", None, share, metavar="X", unset="auto"),
        Option("weight-decay", "of optimisers that have it", None, number(0), metavar="X", unset="auto"),
        Option("batch-size", "rows per update; auto: 32 to 512, by rows", "auto", count_or("auto", "all"), metavar="N"),
        Option("epochs", "at most so many", 200, count, metavar="N"),
        Option("patience", "stop after so many epochs without progress on dev", 20, count_or("none"), metavar="N"),
        Option(
            "loss", "auto: cross_entropy for classes, squared_error for numbers", "auto", choices=LOSSES, metavar="NAME"
        ),
        Option("l1", "penalty l1/2 sum |w|", 0.0, number(0), metavar="X"),
        Option("l2", "penalty l2/2 sum w^2", 0.003, number(0), metavar="X"),
        Option("clip-norm", "gradients are not longer than this", None, rate, metavar="X", unset="none"),
        Option("label-smoothing", "share of each target spread over the classes", 0.0, share, metavar="X"),
        Option("class-weight", "balanced, or by class: rare=5,common=1", None, metavar="WEIGHTS", unset="none"),
        SEED,
        THREADS,
    ),
)


def told(options: Namespace) -> dict[str, Any]:
    """The recipe as plain values by option, but for the threads, which change nothing."""
    each = [option for group in (NETWORK, TRAINING) for option in group.options if option is not THREADS]
    return {option.name: option.plain(getattr(options, option.key)) for option in each}


def check_recipe(options: Namespace) -> None:
    """Complain about options that do not go together, before any work is done."""
    optimizer = optimizers.OPTIMIZERS[options.optimizer]
    known = {field.name for field in fields(optimizer)}
    for key in ("momentum", "weight_decay"):
        if getattr(options, key) is not None and key not in known:
            having = [name for name, each in optimizers.OPTIMIZERS.items() if key in {f.name for f in fields(each)}]
            raise UsageError(f"--{key.replace('_', '-')} is for {', '.join(having)}, not for {options.optimizer}")
    if len(options.activation) not in (1, len(options.hidden)):
        raise UsageError(f"--activation names {len(options.activation)}, but --hidden has {len(options.hidden)} layers")
    for key in ("weight_init", "bias_init"):
        if len(getattr(options, key)) not in (1, len(options.hidden) + 1):
            said, count = f"--{key.replace('_', '-')} names {len(getattr(options, key))}", len(options.hidden) + 1
            raise UsageError(f"{said}, but there are {count} layers with weights, the output layer among them")
    if options.schedule == "plateau" and options.warm_up:
        raise UsageError("--warm-up does not go with --schedule plateau")
    if options.optimizer == "lbfgs":
        _check_lbfgs(options)
    if options.dev == 0 and options.schedule == "plateau":
        raise UsageError("--schedule plateau needs dev rows; --dev is 0")


def _check_lbfgs(options: Namespace) -> None:
    """L-BFGS needs a cost that stays the same, and finds its own steps."""
    wrong = {
        "learning-rate": options.learning_rate is not None,
        "schedule": options.schedule != "constant",
        "warm-up": options.warm_up,
        "batch-size": options.batch_size not in ("auto", "all"),
        "dropout": options.dropout,
        "noise": options.noise,
        "norm": options.norm == "batch",
        "clip-norm": options.clip_norm,
    }
    for name, given in wrong.items():
        if given:
            raise UsageError(f"--{name} does not go with --optimizer lbfgs, which needs a cost that stays the same")


def build(prepared: Prepared, options: Namespace) -> Network:
    """A fresh network for a table."""
    made: list[layers.Layer] = [layers.GaussianNoise(options.noise)] if options.noise else []
    activations = options.activation * (len(options.hidden) if len(options.activation) == 1 else 1)
    *starts, start = _starts(options)
    norms = {"batch": layers.BatchNorm, "layer": layers.LayerNorm}
    for units, activation, begin in zip(options.hidden, activations, starts, strict=True):
        if options.norm == "none":
            made.append(layers.Dense(units, activation, **begin))
        else:
            usual: dict[str, Any] = {"weight_init": initializers.default_for(activation)}
            dense = layers.Dense(units, **usual | begin)
            made += [dense, norms[options.norm](), layers.Activation(activation)]
        if options.dropout:
            made.append(layers.Dropout(options.dropout))
    if isinstance(prepared.target, ClassTarget):
        made.append(layers.Dense(len(prepared.target.classes), "softmax", **start))
    else:
        made.append(layers.Dense(1, "exponential" if options.loss == "poisson" else "linear", **start))
    try:
        return Sequential(made, input_shape=prepared.columns.width, dtype=options.dtype, seed=options.seed)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _starts(options: Namespace) -> list[dict[str, Any]]:
    """What each layer is told of its first weights and biases; nothing where it is left to the network."""
    count = len(options.hidden) + 1
    given = {key: getattr(options, key) for key in ("weight_init", "bias_init")}
    each = {key: names * (count if len(names) == 1 else 1) for key, names in given.items()}
    return [{key: names[place] for key, names in each.items() if names[place] != "auto"} for place in range(count)]


def fit_options(prepared: Prepared, options: Namespace) -> dict[str, Any]:
    """What ``network.fit`` is told besides the data."""
    train = prepared.parts["train"]
    rows = len(train.y)
    batch = batch_size(options, rows)
    return {
        "optimizer": _optimizer_of(options, math.ceil(rows / (batch or rows))),
        "batch_size": batch,
        "epochs": options.epochs,
        "loss": _loss(prepared, options),
        "l1": options.l1,
        "l2": options.l2,
        "clip_norm": options.clip_norm,
        "label_smoothing": options.label_smoothing,
        "sample_weight": train.weights,
        "class_weight": _class_weight(prepared, options),
    }


def batch_size(options: Namespace, rows: int) -> int | None:
    """Rows per update, None for all: by itself some 300 updates per epoch, of 32 to 512 rows each."""
    if options.batch_size == "all" or options.optimizer == "lbfgs":
        return None
    if options.batch_size != "auto":
        return int(options.batch_size)
    return int(2 ** np.clip(np.round(np.log2(rows / 300)), 5, 9))


def _optimizer_of(options: Namespace, steps: int) -> optimizers.Optimizer:
    made = optimizers.OPTIMIZERS[options.optimizer]
    given = {key: getattr(options, key) for key in ("momentum", "weight_decay")}
    given = {key: value for key, value in given.items() if value is not None}
    if options.optimizer == "lbfgs":
        return made()
    first = options.learning_rate
    if first is None:
        default: Any = made().learning_rate
        first = default
    return made(learning_rate=_schedule(options, first, steps), **given)


def _schedule(options: Namespace, first: float, steps: int) -> float | Callable[[int], float]:
    """The learning rate over all epochs of so many steps each."""
    total = steps * options.epochs
    after: float | Callable[[int], float] = first
    if options.schedule == "cosine":
        after = schedules.Cosine(first, total)
    elif options.schedule == "one-cycle":
        after = schedules.OneCycle(first, total)
    elif options.schedule == "step":  # to a tenth after each third
        after = schedules.Step(first, math.ceil(total / 3))
    elif options.schedule == "exponential":  # to a hundredth in all
        after = schedules.Exponential(first, 0.01 ** (1 / total))
    elif options.schedule == "inverse-scaling":
        after = schedules.InverseScaling(first)
    return schedules.WarmUp(after, steps * options.warm_up) if options.warm_up else after


def callbacks(options: Namespace) -> list[Callback]:
    """What the recipe does between epochs."""
    if options.schedule != "plateau":
        return []
    patience = 5 if options.patience == "none" else max(options.patience // 3, 1)
    return [ReduceOnPlateau(factor=0.3, patience=patience)]


def _loss(prepared: Prepared, options: Namespace) -> str:
    classes = isinstance(prepared.target, ClassTarget)
    if options.loss == "auto":
        return "cross_entropy" if classes else "squared_error"
    if classes != (options.loss == "cross_entropy"):
        what = "classes" if classes else "numbers"
        raise UsageError(f"--loss {options.loss} is not for {what}, which the target {prepared.target.name!r} holds")
    return str(options.loss)


def _class_weight(prepared: Prepared, options: Namespace) -> dict[int, float] | str | None:
    """Weights by position of the class."""
    given = options.class_weight
    if given is None:
        return None
    target = prepared.target
    if not isinstance(target, ClassTarget):
        raise UsageError(f"--class-weight is for classes, but the target {target.name!r} holds numbers")
    if given == "balanced":
        return "balanced"
    names = [str(value) for value in target.classes]
    present = set(prepared.parts["train"].y.tolist())
    weights: dict[int, float] = {}
    rest = given.strip()
    while rest:
        name = max((name for name in names if rest.startswith(f"{name}=")), key=len, default=None)  # may hold commas
        if name is None:
            raise _no_class(rest.partition(",")[0], given, names)
        text, _, rest = rest[len(name) + 1 :].partition(",")
        weights[names.index(name)] = _weight(text, name)
        rest = rest.strip()
    return {position: weight for position, weight in weights.items() if position in present}


def _no_class(part: str, given: str, names: list[str]) -> UsageError:
    name, equals, _ = part.rpartition("=")
    if not equals:
        return UsageError(f"--class-weight should be balanced, or as in {names[0]}=2,{names[-1]}=1; not {given!r}")
    return UsageError(f"--class-weight: there is no class {name.strip()!r}{near(name, names)}")


def _weight(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (0 <= value < math.inf):
        raise UsageError(f"--class-weight of {name} should be a number from 0 on, not {text!r}")
    return value


def described(options: Namespace, part: Part) -> str:
    """The training in a few words."""
    size = batch_size(options, len(part.y))
    speed = "" if options.learning_rate is None else f" at {options.learning_rate:g}"
    return f"{options.optimizer}{speed}, {'all rows' if size is None else f'{size} rows'} per update"
