"""Networks as users know them: the core network, and the verbs."""

from multicapa.model.files import load
from multicapa.model.gradients import check_gradients
from multicapa.model.network import Network
from multicapa.model.sequential import Sequential

__all__ = ["Network", "Sequential", "check_gradients", "load"]
