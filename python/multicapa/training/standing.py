"""Where a fit stands, as plain data: for another fit to go on from there, in this process or out of a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from multicapa import optimizers
from multicapa.base.checks import check_integer, check_number
from multicapa.base.history import History
from multicapa.network.core import CoreNetwork
from multicapa.training.run import Run


def note(run: Run) -> None:
    """Leave with the network where its fit stands."""
    curriculum = run.curriculum
    run.network._standing = {
        "optimizer": list(run.key),
        "memory": run.memory,
        "updates": run.updates,
        "rate_factor": run.rate_factor,
        "history": list(run.history),
        "callbacks": [[type(callback).__name__, callback.state()] for callback in run.callbacks],
        "order": None if curriculum is None else curriculum.order,
        "numbers": run.network.copy_numbers() if run.callbacks else None,  # callbacks may bring back others
    }


def settle(network: CoreNetwork) -> None:
    """Once the callbacks have ended the fit: forget the last weights if they are still there."""
    standing = network._standing
    if standing is not None and standing["numbers"] is not None:
        pairs = zip(standing["numbers"], network.copy_numbers(), strict=True)
        if all(np.array_equal(a, b) for a, b in pairs):
            standing["numbers"] = None


def whole(network: CoreNetwork) -> dict[str, Any]:
    """All that a file needs to go on."""
    if network._standing is None:
        raise ValueError(
            "the network holds no training to save: that is there after fit, unless it was by L-BFGS or has diverged, "
            "until something else trains the network"
        )
    return network._standing | {
        "memory": list(network._standing["memory"].__getstate__()),
        "training_steps": network._core.training_steps,
        "frozen": sorted(network._frozen),
    }


def take_up(network: CoreNetwork, standing: dict[str, Any]) -> None:
    """What :func:`whole` gave, into the network of a file; raise if it does not fit."""
    found = dict(standing)
    steps, frozen = int(found.pop("training_steps")), found.pop("frozen")
    name, numbers = found["optimizer"]
    found["memory"] = optimizers.restored(network._core, (str(name), tuple(map(float, numbers))), found["memory"])
    if found["numbers"] is not None:
        network.check_numbers(found["numbers"], "the weights of the last epoch")
    if (order := found["order"]) is not None and not np.array_equal(np.sort(order), np.arange(len(order))):
        raise ValueError("the order of the curriculum is none")
    network._core.training_steps = steps
    network.freeze(*frozen)
    found["updates"] = check_integer(found["updates"], "updates", minimum=0, below=2**63)
    found["rate_factor"] = check_number(found["rate_factor"], "rate_factor", above=0)
    found["callbacks"] = [[str(kind), dict(state)] for kind, state in found["callbacks"]]
    network._standing, network.history = found, History([dict(epoch) for epoch in found["history"]])


def check(network: CoreNetwork, optimizer: Any) -> dict[str, Any]:
    """Where the network's fit stands; raise if another cannot go on from there."""
    if isinstance(optimizer, optimizers.LBFGS):
        raise ValueError("L-BFGS cannot resume: SciPy keeps its memory; a new fit starts from the weights there are")
    standing = network._standing
    if standing is None:
        raise ValueError(
            "there is no training to resume: it is there after fit, and in files of save(path, training=True) or "
            "Checkpoint(path, training=True)"
        )
    name, numbers = standing["optimizer"]
    if (name, tuple(numbers)) != optimizers.key_of(optimizer):
        raise ValueError(f"the training was by {name} with {tuple(numbers)}; it resumes with the same, not {optimizer}")
    return standing


def go_on(run: Run, standing: dict[str, Any]) -> None:
    """Put a run, and the weights, where the last one stood."""
    run.history = History([dict(epoch) for epoch in standing["history"]])
    run.updates, run.rate_factor = standing["updates"], standing["rate_factor"]
    run.memory = standing["memory"]
    if standing["numbers"] is not None:
        run.network.restore_numbers(standing["numbers"])
    if run.curriculum is not None and standing["order"] is not None:
        run.curriculum.go_on(standing["order"])
