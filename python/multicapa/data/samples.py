"""Splitting and standardising data, through scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from multicapa.base.checks import check_number

if TYPE_CHECKING:
    from typing import Self


class Split(NamedTuple):
    """Samples for training, for choosing (dev), and for the last judgement (test).

    Examples
    --------
    >>> import multicapa as mc
    >>> from sklearn.datasets import load_iris
    >>> split = mc.data.train_dev_test_split(*load_iris(return_X_y=True), seed=0)
    >>> len(split.X_train), len(split.X_dev), len(split.X_test)
    (104, 23, 23)
    """

    X_train: Any
    X_dev: Any
    X_test: Any
    y_train: Any
    y_dev: Any
    y_test: Any


def train_dev_test_split(
    X: Any,
    y: Any,
    *,
    dev: float = 0.15,
    test: float = 0.15,
    stratify: bool | None = None,
    seed: int | None = None,
    shuffle: bool = True,
) -> Split:
    """Split samples into three parts, at random or in their order.

    Parameters
    ----------
    X, y : array-like
        Of the same length.
    dev, test : float, default=0.15
        Shares of the samples, together below 1; 0 leaves that part empty.
    stratify : bool, optional
        Keep the shares of the classes in each part. By default when y holds integers or strings.
    seed : int, optional
        Fixes the split.
    shuffle : bool, default=True
        False is for samples in order of time: the first are for training, then comes dev, the last are for the test.
        Chosen at random, dev and test would lie between what was learnt, and flatter.

    Returns
    -------
    Split
        X_train, X_dev, X_test, y_train, y_dev, y_test.

    Examples
    --------
    >>> import multicapa as mc
    >>> from sklearn.datasets import load_iris
    >>> split = mc.data.train_dev_test_split(*load_iris(return_X_y=True), dev=0.2, test=0.2, seed=0)
    >>> len(split.X_train), len(split.X_dev), len(split.X_test)
    (90, 30, 30)
    >>> list(mc.data.train_dev_test_split(range(10), range(10), dev=0.2, test=0.2, shuffle=False)[:3])
    [[0, 1, 2, 3, 4, 5], [6, 7], [8, 9]]
    """
    check_number(dev, "dev", minimum=0, below=1)
    check_number(test, "test", minimum=0, below=1)
    if dev + test >= 1:
        raise ValueError(f"dev + test should be below 1, not {dev + test:g}")
    labels = np.asarray(y)
    if not shuffle and stratify:
        raise ValueError("stratify=True needs shuffle=True: the classes of samples in their order are what they are")
    if stratify is None:
        stratify = shuffle and labels.ndim == 1 and labels.dtype.kind in "iuUSOb"
    X_rest, X_test, y_rest, y_test = _in_two(X, y, test, stratify, seed, shuffle)
    X_train, X_dev, y_train, y_dev = _in_two(X_rest, y_rest, dev / (1 - test), stratify, seed, shuffle)
    return Split(X_train, X_dev, X_test, y_train, y_dev, y_test)


def _in_two(X: Any, y: Any, share: float, stratify: bool, seed: int | None, shuffle: bool) -> Any:
    """What is left of X, what is taken of it, and the same of y."""
    from sklearn.model_selection import train_test_split
    from sklearn.utils import _safe_indexing

    if share == 0:
        return [part for each in (X, y) for part in (each, _safe_indexing(each, np.arange(0)))]
    labels = np.asarray(y) if stratify else None
    return train_test_split(X, y, test_size=share, random_state=seed, stratify=labels, shuffle=shuffle)


class Standardizer:
    """Each feature to mean 0 and variance 1: ``(x - mean) / std`` with ``std^2 = sum (x - mean)^2 / (N - ddof)``.

    Parameters
    ----------
    ddof : int, default=1
        1 divides by N - 1, as the lectures do; 0 by N, as scikit-learn's StandardScaler.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_features,)
        Fitted on the training samples only; the scale of a constant feature is infinite, so that it becomes 0.

    Examples
    --------
    >>> from multicapa.data import Standardizer
    >>> Standardizer().fit_transform([[1.0, 5.0], [3.0, 5.0]])
    array([[-0.70710678,  0.        ],
           [ 0.70710678,  0.        ]])
    """

    def __init__(self, ddof: int = 1) -> None:
        if ddof not in (0, 1):
            raise ValueError(f"ddof should be 0 or 1, not {ddof!r}")
        self.ddof = ddof

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Find mean and scale of the training samples."""
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler().fit(np.asarray(X, dtype=np.float64))
        count = int(np.max(scaler.n_samples_seen_))
        if count <= self.ddof:
            raise ValueError(f"standardising with ddof={self.ddof} needs more than {self.ddof} sample, not {count}")
        self.mean_ = scaler.mean_
        variance = scaler.var_ * count / (count - self.ddof)
        constant = variance <= (np.abs(self.mean_) * 1e-15 * count) ** 2  # what rounding leaves of a constant
        self.scale_ = np.where(constant, np.inf, np.sqrt(variance))
        return self

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Apply them to any samples."""
        if not hasattr(self, "mean_"):
            raise ValueError("call fit on the training samples first")
        array = np.asarray(X, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != len(self.mean_):
            raise ValueError(f"X should have shape (n_samples, {len(self.mean_)}), not {array.shape}")
        return np.asarray((array - self.mean_) / self.scale_)

    def fit_transform(self, X: npt.ArrayLike, y: Any = None) -> npt.NDArray[np.float64]:
        """Fit and apply to the same samples."""
        return self.fit(X).transform(X)
