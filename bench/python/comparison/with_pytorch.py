"""PyTorch, eager: torch.compile was no faster on networks of these sizes."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from comparison.work import Array, Data, Weights, Work

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
LOSSES = {"classes": nn.CrossEntropyLoss, "binary": nn.BCEWithLogitsLoss, "numbers": nn.MSELoss}


def build(work: Work) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(work.sizes):
        layers += [nn.Linear(inputs, outputs), ACTIVATIONS[work.activation]()]
    return nn.Sequential(*layers[:-1]).to(getattr(torch, work.dtype))


def build_optimizer(work: Work, model: nn.Sequential) -> torch.optim.Optimizer:
    if work.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=work.learning_rate, fused=True)
    momentum = 0.9 if work.optimizer == "momentum" else 0.0
    return torch.optim.SGD(model.parameters(), lr=work.learning_rate, momentum=momentum, fused=True)


def linear(model: nn.Sequential) -> list[nn.Linear]:
    return [module for module in model if isinstance(module, nn.Linear)]


@torch.no_grad()
def set_weights(model: nn.Sequential, weights: Weights) -> None:
    for module, (W, b) in zip(linear(model), weights, strict=True):
        module.weight.copy_(torch.from_numpy(W).T)
        module.bias.copy_(torch.from_numpy(b))


class Training:
    def __init__(self, data: Data, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.manual_seed(0)  # of the orders, whatever was measured before
        self.work = data.work
        self.X, self.y = torch.from_numpy(data.X), torch.from_numpy(data.y)
        self.model = build(self.work)
        self.loss = LOSSES[self.work.target]()
        self.optimizer = build_optimizer(self.work, self.model)

    def start(self, weights: Weights) -> None:
        set_weights(self.model, weights)
        self.optimizer = build_optimizer(self.work, self.model)

    def run(self, epochs: int) -> None:
        for _ in range(epochs):
            X, y = self.X, self.y
            if self.work.shuffled:  # in one go: faster than gathering batch by batch
                order = torch.randperm(self.work.samples)
                X, y = X.index_select(0, order), y.index_select(0, order)
            for x, t in zip(X.split(self.work.batch), y.split(self.work.batch), strict=True):
                self.optimizer.zero_grad(set_to_none=True)
                self.loss(self.model(x), t).backward()
                self.optimizer.step()

    def weights(self) -> Weights:
        return [(module.weight.detach().numpy().T, module.bias.detach().numpy()) for module in linear(self.model)]


class Prediction:
    def __init__(self, work: Work, weights: Weights, X: Array, threads: int) -> None:
        torch.set_num_threads(threads)
        model = build(work)
        set_weights(model, weights)
        self.model, self.X = model.append(nn.Softmax(dim=1)), torch.from_numpy(X)

    @torch.inference_mode()
    def run(self, calls: int) -> torch.Tensor:
        for _ in range(calls):
            probabilities: torch.Tensor = self.model(self.X)
        return probabilities
