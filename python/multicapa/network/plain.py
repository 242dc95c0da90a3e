"""Nested numbers, texts, lists, dicts and arrays as JSON, with the arrays apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_ARRAY, _NUMBER = "$array", "$number"


def encode(value: Any, arrays: dict[str, Any], prefix: str) -> Any:
    """What JSON can hold of a value; arrays go to ``arrays`` under names that begin with ``prefix``."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_NUMBER: repr(value)}
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        name = f"{prefix}{len(arrays)}"
        arrays[name] = np.ascontiguousarray(value)
        return {_ARRAY: name}
    if isinstance(value, list | tuple):
        return [encode(part, arrays, prefix) for part in value]
    if isinstance(value, dict) and all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: encode(part, arrays, prefix) for key, part in value.items()}
    raise TypeError(f"a file keeps numbers, texts, arrays, and lists and dicts of them, not {value!r}")


def decode(value: Any, arrays: dict[str, Any]) -> Any:
    """The value again; its arrays are taken out of ``arrays``."""
    if isinstance(value, list):
        return [decode(part, arrays) for part in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_ARRAY}:
        return arrays.pop(value[_ARRAY])
    if value.keys() == {_NUMBER}:
        return float(value[_NUMBER])
    return {key: decode(part, arrays) for key, part in value.items()}
