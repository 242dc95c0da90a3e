"""Augmentation of texts: words are exchanged, put in and left out, and encoded like X."""

import pickle

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from helpers import all_equal, rng
from multicapa.augment import Texts, WordDelete, WordInsert, WordReplace

SYNONYMS = {"good": ["fine", "great"], "film": ["movie"]}
TEXTS = ["a good film", "not a good film , no", "bad", "the film was long and the end was bad"]
WORD_AUGMENTERS = [WordReplace(0.5, SYNONYMS), WordInsert(0.3, ["and", "so"]), WordDelete(0.4)]


@pytest.mark.parametrize("augment", WORD_AUGMENTERS, ids=repr)
class TestEveryWordAugmenter:
    def test_the_seed_decides_and_the_texts_are_untouched(self, augment):
        texts = TEXTS * 10
        before = list(texts)
        new = augment(texts, rng(1))
        assert texts == before
        assert len(new) == len(texts)
        assert new != texts
        assert new == augment(texts, rng(1))
        assert new != augment(texts, rng(2))

    def test_never_empty(self, augment):
        assert all(text.strip() for text in augment(["one", "one two"] * 500, rng()))

    def test_texts_without_words_stay(self, augment):
        assert augment(["", " \n"], rng()) == ["", " \n"]
        assert augment([], rng()) == []

    def test_unchanged_texts_keep_their_spaces(self, augment):
        never = type(augment)(0, *[value for key, value in vars(augment).items() if key != "p"])
        assert never(["a  good\nfilm "], rng()) == ["a  good\nfilm "]

    def test_wrong_texts(self, augment):
        with pytest.raises(TypeError, match="list of strings"):
            augment("a good film", rng())
        with pytest.raises(TypeError, match="numpy Generator"):
            augment(TEXTS, np.random)

    def test_pickle(self, augment):
        assert pickle.loads(pickle.dumps(augment)) == augment


def test_replaces_only_words_with_synonyms():
    new = WordReplace(1, SYNONYMS)(["a good film"] * 200, rng())
    assert set(new) == {"a fine movie", "a great movie"}
    assert abs(new.count("a fine movie") - 100) < 35


def test_replace_keeps_punctuation_capitals_and_spaces():
    replace = WordReplace(1, {"good": ["fine"], "U.S.": ["America"], "don't": ["do not"], ":)": ["smiling"]})
    text = '"Good," he said;\n the  U.S. is (good)? Don\'t goodbye :) ... GOOD'
    assert replace([text], rng()) == ['"Fine," he said;\n the  America is (fine)? Do not goodbye smiling ... Fine']


@pytest.mark.parametrize("p", [0.1, 0.6])
def test_shares_of_words(p):
    count = 20000
    bound = 4 * np.sqrt(p * (1 - p) / count)
    text = " ".join(["good"] * count)
    replaced = WordReplace(p, SYNONYMS)([text], rng())[0].split()
    assert len(replaced) == count
    assert abs(np.mean([word != "good" for word in replaced]) - p) < bound
    inserted = WordInsert(p, ["x", "y"])([text], rng())[0].split()
    assert inserted.count("good") == count
    assert abs((len(inserted) - count) / count - p) < bound
    assert abs(inserted.count("x") / inserted.count("y") - 1) < 0.15
    deleted = WordDelete(p)([text], rng())[0].split()
    assert abs(1 - len(deleted) / count - p) < bound


def test_insert_and_delete_keep_the_order():
    words = [str(i) for i in range(200)]
    inserted = WordInsert(0.5, ["new"])([" ".join(words)], rng())[0].split()
    assert [word for word in inserted if word != "new"] == words
    deleted = WordDelete(0.5)([" ".join(words)], rng())[0].split()
    assert [word for word in words if word in deleted] == deleted


def test_delete_everything_keeps_one_word_at_random():
    new = WordDelete(1)(["a b c d"] * 400, rng())
    assert set(new) == set("abcd")


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("vectorizer", [CountVectorizer, TfidfVectorizer])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_texts_are_encoded_like_x(vectorizer, dtype, dense):
    fitted = vectorizer().fit(TEXTS)
    X = fitted.transform(TEXTS).toarray().astype(dtype)
    before = X.copy()
    encode = (lambda texts: fitted.transform(texts).toarray()) if dense else fitted.transform
    augment = Texts(TEXTS, WORD_AUGMENTERS, encode)
    new = augment(X, rng())
    assert type(new) is np.ndarray
    assert (new.shape, new.dtype) == (X.shape, X.dtype)
    assert all_equal(X, before)
    assert not all_equal(new, X)
    assert all_equal(new, augment(X, rng()))
    assert all_equal(Texts(TEXTS, [WordDelete(0)], encode)(X, rng()), X)


