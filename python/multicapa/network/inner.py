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
    owners: dict[str, str] = {}  # of shared parameters, by the layer that has them here
    spec = []
    for each in network.spec:
        if each["name"] not in wanted:
            continue
        owner = each.get("shares", each["name"])
        here = next((ours for ours, theirs in owners.items() if theirs == owner), None)
        owners.setdefault(each["name"] if here is None else here, owner)
        spec.append(
            {k: v for k, v in each.items() if k not in ("shares", "output")} | ({"shares": here} if here else {})
        )
    cut = CoreNetwork(spec, network.dtype, network.seed)
    for theirs, ours in ((network.parameters, cut.parameters), (network.state, cut.state)):
        for name in ours:
            layer_name, _, number = name.rpartition(".")
            ours[name][...] = theirs[f"{owners[layer_name]}.{number}"]
    return cut
