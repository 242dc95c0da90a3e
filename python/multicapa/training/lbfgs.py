"""Training by L-BFGS, through SciPy on the flat vector of parameters (Liu & Nocedal 1989)."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from multicapa.base.blas import plain_blas
from multicapa.base.errors import DivergenceError
from multicapa.base.history import History
from multicapa.training.evaluation import named_losses
from multicapa.training.progress import Progress
from multicapa.training.regularization import Regularization
from multicapa.training.run import Run
from multicapa.training.samples import Samples


class _Stop(Exception):
    """A callback has ended the fit."""


def check(regularization: Regularization) -> None:
    """Raise ValueError for options that a line search cannot live with: it needs the true gradient of a fixed cost."""
    for option in ("clip_norm", "normalize_gradient", "clip_value", "weight_noise", "target_noise"):
        if getattr(regularization, option):
            raise ValueError(f"{option} does not go with L-BFGS, whose line search needs the gradient as it is")


def fit(run: Run, validation: Samples | None, progress: Progress) -> History:
    """At most ``run.epochs`` iterations; each is one record of the history."""
    from scipy.optimize import minimize

    network, samples = run.network, run.samples
    flat = network.parameters.flat
    frozen = network.frozen_mask()
    seen: dict[str, float] = {}
    by_output: list[float] = []

    def cost(parameters: Any) -> tuple[float, Any]:
        flat[:] = parameters
        arguments = (*samples.core_arguments(), run.bptt)
        seen["loss"], seen["penalty"], by_output[:] = network._core.loss_and_gradient(run.objective, *arguments)
        if run.updates == 0 and math.isnan(run.loss_at_start):
            run.loss_at_start, run.penalty = seen["loss"], seen["penalty"]
        gradient = network.gradients.flat.astype(np.float64)
        gradient[frozen] = 0
        return seen["loss"], gradient

    def iteration_done(intermediate_result: Any) -> None:
        flat[:] = accepted[:] = intermediate_result.x
        now = time.perf_counter()
        record = {"epoch": len(run.history) + 1, "loss": float(intermediate_result.fun), "seconds": now - clock[0]}
        record |= named_losses(network, by_output)  # SciPy has just been at the iterate
        clock[0] = now
        run.updates += 1
        run.penalty = seen["penalty"]
        if run.end_epoch(record, validation, progress):
            raise _Stop
        if len(run.history) < run.epochs:
            run.begin_epoch()

    optimizer: Any = run.optimizer
    options = {
        "maxiter": run.epochs,
        "maxcor": optimizer.memory,
        "maxfun": optimizer.max_evaluations,
        "gtol": optimizer.gradient_tolerance,
        "ftol": optimizer.loss_tolerance,
    }
    before = network.copy_numbers()
    clock = [time.perf_counter()]
    accepted = flat.astype(np.float64)  # the last iterate, as opposed to a point of the line search
    with run.calling_back():
        if run.epochs == 0:
            return run.history
        run.begin_epoch()
        try:
            start = accepted.copy()
            with plain_blas():
                found = minimize(cost, start, jac=True, method="L-BFGS-B", callback=iteration_done, options=options)
            accepted[:] = found.x
            if found.status:
                run.failure = f"after {found.nit} iterations (status {found.status}): {found.message}"
        except _Stop:
            pass
        finally:
            flat[:] = accepted
        if not np.isfinite(flat).all() or not np.isfinite(seen["loss"]):
            network.restore_numbers(before)
            raise DivergenceError(len(run.history) + 1, run.updates, 1.0)
    return run.history
