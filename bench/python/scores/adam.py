"""Adam's epsilon at other values than its default, in the networks of ``starts`` where it could matter."""

from __future__ import annotations

import multicapa as mc
from scores import starts
from scores.networks import Net, train

NAME = "epsilon"
ROWS = {
    net.name: net
    for net in (
        *(Net(name) for name in ("iris", "digits", "diabetes", "regression", "friedman1", "friedman3")),
        Net("friedman1", (64,) * 6),
        Net("friedman1", (64, 32), "sigmoid"),
        Net("digits", (64, 32), "tanh"),
    )
}
_VALUES = (1e-10, mc.Adam().epsilon, 1e-7, 1e-5, 1e-3)
CONTENDERS = tuple(f"{value:g}" for value in _VALUES)


def measure(name: str, contender: str, seed: int) -> float:
    optimizer = mc.Adam(epsilon=float(contender))
    return train(ROWS[name], seed, lambda units, activation, follows: mc.Dense(units, activation), optimizer=optimizer)


def report(scores: dict[str, dict[str, dict[int, float]]]) -> str:
    return starts.ranking(scores, CONTENDERS)