def test_texts_apply_in_order():
    fitted = CountVectorizer(token_pattern=r"\S+").fit(["a b c"])
    augment = Texts(["a"], [WordReplace(1, {"a": ["b"]}), WordReplace(1, {"b": ["c"]})], fitted.transform)
    assert augment([[1, 0, 0]], rng()).tolist() == [[0, 0, 1]]


def test_texts_do_not_follow_later_changes():
    texts = list(TEXTS)
    fitted = CountVectorizer().fit(texts)
    X = fitted.transform(texts).toarray()
    augment = Texts(texts, [WordDelete(0)], fitted.transform)
    texts[0] = "other"
    assert all_equal(augment(X, rng()), X)


def test_texts_own_their_result():
    stored = np.ones((4, 2))
    new = Texts(TEXTS, [WordDelete(0)], lambda texts: stored)(stored, rng())
    assert not np.shares_memory(new, stored)


def test_texts_refuse_what_does_not_fit():
    fitted = CountVectorizer().fit(TEXTS)
    X = fitted.transform(TEXTS).toarray()
    augment = Texts(TEXTS, WORD_AUGMENTERS, fitted.transform)
    with pytest.raises(ValueError, match="a sample for each of the 4 texts"):
        augment(X[:3], rng())
    with pytest.raises(ValueError, match="encode should return the shape of X"):
        augment(X[:, :2], rng())
    with pytest.raises(TypeError, match="float64, which does not fit into the int64"):
        Texts(TEXTS, WORD_AUGMENTERS, lambda texts: np.ones(X.shape))(X, rng())
    with pytest.raises(TypeError, match="does not fit"):
        Texts(TEXTS, WORD_AUGMENTERS, lambda texts: np.full(X.shape, "a"))(X, rng())
    with pytest.raises(ValueError, match="should return 4 texts, not 3"):
        Texts(TEXTS, [lambda texts, rng: texts[1:]], fitted.transform)(X, rng())
    with pytest.raises(TypeError, match="returns should be a list of strings"):
        Texts(TEXTS, [lambda texts, rng: None], fitted.transform)(X, rng())
    with pytest.raises(TypeError, match="numpy Generator"):
        augment(X, None)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: WordReplace(2, SYNONYMS), ValueError, "p should be at most 1"),
        (lambda: WordReplace(0.1, {}), TypeError, "synonyms should be a dict"),
        (lambda: WordReplace(0.1, [("a", "b")]), TypeError, "synonyms should be a dict"),
        (lambda: WordReplace(0.1, {"a b": ["c"]}), ValueError, "single words, not 'a b'"),
        (lambda: WordReplace(0.1, {"a": "bc"}), TypeError, r"synonyms\['a'\] should be a list"),
        (lambda: WordReplace(0.1, {"a": []}), ValueError, r"synonyms\['a'\] should hold at least one"),
        (lambda: WordInsert(0.1, []), ValueError, "vocabulary should hold at least one word"),
        (lambda: WordInsert(0.1, ["a", " "]), ValueError, "no empty ones"),
        (lambda: WordInsert(0.1, "abc"), TypeError, "vocabulary should be a list"),
        (lambda: WordInsert(0.1, ["a", 1]), TypeError, r"vocabulary\[1\] is 1"),
        (lambda: WordDelete(None), TypeError, "p should be a number"),
        (lambda: Texts("abc", WORD_AUGMENTERS, len), TypeError, "texts should be a list of strings"),
        (lambda: Texts(["a", 3], WORD_AUGMENTERS, len), TypeError, r"texts\[1\] is 3"),
        (lambda: Texts(TEXTS, [], len), ValueError, "at least one augmenter"),
        (lambda: Texts(TEXTS, WORD_AUGMENTERS, None), TypeError, "encode should be a function"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
