"""What can happen between epochs.

A callback is an object with any of the hooks of :class:`Callback`, or a plain function of the network and the record of
the epoch. Returning True from either after an epoch ends the fit. Callbacks are called in the order of the list: those
that write logs stand after those that add values to the epoch's record.
"""

from multicapa.callbacks.control import Checkpoint, EarlyStopping, ReduceOnPlateau, StopAtGradient, StopAtLoss
from multicapa.callbacks.diagnosis import Diagnosis
from multicapa.callbacks.logs import CSVLog, TensorBoard
from multicapa.training.run import Callback, as_callback, as_callbacks

__all__ = [
    "CSVLog",
    "Callback",
    "Checkpoint",
    "Diagnosis",
    "EarlyStopping",
    "ReduceOnPlateau",
    "StopAtGradient",
    "StopAtLoss",
    "TensorBoard",
    "as_callback",
    "as_callbacks",
]
