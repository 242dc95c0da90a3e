"""What a fit is judged by: samples held back or given apart, and those that metrics see of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from multicapa.base.checks import check_number
from multicapa.training.evaluation import outputs_of
from multicapa.training.metrics import try_out
from multicapa.training.run import Run
from multicapa.training.samples import Samples
from multicapa.training.targets import Encoding

_SPLIT = 2**62  # a stream of random numbers, beside those of augmentation and of the core


def hold_out(run: Run, y: Any, encodings: Sequence[Encoding], given: Any, share: float) -> Samples | None:
    """The samples for validation, given or taken from those of the run; and leave with the run what metrics see."""
    network, samples = run.network, run.samples
    check_number(share, "validation_split", minimum=0, below=1)
    plain = [Encoding(encoding.target_range) for encoding in encodings]
    validation = None
    if given is not None:
        if share:
            raise ValueError("validation_data and validation_split exclude each other")
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise ValueError("validation_data should be a pair (X, y)")
        X, targets = given
        validation = Samples.prepare(network, X, targets, run.loss, plain, None, None, "validation X")
    if run.batches is not None:
        return _beside_batches(run, validation, share)
    as_given = samples.unweighted()
    if any(encoding.label_smoothing for encoding in encodings) and (share or run.metrics):
        as_given = Samples.prepare(network, samples.given(), y, run.loss, plain, None, None)
    if share:
        held, kept = _split(len(samples), share, network.seed)
        validation = as_given.part(held)
        run.samples = samples.part(kept)
        if any(answers.weights is not None and not answers.weights.any() for answers in run.samples.answers):
            raise ValueError("validation_split leaves no sample whose weight is not 0")
        as_given = Samples(run.samples.inputs, tuple(answers.part(kept) for answers in as_given.answers))
    if run.metrics:
        run.measured = as_given
        _try_metrics(run, as_given)
        if validation is not None:
            _try_metrics(run, validation)
    return validation


def _beside_batches(run: Run, validation: Samples | None, share: float) -> Samples | None:
    """Batches are gone once they are trained: there is nothing to hold back, or to measure afterwards."""
    if share:
        raise ValueError("validation_split takes its share of samples, not of batches: pass validation_data")
    if run.metrics and validation is None:
        raise ValueError("metrics beside batches are measured on validation_data, and there is none")
    if validation is not None:
        _try_metrics(run, validation)
    return validation


def _try_metrics(run: Run, samples: Samples) -> None:
    if run.metrics:
        try_out(run.metrics, samples, outputs_of(run.network, samples, run.loss).outputs, run.loss)


def _split(count: int, share: float, seed: int) -> tuple[Any, Any]:
    """Rows that are held back and rows that are kept, each in their order."""
    held = round(count * share)
    if not 0 < held < count:
        raise ValueError(f"validation_split={share:g} of {count} samples would leave one side without any")
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, _SPLIT], dtype=np.uint64)))
    chosen = rng.permutation(count)
    return np.sort(chosen[:held]), np.sort(chosen[held:])
