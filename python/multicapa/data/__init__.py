"""Data: splits and scaling of samples; :mod:`multicapa.data.table` has tables of numbers, categories and dates."""

from multicapa.data.samples import Split, Standardizer, train_dev_test_split

__all__ = ["Split", "Standardizer", "train_dev_test_split"]
