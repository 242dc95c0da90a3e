"""What the estimators read: every kind of table and array, and what they make of types and names."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import LabelBinarizer

import multicapa as mc
from estimator_helpers import SHORT_FITS

pytestmark = SHORT_FITS

X, y = load_iris(return_X_y=True)
NAMES = ["a", "b", "c", "d"]
PLAIN = {"dropout": 0, "batch_norm": False}


def classifier(**options):
    return mc.MLPClassifier(**({"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0} | options))


@pytest.fixture(scope="module")
def expected():
    return classifier().fit(X, y).predict_proba(X)


def frame(library):
    module = pytest.importorskip(library)
    if library == "pyarrow":
        return module.table(dict(zip(NAMES, X.T, strict=True)))
    return module.DataFrame(dict(zip(NAMES, X.T, strict=True)))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables(library, expected):
    """With names that are checked, on early stopping too."""
    table = frame(library)
    labels = getattr(pytest.importorskip(library), "Series")(y)  # noqa: B009 - the library is a parameter
    clf = classifier().fit(table, labels)
    np.testing.assert_array_equal(clf.predict_proba(table), expected)
    assert clf.feature_names_in_.tolist() == NAMES
    classifier(early_stopping=True).fit(table, labels, validation_data=(table, labels)).predict(table)
    with pytest.raises(ValueError, match="feature names should match"):
        clf.predict(table[NAMES[::-1]])
    with pytest.warns(UserWarning, match="valid feature names"):
        clf.predict(X)
    clf.partial_fit(table, labels)


@pytest.mark.parametrize("kind", ["list", "fortran", "strided", "read_only", "csr", "csc", "csr_array", "big_endian"])
def test_arrays_of_all_kinds(kind, expected):
    made = {
        "list": X.tolist,
        "fortran": lambda: np.asfortranarray(X),
        "strided": lambda: np.repeat(X, 2, axis=1)[:, ::2],
        "read_only": X.view,
        "csr": lambda: scipy.sparse.csr_matrix(X),
        "csc": lambda: scipy.sparse.csc_matrix(X),
        "csr_array": lambda: scipy.sparse.csr_array(X),
        "big_endian": lambda: X.astype(">f8"),
    }[kind]()
    if kind == "read_only":
        made.flags.writeable = False
    clf = classifier().fit(made, y)
    np.testing.assert_array_equal(clf.predict_proba(made), expected)
    np.testing.assert_array_equal(clf.partial_fit(made, y).predict(made), clf.predict(X))


def test_memory_map(tmp_path, expected):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    clf = classifier().fit(mapped, np.asarray(y))
    np.testing.assert_array_equal(clf.predict_proba(mapped), expected)


@pytest.mark.parametrize("labels", [["setosa", "versicolor", "virginica"], [2.0, 3.0, 5.0], [-1, 7, 10**12]], ids=str)
def test_labels_come_back_as_they_went_in(labels, expected):
    named = np.array(labels)[y]
    clf = classifier().fit(X, named)
    assert clf.classes_.tolist() == labels
    assert clf.predict(X).dtype == named.dtype
    np.testing.assert_array_equal(clf.predict_proba(X), expected)
    if isinstance(labels[0], str):
        assert set(classifier().fit(X, named.astype(object)).predict(X)) <= set(labels)


@pytest.mark.parametrize("estimator", [mc.MLPClassifier, mc.MLPRegressor])
def test_type_follows_x(estimator):
    for dtype, made in (("float32", "float32"), ("float64", "float64"), ("int32", "float64"), ("float16", "float64")):
        model = estimator(hidden_layer_sizes=(4,), max_iter=2).fit((10 * X).astype(dtype), y)
        assert {array.dtype.name for array in model.coefs_ + model.intercepts_} == {made}
        outputs = model.predict_proba(X) if estimator is mc.MLPClassifier else model.predict(X)
        assert outputs.dtype == made
        model.set_params(warm_start=True).fit((10 * X).astype("float64"), y)  # the network keeps its type
        assert model.coefs_[0].dtype == made


def test_several_labels_and_outputs():
    samples, labels = make_multilabel_classification(200, n_classes=3, random_state=0)
    clf = classifier(max_iter=100, learning_rate_init=0.01).fit(samples, labels)
    assert clf.predict(samples).shape == clf.predict_proba(samples).shape == labels.shape
    assert (clf.predict(samples) == labels).mean() > max(labels.mean(), 1 - labels.mean()) + 0.1
    assert (clf.out_activation_, clf.classes_.tolist()) == ("logistic", [0, 1, 2])
    sparse = classifier(max_iter=100, learning_rate_init=0.01).fit(samples, scipy.sparse.csr_matrix(labels))
    assert scipy.sparse.issparse(sparse.predict(samples))  # as in scikit-learn
    np.testing.assert_array_equal(sparse.predict(samples).toarray(), clf.predict(samples))
    assert sparse.score(samples, labels) == clf.score(samples, labels)
    r = mc.MLPRegressor(hidden_layer_sizes=8, solver="lbfgs", max_iter=300, random_state=0)
    r.fit(samples, samples[:, :2] / 10)
    assert r.predict(samples).shape == (200, 2)
    assert r.score(samples, samples[:, :2] / 10) > 0.9


def test_one_hot_rows_are_labels():
    """Three columns of which one is 1: several labels, as in scikit-learn, not classes."""
    rows = LabelBinarizer().fit_transform(y)
    clf = classifier(max_iter=100, learning_rate_init=0.02).fit(X, rows)
    assert clf.out_activation_ == "logistic"
    assert clf.predict(X).shape == rows.shape


def test_coefficients_are_views():
    clf = classifier().fit(X, y)
    assert [w.shape for w in clf.coefs_] == [(4, 8), (8, 3)]
    assert [b.shape for b in clf.intercepts_] == [(8,), (3,)]
    clf.coefs_[-1][:] = 0
    clf.intercepts_ = [np.zeros(8), np.zeros(3)]
    np.testing.assert_allclose(clf.predict_proba(X), 1 / 3)
    with pytest.raises(AttributeError):
        _ = classifier().coefs_
    with pytest.raises(NotFittedError):
        classifier().predict(X)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.where(X[0, 0] == X, np.nan, X), "NaN"),
        (X[:, 0], "2D array"),
        (X[:10], "inconsistent numbers of samples"),
        (np.full(X.shape, "x"), "could not convert|Unable to convert"),
    ],
    ids=["missing", "flat", "short", "words"],
)
def test_wrong_samples(wrong, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(wrong, y)


def test_wrong_labels():
    with pytest.raises(ValueError, match="Unknown label type"):
        classifier().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="several columns of more than two classes"):
        classifier().fit(X, np.stack([y, y], axis=1))


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("estimator", [mc.MLPClassifier, mc.MLPRegressor])
def test_large_sparse_rows_become_dense_some_at_a_time(estimator, weighted, monkeypatch):
    """The same bits as all at once: order, batches, dropout and rates do not notice."""
    samples = scipy.sparse.random_array((500, 40), density=0.2, format="csr", rng=np.random.default_rng(0))
    targets = np.asarray(samples.sum(axis=1)).ravel() > 4
    weights = np.linspace(0, 2, 500) if weighted else None
    options = {"hidden_layer_sizes": 8, "max_iter": 4, "random_state": 0, "batch_size": 32, "dropout": 0.2, "alpha": 1}
    options |= {"solver": "sgd", "learning_rate": mc.schedules.Exponential(0.1, 0.99), "batch_norm": True}

    def fitted(**others):
        model = estimator(**options | others).fit(samples, targets, weights)
        return model if "solver" in others or "early_stopping" in others else model.partial_fit(samples, targets)

    for others in ({}, {"early_stopping": True}, {"solver": "lbfgs", "learning_rate": "constant", **PLAIN}):
        whole = fitted(**others)
        expected = whole.predict(samples)
        with monkeypatch.context() as small:
            small.setattr("multicapa.estimators.samples.DENSE_BYTES", 0)
            small.setattr("multicapa.base.arrays.SparseRows._BYTES_AT_ONCE", 100 * 40 * 8)  # three batches
            pieces = fitted(**others)
            np.testing.assert_array_equal(pieces.predict(samples), expected)
        np.testing.assert_array_equal(pieces.network_.parameters.flat, whole.network_.parameters.flat)
        np.testing.assert_allclose(pieces.loss_curve_, whole.loss_curve_, rtol=1e-12)
        if others == {"early_stopping": True}:
            assert pieces.validation_scores_ == whole.validation_scores_
            np.testing.assert_allclose(pieces.history_["val_loss"], whole.history_["val_loss"], rtol=1e-12)
