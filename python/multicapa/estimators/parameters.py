"""What the estimators are told: each parameter is declared and described once, here or in the class that adds it.

scikit-learn reads the parameters of an estimator from the signature of its constructor; a dataclass writes both.
"""

from __future__ import annotations

import textwrap
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, MISSING, Field, dataclass, field, fields
from typing import Any, ClassVar, TypeVar, cast, dataclass_transform

from multicapa.layers import Symbol

Class = TypeVar("Class", bound=type)


def option(default: Any, kind: str, text: str) -> Any:
    """A parameter with its default (``...`` for none), its type and what it means."""
    described = {"kind": kind, "text": text}
    return field(metadata=described) if default is ... else field(default=default, metadata=described)


@dataclass_transform(field_specifiers=(option,))
def parameters(cls: Class) -> Class:
    """Make the constructor from the options of a class and its bases, and write them into its docstring."""
    made: Any = dataclass(eq=False, repr=False, match_args=False)(cls)
    if made.__doc__ and "{parameters}" in made.__doc__:
        made.__doc__ = made.__doc__.replace("{parameters}", _section(made)).replace("{attributes}", ATTRIBUTES)
    return cast(Class, made)


def _section(cls: Any) -> str:
    in_order = sorted(fields(cls), key=lambda option: bool(option.kw_only))
    return textwrap.indent("\n".join(map(_entry, in_order)), " " * 4).lstrip()


def _entry(option: Field[Any]) -> str:
    kind, text = option.metadata["kind"], option.metadata["text"]
    default = "" if option.default is MISSING else f", default={option.default!r}"
    return (
        f"{option.name} : {kind}{default}\n{textwrap.fill(text, 112, initial_indent='    ', subsequent_indent='    ')}"
    )


ATTRIBUTES = """\
network_ : Network
        The network itself, to look at, to save and to load without scikit-learn.
    history_ : History
        One record per epoch of the last fit, with the losses on ``validation_data``.
    coefs_, intercepts_ : list of array
        Weights and biases of the layers: views into the network. Assigning a list writes its values into them.
    loss_, best_loss_ : float
        Of the last epoch, and the lowest of all; with ``early_stopping`` the latter is None.
    loss_curve_ : list of float
        The loss of every epoch, penalty included, over all fits with ``warm_start``.
    validation_scores_, best_validation_score_ : list of float, float
        With ``early_stopping``, else None.
    n_iter_, t_ : int
        Epochs of the last fit, and samples seen in all.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
        As in scikit-learn."""


@dataclass(eq=False, repr=False)
class Training:
    """How a network is trained: the parameters of all estimators."""

    _many_axes: ClassVar[bool] = False  # whether samples may be images or series, not rows of features only
    _: KW_ONLY
    loss: Any = option(None, "str or Loss", "Each kind of estimator has its own.")
    solver: Any = option(
        "adam",
        "str or Optimizer",
        '"adam", "sgd" (with ``momentum``), "lbfgs", any other of :mod:`multicapa.optimizers` by its name, or an '
        "object, which has a learning rate or a schedule and parameters of its own.",
    )
    alpha: float = option(
        0.0001, "float", "Penalty ``alpha/2 sum w^2``, divided by the number of samples of a batch or their weights."
    )
    batch_size: Any = option("auto", 'int or "auto"', '"auto" is min(200, n_samples). L-BFGS takes all samples.')
    learning_rate: Any = option(
        "constant",
        '{"constant", "invscaling", "adaptive"} or function of the step',
        "Constant; or divided after each epoch by ``(samples seen + 1)^power_t``; or divided by 5 instead of stopping, "
        'down to 1e-6. As in scikit-learn these have no effect on "adam" and "lbfgs". A schedule, of '
        ":mod:`multicapa.schedules` or your own, is a function of the number of updates made so far; it goes with all "
        "solvers by name but L-BFGS.",
    )
    learning_rate_init: float = option(0.001, "float", "The rate at first, for all solvers by name but L-BFGS.")
    power_t: float = option(0.5, "float", 'Of "invscaling".')
    max_iter: int = option(200, "int", "Epochs, or iterations of L-BFGS.")
    shuffle: bool = option(True, "bool", "Whether each epoch has an order of its own.")
    random_state: Any = option(
        None, "int, RandomState or None", "Fixes initial weights, order, dropout, noise and the samples held out."
    )
    tol: float = option(
        1e-4,
        "float",
        "Smaller improvements of the loss or the validation score do not count. For L-BFGS the tolerance of the "
        "gradient.",
    )
    verbose: Any = option(False, "bool or int", "Whether to print the loss of every epoch.")
    warm_start: bool = option(False, "bool", "Whether ``fit`` goes on with the network as it is.")
    momentum: float = option(0.9, "float", 'Of "sgd"; also of "momentum" and "nesterov".')
    nesterovs_momentum: bool = option(True, "bool", 'Of "sgd" with ``momentum``: whether it is Nesterov\'s.')
    early_stopping: bool = option(
        False,
        "bool",
        "Stop when the score on samples held out, not the training loss, stops improving, and keep the best weights. "
        "The samples are ``validation_data`` if given. As in scikit-learn it has no effect on L-BFGS; the callback "
        "``EarlyStopping`` has.",
    )
    validation_fraction: float = option(0.1, "float", "Share of the samples that ``early_stopping`` holds out.")
    beta_1: float = option(0.9, "float", 'Of "adam", "adamw", "adamax" and "nadam".')
    beta_2: float = option(0.999, "float", "Of the same.")
    epsilon: float = option(
        1e-8,
        "float",
        'Of the same. In "adam" and "adamw" it stands beside the root before its correction, as in scikit-learn; see '
        ":class:`multicapa.Adam`.",
    )
    n_iter_no_change: float = option(10, "int or inf", "Epochs without improvement to wait for.")
    max_fun: int = option(15000, "int", "Evaluations of the loss by L-BFGS.")
    augment: Any = option(
        None,
        "callable or None",
        "``augment(X, rng)`` makes the samples of each epoch from the originals, while the core trains on the epoch "
        "before: see :mod:`multicapa.augment`. Not for L-BFGS, nor for ``partial_fit``.",
    )
    callbacks: Sequence[Any] = option(
        (),
        "sequence of Callback or function(network, epoch)",
        "See :mod:`multicapa.callbacks`. Those of :mod:`sklearn.callback` are set by ``set_callbacks``, from "
        "scikit-learn 1.9 on.",
    )
    clip_norm: Any = option(None, "float or None", "Rescale the whole gradient to this norm when it is larger.")
    weight_noise: float = option(
        0.0, "float", "Standard deviation of the noise that each update sees added to the weights."
    )
    target_noise: float = option(0.0, "float", "The same, added to the targets.")
    n_jobs: Any = option(
        None,
        "int or None",
        "Threads at most, -1 for all but none, -2 for all but one. None or -1: what ``mc.set_num_threads`` or the "
        "environment allow, which no number here exceeds. The result does not depend on it.",
    )

    @abstractmethod
    def _check_layers(self) -> None:
        """Raise for wrong parameters of the layers."""

    @abstractmethod
    def _graph(self, x: Symbol, n_outputs: int, activation: str) -> Symbol:
        """The output of the last layer, from that of the input."""
