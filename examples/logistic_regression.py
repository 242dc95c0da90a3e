"""Logistic regression is a network without hidden layers: sigmoid or softmax, and the cross-entropy.

With the same penalty it finds the weights that scikit-learn finds. scikit-learn's C and the l2 here are related by
l2 = 1 / (C N), because it sums over the N samples where multicapa averages.
"""

import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression

import multicapa as mc

EXACT = mc.LBFGS(gradient_tolerance=1e-10, loss_tolerance=0)


def compare(X, y, layer, C=1.0):
    """Largest difference of the probabilities, and both accuracies."""
    X = mc.data.Standardizer(ddof=0).fit_transform(X)
    theirs = LogisticRegression(C=C, tol=1e-10, max_iter=10000).fit(X, y)
    net = mc.Sequential([layer], input_shape=X.shape[1:], dtype="float64", seed=0)
    net.fit(X, y, optimizer=EXACT, batch_size=None, epochs=10000, l2=1 / (C * len(X)))
    ours, expected = net.predict(X), theirs.predict_proba(X)
    ours = ours if ours.shape[1] > 1 else np.c_[1 - ours, ours]
    return abs(ours - expected).max(), (ours.argmax(axis=1) == y).mean(), theirs.score(X, y)


two_classes = compare(*load_breast_cancer(return_X_y=True), mc.Dense(1, "sigmoid"))
three_classes = compare(*load_iris(return_X_y=True), mc.Dense(3, "softmax"))
print("                         largest difference   accuracy here   scikit-learn's")
for name, values in (("two classes, sigmoid", two_classes), ("three classes, softmax", three_classes)):
    print("{:24} {:18.1e} {:15.3f} {:16.3f}".format(name, *values))
