"""What may hold functions of the user's, on its way into a pickle."""

from __future__ import annotations

import copy
import pickle
from typing import Any


class Portable:
    """Something that plain pickle takes if it can, and cloudpickle, where installed, if not: lambdas, local functions.

    What comes out of the pickle is the thing itself.
    """

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __deepcopy__(self, memo: dict[int, Any]) -> Portable:
        return Portable(copy.deepcopy(self.thing, memo))

    def __reduce__(self) -> tuple[Any, ...]:
        try:
            pickle.dumps(self.thing)
        except (pickle.PicklingError, AttributeError, TypeError):
            try:
                import cloudpickle
            except ImportError:
                return _itself, (self.thing,)  # perhaps whoever asks is cloudpickle; else they are told
            return pickle.loads, (cloudpickle.dumps(self.thing),)
        return _itself, (self.thing,)


def unwrapped(thing: Any) -> Any:
    """The thing itself, as copies of what is portable have it still wrapped."""
    return thing.thing if isinstance(thing, Portable) else thing


def _itself(thing: Any) -> Any:
    return thing
