"""Multilayer perceptrons under scikit-learn's names: change the import, keep the rest."""

from __future__ import annotations

from typing import Any

from multicapa.estimators.classifier import Classifier
from multicapa.estimators.hidden import HiddenLayers
from multicapa.estimators.parameters import option, parameters
from multicapa.estimators.regressor import LOSS, Regressor


@parameters
class MLPClassifier(Classifier, HiddenLayers):
    """Multilayer perceptron for classes: one label per sample, or several.

    Takes the place of :class:`sklearn.neural_network.MLPClassifier` and adds what its users have asked for.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    {attributes}

    Examples
    --------
    >>> import multicapa as mc
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = mc.MLPClassifier((16,), solver="lbfgs", max_iter=1000, random_state=0).fit(X, y)
    >>> clf.predict(X[:2]), clf.score(X, y) > 0.95
    (array([0, 0]), True)
    """


@parameters
class MLPRegressor(Regressor, HiddenLayers):
    """Multilayer perceptron for numbers, one or several per sample.

    Takes the place of :class:`sklearn.neural_network.MLPRegressor` and adds what its users have asked for.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> import multicapa as mc
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(100, 3, random_state=0)
    >>> y /= y.std()
    >>> mc.MLPRegressor(hidden_layer_sizes=16, solver="lbfgs", max_iter=500, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    loss: Any = option("squared_error", *LOSS)  # the first by position, as in scikit-learn 1.9
