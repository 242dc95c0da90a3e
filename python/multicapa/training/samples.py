"""Inputs, targets and weights together, checked and ready for the core."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from multicapa.base.arrays import Array, SparseRows
from multicapa.base.checks import check_name, check_number, check_pair
from multicapa.base.sequences import Padded
from multicapa.losses import Loss
from multicapa.network.core import CoreNetwork
from multicapa.network.inputs import Inputs, as_inputs
from multicapa.network.joint import parts_of
from multicapa.network.outputs import check_classes, check_loss
from multicapa.network.ports import bound
from multicapa.training.labels import as_codes
from multicapa.training.steps import TargetSteps, as_step_targets, as_step_weights
from multicapa.training.targets import Encoding, Targets, as_targets, as_weights


@dataclass(frozen=True)
class Answers:
    """Checked targets and weights for one output, ready for the core."""

    targets: Targets
    weights: Array | None
    lengths: Array | None = None  # steps that each sample has, where these differ and have targets
    by_step: bool = False  # targets are those of steps

    def part(self, rows: slice | Array) -> Answers:
        """Those of some of the samples."""
        targets = replace(self.targets, values=self.targets.values[rows])
        weights = None if self.weights is None else self.weights[rows]
        return Answers(targets, weights, None if self.lengths is None else self.lengths[rows], self.by_step)

    @property
    def count(self) -> int:
        """Over how many samples, or steps of such, a mean loss is taken."""
        values = self.targets.values
        if not self.by_step:
            return len(values)
        return values.shape[0] * values.shape[1] if self.lengths is None else int(self.lengths.sum())

    @classmethod
    def joined(cls, parts: Sequence[Answers]) -> Answers:
        """Those of several batches, one after the other."""
        first, values = parts[0].targets, [part.targets.values for part in parts]
        if any(part.targets.are_classes != first.are_classes for part in parts):
            raise ValueError("y should be classes in all batches, or rows of numbers in all of them")
        weights = lengths = None
        if any(part.weights is not None for part in parts):
            shapes = [(len(part.targets.values), 1) if part.by_step else len(part.targets.values) for part in parts]
            whole = [np.ones(s) if p.weights is None else p.weights for s, p in zip(shapes, parts, strict=True)]
            steps = max((part.shape[1] for part in whole if part.ndim == 2), default=1)
            whole = [np.broadcast_to(w.reshape(len(w), -1), (len(w), steps)) if parts[0].by_step else w for w in whole]
            weights = np.concatenate(whole)
        if any(part.lengths is not None for part in parts):
            full = [np.full(len(part.targets.values), part.targets.values.shape[1]) for part in parts]
            lengths = np.concatenate([f if p.lengths is None else p.lengths for f, p in zip(full, parts, strict=True)])
        return cls(replace(first, values=np.concatenate(values)), weights, lengths, parts[0].by_step)

    def as_rows(self, outputs: Array) -> tuple[Answers, Array]:
        """Answers and outputs, in which the steps that exist count as samples where each has a target."""
        if not self.by_step:
            return self, outputs
        exist = np.ones(outputs.shape[:2], dtype=bool)
        if self.lengths is not None:
            exist = np.arange(outputs.shape[1]) < self.lengths[:, None]
        weights = self.weights
        if weights is not None:
            weights = np.broadcast_to(weights.reshape(len(weights), -1), exist.shape)[exist]
        return Answers(replace(self.targets, values=self.targets.values[exist]), weights), outputs[exist]

    @classmethod
    def prepare(
        cls, network: CoreNetwork, place: int, y: Any, inputs: Inputs, loss: Loss, wanted: Wanted, name: str
    ) -> Answers:
        """For the output at this place, from what a user hands over."""
        output, count = network.outputs[place], len(inputs[0][0])
        check_loss(output, loss)
        lengths = inputs[output.time][1] if output.steps and output.time >= 0 else None
        if output.steps:
            steps, width = TargetSteps(count, output.steps, lengths), output.shape[1]
            targets = as_step_targets(y, steps, width, network.dtype, loss, output.activation, wanted.encoding, name)
            weights = as_step_weights(wanted.sample_weight, wanted.class_weight, y, steps, width, network.dtype)
        else:
            codes = as_codes(network, y)[0]
            targets = as_targets(
                codes, count, output.shape, network.dtype, loss, output.activation, wanted.encoding, name
            )
            width = math.prod(output.shape)
            weights = as_weights(wanted.sample_weight, wanted.class_weight, y, count, width, network.dtype)
        if targets.are_classes and wanted.encoding.target_range is None:
            check_classes(output, loss)
        return cls(targets, weights, lengths, by_step=output.steps > 0)


@dataclass(frozen=True)
class Wanted:
    """How the answers of one output are to be read."""

    encoding: Encoding
    sample_weight: Any = None
    class_weight: Any = None


@dataclass(frozen=True)
class Samples:
    """Checked inputs, targets and weights, ready for the core: of all inputs and outputs of a network."""

    inputs: tuple[tuple[Any, Any], ...]  # arrays or SparseRows, and the lengths of sequences where these differ
    answers: tuple[Answers, ...]

    @classmethod
    def prepare(
        cls,
        network: CoreNetwork,
        X: Any,
        y: Any,
        loss: Loss,
        encoding: Encoding | Sequence[Encoding],
        sample_weight: Any,
        class_weight: Any,
        what: str = "X",
    ) -> Samples:
        if isinstance(X, list | tuple) and len(X) == 0:
            raise ValueError(f"{what} has no samples")
        sparse = isinstance(X, SparseRows)
        inputs = ((X, None),) if sparse else as_inputs(network.inputs, network.dtype, X, what)
        if len(inputs[0][0]) == 0:
            raise ValueError(f"{what} has no samples")
        ys = per_output(network, y, "y")
        several = len(ys) > 1
        encodings = [encoding] * len(ys) if isinstance(encoding, Encoding) else encoding
        weights = optional_per_output(network, sample_weight, "sample_weight", for_all=True)
        by_class = optional_per_output(network, class_weight, "class_weight")
        answers = [
            Answers.prepare(network, place, y, inputs, part, Wanted(*rest), f"y[{name!r}]" if several else "y")
            for place, (y, (name, part, _), *rest) in enumerate(
                zip(ys, parts_of(loss), encodings, weights, by_class, strict=True)
            )
        ]
        return cls(inputs, tuple(answers))

    def __len__(self) -> int:
        return len(self.inputs[0][0])

    @property
    def ragged(self) -> bool:
        """Whether there are sequences of different lengths."""
        return any(lengths is not None for _, lengths in self.inputs)

    def part(self, rows: slice | Array) -> Samples:
        """Some of the samples, dense."""
        inputs = tuple((x[rows], None if lengths is None else lengths[rows]) for x, lengths in self.inputs)
        return Samples(inputs, tuple(answers.part(rows) for answers in self.answers))

    def unweighted(self) -> Samples:
        """The same samples without weights."""
        return Samples(self.inputs, tuple(replace(answers, weights=None) for answers in self.answers))

    def given(self) -> Any:
        """The inputs as :meth:`prepare` takes them."""
        parts = [x if lengths is None else Padded(x, lengths) for x, lengths in self.inputs]
        return parts[0] if len(parts) == 1 else parts

    def pieces(self, order: Array | None = None, batch: int = 1) -> Iterator[tuple[Samples, Array | None]]:
        """All of them and their order; sparse ones some batches at a time, dense and in order already."""
        x = self.inputs[0][0]
        if not isinstance(x, SparseRows):
            yield self, order
            return
        order = np.arange(len(x)) if order is None else order
        size = max(batch, x.rows_at_once // batch * batch)
        for start in range(0, len(order), size):
            yield self.part(order[start : start + size]), None

    def core_arguments(self) -> tuple[Any, ...]:
        """Inputs and outputs as the core takes them."""
        outputs = [(a.targets.values, a.targets.on, a.targets.off, a.weights) for a in self.answers]
        return self.inputs, outputs


def per_output(network: CoreNetwork, given: Any, what: str) -> list[Any]:
    """One for each output."""
    if len(network.outputs) == 1 and not isinstance(given, dict):
        return [given]
    return bound(given, [output.name for output in network.outputs], what, "output")


def optional_per_output(network: CoreNetwork, given: Any, what: str, *, for_all: bool = False) -> list[Any]:
    """One for each output, from a dict that need not name all; ``for_all``: or the same for each."""
    if given is None or len(network.outputs) == 1:
        return [given] * len(network.outputs)
    names = [output.name for output in network.outputs]
    if isinstance(given, dict):
        for name in given:
            check_name(name, names, "output")
        return [given.get(name) for name in names]
    if for_all:
        return [given] * len(names)
    raise TypeError(f"{what} should be a dict by output, since there are several: {', '.join(names)}")


def as_encodings(network: CoreNetwork, target_range: Any, label_smoothing: Any = None) -> list[Encoding]:
    """How the classes of each output become numbers, checked; of several outputs dicts by their names."""
    if target_range is None and not label_smoothing:
        return [Encoding()] * len(network.outputs)
    ranges = optional_per_output(network, target_range, "target_range")
    shares = optional_per_output(network, label_smoothing or None, "label_smoothing")
    return [as_encoding(r, 0.0 if s is None else s) for r, s in zip(ranges, shares, strict=True)]


def as_encoding(target_range: tuple[float, float] | None, label_smoothing: float = 0.0) -> Encoding:
    """How classes become numbers, checked."""
    check_number(label_smoothing, "label_smoothing", minimum=0, below=1)
    if target_range is not None:
        target_range = check_pair(target_range, "target_range")
        if target_range[0] == target_range[1]:
            raise ValueError(f"target_range should be two different numbers, not {target_range!r}")
    return Encoding(target_range, label_smoothing)
