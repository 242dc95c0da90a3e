"""What can happen between epochs.

A callback is an object with any of the hooks of :class:`Callback`, or a plain function of the network and the record of
the epoch. Returning True from either after an epoch ends the fit. Callbacks are called in the order of the list: those
that write logs stand after those that add values to the epoch's record.
"""

from multicapa.callbacks.base import Callback, as_callback, as_callbacks
from multicapa.callbacks.control import Checkpoint, EarlyStopping, ReduceOnPlateau, StopAtGradient, StopAtLoss
from multicapa.callbacks.logs import CSVLog, TensorBoard

__all__ = [
    "CSVLog",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "ReduceOnPlateau",
    "StopAtGradient",
    "StopAtLoss",
    "TensorBoard",
    "as_callback",
    "as_callbacks",
]
