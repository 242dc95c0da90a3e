"""PyTorch, eager: torch.compile was no faster on networks of these sizes.

Of a network with convolutions it is tried which layout of images is the faster, channels first or last.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import nn

from comparison.convolution import Conv, Dense, Mean, Pool, shapes
from comparison.recurrence import Walk
from comparison.work import Array, Data, Weights, Work

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
LOSSES = {"classes": nn.CrossEntropyLoss, "binary": nn.BCEWithLogitsLoss, "numbers": nn.MSELoss}


TRIED = 0.3  # seconds for each layout


def build(work: Work) -> nn.Sequential:
    if work.layers:
        return nn.Sequential(*_modules(work)).to(getattr(torch, work.dtype))
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(work.sizes):
        layers += [nn.Linear(inputs, outputs), ACTIVATIONS[work.activation]()]
    return nn.Sequential(*layers[:-1]).to(getattr(torch, work.dtype))


class LastState(nn.Module):
    """A recurrent layer; of sequences of different lengths it takes packed ones."""

    def __init__(self, walk: Walk, features: int) -> None:
        super().__init__()
        self.walk, self.features = walk, features
        make = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[walk.kind]
        self.layer = make(features, walk.units, batch_first=True, bidirectional=walk.both)
        if walk.kind != "gru":  # a second bias that is added to the first
            for name, parameter in self.layer.named_parameters():
                parameter.requires_grad_(not name.startswith("bias_hh"))

    def forward(self, x: torch.Tensor | nn.utils.rnn.PackedSequence) -> torch.Tensor:
        last = self.layer(x)[1]
        states: torch.Tensor = last[0] if self.walk.kind == "lstm" else last
        return torch.cat(tuple(states), dim=1)

    def numbers(self, way: int) -> list[torch.Tensor]:
        """W, U and the biases of one direction."""
        return [getattr(self.layer, f"{name}_l0{'_reverse' * way}") for name in
                ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]  # fmt: skip

    def _gates(self) -> torch.Tensor:
        """Of a GRU z r a here, r z a there."""
        order, m = torch.arange(self.walk.columns), self.walk.units
        return torch.cat([order[m : 2 * m], order[:m], order[2 * m :]]) if self.walk.kind == "gru" else order

    def set(self, W: Array, b: Array) -> None:
        order = self._gates()
        for way, (V, a) in enumerate(self.walk.each_way(W, b)):
            inputs, states, second = (torch.from_numpy(part) for part in self.walk.parts(V, self.features))
            w, u, bias, other = self.numbers(way)
            w.copy_(inputs.T[order]), u.copy_(states.T[order]), bias.copy_(torch.from_numpy(a)[order])
            other.copy_(second[0][order] if len(second) else torch.zeros_like(other))

    def get(self) -> tuple[Array, Array]:
        order, matrices, biases = self._gates(), [], []
        for way in range(self.walk.ways):
            w, u, bias, other = (numbers.detach()[order] for numbers in self.numbers(way))
            second = [other[None]] if self.walk.kind == "gru" else []
            matrices.append(torch.cat([w.T, u.T, *second]))
            biases.append(bias)
        return torch.cat(matrices, dim=1).numpy(), torch.cat(biases).numpy()


def _modules(work: Work) -> Iterator[nn.Module]:
    axes = max(len(work.shape) - 1, 1)
    conv, pool = ((nn.Conv1d, nn.MaxPool1d), (nn.Conv2d, nn.MaxPool2d))[axes - 1]
    flat = False
    for layer, before in zip(work.layers, shapes(work.shape, work.layers), strict=False):
        match layer:
            case Conv():
                yield conv(before[-1], layer.filters, layer.size, padding=layer.size // 2 if layer.same else 0)
                yield ACTIVATIONS[work.activation]()
            case Walk():
                yield LastState(layer, before[-1])
            case Pool():
                yield pool(layer.size)
            case Mean():
                yield (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)[axes - 1](1)
            case Dense():
                if not flat:
                    yield nn.Flatten()
                    flat = True
                yield nn.Linear(math.prod(before), layer.units)
                if layer is not work.layers[-1]:
                    yield ACTIVATIONS[work.activation]()


def channels_first(work: Work, x: torch.Tensor) -> torch.Tensor:
    """Samples of more than one axis as PyTorch's convolutions take them."""
    return x if x.ndim == 2 or any(isinstance(layer, Walk) for layer in work.layers) else x.movedim(-1, 1).contiguous()


def build_optimizer(work: Work, model: nn.Sequential) -> torch.optim.Optimizer:
    if work.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=work.learning_rate, fused=True)
    momentum = 0.9 if work.optimizer == "momentum" else 0.0
    return torch.optim.SGD(model.parameters(), lr=work.learning_rate, momentum=momentum, fused=True)


