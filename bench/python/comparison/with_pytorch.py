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


def _modules(work: Work) -> Iterator[nn.Module]:
    axes = len(work.shape) - 1
    conv, pool = ((nn.Conv1d, nn.MaxPool1d), (nn.Conv2d, nn.MaxPool2d))[axes - 1]
    flat = False
    for layer, before in zip(work.layers, shapes(work.shape, work.layers), strict=False):
        match layer:
            case Conv():
                yield conv(before[-1], layer.filters, layer.size, padding=layer.size // 2 if layer.same else 0)
                yield ACTIVATIONS[work.activation]()
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


def channels_first(x: torch.Tensor) -> torch.Tensor:
    """Samples of more than one axis as PyTorch takes them."""
    return x if x.ndim == 2 else x.movedim(-1, 1).contiguous()


def build_optimizer(work: Work, model: nn.Sequential) -> torch.optim.Optimizer:
    if work.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=work.learning_rate, fused=True)
    momentum = 0.9 if work.optimizer == "momentum" else 0.0
    return torch.optim.SGD(model.parameters(), lr=work.learning_rate, momentum=momentum, fused=True)


def weighted(model: nn.Sequential) -> list[nn.Module]:
    return [module for module in model if hasattr(module, "weight")]


@torch.no_grad()
def set_weights(work: Work, model: nn.Sequential, weights: Weights) -> None:
    for module, (W, b), before in zip(weighted(model), weights, _flattened(work), strict=True):
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
        if isinstance(layer, Conv | Dense)
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
        self.X, self.y = channels_first(torch.from_numpy(data.X)), torch.from_numpy(data.y)
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

    def _step(self, x: torch.Tensor, t: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.model(x), t).backward()
        self.optimizer.step()

    def start(self, weights: Weights) -> None:
        set_weights(self.work, self.model, weights)
        self.optimizer = build_optimizer(self.work, self.model)

    def run(self, epochs: int) -> None:
        for _ in range(epochs):
            X, y = self.X, self.y
            if self.work.shuffled:  # in one go: faster than gathering batch by batch
                order = torch.randperm(self.work.samples)
                X, y = X.index_select(0, order), y.index_select(0, order)
            for x, t in zip(X.split(self.work.batch), y.split(self.work.batch), strict=True):
                self._step(x, t)

    def weights(self) -> Weights:
        return [
            (_back(module.weight.detach(), before).numpy(), module.bias.detach().numpy())
            for module, before in zip(weighted(self.model), _flattened(self.work), strict=True)
        ]


class Prediction:
    def __init__(self, work: Work, weights: Weights, X: Array, threads: int) -> None:
        torch.set_num_threads(threads)
        model = build(work)
        set_weights(work, model, weights)
        self.model, self.X = model.append(nn.Softmax(dim=1)), channels_first(torch.from_numpy(X))

    @torch.inference_mode()
    def run(self, calls: int) -> torch.Tensor:
        for _ in range(calls):
            probabilities: torch.Tensor = self.model(self.X)
        return probabilities
