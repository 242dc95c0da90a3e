"""Weights of samples and classes change what is learnt, and by how much they should."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_moons, make_multilabel_classification
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import KFold, cross_val_score

import multicapa as mc
from estimator_helpers import SHORT_FITS

pytestmark = SHORT_FITS


def moons():
    return make_moons(300, noise=0.2, random_state=0)


def classifier(**options):
    return mc.MLPClassifier(**({"hidden_layer_sizes": (8, 8), "max_iter": 5, "random_state": 0} | options))


def test_class_weight():
    X, y = moons()
    y = np.where(y == 1, "yes", "no")
    share = [
        (classifier(class_weight=w, learning_rate_init=0.05).fit(X, y).predict(X) == "yes").mean()
        for w in ({"yes": 50}, {"no": 50})
    ]
    assert share[0] > share[1] + 0.5
    by_hand = np.where(y[:200] == "yes", 100 / (y[:200] == "yes").sum(), 100 / (y[:200] == "no").sum())
    balanced = classifier(class_weight="balanced").fit(X[:200], y[:200])
    np.testing.assert_allclose(balanced.coefs_[0], classifier().fit(X[:200], y[:200], by_hand).coefs_[0])
    weights = np.linspace(0, 2, 200)  # "balanced" goes by the weights of the samples
    weighted = classifier(class_weight="balanced").fit(X[:200], y[:200], weights)
    totals = {label: weights[y[:200] == label].sum() for label in ("yes", "no")}
    by_hand = weights * weights.sum() / 2 / np.array([totals[label] for label in y[:200]])
    np.testing.assert_allclose(weighted.coefs_[0], classifier().fit(X[:200], y[:200], by_hand).coefs_[0])


def test_class_weight_helps_the_rare():
    X, y = make_blobs([500, 20], centers=[[0, 0], [1.5, 0]], random_state=0)
    scores = [
        balanced_accuracy_score(
            y, classifier(class_weight=w, max_iter=100, learning_rate_init=0.01).fit(X, y).predict(X)
        )
        for w in (None, "balanced")
    ]
    assert scores[1] > scores[0] + 0.1


def test_class_weight_of_several_labels():
    X, Y = make_multilabel_classification(200, n_classes=2, random_state=0)
    weights = [{0: 1, 1: 30}, {0: 1, 1: 1}]
    clf = classifier(class_weight=weights, max_iter=50).fit(X, Y)
    by_hand = classifier(max_iter=50).fit(X, Y, np.where(Y[:, 0] == 1, 30.0, 1.0))
    np.testing.assert_allclose(clf.coefs_[0], by_hand.coefs_[0])


def test_sample_weight():
    X, y = moons()
    twice = np.concatenate([np.arange(300), np.arange(150)])
    weights = np.where(np.arange(300) < 150, 2.0, 1.0)
    whole = {"batch_size": 1000}
    with pytest.warns(UserWarning, match="clipped"):
        weighted, repeated = classifier(**whole).fit(X, y, weights), classifier(**whole).fit(X[twice], y[twice])
    np.testing.assert_allclose(weighted.coefs_[0], repeated.coefs_[0], rtol=1e-9)
    without = classifier(shuffle=False).fit(X[:200], y[:200])
    np.testing.assert_array_equal(
        without.coefs_[0], classifier(shuffle=False).fit(X, y, (np.arange(300) < 200) * 1.0).coefs_[0]
    )
    for wrong in (np.zeros(300), -np.ones(300), np.ones(299), np.full(300, np.nan)):
        with pytest.raises(ValueError, match=r"weight|0 for every|NaN"):
            classifier().fit(X, y, wrong)


def test_a_class_that_a_fold_lacks_needs_no_weight():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), np.repeat(["a", "b", "c"], 20)
    model = classifier(class_weight={"a": 2.0, "c": 3.0}, max_iter=3)
    assert np.isfinite(cross_val_score(model, X, y, cv=KFold(3))).all()
    plain, weighted = classifier(max_iter=3).fit(X, y), classifier(max_iter=3, class_weight={"d": 9.0}).fit(X, y)
    np.testing.assert_array_equal(plain.coefs_[0], weighted.coefs_[0])