def weighted(model: nn.Sequential) -> list[nn.Module]:
    return [module for module in model if hasattr(module, "weight") or isinstance(module, LastState)]


@torch.no_grad()
def set_weights(work: Work, model: nn.Sequential, weights: Weights) -> None:
    for module, (W, b), before in zip(weighted(model), weights, _flattened(work), strict=True):
        if isinstance(module, LastState):
            module.set(W, b)
            continue
        module.weight.copy_(_turned(torch.from_numpy(W), before))
        module.bias.copy_(torch.from_numpy(b))


def _flattened(work: Work) -> list[tuple[int, ...]]:
    """Of each layer with weights the shape of the map that it reads as flat numbers, () if none."""
    if not work.layers:
        return [()] * (len(work.sizes) - 1)
    found = zip(work.layers, shapes(work.shape, work.layers), strict=False)
    return [
        before if isinstance(layer, Dense) and len(before) > 1 else ()
        for layer, before in found
        if isinstance(layer, Conv | Dense | Walk)
    ]


def _turned(W: torch.Tensor, before: tuple[int, ...]) -> torch.Tensor:
    """(*size, in, out) as (out, in, *size). Behind a flattened map the channel goes before the places."""
    if before:
        return W.reshape(*before, -1).movedim((-1, -2), (0, 1)).flatten(1)
    return W.T if W.ndim == 2 else W.movedim((-1, -2), (0, 1))


def _back(W: torch.Tensor, before: tuple[int, ...]) -> torch.Tensor:
    if before:
        return W.reshape(len(W), before[-1], *before[:-1]).movedim((0, 1), (-1, -2)).flatten(0, -2)
    return W.T if W.ndim == 2 else W.movedim((0, 1), (-1, -2))


class Training:
    def __init__(self, data: Data, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.manual_seed(0)  # of the orders, whatever was measured before
        self.work = data.work
        self.X, self.y = channels_first(data.work, torch.from_numpy(data.X)), torch.from_numpy(data.y)
        self.lengths = torch.from_numpy(data.lengths) if data.work.lengths else None
        self.model = build(self.work)
        self.loss = LOSSES[self.work.target]()
        self.optimizer = build_optimizer(self.work, self.model)
        if self.X.ndim == 4:
            layouts = (torch.contiguous_format, torch.channels_last)
            self._lay_out(min(layouts, key=self._seconds_of_a_step))

    def _lay_out(self, layout: torch.memory_format) -> None:
        self.X = self.X.contiguous(memory_format=layout)
        self.model = self.model.to(memory_format=layout)
        self.optimizer = build_optimizer(self.work, self.model)

    def _seconds_of_a_step(self, layout: torch.memory_format) -> float:
        self._lay_out(layout)
        x, t = self.X[: self.work.batch], self.y[: self.work.batch]
        self._step(x, t)  # what is planned once
        begin, steps = time.perf_counter(), 0
        while time.perf_counter() - begin < TRIED:
            self._step(x, t)
            steps += 1
        return (time.perf_counter() - begin) / steps

    def _step(self, x: torch.Tensor | nn.utils.rnn.PackedSequence, t: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.model(x), t).backward()
        self.optimizer.step()

    def start(self, weights: Weights) -> None:
        set_weights(self.work, self.model, weights)
        self.optimizer = build_optimizer(self.work, self.model)

    def run(self, epochs: int) -> None:
        for _ in range(epochs):
            X, y, lengths = self.X, self.y, self.lengths
            if self.work.shuffled:  # in one go: faster than gathering batch by batch
                order = torch.randperm(self.work.samples)
                X, y = X.index_select(0, order), y.index_select(0, order)
                lengths = None if lengths is None else lengths[order]
            batches = zip(X.split(self.work.batch), y.split(self.work.batch), strict=True)
            if lengths is None:
                for x, t in batches:
                    self._step(x, t)
                continue
            for (x, t), count in zip(batches, lengths.split(self.work.batch), strict=True):
                self._step(nn.utils.rnn.pack_padded_sequence(x, count, batch_first=True, enforce_sorted=False), t)

    def weights(self) -> Weights:
        return [
            module.get()
            if isinstance(module, LastState)
            else (_back(module.weight.detach(), before).numpy(), module.bias.detach().numpy())
            for module, before in zip(weighted(self.model), _flattened(self.work), strict=True)
        ]


class Prediction:
    def __init__(self, work: Work, weights: Weights, X: Array, threads: int) -> None:
        torch.set_num_threads(threads)
        model = build(work)
        set_weights(work, model, weights)
        self.model, self.X = model.append(nn.Softmax(dim=1)), channels_first(work, torch.from_numpy(X))

    @torch.inference_mode()
    def run(self, calls: int) -> torch.Tensor:
        for _ in range(calls):
            probabilities: torch.Tensor = self.model(self.X)
        return probabilities
