"""What happened during training, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload


class History(Sequence[dict[str, Any]]):
    """A list of one dict per epoch; a name instead of an index gives that value for all epochs.

    Epochs count from 1, in records as in messages, logs, names of files and pictures: the first is ``history[0]``, and
    its ``"epoch"`` is 1.

    Examples
    --------
    >>> from multicapa import History
    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> history["loss"]
    [0.5, 0.25]
    >>> history[-1]["loss"]
    0.25
    """

    def __init__(self, epochs: Sequence[dict[str, Any]] = ()) -> None:
        self._epochs = list(epochs)

    def append(self, epoch: dict[str, Any]) -> None:
        """Add what one epoch brought."""
        self._epochs.append(epoch)

    def __len__(self) -> int:
        return len(self._epochs)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._epochs)

    @overload
    def __getitem__(self, key: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, key: slice) -> History: ...
    @overload
    def __getitem__(self, key: str) -> list[Any]: ...
    def __getitem__(self, key: int | slice | str) -> Any:
        if isinstance(key, str):
            if self._epochs and not any(key in epoch for epoch in self._epochs):
                raise KeyError(f"no epoch has {key!r}; there are {', '.join(self.names())}")
            return [epoch.get(key) for epoch in self._epochs]
        return History(self._epochs[key]) if isinstance(key, slice) else self._epochs[key]

    def names(self) -> list[str]:
        """What the epochs hold, in the order of its first appearance."""
        return list(dict.fromkeys(name for epoch in self._epochs for name in epoch))

    def __repr__(self) -> str:
        if not self._epochs:
            return "History(no epochs)"
        last = ", ".join(f"{k}={v:.4g}" for k, v in self._epochs[-1].items() if isinstance(v, int | float))
        return f"History({len(self)} epochs, last: {last})"
