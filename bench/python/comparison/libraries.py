"""The libraries that are compared: what each can do, and how to come by it."""

from __future__ import annotations

import ctypes.util
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from comparison.work import Work

OURS = "multicapa"


@dataclass(frozen=True)
class Library:
    name: str
    module: str  # in this package
    imports: str  # what a user imports; of FANN, what the linker finds
    install: str
    distributions: tuple[str, ...] = ()  # what pip installs for it, of which it consists
    threads: bool = True  # whether it can use more than one
    trains: Callable[[Work], bool] = lambda work: True
    predicts: bool = True
    convolves: bool = False  # whether it has convolutions and recurrent layers, or they are compared
    decodes: bool = False  # whether it is compared at sentences token by token

    def can(self, work: Work) -> bool:
        """Whether it has the layers."""
        return self.convolves or not (work.layers or work.shape)

    @property
    def key(self) -> str:
        """Its name on the command line."""
        return self.name.lower().replace(" ", "-")

    def installed(self) -> bool:
        if not self.distributions:
            return ctypes.util.find_library(self.imports) is not None
        return importlib.util.find_spec(self.imports.partition(".")[0]) is not None


def one_by_one(work: Work) -> bool:
    """What FANN is compared on: one-sample updates, of activations that it has."""
    return work.batch == 1 and work.optimizer == "sgd" and work.target == "numbers" and work.activation != "relu"


LIBRARIES = (
    Library(OURS, "with_multicapa", "multicapa", "pip install .", ("multicapa",), convolves=True, decodes=True),
    Library(
        "scikit-learn", "with_scikit_learn", "sklearn.neural_network", "pip install scikit-learn", ("scikit-learn",)
    ),
    Library("PyTorch", "with_pytorch", "torch", "pip install torch", ("torch",), convolves=True, decodes=True),
    Library("JAX", "with_jax", "jax", "pip install jax", ("jax", "jaxlib"), convolves=True),
    Library("FANN", "with_fann", "floatfann", "apt install libfann2", threads=False, trains=one_by_one, predicts=False),
    Library(
        "ONNX Runtime",
        "with_onnx_runtime",
        "onnxruntime",
        "pip install onnxruntime onnx",
        ("onnxruntime",),
        trains=lambda work: False,
    ),
)
