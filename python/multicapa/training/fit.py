"""Training: from arrays to epochs of the core, with what happens between them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy.typing as npt

from multicapa import losses, optimizers
from multicapa.base.checks import check_flag, check_integer
from multicapa.base.errors import DivergenceError
from multicapa.base.history import History
from multicapa.network.core import CoreNetwork
from multicapa.network.joint import as_loss
from multicapa.training import lbfgs
from multicapa.training.batches import Batches, refuse_beside_batches
from multicapa.training.curriculum import Curriculum
from multicapa.training.custom import check_derivative
from multicapa.training.evaluation import named_losses
from multicapa.training.feed import Augmenter, Feed
from multicapa.training.labels import learn_classes
from multicapa.training.metrics import as_metrics
from multicapa.training.progress import Progress
from multicapa.training.regularization import Regularization, objective_of
from multicapa.training.run import Callback, Run, as_callbacks, diverged
from multicapa.training.samples import Samples, as_encodings
from multicapa.training.standing import check, go_on, note, settle
from multicapa.training.steps import check_bptt
from multicapa.training.validation import hold_out


def fit(
    network: CoreNetwork,
    X: Any,
    y: Any = None,
    *,
    loss: str | losses.Loss | Mapping[str, Any] | Sequence[Any] | None = None,
    loss_weights: Mapping[str, float] | Sequence[float] | None = None,
    optimizer: str | optimizers.Optimizer = "adam",
    epochs: int = 10,
    batch_size: int | None = 32,
    steps_per_epoch: int | None = None,
    validation_data: tuple[Any, Any] | None = None,
    validation_split: float = 0.0,
    metrics: Sequence[str | Callable[..., Any]] | Mapping[str, Sequence[str | Callable[..., Any]]] = (),
    callbacks: Sequence[Callback | Callable[..., Any]] = (),
    shuffle: bool = True,
    sample_weight: npt.ArrayLike | Mapping[str, Any] | None = None,
    class_weight: dict[Any, Any] | str | None = None,
    target_range: tuple[float, float] | Mapping[str, tuple[float, float]] | None = None,
    label_smoothing: float | Mapping[str, float] = 0.0,
    l1: float | Mapping[str, float] = 0.0,
    l2: float | Mapping[str, float] = 0.0,
    penalize_biases: bool = False,
    clip_norm: float | None = None,
    normalize_gradient: float | None = None,
    clip_value: float | tuple[float, float] | None = None,
    weight_noise: float = 0.0,
    target_noise: float = 0.0,
    augment: Augmenter | None = None,
    curriculum: Curriculum | None = None,
    bptt: int | None = None,
    verbose: bool | str = "auto",
    resume: bool = False,
) -> History:
    """Train the network.

    Parameters
    ----------
    X : array-like of shape (n_samples, *input_shape)
        Finite numbers. C-contiguous float32 and float64 arrays, memory maps included, are read where they lie. Of
        sequences, also a list of arrays (time_i, features) or :func:`multicapa.data.pad` of it. For several inputs a
        dict by their names, or a list in the order of ``Network(inputs, ...)``; all with the same samples.
        Without y, an iterable of batches ``(X, y)`` or ``(X, y, sample_weight)``, each of which is one update: a list,
        PyTorch's DataLoader, a generator. It is iterated anew for each epoch, and shuffles the samples itself.
    y : array-like
        Rows of numbers of shape (n_samples, *output_shape), or classes of shape (n_samples,): integers, or texts, which
        ``network.classes`` then has in the order of the outputs, sorted. Where each step
        of a sequence has outputs, one more axis for the steps, or a list of arrays; the cost is then the mean over
        the steps that exist. For several outputs a dict by their names, or a list in the order of
        ``Network(..., outputs)``.
    loss : str or Loss, optional
        See :mod:`multicapa.losses`. By default cross_entropy for a softmax output, binary_cross_entropy for sigmoid,
        poisson for exponential, perceptron for step, else squared_error. For several outputs one for all, a list in
        their order, or a dict by their names, which need not name those for which the default is right.
    loss_weights : dict or sequence of float, optional
        For several outputs: the cost is the sum of their losses, each times its weight, 1 where none is given.
    optimizer : str or Optimizer, default="adam"
        See :mod:`multicapa.optimizers`. Each fit starts it afresh.
    epochs : int, default=10
        Passes over the samples.
    batch_size : int or None, default=32
        Samples per update: 1 is incremental learning, None all at once. The last batch may be smaller.
    steps_per_epoch : int, optional
        Of an iterable of batches: how many of them make an epoch, by default all. An iterator, such as a generator,
        goes on in the next epoch where it stands; without this it is good for one epoch.
    validation_data : (X, y), optional
        Evaluated after each epoch: ``val_loss``, for classifiers ``val_accuracy``, and ``val_`` and each metric.
    validation_split : float, default=0
        In place of validation_data, the share of the samples that is held back for it: drawn at random, by the
        network's seed. The others are copied.
    metrics : sequence of str or function(y, outputs), default=()
        Measured after each epoch on the training samples, as far as they are trained on and as they were given (no
        weights, no augmentation, no smoothing), and on those for validation. Names: ``"accuracy"``, ``"mse"``,
        ``"rmse"``, ``"mae"``, ``"log_loss"``, ``"auc"`` and those of scikit-learn's scorers, such as ``"f1"``,
        ``"r2"``, ``"balanced_accuracy"``; ``"f1"``, ``"precision"``, ``"recall"`` and ``"auc"`` of more than two
        classes are the means over the classes. A function gets the targets, integer classes or rows, and the outputs.
        They cost a pass forward through the training samples per epoch and the time of the functions, of which
        scikit-learn's take some milliseconds: of large samples a part of the training, of some hundred samples and a
        small network more than the training itself. All are computed once before the first epoch, so that errors come
        before anything changes. Of several outputs they are measured of each, as ``"price_mae"``, or those of a dict
        by output. Beside an iterable of batches they are measured on validation_data only.
    callbacks : sequence of Callback or function(network, epoch), default=()
        See :mod:`multicapa.callbacks`.
    shuffle : bool, default=True
        A new random order each epoch, fixed by the network's seed.
    sample_weight : array-like of shape (n_samples,), optional
        Factors of the samples' losses; of shape (n_samples, time) where each step has one. For several outputs also a
        dict of such by output.
    class_weight : dict or "balanced", optional
        Factor by class, multiplied with sample_weight. For several outputs, as target_range and label_smoothing, a
        dict by output of those.
    target_range : (float, float), optional
        What classes are written as, (other, own): (0, 1) by default, (-1, 1) for hinge, perceptron and outputs of tanh,
        softsign or step. (-0.9, 0.9) or (0.1, 0.9) are the soft targets of the lectures.
    label_smoothing : float, default=0
        Share of each target that is spread evenly over the classes.
    l1, l2 : float or dict of layer to float, default=0
        Penalties ``l1/2 sum |w| + l2/2 sum w^2`` on the weights: of all layers, or as ``{"dense_1": 1e-3}`` of some.
    penalize_biases : bool, default=False
        Whether penalties and weight decay include biases.
    clip_norm : float, optional
        Rescale the whole gradient to this norm when it is larger.
    normalize_gradient : float, optional
        Rescale the whole gradient to this norm always.
    clip_value : float or (float, float), optional
        Clip every component of the gradient into [-c, c] or [low, high].
    weight_noise, target_noise : float, default=0
        Standard deviation of Gaussian noise that each update sees added to the weights (the update itself goes to the
        weights without it) and to the targets.
    augment : callable, optional
        See :mod:`multicapa.augment`: ``augment(X, rng)`` makes the samples of an epoch from the originals, while the
        epoch before is being trained.
    curriculum : Curriculum, optional
        Which samples each epoch may see: easy ones first.
    bptt : int, optional
        Truncated backpropagation through time: gradients do not pass back over the boundary of every so many steps of
        a recurrent layer, counted from where it begins, while its state goes on. By default they pass over all steps.
    verbose : bool or "auto", default="auto"
        True shows a bar with epoch, speed, losses and time left; "auto" only when the fit takes longer than two
        seconds. Neither writes anything where the output is no terminal and no notebook.
    resume : bool, default=False
        Go on where the last fit of the network stands, or that of the file it comes from, until ``epochs`` in all are
        done. With the same arguments the numbers are those of one fit to the last bit; after Ctrl-C within an epoch,
        that epoch begins anew from the weights there are.

    Returns
    -------
    History
        One record per epoch: epoch (from 1), loss (mean over the batches as they were met, penalties included),
        learning_rate, seconds, the metrics and the validation values; of several outputs also the loss of each, as
        ``"price_loss"`` and ``"val_price_loss"``, without its weight. Also ``network.history``.

    Raises
    ------
    ValueError, TypeError
        When an argument is wrong; nothing has changed then.
    DivergenceError
        When the loss is no longer finite; the network holds the last finite weights.
    KeyboardInterrupt
        On Ctrl-C, within moments; the network is as after its last update.

    Examples
    --------
    >>> import multicapa as mc
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> net = mc.Sequential([mc.Dense(16, "tanh"), mc.Dense(3, "softmax")], input_shape=(4,), seed=0)
    >>> history = net.fit(X, y, optimizer=mc.Adam(0.01), epochs=50)
    >>> net.evaluate(X, y)["accuracy"] > 0.95
    True
    >>> history = net.fit(X, y, epochs=50, validation_split=0.2, metrics=["accuracy", "f1"],
    ...                   callbacks=[mc.EarlyStopping(monitor="val_f1")])
    >>> history.names()[4:]
    ['accuracy', 'f1', 'val_loss', 'val_accuracy', 'val_f1']

    Batches from a generator:

    >>> batches = ((X[i : i + 30], y[i : i + 30]) for i in range(0, 150, 30))
    >>> len(net.fit(batches, epochs=1))
    1
    """
    resuming = check(network, optimizers.get(optimizer)) if check_flag(resume, "resume") else None
    chosen = as_loss(network.outputs, loss, loss_weights, network.loss if resume else None)
    encodings = as_encodings(network, target_range, label_smoothing)
    regularization = Regularization(
        l1, l2, penalize_biases, clip_norm, normalize_gradient, clip_value, weight_noise, target_noise
    )
    regularization.own_penalties(network)  # names of layers are checked before anything changes
    epochs = check_integer(epochs, "epochs", minimum=0)

    def prepare(X: Any, y: Any, sample_weight: Any) -> Samples:
        return Samples.prepare(network, X, y, chosen, encodings, sample_weight, class_weight)

    batches = None
    if y is None:
        refuse_beside_batches(
            batch_size=batch_size != 32,
            sample_weight=sample_weight is not None,
            class_weight=class_weight is not None,
            augment=augment is not None,
            curriculum=curriculum is not None,
        )
        left = range(0 if resuming is None else len(resuming["history"]), epochs)
        batches = Batches(X, steps_per_epoch, left, prepare)
    elif steps_per_epoch is not None:
        raise ValueError("steps_per_epoch is for an iterable of batches, and here are X and y")
    samples = prepare(X, y, sample_weight) if batches is None else batches.first
    run = Run(network, samples, epochs, optimizers.get(optimizer), chosen, regularization, as_callbacks(callbacks))
    run.metrics, run.batches = as_metrics(metrics, network), batches
    validation = hold_out(run, y, encodings, validation_data, validation_split)
    count = len(run.samples)
    batch = count if batch_size is None else check_integer(batch_size, "batch_size", minimum=1)
    if verbose not in (True, False, "auto"):
        raise ValueError(f"verbose should be True, False or 'auto', not {verbose!r}")

    check_flag(shuffle, "shuffle")
    if curriculum is not None and not isinstance(curriculum, Curriculum):
        raise TypeError(f"curriculum should be a Curriculum, not {curriculum!r}")
    if augment is not None and not callable(augment):
        raise TypeError(f"augment should be a function of X and a random generator, not {augment!r}")
    if augment is not None and len(network.inputs) > 1:
        raise ValueError("augment works on the samples of one input, and this network has several")

    run.bptt = check_bptt(network, bptt)
    if isinstance(run.optimizer, optimizers.LBFGS):
        if run.sees_batches:
            raise ValueError("L-BFGS has no batches, so nobody would call on_batch_end")
        if batches is not None or augment is not None or curriculum is not None or batch < count:
            raise ValueError(
                "L-BFGS works on all samples at once: pass X and y, batch_size=None, no augment and no curriculum"
            )
        lbfgs.check(regularization)
    run.curriculum, run.resumable = curriculum, True
    if resuming is not None:
        run.match(resuming["callbacks"])
    learn_classes(network, y if batches is None else batches.first_y)
    if resuming is not None:
        go_on(run, resuming)
    try:
        return train(run, validation, batch, shuffle=shuffle, augment=augment, verbose=verbose)
    except DivergenceError:
        network._standing = None
        raise
    finally:
        settle(network)


def train(
    run: Run,
    validation: Samples | None,
    batch: int,
    *,
    shuffle: bool = True,
    augment: Augmenter | None = None,
    verbose: bool | str = False,
) -> History:
    """A fit whose arguments are checked."""
    network, samples = run.network, run.samples
    check_derivative(run.loss, samples)
    run.objective = objective_of(network, run.loss, run.regularization)  # refuses what the network's type cannot hold
    if run.memory is None and not isinstance(run.optimizer, optimizers.LBFGS):
        run.memory = optimizers.in_core(network._core, run.optimizer)
    run.key = optimizers.key_of(run.optimizer)
    if run.curriculum is not None:
        run.curriculum.grade(network, samples, run.loss)
    network.loss, network.history, network._learner, network._standing = run.loss, run.history, None, None
    count = len(samples)
    if isinstance(run.optimizer, optimizers.LBFGS):
        with Progress(run.epochs, count, verbose) as progress:
            return lbfgs.fit(run, validation, progress)
    feeding = run.batches or Feed(network, samples, min(batch, count), augment, run.curriculum, shuffle)
    expected = count if run.batches is None else run.batches.expected
    with Progress(run.epochs, expected, verbose, len(run.history)) as progress, feeding as feed:
        _run_epochs(run, feed, validation, progress)
    return run.history


def _run_epochs(run: Run, feed: Feed | Batches, validation: Samples | None, progress: Progress) -> None:
    with run.calling_back():
        try:
            for epoch in range(run.epochs if run.over else len(run.history), run.epochs):
                run.begin_epoch()
                record, over = _run_epoch(run, epoch, feed, progress)
                if run.end_epoch(record, validation, progress) or over:
                    run.over = True
                    break
        finally:
            if run.resumable:
                note(run)


def _run_epoch(run: Run, epoch: int, feed: Feed | Batches, progress: Progress) -> tuple[dict[str, Any], bool]:
    network, one_by_one = run.network, run.sees_batches
    total, pieces = feed.next(epoch, epoch + 1 < run.epochs, one_by_one)
    before = network.copy_numbers()
    start = time.perf_counter()
    found, done, seen, over = [], 0, 0, False
    updates = run.updates - run.memory.steps
    for piece, order in pieces:
        count, batch = len(piece) if order is None else len(order), feed.batch
        rates = run.rates(math.ceil(count / batch))
        look = progress.within_part(seen, count, total)
        arguments = (*piece.core_arguments(), order, batch, rates, look, run.bptt)
        try:
            loss, penalty, made, cost_diverged, by_output = network._core.train_epoch(
                run.objective, run.memory, *arguments
            )
        finally:  # also of an epoch that is interrupted
            run.updates = updates + run.memory.steps
        if look is not None:  # which the core does not call in what takes it no time
            look(1.0)
        found.append((count, loss, penalty, *by_output))
        done += made
        if diverged(network, cost_diverged, before):
            raise DivergenceError(epoch + 1, done, rates[min(made, len(rates) - 1)])
        seen += count
        if one_by_one:
            over = run.end_batch({"epoch": epoch + 1, "batch": done, "loss": loss, "learning_rate": rates[-1]})
            if over:
                break
    loss, run.penalty, *by_output = found[0][1:] if len(found) == 1 else _means(found)
    seconds = time.perf_counter() - start
    record = {"epoch": epoch + 1, "loss": loss, **named_losses(network, by_output), "learning_rate": rates[-1]}
    return record | {"seconds": seconds}, over


def _means(rows: list[tuple[float, ...]]) -> list[float]:
    """Of all but the first of each row, by the first."""
    total = sum(row[0] for row in rows)
    return [sum(row[0] * row[i] for row in rows) / total for i in range(1, len(rows[0]))]
