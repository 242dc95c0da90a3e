"""What a layer within a network puts out."""

from __future__ import annotations

from multicapa.base.checks import check_name
from multicapa.network.core import CoreNetwork


def up_to(network: CoreNetwork, layer: str) -> CoreNetwork:
    """A network of its own that ends at a layer of this one, with a copy of the numbers it has now."""
    by_name = {each["name"]: each for each in network.spec}
    wanted = [check_name(layer, by_name, "layer")]
    for name in wanted:
        wanted += [read for read in by_name[name]["inputs"] if read not in wanted]
    cut = CoreNetwork([each for each in network.spec if each["name"] in wanted], network.dtype, network.seed)
    for theirs, ours in ((network.parameters, cut.parameters), (network.state, cut.state)):
        for name in ours:
            ours[name][...] = theirs[name]
    return cut
