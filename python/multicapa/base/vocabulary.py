"""Texts as numbers: which tokens there are, and which number stands for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Self

from multicapa.base.checks import check_integer

LEVELS = ("characters", "words", "tokens")


class Vocabulary:
    """The tokens of texts, and their numbers.

    0 stands for all tokens that are not known, 1 for the beginning of a text and 2 for its end; the tokens follow.

    Parameters
    ----------
    tokens : sequence of str
        All different; the first gets the number 3.
    level : {"characters", "words", "tokens"}, default="characters"
        What texts are: strings of characters, strings of words between blanks, or lists of tokens.

    Examples
    --------
    >>> import multicapa as mc
    >>> vocabulary = mc.data.Vocabulary.of(["one two", "two three"], level="words")
    >>> vocabulary.encode("two four one")
    [3, 0, 4]
    >>> vocabulary.decode([3, 5])
    'two three'
    """

    UNKNOWN, START, END = range(3)

    def __init__(self, tokens: Sequence[str], level: str = "characters") -> None:
        if level not in LEVELS:
            raise ValueError(f"level should be one of {', '.join(LEVELS)}, not {level!r}")
        self.level, self.tokens = level, list(tokens)
        for token in self.tokens:
            if not isinstance(token, str) or not token:
                raise TypeError(f"a token should be a string with something in it, not {token!r}")
            if level == "characters" and len(token) != 1:
                raise ValueError(f"a token of characters should be a single one, not {token!r}")
            if level == "words" and token.split() != [token]:
                raise ValueError(f"a word should have no blanks, not {token!r}")
        self._numbers = {token: number for number, token in enumerate(self.tokens, self.END + 1)}
        if len(self._numbers) < len(self.tokens):
            twice = next(token for token, count in Counter(self.tokens).items() if count > 1)
            raise ValueError(f"token {twice!r} comes twice")

    @classmethod
    def of(cls, texts: Iterable[Any], level: str | None = None, *, most: int | None = None) -> Self:
        """The tokens of some texts, those that come most often first.

        Parameters
        ----------
        texts : iterable of str or of lists of str
        level : {"characters", "words", "tokens"}, optional
            By default characters of strings, tokens of lists.
        most : int, optional
            So many tokens at most; the others are unknown.

        Examples
        --------
        >>> import multicapa as mc
        >>> mc.data.Vocabulary.of([["do", "re"], ["re"]]).tokens
        ['re', 'do']
        """
        given = list(texts)
        if level is None:
            level = "characters" if not given or isinstance(given[0], str) else "tokens"
        cutting = cls((), level)
        counts = Counter(token for i, text in enumerate(given) for token in cutting.split(text, f"text {i}"))
        ordered = sorted(counts, key=lambda token: (-counts[token], token))
        return cls(ordered[: None if most is None else check_integer(most, "most", minimum=1)], level)

    def split(self, text: Any, what: str = "a text") -> list[str]:
        """The tokens that a text is made of, known or not."""
        if self.level == "tokens":
            if isinstance(text, str) or not isinstance(text, Sequence):
                raise TypeError(f"{what} should be a list of tokens, not {text!r}")
            for token in text:
                if not isinstance(token, str):
                    raise TypeError(f"the tokens of {what} should be strings, not {token!r}")
            return list(text)
        if not isinstance(text, str):
            raise TypeError(f"{what} should be a string, not {text!r}")
        return text.split() if self.level == "words" else list(text)

    def encode(self, text: Any, what: str = "a text") -> list[int]:
        """The numbers of a text's tokens, without a beginning and an end."""
        return [self._numbers.get(token, self.UNKNOWN) for token in self.split(text, what)]

    def decode(self, numbers: Iterable[int]) -> Any:
        """The text of these numbers, up to the first end; what is unknown stands as �, a beginning not at all.

        Returns
        -------
        str, or a list of str where the level is tokens
        """
        found, count = [], len(self)
        for number in numbers:
            if number == self.END:
                break
            if number != self.START:
                known = self.END < number < count
                found.append(self.tokens[number - self.END - 1] if known else "\N{REPLACEMENT CHARACTER}")
        return found if self.level == "tokens" else (" " if self.level == "words" else "").join(found)

    def __len__(self) -> int:
        """How many numbers there are, those of the unknown, the beginning and the end included."""
        return len(self.tokens) + self.END + 1

    def __contains__(self, token: Hashable) -> bool:
        return token in self._numbers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and (self.level, self.tokens) == (other.level, other.tokens)

    __hash__ = None  # type: ignore[assignment]  # its list could be changed

    def __repr__(self) -> str:
        return f"Vocabulary({len(self.tokens)} {self.level})"
