"""FANN through ctypes: an epoch of one-sample updates is one call of C.

It visits the samples in the order in which they lie, as its own fann_train_on_data does.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from ctypes import POINTER, c_double, c_float, c_int, c_uint, c_void_p
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from comparison.work import Data, Weights

LINEAR, SIGMOID, SIGMOID_SYMMETRIC = 0, 3, 5  # of fann_activationfunc_enum
TRAIN_INCREMENTAL = 0  # of fann_train_enum
ERRORFUNC_LINEAR = 0  # of fann_errorfunc_enum: the error itself instead of its inverse hyperbolic tangent
LIBRARIES = {"float32": "floatfann", "float64": "doublefann"}
NUMBERS = {"float32": c_float, "float64": c_double}
Connections = npt.NDArray[np.void]
ACTIVATIONS = {"sigmoid": SIGMOID, "tanh": SIGMOID_SYMMETRIC}


def load(dtype: str) -> ctypes.CDLL:
    """The library with the signatures of what is used here."""
    path = ctypes.util.find_library(LIBRARIES[dtype])
    if path is None:
        raise ImportError(f"lib{LIBRARIES[dtype]} is not installed")
    library, number = ctypes.CDLL(path), NUMBERS[dtype]
    signatures: dict[str, tuple[Any, ...]] = {
        "create_standard_array": (c_void_p, c_uint, POINTER(c_uint)),
        "set_activation_function_hidden": (None, c_void_p, c_int),
        "set_activation_function_output": (None, c_void_p, c_int),
        "set_activation_steepness_hidden": (None, c_void_p, number),
        "set_activation_steepness_output": (None, c_void_p, number),
        "set_training_algorithm": (None, c_void_p, c_int),
        "set_train_error_function": (None, c_void_p, c_int),
        "set_learning_rate": (None, c_void_p, c_float),
        "set_learning_momentum": (None, c_void_p, c_float),
        "get_total_connections": (c_uint, c_void_p),
        "get_connection_array": (None, c_void_p, c_void_p),
        "set_weight_array": (None, c_void_p, c_void_p, c_uint),
        "create_train_from_callback": (c_void_p, c_uint, c_uint, c_uint, c_void_p),
        "train_epoch": (c_float, c_void_p, c_void_p),
    }
    for name, (result, *arguments) in signatures.items():
        function = getattr(library, f"fann_{name}")
        function.restype, function.argtypes = result, arguments
    return library


class Training:
    def __init__(self, data: Data, threads: int) -> None:
        self.work = data.work
        self.fann = load(self.work.dtype)
        self.net = self._build()
        self.samples = self._copy(data)

    def _build(self) -> int:
        fann, work = self.fann, self.work
        net: int = fann.fann_create_standard_array(len(work.sizes), (c_uint * len(work.sizes))(*work.sizes))
        fann.fann_set_activation_function_hidden(net, ACTIVATIONS[work.activation])
        fann.fann_set_activation_function_output(net, LINEAR)
        fann.fann_set_activation_steepness_hidden(net, 0.5 if work.activation == "sigmoid" else 1.0)  # 1 / (1 + e^-2sz)
        fann.fann_set_activation_steepness_output(net, 1.0)
        fann.fann_set_training_algorithm(net, TRAIN_INCREMENTAL)
        fann.fann_set_train_error_function(net, ERRORFUNC_LINEAR)
        fann.fann_set_learning_rate(net, work.learning_rate * 2 / work.outputs)  # its error is half the squared sum
        fann.fann_set_learning_momentum(net, 0.0)
        return net

    def _copy(self, data: Data) -> int:
        X, y = data.X, data.y

        def copy(index: int, inputs: int, outputs: int, x: int, t: int) -> None:
            ctypes.memmove(x, X[index].ctypes.data, X[index].nbytes)
            ctypes.memmove(t, y[index].ctypes.data, y[index].nbytes)

        callback = ctypes.CFUNCTYPE(None, c_uint, c_uint, c_uint, c_void_p, c_void_p)(copy)
        samples: int = self.fann.fann_create_train_from_callback(len(X), X.shape[1], y.shape[1], callback)
        return samples

    def start(self, weights: Weights) -> None:
        connections = self._connections()
        for (W, b), part in zip(weights, self._layers(connections), strict=True):
            part["weight"] = np.vstack([W, b]).T.ravel()  # neuron by neuron, each with its bias last
        self.fann.fann_set_weight_array(self.net, connections.ctypes.data, len(connections))

    def run(self, epochs: int) -> None:
        for _ in range(epochs):
            self.fann.fann_train_epoch(self.net, self.samples)

    def weights(self) -> Weights:
        parts = zip(self._layers(self._connections()), self.work.sizes[1:], strict=True)
        rows = [part["weight"].reshape(outputs, -1).T for part, outputs in parts]
        return [(W[:-1], W[-1]) for W in rows]

    def _connections(self) -> Connections:
        """All of them, as FANN lists them."""
        kinds = [("source", c_uint), ("target", c_uint), ("weight", NUMBERS[self.work.dtype])]
        connections = np.empty(self.fann.fann_get_total_connections(self.net), np.dtype(kinds, align=True))
        self.fann.fann_get_connection_array(self.net, connections.ctypes.data)
        return connections

    def _layers(self, connections: Connections) -> list[Connections]:
        """The connections of each layer, as views."""
        ends = np.cumsum([(inputs + 1) * outputs for inputs, outputs in pairwise(self.work.sizes)])
        return np.split(connections, ends[:-1])
