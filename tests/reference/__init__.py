"""The lectures in plain NumPy: what multicapa's core is checked against.

Written for reading next to the lectures, in their notation: W is (n_in, n_out), z = a @ W + b, a = g(z),
t the target, y the output, delta = dCost/dz, rho the learning rate, nu the momentum, lambda the penalty.
Everything is float64. Nothing here imports multicapa.
"""

from . import schedules
from .activations import ACTIVATIONS, Activation, softmax, softmax_backward
from .layers import LAYERS
from .losses import FUSED, LOSSES, Loss, batch_cost, batch_gradient
from .network import ReferenceNetwork
from .optimizers import OPTIMIZERS

__all__ = [
    "ACTIVATIONS",
    "FUSED",
    "LAYERS",
    "LOSSES",
    "OPTIMIZERS",
    "Activation",
    "Loss",
    "ReferenceNetwork",
    "batch_cost",
    "batch_gradient",
    "schedules",
    "softmax",
    "softmax_backward",
]
