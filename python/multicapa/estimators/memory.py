"""Where pickles of the first version look for what an optimiser remembers."""

from multicapa.training.memory import Key, Memory, key_of

__all__ = ["Key", "Memory", "key_of"]
