"""From pairs of texts to what a network is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from multicapa.base.vocabulary import Vocabulary


def as_samples(sources: list[list[int]], targets: list[list[int]]) -> tuple[dict[str, Any], list[Any]]:
    """Teacher forcing: the decoder reads a beginning and the tokens, and is to say the tokens and an end."""
    read = [np.array([Vocabulary.START, *target]) for target in targets]
    said = [np.array([*target, Vocabulary.END]) for target in targets]
    return {"source": [np.array(source, dtype=np.int64) for source in sources], "target": read}, said


def as_texts(texts: Any, what: str) -> list[Any]:
    if isinstance(texts, str) or not isinstance(texts, Sequence | np.ndarray):
        raise TypeError(f"{what} should be a list of texts, not {texts!r}")
    return [str(text) if isinstance(text, np.str_) else text for text in texts]


def as_pairs(sources: Any, targets: Any) -> tuple[list[Any], list[Any]]:
    given = as_texts(sources, "sources"), as_texts(targets, "targets")
    if not given[0] or len(given[0]) != len(given[1]):
        raise ValueError(
            f"there should be as many sources as targets, one at least, not {len(given[0])} and {len(given[1])}"
        )
    return given
