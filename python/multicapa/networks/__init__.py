"""Networks that have a name."""

from multicapa.networks.lenet import lenet5

__all__ = ["lenet5"]
