"""Data: splits and scaling of samples; :mod:`multicapa.data.table` has tables of numbers, categories and dates."""

from multicapa.base.sequences import Padded, pad
from multicapa.base.vocabulary import Vocabulary
from multicapa.data.samples import Split, Standardizer, train_dev_test_split

__all__ = ["Padded", "Split", "Standardizer", "Vocabulary", "pad", "train_dev_test_split"]
