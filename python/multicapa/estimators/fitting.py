"""A fit of an estimator: from its parameters and samples to a run of its network, and what is told afterwards."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from multicapa import optimizers, training
from multicapa.base.errors import DivergenceError
from multicapa.estimators import options
from multicapa.estimators.base import EstimatorBase
from multicapa.estimators.memory import Memory
from multicapa.estimators.samples import Samples, outputs_of, rows_of
from multicapa.estimators.tasks import Tasks
from multicapa.estimators.watch import Watch
from multicapa.network.core import CoreNetwork
from multicapa.training.targets import Encoding


def fit(
    model: EstimatorBase, samples: Samples, validation: Samples | None, stops_early: bool, tasks: Tasks | None
) -> None:
    """As many epochs as it takes; ``tasks`` tells the callbacks of scikit-learn."""
    run, batch = _run(model, samples, model.max_iter, False)
    score = _scorer(model, validation) if stops_early and validation is not None else None
    watch = Watch(model, score, model._counting(samples))
    run.callbacks = [watch, *run.callbacks, *([] if tasks is None else [tasks])]
    checked = None if validation is None else _for_network(model, validation, "validation X")
    try:
        shuffle = bool(model.shuffle) and batch < len(samples)
        training.train(run, checked, batch, shuffle=shuffle, augment=model.augment)
    except DivergenceError as error:
        if not watch.has_best:
            raise ValueError(str(error)) from error
        assert model.validation_scores_ is not None
        model.validation_scores_.append(math.nan)
        _warn(f"{error}. The weights of the best epoch are back.", ConvergenceWarning)
    except KeyboardInterrupt:
        if options.is_lbfgs(model.solver):
            raise
        _warn("Training interrupted by user.", UserWarning)
    else:
        _tell_unless_converged(model, run, watch)
    finally:
        _remember(model, run)


def go_on(model: EstimatorBase, samples: Samples) -> None:
    """One epoch, by the optimiser as the last call left it if it is still the same."""
    optimizer = options.optimizer_of(model, True)
    goes_on = model._memory is not None and optimizers.key_of(optimizer) == model._memory.key
    run, batch = _run(model, samples, 1, goes_on)
    run.callbacks = [Watch(model, None, model._counting(samples)), *run.callbacks]
    try:
        training.train(run, None, batch, shuffle=bool(model.shuffle) and batch < len(samples))
    except DivergenceError as error:
        raise ValueError(str(error)) from error
    finally:  # after Ctrl-C too, which goes on to the loop around this call
        _remember(model, run)


def _run(model: EstimatorBase, samples: Samples, epochs: int, goes_on: bool) -> tuple[training.Run, int]:
    """The run of the network, and its batch size."""
    run = training.Run(
        model.network_,
        _for_network(model, samples, "X"),
        epochs,
        options.optimizer_of(model, goes_on),
        model._loss_for(model.network_),
        options.regularization_of(model),
        training.as_callbacks(model.callbacks),
    )
    if goes_on and model._memory is not None:
        run.updates, run.rate_factor, run.memory = model._updates, model._rate_factor, model._memory.core
    count = len(samples)
    if options.is_lbfgs(model.solver):
        return run, count
    if model.batch_size == "auto":
        return run, min(200, count)
    if model.batch_size > count:
        _warn(f"batch_size is {model.batch_size}, but there are {count} samples; it is clipped", UserWarning, 6)
    return run, min(int(model.batch_size), count)


def _for_network(model: EstimatorBase, samples: Samples, what: str) -> training.Samples:
    network, loss = model.network_, model._loss_for(model.network_)
    encoding = Encoding((-1.0, 1.0)) if model._signed() else Encoding()
    X = rows_of(samples.X, whole=options.is_lbfgs(model.solver))
    return training.Samples.prepare(network, X, samples.targets, loss, encoding, samples.weights, None, what)


def _scorer(model: EstimatorBase, samples: Samples) -> Callable[[CoreNetwork], float]:
    y = model._decode_targets(samples.targets)

    def score(network: CoreNetwork) -> float:
        predicted = model._decode(outputs_of(network, samples.X))
        if predicted.dtype.kind == "f" and not np.isfinite(predicted).all():
            return math.nan
        return model._score(y, predicted, samples.weights)

    return score


def _tell_unless_converged(model: EstimatorBase, run: training.Run, watch: Watch) -> None:
    if run.failure:
        advice = "raise max_iter or max_fun, or scale the data (sklearn.preprocessing.StandardScaler)"
        _warn(f"lbfgs failed to converge {run.failure}; {advice}", ConvergenceWarning, 6)
    elif model.n_iter_ == model.max_iter and not watch.stopped and not options.is_lbfgs(model.solver):
        _warn(
            f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and the optimization hasn't "
            "converged yet; raise max_iter or tol",
            ConvergenceWarning,
            6,
        )


def _remember(model: EstimatorBase, run: training.Run) -> None:
    model._updates, model._rate_factor = run.updates, run.rate_factor
    model._memory = None if run.memory is None else Memory(optimizers.key_of(run.optimizer), run.memory)


def _warn(text: str, category: type[Warning], level: int = 5) -> None:
    warnings.warn(text, category, stacklevel=level)  # at the line that calls fit
