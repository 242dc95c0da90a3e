"""Texts: replace, insert and delete words.

Words are what stands between spaces. Texts in which nothing changes keep their spaces; in others, words that are
inserted or deleted leave single spaces. A text with words keeps at least one.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.augment.arguments import check_functions, check_rng, check_share

_WORD = re.compile(r"\S+")
_WITHOUT_PUNCTUATION = re.compile(r"\w(?:.*\w)?", re.DOTALL)


class _WordAugmenter(ABC):
    """What all share: the checks, and one probability per word."""

    p: float

    def __call__(self, texts: Sequence[str], rng: np.random.Generator) -> list[str]:
        """New texts, as many as given; those given stay as they are."""
        check_rng(rng)
        return [self._change(text, rng) for text in _check_texts(texts, "texts")]

    @abstractmethod
    def _change(self, text: str, rng: np.random.Generator) -> str:
        """A new text."""


def _check_texts(texts: Any, what: str) -> tuple[str, ...]:
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise TypeError(f"{what} should be a list of strings, not {texts!r}")
    checked = tuple(texts)
    for i, text in enumerate(checked):
        if not isinstance(text, str):
            raise TypeError(f"{what} should be a list of strings, but {what}[{i}] is {text!r}")
    return checked


def _check_words(words: Any, what: str) -> tuple[str, ...]:
    checked = _check_texts(words, what)
    if not checked or not all(word.strip() for word in checked):
        raise ValueError(f"{what} should hold at least one word and no empty ones, not {words!r}")
    return checked


@dataclass(frozen=True)
class WordReplace(_WordAugmenter):
    """Replace words by synonyms.

    Parameters
    ----------
    p : float
        Probability that a word that has synonyms is replaced by one of them, each as likely as the others.
    synonyms : dict of str to list of str
        What may stand for a word. A word is looked up as it stands, then without the punctuation around it, which
        stays, then in lower case; then the synonym gets a capital if the word has one.

    Examples
    --------
    >>> import numpy as np
    >>> from multicapa.augment import WordReplace
    >>> WordReplace(1, {"good": ["fine"]})(["Good, very good!"], np.random.default_rng(0))
    ['Fine, very fine!']
    """

    p: float
    synonyms: Mapping[str, Sequence[str]] = field(repr=False)

    def __post_init__(self) -> None:
        check_share(self.p, "p")
        if not isinstance(self.synonyms, Mapping) or not self.synonyms:
            raise TypeError(f"synonyms should be a dict of word to list of words, not {self.synonyms!r}")
        checked = {}
        for word, others in self.synonyms.items():
            if not isinstance(word, str) or not _WORD.fullmatch(word):
                raise ValueError(f"synonyms should be of single words, not {word!r}")
            checked[word] = _check_words(others, f"synonyms[{word!r}]")
        object.__setattr__(self, "synonyms", checked)

    def _change(self, text: str, rng: np.random.Generator) -> str:
        def replaced(match: re.Match[str]) -> str:
            before, others, after = self._find(match[0])
            if not others or rng.random() >= self.p:
                return match[0]
            return before + others[int(rng.integers(len(others)))] + after

        return _WORD.sub(replaced, text)

    def _find(self, token: str) -> tuple[str, Sequence[str], str]:
        """The synonyms, and the punctuation before and after."""
        if token in self.synonyms:
            return "", self.synonyms[token], ""
        match = _WITHOUT_PUNCTUATION.search(token)
        if not match:
            return "", (), ""
        before, word, after = token[: match.start()], match[0], token[match.end() :]
        if word in self.synonyms:
            return before, self.synonyms[word], after
        others = self.synonyms.get(word.lower(), ())
        return before, [other[0].upper() + other[1:] for other in others] if word[:1].isupper() else others, after


@dataclass(frozen=True)
class WordInsert(_WordAugmenter):
    """Insert random words.

    Parameters
    ----------
    p : float
        Probability that a word is inserted after a word, for each word of a text.
    vocabulary : sequence of str
        The words to insert, each as likely as the others; for instance ``vectorizer.get_feature_names_out()``.

    Examples
    --------
    >>> import numpy as np
    >>> from multicapa.augment import WordInsert
    >>> WordInsert(1, ["well"])(["so it goes"], np.random.default_rng(0))
    ['so well it well goes well']
    """

    p: float
    vocabulary: Sequence[str] = field(repr=False)

    def __post_init__(self) -> None:
        check_share(self.p, "p")
        object.__setattr__(self, "vocabulary", _check_words(self.vocabulary, "vocabulary"))

    def _change(self, text: str, rng: np.random.Generator) -> str:
        words = text.split()
        chosen = rng.random(len(words)) < self.p
        if not chosen.any():
            return text
        for i in np.flatnonzero(chosen):
            words[i] += " " + self.vocabulary[int(rng.integers(len(self.vocabulary)))]
        return " ".join(words)


@dataclass(frozen=True)
class WordDelete(_WordAugmenter):
    """Delete words.

    Parameters
    ----------
    p : float
        Probability of each word to be deleted. If that would leave none, one of them stays.

    Examples
    --------
    >>> import numpy as np
    >>> from multicapa.augment import WordDelete
    >>> WordDelete(0.5)(["to be or not to be", "yes"], np.random.default_rng(0))
    ['to to be', 'yes']
    """

    p: float

    def __post_init__(self) -> None:
        check_share(self.p, "p")

    def _change(self, text: str, rng: np.random.Generator) -> str:
        words = text.split()
        kept = rng.random(len(words)) >= self.p
        if kept.all():
            return text
        if not kept.any():
            return words[rng.integers(len(words))]
        return " ".join(word for word, keep in zip(words, kept, strict=True) if keep)


@dataclass(frozen=True)
class Texts:
    """The texts behind X, changed and encoded anew.

    Of X itself only shape and type matter: the result has the same.

    Parameters
    ----------
    texts : sequence of str
        The training texts; ``texts[i]`` is what ``X[i]`` encodes.
    augmenters : sequence of augmenters
        :class:`WordReplace`, :class:`WordInsert`, :class:`WordDelete`, or any function ``augment(texts, rng)`` that
        returns as many texts; applied one after the other.
    encode : callable
        From a list of texts to their rows, an array or a scipy sparse matrix: the ``transform`` of a vectoriser fitted
        on the training texts. Augmentation calls it from another thread.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from multicapa.augment import Texts, WordReplace
    >>> texts = ["a good film", "a bad film", "a fine day"]
    >>> vectorizer = CountVectorizer().fit(texts)
    >>> X = vectorizer.transform(texts).toarray()
    >>> augment = Texts(texts, [WordReplace(1, {"good": ["fine"]})], vectorizer.transform)
    >>> augment(X, np.random.default_rng(0))  # bad, day, film, fine, good
    array([[0, 0, 1, 1, 0],
           [1, 0, 1, 0, 0],
           [0, 1, 0, 1, 0]])
    """

    texts: Sequence[str] = field(repr=False)
    augmenters: Sequence[Callable[[Any, np.random.Generator], Any]]
    encode: Callable[[list[str]], Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", _check_texts(self.texts, "texts"))
        object.__setattr__(self, "augmenters", check_functions(self.augmenters, "augmenters"))
        if not callable(self.encode):
            raise TypeError(f"encode should be a function of a list of texts, not {self.encode!r}")

    def __call__(self, X: npt.ArrayLike, rng: np.random.Generator) -> npt.NDArray[Any]:
        """Rows of the changed texts, in the shape and type of X, which stays as it is."""
        check_rng(rng)
        old = np.asarray(X)
        if old.ndim == 0 or len(old) != len(self.texts):
            raise ValueError(f"X should have a sample for each of the {len(self.texts)} texts, not shape {old.shape}")
        texts = list(self.texts)
        for augmenter in self.augmenters:
            texts = list(_check_texts(augmenter(texts, rng), f"what {augmenter!r} returns"))
            if len(texts) != len(old):
                raise ValueError(f"{augmenter!r} should return {len(old)} texts, not {len(texts)}")
        return _as_rows(self.encode(texts), old)


def _as_rows(encoded: Any, old: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What encode returned as an array like ``old``."""
    from scipy.sparse import issparse

    new = encoded if issparse(encoded) else np.asarray(encoded)
    if new.shape != old.shape:
        raise ValueError(f"encode should return the shape of X, {old.shape}, not {new.shape}")
    if not np.can_cast(new.dtype, old.dtype, "same_kind"):
        raise TypeError(f"encode returns {new.dtype}, which does not fit into the {old.dtype} of X")
    if issparse(encoded):
        return np.asarray(encoded.astype(old.dtype).toarray())
    return np.array(new, dtype=old.dtype)
