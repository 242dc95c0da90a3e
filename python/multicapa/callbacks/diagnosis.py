"""Vanishing and exploding gradients: what each layer does during training, and what to try when it goes wrong."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from multicapa.base.checks import check_integer
from multicapa.base.errors import DiagnosisWarning
from multicapa.callbacks.states import check_list
from multicapa.network.core import CoreNetwork
from multicapa.network.trace import Nodes, probe, z_of
from multicapa.training.regularization import objective_of
from multicapa.training.run import Callback, Run
from multicapa.training.samples import Samples

_PROBE = 256  # samples that the statistics are taken from
_DEAD = 0.9  # share of units of a layer that are 0 for every sample
_SATURATED = 0.9  # share of outputs at their bounds
_ORDERS = 1e4  # ratio of gradients between layers, or of one layer's to its weights
_ORDERS_IN_TIME = 1e6  # of gradients between steps: that of an LSTM as it begins is some 1e4 after thirty

Record = dict[str, dict[str, Any]]


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
      that of the whole epoch;
    - ``steps_back``, of recurrent layers: an array, the root mean square of dCost/dz at the last step of each sequence,
      at the step before, and so on, times the number of samples. Of several inputs with lengths of their own it is
      there for layers that read the first, such as the encoder of a :class:`multicapa.Seq2Seq`, not for the others.

    Of layers that keep the steps of sequences each step counts as a sample.

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
        self.records: list[Record] = []
        self._warned: set[str] = set()
        self._before: Any = None

    def on_fit_begin(self, run: Run) -> None:
        self.records, self._warned = [], set()

    def state(self) -> dict[str, Any]:
        return {"records": self.records, "warned": sorted(self._warned)}

    def check_state(self, run: Run, state: dict[str, Any]) -> None:
        check_list(state, "records", dict)
        check_list(state, "warned", str)

    def on_fit_resume(self, run: Run, state: dict[str, Any]) -> None:
        self.records, self._warned = list(state["records"]), set(state["warned"])

    def on_epoch_begin(self, run: Run) -> None:
        self._before = {name: view.copy() for name, view in run.network.parameters.items()}

    def on_epoch_end(self, run: Run, epoch: dict[str, Any]) -> None:
        if (epoch["epoch"] - 1) % self.every:
            return
        self.records.append(_look(run, self._before))
        if self.warn:
            self._report(self.records[-1], run.bptt)

    def _report(self, record: Record, bptt: int) -> None:
        for kind, (names, advice) in {**_troubles(record), **_troubles_in_time(record, bptt)}.items():
            if names and kind not in self._warned:
                self._warned.add(kind)
                warnings.warn(f"{kind} in {_listed(names)}: {advice}", DiagnosisWarning, stacklevel=2)


def _look(run: Run, before: dict[str, Any]) -> Record:
    network, probed = run.network, run.samples.part(slice(0, _PROBE))
    plain = replace(run.regularization, clip_value=None, clip_norm=None, normalize_gradient=None)
    objective = objective_of(network, run.loss, replace(plain, weight_noise=0.0, target_noise=0.0))
    _, nodes, gradients, through_time = probe(network, objective, probed.core_arguments())
    lengths, sorting = _lengths_of(network, probed)
    nodes = _by_step(network, nodes, lengths)
    reverse = {layer["name"] for layer in network.spec if layer.get("reverse")}
    count = len(probed)
    record: Record = {}
    for layer in network.spec:
        name = layer["name"]
        own = [parameter for parameter in network.parameters if parameter.rpartition(".")[0] == name]
        activation = layer["function"] if layer["type"] == "activation" else layer.get("activation", "linear")
        if not own and activation == "linear":
            continue
        values, deltas = nodes[name][0], z_of(layer, nodes)[1]
        record[name] = {
            **_activation_statistics(values, activation),
            "delta": 0.0 if deltas is None else _norm([deltas]) * count / float(np.sqrt(max(deltas.size, 1))),
            "parameters": float(sum(network.parameters[parameter].size for parameter in own)),
            "weight_norm": _norm([network.parameters[parameter] for parameter in own]),
            "gradient_norm": _norm([gradients[parameter] for parameter in own]),
            "update_norm": _norm([network.parameters[parameter] - before[parameter] for parameter in own]),
        }
        own_lengths = lengths[layer["inputs"][0]] if name in through_time else None
        if name in through_time and (own_lengths is None or own_lengths is sorting):  # else in an order of their own
            record[name]["steps_back"] = count * _steps_back(through_time[name], own_lengths, name in reverse)
    return record


def _lengths_of(network: CoreNetwork, samples: Samples) -> tuple[dict[str, Any], Any]:
    """By node, steps of the samples as the core has them: the longest of the first input that has lengths come first.

    And these lengths, by which it sorts; None where all samples have all steps.
    """
    given = [lengths for _, lengths in samples.inputs]
    first = next((lengths for lengths in given if lengths is not None), None)
    if first is not None:
        order = np.argsort(-first, kind="stable")
        given = [None if lengths is None else lengths[order] for lengths in given]
    sorting = next((lengths for lengths in given if lengths is not None), None)
    by_node = {n["name"]: given[n["time"]] if n["time"] >= 0 else None for n in network._core.nodes}
    return by_node, sorting


def _by_step(network: CoreNetwork, nodes: Nodes, lengths: dict[str, Any]) -> Nodes:
    """The same, with the steps that there are as samples, of layers that keep them."""
    found = dict(nodes)
    for node in network._core.nodes:
        if node["name"] not in nodes or not (node["sequence"] and node["in_time"]):
            continue
        count = len(nodes[node["name"]][0])
        exist = np.ones((count, node["steps"]), dtype=bool)
        own = lengths[node["name"]]
        if own is not None:
            exist = np.arange(node["steps"]) < own[:, None]
        values, deltas = (
            None if part is None else part.reshape(*exist.shape, -1)[exist] for part in nodes[node["name"]]
        )
        assert values is not None
        found[node["name"]] = (values, deltas)
    return found


def _steps_back(deltas: Any, lengths: Any, reverse: bool) -> Any:
    """Root mean squares over samples and units at the last step of the walk, the one before, and so on."""
    steps = deltas.shape[1]
    lengths = np.full(len(deltas), steps) if lengths is None else lengths
    back = np.arange(max(int(lengths.max()), 1))
    squares = np.zeros(len(back))
    for sample, length in zip(deltas, lengths, strict=True):
        walked = sample[:length] if reverse else sample[:length][::-1]
        squares[:length] += np.square(walked, dtype=np.float64).mean(axis=1)
    return np.sqrt(squares / np.maximum((lengths[:, None] > back).sum(axis=0), 1))


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


def _troubles(record: Record) -> dict[str, tuple[list[str], str]]:
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


def _troubles_in_time(record: Record, bptt: int) -> dict[str, tuple[list[str], str]]:
    """The same of gradients on their way back through time, as far as they are passed back."""
    ways = {name: layer["steps_back"][: bptt or None] for name, layer in record.items() if "steps_back" in layer}
    shares = {name: way[-1] / way[0] for name, way in ways.items() if way[0] > 0}
    vanishing = [name for name, share in shares.items() if share * _ORDERS_IN_TIME < 1]
    exploding = [name for name, share in shares.items() if share > _ORDERS]

    def told(names: list[str], worst: Any) -> str:
        name = worst(names, key=shares.__getitem__, default=None)
        if name is None:
            return ""
        back = len(ways[name]) - 1
        return f"the gradient is {shares[name]:.0e} of the last step's {back} step{'s' if back > 1 else ''} back. Try "

    return {
        "gradients vanish through time": (
            vanishing,
            told(vanishing, min) + "LSTM or GRU, a larger bias of the forget gate, Bidirectional, or a cost at each "
            "step (return_sequences=True)",
        ),
        "gradients explode through time": (
            exploding,
            told(exploding, max) + "clip_norm=1.0, a shorter bptt, or smaller recurrent weights",
        ),
    }


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more layers"
