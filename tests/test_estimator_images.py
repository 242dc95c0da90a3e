"""Images and series in scikit-learn's manners, and augmentation."""

import pickle
import threading

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score

import multicapa as mc
from estimator_helpers import SHORT_FITS

pytestmark = SHORT_FITS

X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8) / 16
FEW, LABELS = X[:200], y[:200]


def layers(pool=mc.MaxPool2D):
    return [mc.Conv2D(8, 3, "relu"), pool(2), mc.Flatten()]


def classifier(**options):
    given = {"network": layers(), "max_iter": 8, "learning_rate_init": 0.01, "random_state": 0}
    return mc.NetworkClassifier(**(given | options))


def test_cross_validation_on_images():
    scores = cross_val_score(classifier(max_iter=20), X, y, cv=3)
    assert scores.min() > 0.9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_network_is_the_one_that_fit_trains(dtype):
    """The estimator adds nothing to its network but scikit-learn's start and stops."""
    model = classifier(max_iter=3).fit(FEW.astype(dtype), LABELS)
    assert model.network_.dtype == dtype
    assert model.network_.input_shape == (8, 8)
    np.testing.assert_array_equal(model.predict_proba(FEW.astype(dtype)), model.network_.predict(FEW.astype(dtype)))
    np.testing.assert_array_equal(model.predict(FEW), model.classes_[model.predict_proba(FEW).argmax(axis=1)])


def test_channels_and_a_function():
    def build(x, n_outputs, activation, filters=4):
        assert x.layer.shape == (8, 8, 2)
        return mc.Dense(n_outputs, activation)(mc.GlobalMaxPool2D()(mc.Conv2D(filters, 3, "relu")(x)))

    images = np.stack([FEW, 1 - FEW], axis=-1)
    model = classifier(network=build).fit(images, LABELS % 2)
    assert model.predict_proba(images).shape == (200, 2)


def test_numbers_from_images():
    """The mean brightness of an image."""
    brightness = X.mean(axis=(1, 2)) * 10
    network = [mc.Conv2D(4, 3, "relu", padding="same"), mc.GlobalAveragePool2D()]
    model = mc.NetworkRegressor(network, max_iter=60, batch_size=32, learning_rate_init=0.01, random_state=0)
    assert model.fit(X, brightness).score(X, brightness) > 0.95
    assert model.predict(FEW).shape == (200,)


def test_series():
    """Whether a short wave lies somewhere in the noise."""
    rng = np.random.default_rng(0)
    series, labels = rng.normal(size=(150, 30, 2)), np.arange(150) % 2
    for i in np.flatnonzero(labels):
        start = rng.integers(26)
        series[i, start : start + 4, 0] += (4, -4, 4, -4)
    network = [mc.Conv1D(6, 4, "relu", padding="same"), mc.GlobalMaxPool1D()]
    model = classifier(network=network, max_iter=30, batch_size=16)
    assert model.fit(series, labels).score(series, labels) > 0.95


def test_search_and_lists():
    grid = {"network": [layers(), layers(mc.AveragePool2D)]}
    search = GridSearchCV(classifier(max_iter=3), grid, cv=2).fit(FEW, LABELS)
    assert len(search.cv_results_["mean_test_score"]) == 2
    model = classifier().fit(FEW.tolist(), LABELS.tolist())
    np.testing.assert_array_equal(model.predict(FEW.tolist()), classifier().fit(FEW, LABELS).predict(FEW))


def test_weights_early_stopping_and_validation_of_images():
    weights = np.where(LABELS == 3, 0.0, 1.0)
    model = classifier(early_stopping=True, validation_fraction=0.2, class_weight="balanced")
    model.fit(FEW, LABELS, sample_weight=weights)
    assert len(model.validation_scores_) == model.n_iter_
    assert 3 not in model.predict(FEW)
    held = classifier(early_stopping=True).fit(FEW, LABELS, validation_data=(X[200:300], y[200:300]))
    assert "val_loss" in held.history_.names()


def test_warm_start_partial_fit_and_pickle_of_images():
    model = classifier(warm_start=True).fit(FEW, LABELS)
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.fit(FEW, LABELS)
        each.partial_fit(FEW, LABELS)
    np.testing.assert_array_equal(model.predict_proba(FEW), again.predict_proba(FEW))
    fresh = classifier().partial_fit(FEW, LABELS, classes=range(10))
    assert fresh.predict_proba(FEW).shape == (200, 10)


