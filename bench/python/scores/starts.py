"""Initial weights and biases beside each other, in networks of many depths and activations.

What wins on average and never loses badly is the default of ``Network``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import multicapa as mc
from scores.networks import Net, train
from scores.record import Difference, markdown

NAME = "starts"

Pair = tuple[str | None, str | None]  # of weights and biases

_HE = ("relu", "leaky_relu", "elu", "gelu", "silu", "softplus")


def _by_kind(activation: str) -> Pair:
    """The textbooks': He's for the relu family, LeCun's for selu, Glorot's for the rest, and zeros for biases."""
    return "he_uniform" if activation in _HE else "lecun_normal" if activation == "selu" else "glorot_uniform", "zeros"


CANDIDATES: dict[str, Callable[[str], Pair]] = {
    "default": lambda activation: (None, None),
    "textbook": _by_kind,
    "he_normal": lambda activation: ("he_normal", "zeros"),
    "he_uniform": lambda activation: ("he_uniform", "zeros"),
    "glorot_normal": lambda activation: ("glorot_normal", "zeros"),
    "glorot_uniform": lambda activation: ("glorot_uniform", "zeros"),
    "lecun_normal": lambda activation: ("lecun_normal", "zeros"),
    "lecun_uniform": lambda activation: ("lecun_uniform", "zeros"),
    "PyTorch": lambda activation: ("fan_in_uniform", "fan_in_uniform"),
    "scikit-learn": lambda activation: ("glorot_uniform", "glorot_uniform"),
}
CONTENDERS = tuple(CANDIDATES)

_DATA = (
    "iris", "wine", "breast cancer", "digits", "moons", "rings", "four classes",
    "diabetes", "regression", "friedman1", "friedman2", "friedman3",
)  # fmt: skip
_OTHERS = ("tanh", "sigmoid", "softsign", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus")
_TWO = ("digits", "friedman1")
_FOUR = (*_TWO, "rings", "friedman3")
_ROWS = (
    *(Net(name) for name in _DATA),
    *(Net(name, sizes) for name in _FOUR for sizes in ((100,), (64, 64, 32), (64,) * 4, (64,) * 6)),
    *(
        Net(name, sizes, activation)
        for activation in _OTHERS
        for name in _TWO
        for sizes in ((64, 32), (64,) * 4)
    ),
    *(Net(name, (32,) * 30, activation, "residual") for activation in ("relu", "tanh") for name in _TWO),
    *(Net(name, (32,) * 30, "relu", "residual, batch norm") for name in _TWO),
    Net("digits", (32,) * 30, "tanh", "batch norm"),
    *(Net(name, (64, 32), "relu", "batch norm") for name in _TWO),
)  # fmt: skip
ROWS = {row.name: row for row in _ROWS}


def measure(name: str, contender: str, seed: int) -> float:
    def dense(units: int, activation: str, follows: str) -> Any:
        weights, biases = CANDIDATES[contender](follows)
        return mc.Dense(units, activation, weight_init=weights, bias_init=biases)

    return train(ROWS[name], seed, dense)


def report(scores: dict[str, dict[str, dict[int, float]]]) -> str:
    return ranking(scores, CONTENDERS)


def ranking(scores: dict[str, dict[str, dict[int, float]]], contenders: tuple[str, ...]) -> str:
    """The means of all rows, and for each candidate how far it is from the best on average and at its worst."""
    whole = {row: by for row, by in scores.items() if by}
    names = [name for name in contenders if all(name in by for by in whole.values())]
    if not names:
        return "no candidate has all rows"
    means = {row: {name: float(np.mean(list(by[name].values()))) for name in names} for row, by in whole.items()}
    averages = {name: float(np.mean([of[name] for of in means.values()])) for name in names}
    best = max(names, key=lambda name: averages[name])
    judged = []
    for name in sorted(names, key=lambda name: -averages[name]):
        to_best = Difference.of(of[name] - of[best] for of in means.values())
        lost = {row: max(of.values()) - of[name] for row, of in means.items()}
        worst = max(lost, key=lambda row: lost[row])
        judged.append([name, f"{averages[name]:.4f}", str(to_best), f"{lost[worst]:.3f} ({worst})"])
    lines = [[row, *(f"{of[name]:.3f}" for name in names)] for row, of in means.items()]
    head = ["candidate", "mean", f"to {best}", "farthest from a row's best"]
    return f"{markdown(['', *names], lines)}\n\n{markdown(head, judged)}"
