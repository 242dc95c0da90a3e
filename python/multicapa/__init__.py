"""Multilayer perceptrons, trained by backpropagation on the CPU.

>>> import multicapa as mc
>>> net = mc.Sequential([mc.Dense(16, "tanh"), mc.Dense(3, "softmax")], input_shape=(4,), seed=0)
>>> net.predict([[5.1, 3.5, 1.4, 0.2]]).shape
(1, 3)
"""

import importlib
import sys
from typing import Any

from multicapa.base import blas as blas  # the first: it loads the core

# isort: split
from multicapa import (
    base,
    callbacks,
    data,
    initializers,
    layers,
    losses,
    model,
    network,
    networks,
    optimizers,
    schedules,
)
from multicapa._core import max_threads as get_num_threads
from multicapa.base.errors import DiagnosisWarning, DivergenceError
from multicapa.base.history import History
from multicapa.base.threads import set_num_threads
from multicapa.callbacks import (
    Checkpoint,
    CSVLog,
    Diagnosis,
    EarlyStopping,
    ReduceOnPlateau,
    StopAtGradient,
    StopAtLoss,
    TensorBoard,
)
from multicapa.layers import (
    GRU,
    LSTM,
    Activation,
    Add,
    Attention,
    AveragePool1D,
    AveragePool2D,
    BatchNorm,
    Bidirectional,
    Concat,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePool1D,
    GlobalAveragePool2D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    Input,
    LayerNorm,
    Maxout,
    MaxPool1D,
    MaxPool2D,
    MultiHeadAttention,
    Multiply,
    PositionalEncoding,
    Reshape,
    SecondOrderRNN,
    SimpleRNN,
    add,
    concat,
    multiply,
)
from multicapa.model import Network, Sequential, check_gradients, load
from multicapa.networks.seq2seq import Seq2Seq
from multicapa.optimizers import (
    LBFGS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Momentum,
    Nadam,
    Nesterov,
    RMSprop,
    Rprop,
)
from multicapa.training.curriculum import Curriculum
from multicapa.training.run import Callback

__version__ = "0.1.0"

_LOADED_WHEN_USED = ("augment", "estimators", "plots")  # so that importing the package stays quick
_ESTIMATORS = ("MLPClassifier", "MLPRegressor", "NetworkClassifier", "NetworkRegressor")


def __getattr__(name: str) -> Any:
    if name in _LOADED_WHEN_USED:
        return importlib.import_module(f"multicapa.{name}")
    if name in _ESTIMATORS:
        return getattr(importlib.import_module("multicapa.estimators"), name)
    raise AttributeError(f"module 'multicapa' has no attribute {name!r}")


# Where pickles of earlier versions look for what has moved.
network.Network = Network  # type: ignore[attr-defined]
sys.modules["multicapa.sequential"] = model.sequential
sys.modules["multicapa.history"] = base.history
sys.modules["multicapa.diagnosis"] = callbacks.diagnosis

__all__ = [
    "GRU",
    "LBFGS",
    "LSTM",
    "SGD",
    "Activation",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Add",
    "Attention",
    "AveragePool1D",
    "AveragePool2D",
    "BatchNorm",
    "Bidirectional",
    "CSVLog",
    "Callback",
    "Checkpoint",
    "Concat",
    "Conv1D",
    "Conv2D",
    "Curriculum",
    "Dense",
    "Diagnosis",
    "DiagnosisWarning",
    "DivergenceError",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePool1D",
    "GlobalAveragePool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "History",
    "Input",
    "LayerNorm",
    "MLPClassifier",
    "MLPRegressor",
    "MaxPool1D",
    "MaxPool2D",
    "Maxout",
    "Momentum",
    "MultiHeadAttention",
    "Multiply",
    "Nadam",
    "Nesterov",
    "Network",
    "NetworkClassifier",
    "NetworkRegressor",
    "PositionalEncoding",
    "RMSprop",
    "ReduceOnPlateau",
    "Reshape",
    "Rprop",
    "SecondOrderRNN",
    "Seq2Seq",
    "Sequential",
    "SimpleRNN",
    "StopAtGradient",
    "StopAtLoss",
    "TensorBoard",
    "add",
    "augment",
    "callbacks",
    "check_gradients",
    "concat",
    "data",
    "estimators",
    "get_num_threads",
    "initializers",
    "layers",
    "load",
    "losses",
    "multiply",
    "networks",
    "optimizers",
    "plots",
    "schedules",
    "set_num_threads",
]
