"""The parameters of an estimator, checked, as the rest of the package has them."""

from __future__ import annotations

import contextlib
import math
import numbers
from collections.abc import Callable, Iterator
from typing import Any

from sklearn.utils._param_validation import InvalidParameterError

from multicapa import losses, optimizers
from multicapa.base.checks import check_flag, check_integer, check_name, check_number
from multicapa.training.regularization import Regularization
from multicapa.training.run import as_callbacks

SCHEDULES = ("constant", "invscaling", "adaptive")
_BETAS = ("adam", "adamw", "adamax", "nadam")


@contextlib.contextmanager
def invalid_parameters() -> Iterator[None]:
    """Errors as scikit-learn raises them for a wrong parameter: ValueError and TypeError in one."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(str(error)) from None


def check_options(model: Any) -> None:
    """Raise for a wrong parameter, before anything has changed."""
    for what in ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping"):
        check_flag(getattr(model, what), what)
    if not isinstance(model.verbose, numbers.Integral | bool) or model.verbose < 0:
        raise TypeError(f"verbose should be True, False or a number of at least 0, not {model.verbose!r}")
    for what in ("alpha", "tol", "power_t"):
        check_number(getattr(model, what), what, minimum=0)
    check_number(model.validation_fraction, "validation_fraction", minimum=0, below=1)
    for what in ("max_iter", "max_fun"):
        check_integer(getattr(model, what), what, minimum=1)
    if model.n_iter_no_change != math.inf:
        check_integer(model.n_iter_no_change, "n_iter_no_change", minimum=1)
    if model.batch_size != "auto":
        check_integer(model.batch_size, "batch_size ('auto' apart)", minimum=1)
    if model.n_jobs == 0:
        raise ValueError("n_jobs should not be 0; None or -1 stand for all threads there are")
    if model.n_jobs is not None:
        check_integer(model.n_jobs, "n_jobs", minimum=-(2**31))
    if model.augment is not None and not callable(model.augment):
        raise TypeError(f"augment should be a function of X and a random generator, not {model.augment!r}")
    as_callbacks(model.callbacks)
    optimizer_of(model, False)
    if is_lbfgs(model.solver):
        if model.augment is not None:
            raise ValueError("augment does not go with L-BFGS, which needs a cost that stays the same")
        for what in ("clip_norm", "weight_noise", "target_noise"):
            if getattr(model, what):
                raise ValueError(f"{what} does not go with L-BFGS, whose line search needs the gradient as it is")
    regularization_of(model)


def regularization_of(model: Any) -> Regularization:
    """Penalty, clipping and noise. Like scikit-learn's, the loss of a batch is the mean by its weights."""
    return Regularization(
        l2_shared=model.alpha,
        weighted_mean=True,
        clip_norm=model.clip_norm,
        weight_noise=model.weight_noise,
        target_noise=model.target_noise,
    )


def loss_of(model: Any, spellings: dict[str, str], allowed: tuple[str, ...]) -> losses.Loss:
    """The loss of an estimator, by scikit-learn's name or ours, checked to suit it."""
    given = model.loss
    if isinstance(given, str) and given in spellings:
        return losses.get(spellings[given])
    if isinstance(given, int | list | tuple):
        raise TypeError(f"loss should be a name or a Loss, not {given!r}; write hidden_layer_sizes={given!r}")
    if isinstance(given, losses.Loss) or (callable(given) and not isinstance(given, type)):
        loss = losses.get(given)
    else:
        loss = losses.get(check_name(given, {*spellings, *allowed}, "loss"))
    if not isinstance(loss, losses.CustomLoss) and loss.name not in allowed:
        raise ValueError(f"{type(model).__name__} takes the losses {', '.join(allowed)} here, not {loss.name}")
    return loss


def is_lbfgs(solver: Any) -> bool:
    """Whether a solver works on all samples at once, with a line search."""
    return isinstance(solver, optimizers.LBFGS) or (isinstance(solver, str) and solver == "lbfgs")


def schedule_of(model: Any) -> Any:
    """The schedule that is in force: the names have no effect where scikit-learn's have none."""
    unaffected = not isinstance(model.solver, str) or model.solver in ("adam", "lbfgs")
    return "constant" if isinstance(model.learning_rate, str) and unaffected else model.learning_rate


def optimizer_of(model: Any, goes_on: bool) -> optimizers.Optimizer:
    """The optimiser that the parameters describe; ``goes_on``: it has been at work in the epoch before."""
    solver = model.solver
    if isinstance(model.learning_rate, numbers.Real):
        raise ValueError(
            f"learning_rate is a schedule or its name; the number {model.learning_rate!r} is for learning_rate_init"
        )
    if not callable(model.learning_rate):
        check_name(model.learning_rate, SCHEDULES, "learning_rate")
    if isinstance(solver, optimizers.Optimizer):
        if model.learning_rate != "constant" or model.learning_rate_init != 0.001:
            raise ValueError(
                "learning_rate and learning_rate_init go with solvers by name; give the optimiser its rate or schedule"
            )
        return solver
    check_name(solver, optimizers.OPTIMIZERS, "solver")
    first = check_number(model.learning_rate_init, "learning_rate_init", above=0)
    options: dict[str, Any] = {}
    if solver == "lbfgs":
        if callable(model.learning_rate):
            raise ValueError("L-BFGS has no learning rate; its line search finds the length of each step")
        return optimizers.LBFGS(gradient_tolerance=model.tol, max_evaluations=model.max_fun)
    if solver == "sgd" and check_number(model.momentum, "momentum", minimum=0, below=1) > 0:
        solver = "nesterov" if model.nesterovs_momentum else "momentum"
    if solver in ("momentum", "nesterov"):
        options = {"momentum": model.momentum}
    elif solver in _BETAS:
        options = {"beta1": model.beta_1, "beta2": model.beta_2, "epsilon": model.epsilon}
        if solver in ("adam", "adamw"):
            options["epsilon_hat"] = True
    return optimizers.OPTIMIZERS[solver](_rate(model, first, goes_on), **options)


def _rate(model: Any, first: float, goes_on: bool) -> float | Callable[[int], float]:
    if callable(model.learning_rate):
        if model.learning_rate_init != 0.001:
            raise ValueError("learning_rate is a schedule and knows its first rate; leave learning_rate_init alone")
        return model.learning_rate  # type: ignore[no-any-return]
    if schedule_of(model) != "invscaling":
        return first

    def rate(step: int) -> float:  # asked for before each epoch
        begins = model.n_iter_ == 0 and not goes_on
        return first if begins else float(first / (model.t_ + 1) ** model.power_t)

    return rate
