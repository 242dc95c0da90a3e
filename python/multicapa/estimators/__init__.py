"""Networks in scikit-learn's manners: drop-in for ``sklearn.neural_network``, with what its users have asked for.

>>> import multicapa as mc
>>> from sklearn.datasets import load_iris
>>> X, y = load_iris(return_X_y=True)
>>> mc.MLPClassifier((16,), solver="lbfgs", max_iter=1000, random_state=0).fit(X, y).score(X, y) > 0.95
True
"""

from multicapa.estimators.any_network import NetworkClassifier, NetworkRegressor
from multicapa.estimators.mlp import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "NetworkClassifier", "NetworkRegressor"]
