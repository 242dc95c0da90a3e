"""Multilayer perceptrons, trained by backpropagation on the CPU.

>>> import multicapa as mc
>>> net = mc.Sequential([mc.Dense(16, "tanh"), mc.Dense(3, "softmax")], input_shape=(4,), seed=0)
>>> net.predict([[5.1, 3.5, 1.4, 0.2]]).shape
(1, 3)
"""

from multicapa import callbacks, data, initializers, layers, losses, optimizers, schedules
from multicapa._core import max_threads as get_num_threads
from multicapa.callbacks import Callback, Checkpoint, CSVLog, EarlyStopping, ReduceOnPlateau
from multicapa.errors import DivergenceError
from multicapa.files import load
from multicapa.history import History
from multicapa.layers import Activation, Add, Concat, Dense, Dropout, Flatten, Input, Reshape, add, concat
from multicapa.network import Network, Sequential
from multicapa.optimizers import (
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
from multicapa.threads import set_num_threads

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Activation",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Add",
    "CSVLog",
    "Callback",
    "Checkpoint",
    "Concat",
    "Dense",
    "DivergenceError",
    "Dropout",
    "EarlyStopping",
    "Flatten",
    "History",
    "Input",
    "Momentum",
    "Nadam",
    "Nesterov",
    "Network",
    "RMSprop",
    "ReduceOnPlateau",
    "Reshape",
    "Rprop",
    "Sequential",
    "add",
    "callbacks",
    "concat",
    "data",
    "get_num_threads",
    "initializers",
    "layers",
    "load",
    "losses",
    "optimizers",
    "schedules",
    "set_num_threads",
]
