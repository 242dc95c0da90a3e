"""Vanishing and exploding gradients: what each layer does during training, and what to try when it goes wrong."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from multicapa.base.checks import check_integer
from multicapa.base.errors import DiagnosisWarning
from multicapa.network.trace import Nodes, probe, z_of
from multicapa.training.regularization import objective_of
from multicapa.training.run import Callback, Run

_PROBE = 256  # samples that the statistics are taken from
_DEAD = 0.9  # share of units of a layer that are 0 for every sample
_SATURATED = 0.9  # share of outputs at their bounds
_ORDERS = 1e4  # ratio of gradients between layers, or of one layer's to its weights


class Diagnosis(Callback):
    """Watch gradients, activations, weights and updates of every layer, and warn when a network cannot learn.

    After each epoch the statistics of a fixed probe of at most 256 training samples are taken. They are in
    ``records``, one per epoch: a dict by layer of

    - ``activation_mean``, ``activation_std``: of the layer's outputs;
    - ``dead``: share of its units that are 0 for every sample;
    - ``saturated``: share of its outputs at the bounds of a sigmoid, tanh or softsign;
    - ``delta``: root mean square of dCost/dz times the number of samples;
    - ``parameters``: how many it has;
    - ``weight_norm``, ``gradient_norm``, ``update_norm``: of these; the gradient before any clipping, the update
      that of the whole epoch.

    Parameters
    ----------
    every : int, default=1
        Epochs between two looks.
    warn : bool, default=True
        Whether to issue a :class:`multicapa.DiagnosisWarning`, once for each kind of trouble, that names the layers and
        what to try.

    Examples
    --------
    >>> import multicapa as mc, numpy as np
    >>> net = mc.Sequential([mc.Dense(4, "tanh"), mc.Dense(1)], input_shape=(2,), seed=0)
    >>> diagnosis = mc.Diagnosis()
    >>> history = net.fit(np.eye(2), [0.0, 1.0], epochs=2, callbacks=[diagnosis])
    >>> list(diagnosis.records[-1])
    ['dense_1', 'dense_2']
    """

    def __init__(self, every: int = 1, warn: bool = True) -> None:
        self.every = check_integer(every, "every", minimum=1)
        self.warn = warn
        self.records: list[dict[str, dict[str, float]]] = []
        self._warned: set[str] = set()
        self._before: Any = None

    def on_fit_begin(self, run: Run) -> None:
        if run.samples.ragged:
            raise ValueError("Diagnosis takes sequences of one length, and these have different ones")
        self.records, self._warned = [], set()

    def state(self) -> dict[str, Any]:
        return {"records": self.records, "warned": sorted(self._warned)}

    def on_fit_resume(self, run: Run, state: dict[str, Any]) -> None:
        self.records, self._warned = list(state["records"]), set(state["warned"])

    def on_epoch_begin(self, run: Run) -> None:
        self._before = {name: view.copy() for name, view in run.network.parameters.items()}

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> None:
        if epoch["epoch"] % self.every:
            return
        self.records.append(_look(run, self._before))
        if self.warn:
            self._report(self.records[-1])

    def _report(self, record: dict[str, dict[str, float]]) -> None:
        for kind, (names, advice) in _troubles(record).items():
            if names and kind not in self._warned:
                self._warned.add(kind)
                warnings.warn(f"{kind} in {_listed(names)}: {advice}", DiagnosisWarning, stacklevel=2)


def _look(run: Run, before: dict[str, Any]) -> dict[str, dict[str, float]]:
    network = run.network
    nodes, gradients = _looked_into(run)
    record: dict[str, dict[str, float]] = {}
    for layer in network.spec:
        own = [name for name in network.parameters if name.rpartition(".")[0] == layer["name"]]
        activation = layer["function"] if layer["type"] == "activation" else layer.get("activation", "linear")
        if not own and activation == "linear":
            continue
        values, deltas = nodes[layer["name"]][0], z_of(layer, nodes)[1]
        record[layer["name"]] = {
            **_activation_statistics(values, activation),
            "delta": 0.0 if deltas is None else _norm([deltas]) * float(np.sqrt(len(deltas) / deltas.shape[1])),
            "parameters": float(sum(network.parameters[name].size for name in own)),
            "weight_norm": _norm([network.parameters[name] for name in own]),
            "gradient_norm": _norm([gradients[name] for name in own]),
            "update_norm": _norm([network.parameters[name] - before[name] for name in own]),
        }
    return record


def _looked_into(run: Run) -> tuple[Nodes, dict[str, Any]]:
    """Outputs and deltas of the nodes, and gradients of the cost itself, without clipping, for a few samples."""
    plain = replace(run.regularization, clip_value=None, clip_norm=None, normalize_gradient=None)
    objective = objective_of(run.network, run.loss, replace(plain, weight_noise=0.0, target_noise=0.0))
    return probe(run.network, objective, run.samples.part(slice(0, _PROBE)).core_arguments())[1:]


def _activation_statistics(values: Any, activation: str) -> dict[str, float]:
    bounded = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "softsign": (-1.0, 1.0)}.get(activation)
    saturated = 0.0
    if bounded is not None:
        low, high = bounded
        margin = 0.01 * (high - low)
        saturated = float(np.mean((values < low + margin) | (values > high - margin)))
    return {
        "activation_mean": float(values.mean()),
        "activation_std": float(values.std()),
        "dead": float(np.mean((values == 0).all(axis=0))) if activation == "relu" else 0.0,
        "saturated": saturated,
    }


def _norm(arrays: Sequence[Any]) -> float:
    return float(np.sqrt(sum(np.square(a, dtype=np.float64).sum() for a in arrays)))


def _troubles(record: dict[str, dict[str, float]]) -> dict[str, tuple[list[str], str]]:
    """The kinds of trouble, the layers concerned, and what to try."""
    names = list(record)
    deltas = np.array([record[name]["delta"] for name in names])
    largest = deltas.max(initial=0.0)
    last = deltas[-1] if len(deltas) else 0.0
    vanishing = [n for n, d in zip(names, deltas, strict=True) if largest > 0 and d * _ORDERS < last]
    exploding = [n for n, d in zip(names, deltas, strict=True) if last > 0 and d > last * _ORDERS]
    dead = [n for n in names if record[n]["dead"] >= _DEAD]
    saturated = [n for n in names[:-1] if record[n]["saturated"] >= _SATURATED]
    return {
        "gradients vanish": (
            vanishing,
            "less than 1/10000 of the last layer's delta reaches them. Try relu with He's initialisation, BatchNorm "
            "or LayerNorm, residual connections (multicapa.add), or fewer layers",
        ),
        "gradients explode": (
            exploding,
            "their delta is more than 10000 times the last layer's. Try clip_norm=1.0, a smaller initialisation, "
            "BatchNorm or LayerNorm, or a smaller learning rate",
        ),
        "dead units": (
            dead,
            "nearly all their relu units are 0 for every sample. Try a smaller learning rate, leaky_relu or elu, "
            "He's initialisation, or standardised inputs",
        ),
        "saturated units": (
            saturated,
            "nearly all their outputs lie at the bounds, where the slope is 0. Try standardised inputs, smaller "
            "initial weights, BatchNorm before the activation, or relu",
        ),
    }


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more layers"
