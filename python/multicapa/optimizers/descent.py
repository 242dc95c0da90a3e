"""An optimiser on any function."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from multicapa import _core
from multicapa.base.checks import check_integer
from multicapa.optimizers.rules import LBFGS, Optimizer, get


def minimize(
    f: Callable[[npt.NDArray[np.float64]], tuple[float, npt.ArrayLike]],
    x0: npt.ArrayLike,
    optimizer: str | Optimizer,
    steps: int,
) -> npt.NDArray[np.float64]:
    """Let an optimiser loose on any function with a gradient, and see the path it takes.

    Parameters
    ----------
    f : callable
        From x to the pair (value, gradient).
    x0 : array-like of shape (n,) or float
        Where to start.
    optimizer : str or Optimizer
        Any but L-BFGS, for which there is ``scipy.optimize.minimize``.
    steps : int
        How many updates to make.

    Returns
    -------
    ndarray of shape (steps + 1, n)
        x before and after each update.

    Examples
    --------
    The lectures' worked example, f(x) = (x - 4)^2 + 3 from 7 with a learning rate of 0.6:

    >>> import multicapa as mc
    >>> path = mc.optimizers.minimize(lambda x: ((x[0] - 4) ** 2 + 3, 2 * (x - 4)), 7, mc.SGD(0.6), steps=4)
    >>> path.ravel().round(4).tolist()
    [7.0, 3.4, 4.12, 3.976, 4.0048]
    """
    chosen = get(optimizer).in_core()
    if isinstance(chosen, LBFGS):
        raise ValueError("for L-BFGS use scipy.optimize.minimize(f, x0, jac=True, method='L-BFGS-B')")
    count = check_integer(steps, "steps", minimum=0)
    path = np.empty((count + 1, np.size(x0)))
    path[0] = np.asarray(x0, dtype=np.float64).ravel()
    if not np.isfinite(path[0]).all():
        raise ValueError(f"x0 should be finite, not {x0!r}")
    core = _core.OptimizerFloat64(chosen.name, chosen.hyperparameters(), path.shape[1])
    for step in range(count):
        x = path[step].copy()
        gradient = np.asarray(f(x.copy())[1], dtype=np.float64).ravel()
        if gradient.shape != x.shape or not np.isfinite(gradient).all():
            raise ValueError(f"the gradient at {x} should be {len(x)} finite numbers, not {gradient}")
        core.update(x, gradient, chosen.rate(step))
        path[step + 1] = x
    return path
