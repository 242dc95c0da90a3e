"""New variants of the training samples for every epoch: images and texts.

An augmenter is a function ``augment(X, rng)`` that returns an array of the shape and type of X, made from X with the
numpy Generator ``rng``, and leaves X as it is. The same seed gives the same samples. The classes here are such
functions; any other serves as well. They hold nothing that calls change, so that several threads may share one.

>>> import multicapa as mc
>>> import numpy as np
>>> from sklearn.datasets import load_digits
>>> X, y = load_digits(return_X_y=True)  # rows of 64 numbers from 0 to 16
>>> augment = mc.augment.Images(
...     [mc.augment.Rotation(10), mc.augment.Crop(1), mc.augment.Noise(0.5)], shape=(8, 8), value_range=(0, 16)
... )
>>> augment(X, np.random.default_rng(0)).shape
(1797, 64)
"""

from multicapa.augment.images import ColorChange, Crop, HorizontalFlip, Images, Noise, ResizedCrop, Rotation
from multicapa.augment.texts import Texts, WordDelete, WordInsert, WordReplace

__all__ = [
    "ColorChange",
    "Crop",
    "HorizontalFlip",
    "Images",
    "Noise",
    "ResizedCrop",
    "Rotation",
    "Texts",
    "WordDelete",
    "WordInsert",
    "WordReplace",
]
