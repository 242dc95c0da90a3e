"""From sequences to sequences of another length."""

from multicapa.networks.seq2seq.estimator import Seq2Seq

__all__ = ["Seq2Seq"]
