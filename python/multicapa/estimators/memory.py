"""Where pickles of before look for what an optimiser remembers."""

from multicapa.training.memory import Memory

__all__ = ["Memory"]
