"""How the numbers of a column are written: decimal sign, separators of thousands, units; and what they are then."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

DECIMALS = {"point": ".", "comma": ","}
LARGEST_EXACT = 2**53  # whole numbers beyond are not all float64
_LARGEST_WHOLE = 1e100  # beyond, nobody means each digit

_NOT_PLAIN = re.compile(r"[^0-9.eE+\n-]")
_UNITS = r"%|‰|US\$|[$€£¥₹₽₩]|EUR|USD|GBP|CHF|JPY"
_BESIDE_DIGITS = re.compile(r"[0-9.,'’_()+\-−\s]|(?<=[0-9.])[eE](?=[-+0-9])")
THOUSANDS = {"": "", " ": "[ \u00a0\u2009\u202f]", "'": "['’]", "_": "_", ".": r"\.", ",": ","}
_ENOUGH = 500  # texts that show whether it is worth while to look at all


@dataclass(frozen=True)
class Written:
    """How numbers are written.

    A minus may be U+2212, stand behind, or be accountants' parentheses; "inf" is a number, too.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""  # stands before or behind each number

    @property
    def pattern(self) -> re.Pattern[str]:
        """What matches such a number whole: its sign, whole part, decimals and exponent."""
        return _pattern(self.decimal, self.thousands, self.unit)

    def plain(self, text: str) -> str | None:
        """A number as Python writes it, None if it is none."""
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        if self.unit and found["before"] is None and found["behind"] is None and found["whole"].strip("0"):
            return None
        minuses = [found[place] for place in ("minus", "inner", "last", "open") if found[place]]
        if bool(found["open"]) != bool(found["close"]) or len(minuses) > 1:
            return None
        whole = re.sub("[^0-9]", "", found["whole"]) if found["infinite"] is None else "inf"
        decimals = f".{found['decimals']}" if found["decimals"] else ""
        return f"{'-' if minuses else ''}{whole}{decimals}{found['exponent'] or ''}"

    def special(self) -> list[str]:
        """What is not as usual in it, in words."""
        facts = ["decimal commas"] if self.decimal == "," else []
        if self.thousands:
            facts.append(f"{_NAMES[self.thousands]} between thousands")
        return [*facts, *([f"the unit {self.unit}"] if self.unit else [])]


_NAMES = {" ": "blanks", "'": "apostrophes", "_": "underscores", ".": "points", ",": "commas"}
PLAIN = Written()


@cache
def _pattern(decimal: str, thousands: str, unit: str) -> re.Pattern[str]:
    apart = THOUSANDS[thousands]
    groups = rf"[0-9]{{1,3}}(?:{apart}[0-9]{{2,3}})*{apart}[0-9]{{3}}|" if thousands == "," else ""
    if thousands and not groups:
        groups = rf"[1-9][0-9]{{0,2}}(?:{apart}[0-9]{{3}})+|"
    point = re.escape(decimal)
    before, behind = (
        (rf"(?P<before>{re.escape(unit)}\s?)?", rf"(?P<behind>\s?{re.escape(unit)})?")
        if unit
        else ("(?P<before>$^)?", "(?P<behind>$^)?")
    )
    return re.compile(
        rf"(?P<open>\()?(?:\+|(?P<minus>[-−]))?{before}(?P<inner>[-−])?"
        rf"(?:(?P<whole>{groups}[0-9]+|(?={point}[0-9]))(?:{point}(?P<decimals>[0-9]*))?"
        rf"(?P<exponent>[eE][-+]?[0-9]+)?|(?P<infinite>[iI][nN][fF](?:inity|INITY)?))"
        rf"{behind}(?P<last>-)?(?P<close>\))?"
    )


def numbers_in(
    texts: Sequence[str | None], written: Written = PLAIN
) -> tuple[npt.NDArray[np.float64] | list[int | None], int | None]:
    """The numbers of texts: NaN for None and for what is no number; Python's own where float64 would not be exact.

    Returns
    -------
    numbers : ndarray of float64, or list of int and None
    wrong : int or None
        Place of the first text that is no number.
    """
    known = "\n".join(filter(None, texts))
    if written == PLAIN and not _NOT_PLAIN.search(known):
        try:
            return _exact(texts), None
        except ValueError:  # such as 1.2.3
            pass
    plain = {text: None if text is None else written.plain(text) for text in dict.fromkeys(texts)}
    odd = {text for text, number in plain.items() if number is None and text is not None}
    wrong = next(i for i, text in enumerate(texts) if text in odd) if odd else None
    return _exact([plain[text] for text in texts]), wrong


def _exact(plain: Sequence[str | None]) -> npt.NDArray[np.float64] | list[int | None]:
    numbers = np.array([np.nan if text is None else float(text) for text in plain], dtype=np.float64)
    largest = np.nanmax(np.abs(numbers), initial=0)
    if LARGEST_EXACT <= largest < _LARGEST_WHOLE:
        try:
            return [None if text is None else int(text) for text in plain]
        except ValueError:
            pass  # some have decimals, so that the others need not be exact
    return numbers


class Found(NamedTuple):
    """How numbers may be written, most likely first, and which of the texts are none then."""

    ways: tuple[Written, ...]
    odd: tuple[str, ...]
    example: str  # a text that tells most about the way

    @property
    def decimals(self) -> set[str]:
        """The decimal signs it may be; both for 1,018 alone, both for 1018."""
        return {way.decimal for way in self.ways}


def find_written(texts: Sequence[str], decimal: str = "auto") -> Found | None:
    """How the numbers among distinct texts are written; None when fewer than four fifths are numbers.

    Parameters
    ----------
    texts : sequence of str
    decimal : {"auto", "point", "comma"}, default="auto"
        The decimal sign, if it is known.
    """
    if not texts:
        return None
    signs = (".", ",") if decimal == "auto" else (DECIMALS[decimal],)
    few = texts[:_ENOUGH]
    unit = _unit_of(few)
    ways = [Written(sign, apart, unit) for sign in signs for apart in THOUSANDS if apart != sign]
    counts = [sum(way.plain(text) is not None for text in few) for way in ways]
    most = max(counts)
    if most <= 0.8 * len(few):
        return None
    ways = [way for way, count in zip(ways, counts, strict=True) if count >= 0.8 * len(few)]
    odd = {way: tuple(text for text in texts if way.plain(text) is None) for way in ways}
    fewest = min(map(len, odd.values()))
    if fewest >= 0.2 * len(texts):
        return None
    best = [way for way in ways if len(odd[way]) == fewest]
    best = [way for way in best if not way.thousands or Written(way.decimal, "", unit) not in best]
    example = max(texts, key=lambda text: text.count(",") + text.count("."))
    return Found(tuple(best), odd[best[0]], example)


def _unit_of(texts: Sequence[str]) -> str:
    """The unit that most texts have, if any."""
    rests = Counter(_BESIDE_DIGITS.sub("", text) for text in texts)
    unit, _ = rests.most_common(1)[0]
    return unit if re.fullmatch(_UNITS, unit) else ""