@pytest.mark.parametrize("verb", ["predict", "predict_proba", "partial_fit", "fit", "validation"])
@pytest.mark.parametrize("shape", [(200, 64), (200, 8, 7), (200, 7, 8), (200, 8, 8, 1)])
def test_other_shapes_are_told(verb, shape):
    model = classifier(warm_start=True).fit(FEW, LABELS)
    before = model.network_.parameters.flat.copy()
    other = np.resize(FEW, shape)
    calls = {
        "predict": lambda: model.predict(other),
        "predict_proba": lambda: model.predict_proba(other),
        "partial_fit": lambda: model.partial_fit(other, LABELS),
        "fit": lambda: model.fit(other, LABELS),
        "validation": lambda: model.fit(FEW, LABELS, validation_data=(other, LABELS)),
    }
    with pytest.raises(ValueError, match=r"X should have shape \(n_samples, 8, 8\), not"):
        calls[verb]()
    np.testing.assert_array_equal(model.network_.parameters.flat, before)


def test_refusals():
    with pytest.raises(ValueError, match="put a Flatten before it"):
        classifier(network=layers()[:2]).fit(FEW, LABELS)
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(np.where(FEW > 0.9, np.nan, FEW), LABELS)
    with pytest.raises(ValueError, match="dim 3"):
        mc.MLPClassifier().fit(FEW, LABELS)
    with pytest.raises(ValueError, match="height, width"):
        classifier().fit(FEW.reshape(200, 64), LABELS)


# ---- augmentation ----


def test_augmentation_is_that_of_the_network():
    """Same seed, same samples anew in each epoch: two fits agree, and differ from one without."""
    plain, once, again = (
        classifier(augment=augment, max_iter=3).fit(FEW, LABELS)
        for augment in (None, mc.augment.Crop(1), mc.augment.Crop(1))
    )
    np.testing.assert_array_equal(once.coefs_[0], again.coefs_[0])
    assert not np.array_equal(plain.coefs_[0], once.coefs_[0])
    np.testing.assert_array_equal(clone(once).fit(FEW, LABELS).coefs_[0], once.coefs_[0])


def test_augmented_rows():
    augment = mc.augment.Images([mc.augment.Crop(1)], shape=(8, 8))
    model = mc.MLPClassifier((16,), augment=augment, max_iter=5, random_state=0).fit(FEW.reshape(200, 64), LABELS)
    assert model.n_iter_ == 5


def test_the_next_epoch_is_augmented_while_this_one_is_trained():
    """Each epoch ends only when the samples of the next are there: had they to wait for it, this would not end."""
    made = [threading.Event() for _ in range(5)]
    threads = set()

    def augment(images, rng):
        threads.add(threading.current_thread())
        next(each for each in made if not each.is_set()).set()
        return images + rng.normal(scale=0.1, size=images.shape)

    def wait(network, epoch):
        assert epoch["epoch"] == 5 or made[epoch["epoch"]].wait(20)

    classifier(augment=augment, max_iter=5, callbacks=[wait]).fit(FEW, LABELS)
    assert all(each.is_set() for each in made)
    assert threading.main_thread() not in threads


@pytest.mark.parametrize(
    ("options", "call", "message"),
    [
        ({"augment": 3}, "fit", "function of X and a random generator"),
        ({"augment": mc.augment.Crop(1), "solver": "lbfgs"}, "fit", "L-BFGS"),
        ({"augment": mc.augment.Crop(1)}, "partial_fit", "does not augment"),
        ({"augment": lambda images, rng: images[1:]}, "fit", "should have 200 samples"),
    ],
)
def test_wrong_augmentation(options, call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(classifier(**options), call)(FEW, LABELS, **({"classes": range(10)} if call == "partial_fit" else {}))


def test_sparse_rows_are_not_augmented():
    rows = csr_matrix(FEW.reshape(200, 64))
    with pytest.raises(ValueError, match="sparse"):
        mc.MLPClassifier((4,), augment=mc.augment.Noise(0.1)).fit(rows, LABELS)
