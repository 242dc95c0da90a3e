"""What the tests of estimators share: pairs with scikit-learn's networks, a data set, leave to stop early."""

import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

import multicapa as mc

SHORT_FITS = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # a pytestmark
BOTH = pytest.mark.parametrize(
    ("ours", "theirs"),
    [(mc.MLPClassifier, TheirClassifier), (mc.MLPRegressor, TheirRegressor)],
    ids=["classes", "numbers"],
)


def digits(classes=10):
    """Images and what they show: all 360 of two classes, of ten as many as make batches of 200, 200 and 130."""
    X, y = load_digits(n_class=classes, return_X_y=True)
    return X[:530] / 16, y[:530]
