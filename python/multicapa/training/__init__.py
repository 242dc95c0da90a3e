"""Training of any network of the core: samples, runs with their hooks, epochs, on-line updates."""

from multicapa.training.batches import as_batches, prepared, refuse_beside_batches
from multicapa.training.evaluation import evaluate, evaluate_batches
from multicapa.training.fit import fit, train
from multicapa.training.labels import check_known
from multicapa.training.metrics import as_metrics, is_classifier
from multicapa.training.online import partial_fit
from multicapa.training.regularization import Regularization, objective_of
from multicapa.training.run import Callback, Run, as_callback, as_callbacks
from multicapa.training.samples import Samples, as_encoding, as_encodings
from multicapa.training.standing import take_up
from multicapa.training.steps import check_bptt

__all__ = [
    "Callback",
    "Regularization",
    "Run",
    "Samples",
    "as_batches",
    "as_callback",
    "as_callbacks",
    "as_encoding",
    "as_encodings",
    "as_metrics",
    "check_bptt",
    "check_known",
    "evaluate",
    "evaluate_batches",
    "fit",
    "is_classifier",
    "objective_of",
    "partial_fit",
    "prepared",
    "refuse_beside_batches",
    "take_up",
    "train",
]
