"""Multilayer perceptrons, trained by backpropagation on the CPU.

>>> import multicapa as mc
>>> net = mc.Sequential([mc.Dense(16, "tanh"), mc.Dense(3, "softmax")], input_shape=(4,), seed=0)
>>> net.predict([[5.1, 3.5, 1.4, 0.2]]).shape
(1, 3)
"""

import importlib
from typing import Any

from multicapa import blas as blas  # the first: it loads the core
from multicapa import callbacks, data, initializers, layers, losses, optimizers, schedules
from multicapa._core import max_threads as get_num_threads
from multicapa.callbacks import (
    Callback,
    Checkpoint,
    CSVLog,
    EarlyStopping,
    ReduceOnPlateau,
    StopAtGradient,
    StopAtLoss,
    TensorBoard,
)
from multicapa.curriculum import Curriculum
from multicapa.diagnosis import Diagnosis
from multicapa.errors import DiagnosisWarning, DivergenceError
from multicapa.files import load
from multicapa.history import History
from multicapa.layers import (
    GRU,
    LSTM,
    Activation,
    Add,
    BatchNorm,
    Concat,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    Input,
    LayerNorm,
    Maxout,
    Reshape,
    SecondOrderRNN,
    SimpleRNN,
    add,
    concat,
)
from multicapa.network import Network
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
from multicapa.sequential import Sequential
from multicapa.threads import set_num_threads

__version__ = "0.1.0"

_LOADED_WHEN_USED = ("augment", "estimators", "plots")  # so that importing the package stays quick
_ESTIMATORS = ("MLPClassifier", "MLPRegressor", "NetworkClassifier", "NetworkRegressor")


def __getattr__(name: str) -> Any:
    if name in _LOADED_WHEN_USED:
        return importlib.import_module(f"multicapa.{name}")
    if name in _ESTIMATORS:
        return getattr(importlib.import_module("multicapa.estimators"), name)
    raise AttributeError(f"module 'multicapa' has no attribute {name!r}")


__all__ = [
    "LBFGS",
    "SGD",
    "Activation",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Add",
    "BatchNorm",
    "CSVLog",
    "Callback",
    "Checkpoint",
    "Concat",
    "Curriculum",
    "Dense",
    "Diagnosis",
    "DiagnosisWarning",
    "DivergenceError",
    "Dropout",
    "EarlyStopping",
    "Flatten",
    "GRU",
    "GaussianNoise",
    "History",
    "Input",
    "LSTM",
    "LayerNorm",
    "MLPClassifier",
    "MLPRegressor",
    "Maxout",
    "Momentum",
    "Nadam",
    "Nesterov",
    "Network",
    "NetworkClassifier",
    "NetworkRegressor",
    "RMSprop",
    "ReduceOnPlateau",
    "Reshape",
    "Rprop",
    "SecondOrderRNN",
    "Sequential",
    "SimpleRNN",
    "StopAtGradient",
    "StopAtLoss",
    "TensorBoard",
    "add",
    "augment",
    "callbacks",
    "concat",
    "data",
    "estimators",
    "get_num_threads",
    "initializers",
    "layers",
    "load",
    "losses",
    "optimizers",
    "plots",
    "schedules",
    "set_num_threads",
]
