"""Sequences of different lengths in scikit-learn's manners."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate, train_test_split

import multicapa as mc
from estimator_helpers import SHORT_FITS

pytestmark = SHORT_FITS

LENGTHS = np.random.default_rng(0).integers(1, 10, 120)
X = [np.random.default_rng(i).normal(size=(n, 2)) for i, n in enumerate(LENGTHS)]
y = np.array(["up" if x.sum() > 0 else "down" for x in X])
SUMS = np.array([x[:, 0].sum() / 3 for x in X])
PADDED = mc.data.pad(X)


def classifier(**options):
    given = {"network": [mc.GRU(8)], "max_iter": 40, "batch_size": 20, "learning_rate_init": 0.02, "random_state": 0}
    return mc.NetworkClassifier(**(given | options))


def regressor(**options):
    given = {"network": [mc.LSTM(8)], "max_iter": 40, "batch_size": 20, "learning_rate_init": 0.02, "random_state": 0}
    return mc.NetworkRegressor(**(given | options))


@pytest.mark.parametrize("model", [classifier(max_iter=3), regressor(max_iter=3)])
def test_lists_padded_and_arrays_are_one(model):
    """Two fits and predictions give the same bits in whatever form sequences come."""
    target = y if isinstance(model, mc.NetworkClassifier) else SUMS
    forms = [X, tuple(X), [x.tolist() for x in X], PADDED]
    fitted = [clone(model).fit(form, target) for form in forms]
    for other, form in zip(fitted, forms, strict=True):
        np.testing.assert_array_equal(other.coefs_[0], fitted[0].coefs_[0])
        np.testing.assert_array_equal(other.predict(form), fitted[0].predict(X))
    even = np.stack([x[:4] for x in X if len(x) >= 4])
    several = target[LENGTHS >= 4]
    on_array, on_list = (clone(model).fit(form, several) for form in (even, list(even)))
    np.testing.assert_array_equal(on_array.coefs_[0], on_list.coefs_[0])
    np.testing.assert_array_equal(on_array.predict(even), on_list.predict(mc.data.pad(list(even))))


@pytest.mark.parametrize("form", [X, PADDED])
def test_cross_validation(form):
    """Also where the longest sequences are those of the test."""
    scores = cross_validate(classifier(), form, y, cv=3)["test_score"]
    assert scores.min() > 0.8
    order = np.argsort(LENGTHS, kind="stable")
    sorted_by_length = form[order] if form is PADDED else [X[i] for i in order]
    folds = [(np.arange(100), np.arange(100, 120))]
    model = cross_validate(
        regressor(max_iter=100), sorted_by_length, SUMS[order], cv=folds, return_estimator=True, error_score="raise"
    )
    assert model["test_score"][0] > 0.8
    assert model["estimator"][0].network_.input_shape == (LENGTHS[order][99], 2)


def test_search_and_split():
    grid = {"network": [[mc.GRU(2)], [mc.Bidirectional(mc.LSTM(4))]]}
    search = GridSearchCV(classifier(max_iter=5), grid, cv=2, error_score="raise").fit(X, y)
    assert search.predict(X[:3]).shape == (3,)
    train, test, y_train, y_test = train_test_split(X, y, random_state=0)
    assert classifier().fit(train, y_train).score(test, y_test) > 0.8


def test_predictions_do_not_depend_on_company():
    model = classifier(max_iter=5).fit(X, y)
    whole = model.predict_proba(X)
    np.testing.assert_allclose(np.concatenate([model.predict_proba([x]) for x in X]), whole, rtol=1e-5)
    array = np.stack([x[:3] for x in X if len(x) >= 3])
    np.testing.assert_array_equal(model.predict_proba(array), model.predict_proba(list(array)))


def test_longer_than_in_fit():
    """Weights know nothing of the number of steps."""
    model = classifier(max_iter=5, warm_start=True).fit(X, y)
    longer = [np.tile(x, (3, 1)) for x in X[:20]]
    stream, last = model.network_.stream(), []
    for x in longer:
        stream.reset()
        last.append([stream.step(step) for step in x][-1])
    np.testing.assert_allclose(model.predict_proba(longer)[:, 1], np.ravel(last), rtol=1e-6)
    assert model.network_.time == 9
    model.partial_fit(longer, y[:20])
    assert model.network_.time == 27
    model.fit(X, y)
    assert model.network_.time == 27
    held = classifier(max_iter=3, early_stopping=True).fit(X, y, validation_data=(longer, y[:20]))
    assert len(held.validation_scores_) == held.n_iter_ == 3


def test_tokens():
    tokens = [np.random.default_rng(i).integers(0, 5, n) for i, n in enumerate(LENGTHS)]
    found = np.array([3 in each for each in tokens])
    model = classifier(network=[mc.Embedding(5, 4), mc.LSTM(8)], max_iter=60).fit(tokens, found)
    assert model.score([each.tolist() for each in tokens], found) > 0.9
    with pytest.raises(ValueError, match=r"X\[1, 0\] is 5"):
        model.predict([[1], [5, 2]])


def test_weights_early_stopping_warm_start_and_pickle():
    weights = np.where(y == "up", 0.0, 1.0)
    for one_sided in (classifier().fit(X, y, weights), classifier(class_weight={"up": 0}).fit(X, y)):
        assert (one_sided.predict(X) == "down").mean() > 0.9
    model = classifier(early_stopping=True, class_weight="balanced", warm_start=True, max_iter=5).fit(X, y)
    assert len(model.validation_scores_) == model.n_iter_
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    quasi = regressor(solver="lbfgs", max_iter=100).fit(X, SUMS)
    assert quasi.score(X, SUMS) > 0.9


def test_on_line():
    """As sequences arrive, longer ones too; the optimiser goes on, also through a pickle."""
    model = regressor().partial_fit(X[:20], SUMS[:20])
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.partial_fit([np.tile(x, (2, 1)) for x in X[20:40]], SUMS[20:40])
    np.testing.assert_array_equal(model.predict(X), again.predict(X))


def test_what_is_refused():
    model = classifier(max_iter=2, warm_start=True).fit(X, y)
    before = model.network_.parameters.flat.tobytes()
    wrong = X.copy()
    wrong[7] = np.full_like(X[7], np.nan)
    other = [np.zeros((len(x), 3)) for x in X]
    mixed = [*X[:-1], np.zeros((2, 3))]
    texts = [["a"] * n for n in LENGTHS]
    for made in (model, classifier(max_iter=2)):
        for given, words in (
            (wrong, r"X\[7, 0, 0\] is nan"),
            (mixed, "sequence 119"),
            (X[:-1], "inconsistent"),
            ([], "no samples"),
        ):
            with pytest.raises(ValueError, match=words):
                made.fit(given, y)
        with pytest.raises(TypeError, match="sequence 0 should hold numbers"):
            made.fit(texts, y)
    for call in (lambda: model.predict(other), lambda: model.fit(other, y), lambda: model.partial_fit(other, y)):
        with pytest.raises(ValueError, match=r"\(time, 2\), not of steps of shape \(3,\)"):
            call()
    assert model.network_.parameters.flat.tobytes() == before
    for network, words in (
        ([mc.GRU(3, return_sequences=True), mc.Flatten()], "one length"),
        ([mc.Flatten()], "one length"),
        ([mc.LSTM(3, return_sequences=True)], "outputs of shape"),
    ):
        fresh = classifier(network=network)
        with pytest.raises(ValueError, match=words):
            fresh.fit(X, y)
        assert not hasattr(fresh, "network_")
    with pytest.raises(ValueError, match="augment"):
        classifier(augment=lambda X, rng: X).fit(X, y)
    with pytest.raises(ValueError, match="L-BFGS needs a cost that stays the same"):
        classifier(network=[mc.Dropout(0.5), mc.LSTM(3)], solver="lbfgs").fit(X, y)


def test_another_kind_of_samples_needs_another_fit():
    """Sequences after series and after images; each fit anew forgets what came before."""
    series = np.stack([np.resize(x, (6, 2)) for x in X])
    model = classifier(max_iter=2).fit(series, y)
    assert model.predict(X).shape == model.fit(X, y).predict(series).shape == (120,)
    images = classifier(network=[mc.Conv2D(2, 2), mc.Flatten()], max_iter=2).fit(series, y)
    with pytest.raises(ValueError, match="one length"):
        images.predict(X)
