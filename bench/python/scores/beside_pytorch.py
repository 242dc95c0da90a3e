"""``Network`` at its defaults beside the same network in PyTorch at its own: layers, initial weights and Adam.

Both get the same rows, batches as large, as many epochs and the same early stopping.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

import multicapa as mc
from scores import duels
from scores.networks import BATCH, PATIENCE, Net, judge, parts, train

NAME = "pytorch"
OURS, THEIRS = "multicapa", "PyTorch"
CONTENDERS = (OURS, THEIRS)
_ROWS = (
    *(Net(name) for name in (
        "iris", "wine", "breast cancer", "digits", "moons", "rings",
        "diabetes", "regression", "friedman1", "friedman2", "friedman3",
    )),
    Net("digits", (64,) * 4),
    Net("friedman1", (64,) * 4),
    Net("digits", (64, 32), "tanh"),
    Net("friedman1", (64, 32), "tanh"),
    Net("friedman1", (64, 32), "sigmoid"),
    Net("digits", (64, 32), "gelu"),
    Net("friedman1", (64, 32), "silu"),
    Net("digits", (64, 32), "relu", "batch norm"),
)  # fmt: skip
ROWS = {row.name: row for row in _ROWS}
_ACTIVATIONS = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "gelu": "GELU", "silu": "SiLU"}


def absent() -> dict[str, str]:
    return {} if importlib.util.find_spec("torch") else {THEIRS: "pip install torch"}


def measure(name: str, contender: str, seed: int) -> float:
    if contender == OURS:
        return train(ROWS[name], seed, lambda units, activation, follows: mc.Dense(units, activation))
    return _train_theirs(ROWS[name], seed)


def _train_theirs(net: Net, seed: int) -> float:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rows = parts(net.data, seed)
    X, y, X_dev, y_dev, X_test = (torch.from_numpy(each) for each in (*rows.train, *rows.dev, rows.test[0]))
    layers: list[Any] = []
    width = X.shape[1]
    for units in net.sizes:
        layers.append(torch.nn.Linear(width, units))
        layers += [torch.nn.BatchNorm1d(units)] if net.form == "batch norm" else []
        layers.append(getattr(torch.nn, _ACTIVATIONS[net.activation])())
        width = units
    model = torch.nn.Sequential(*layers, torch.nn.Linear(width, rows.n_outputs))
    if rows.output == "linear":
        y, y_dev = y[:, None], y_dev[:, None]
    loss = torch.nn.MSELoss() if rows.output == "linear" else torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    best, waited, kept = np.inf, 0, {}
    for _ in range(rows.epochs):
        model.train()
        for batch in torch.randperm(len(X)).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            loss(model(X[batch]), y[batch]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            now = loss(model(X_dev), y_dev).item()
        waited += 1
        if now < best:
            best, waited, kept = now, 0, {key: value.clone() for key, value in model.state_dict().items()}
        if waited >= PATIENCE:
            break
    model.load_state_dict(kept)
    with torch.no_grad():
        return judge(model(X_test).numpy(), rows.test[1])


def report(scores: duels.Scores) -> str:
    return duels.table(scores, OURS, THEIRS)
