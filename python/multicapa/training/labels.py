"""Classes that are texts: which output stands for which."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from multicapa.network.core import CoreNetwork


def as_codes(network: CoreNetwork, y: Any) -> tuple[Any, list[str] | None]:
    """Texts as the numbers of the outputs, with the classes in their order; anything else as it is, and None.

    The classes are those that the network has learnt; before, the sorted ones of y, of which each output needs one.
    """
    if len(network.outputs) > 1 or network.outputs[0].steps or getattr(y, "ndim", 1) != 1:
        return y, None
    if isinstance(y, np.ndarray) and y.dtype.kind in "iufb":
        return y, None
    try:
        array = np.asarray(y)
    except ValueError:  # rows of different lengths: whoever reads them as numbers says what is wrong
        return y, None
    if array.ndim != 1 or not _are_texts(array):
        return y, None
    texts = array.astype(str)
    outputs = max(2, math.prod(network.outputs[0].shape))  # a single one tells two classes apart
    known: list[str] | None = network.metadata.get("classes")
    classes = np.unique(texts).tolist() if known is None else known
    if known is None and len(classes) != outputs:
        raise ValueError(f"y holds {len(classes)} classes as texts, but the network's outputs stand for {outputs}")
    number = {name: i for i, name in enumerate(classes)}
    unknown = next((text for text in texts.tolist() if text not in number), None)
    if unknown is not None:
        raise ValueError(f"y holds {unknown!r}, which is none of the classes that the network has learnt: "
                         f"{', '.join(classes)}; reset() forgets them")  # fmt: skip
    return np.array([number[text] for text in texts.tolist()], dtype=np.int64), classes


def check_known(network: CoreNetwork, y: Any) -> None:
    """Raise ValueError for texts before any fit: sorted, they would stand for outputs that know nothing of them."""
    if network.metadata.get("classes") is None and as_codes(network, y)[1] is not None:
        raise ValueError("y holds texts, but no fit has said yet which output stands for which")


def learn_classes(network: CoreNetwork, y: Any) -> None:
    """Remember which output stands for which text."""
    classes = as_codes(network, y)[1]
    if classes is not None:
        network.metadata["classes"] = classes


def _are_texts(array: Any) -> bool:
    if array.dtype.kind == "O":
        return bool(array.size) and all(isinstance(value, str) for value in array.ravel().tolist())
    return bool(array.dtype.kind in "UT")
