"""Losses of the user's, compared with finite differences before they are trusted."""

from __future__ import annotations

import numpy as np

from multicapa.losses import FunctionLoss, Loss
from multicapa.network.joint import parts_of
from multicapa.training.samples import Samples
from multicapa.training.targets import Targets

_ROWS, _STEP, _TOLERANCE = 8, 1e-6, 1e-3


def check_derivative(loss: Loss, samples: Samples) -> None:
    """Raise ValueError where the derivative of a function used as a loss is not that of its value."""
    for (_, part, _), answers in zip(parts_of(loss), samples.answers, strict=True):
        if isinstance(part, FunctionLoss):
            _check(part, answers.part(slice(0, _ROWS)).targets)


def _check(loss: FunctionLoss, targets: Targets) -> None:
    if targets.are_classes:
        raise ValueError("a function as loss takes rows of numbers as targets, not classes")
    t = targets.values.astype(np.float64).reshape(len(targets.values), -1)
    y = t + np.random.default_rng(0).normal(size=t.shape)  # off any kink at y = t
    values, derivative = (np.asarray(part, dtype=np.float64) for part in (loss.value(y, t), loss.derivative(y, t)))
    if values.shape != (len(t),) or derivative.shape != t.shape:
        raise ValueError(
            "a function as loss should return the cost of each sample, of shape (n_samples,), and dCost/dy, of shape "
            f"(n_samples, n_outputs), not {values.shape} and {derivative.shape}"
        )
    for j in range(t.shape[1]):
        step = np.zeros_like(t)
        step[:, j] = _STEP
        numeric = (np.asarray(loss.value(y + step, t)) - np.asarray(loss.value(y - step, t))) / (2 * _STEP)
        off = np.abs(numeric - derivative[:, j])
        worst = int(off.argmax())
        if not off[worst] <= _TOLERANCE * max(1.0, abs(numeric[worst])):
            raise ValueError(
                f"the derivative of the loss is wrong: at y = {y[worst, j]:g}, t = {t[worst, j]:g} it is "
                f"{derivative[worst, j]:g}, but finite differences give {numeric[worst]:g}"
            )
