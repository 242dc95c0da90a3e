"""Arrays by name that share the core's memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from multicapa.base.arrays import Array


class Views(Mapping[str, Array]):
    """Named arrays that share the core's memory; writing to them, or assigning to a name, changes the network."""

    def __init__(self, flat: Array, tensors: Sequence[Mapping[str, Any]]) -> None:
        self.flat = flat
        self._views = {
            t["name"]: flat[t["offset"] : t["offset"] + int(np.prod(t["shape"]))].reshape(t["shape"]) for t in tensors
        }

    def __getitem__(self, name: str) -> Array:
        if name not in self._views:
            raise KeyError(f"{name!r}; there are {', '.join(self._views)}")
        return self._views[name]

    def __setitem__(self, name: str, values: npt.ArrayLike) -> None:
        view, array = self[name], np.asarray(values)
        if array.shape != view.shape:
            raise ValueError(f"{name} has shape {view.shape}, not {array.shape}")
        view[...] = array

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: {v.dtype} {v.shape}" for name, v in self._views.items()) + "}"
