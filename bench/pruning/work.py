"""How many multiply-adds go with the channels of a group."""

from __future__ import annotations

from depthnet.complexity import macs_by_layer
from depthnet.network import DepthNetwork
from depthnet.pruning.groups import ChannelGroup


class Work:
    """The multiply-adds of a network, layer by layer, and what of them goes with channels."""

    def __init__(self, network: DepthNetwork) -> None:
        self._macs = macs_by_layer(network)

    @property
    def macs(self) -> int:
        """Of the whole network."""
        return sum(self._macs.values())

    def saved(self, group: ChannelGroup, kept: int) -> int:
        """The multiply-adds that the network has less with `kept` units of a group."""
        gone = 1.0 - kept / group.units
        stays: dict[str, float] = {}
        for (name, _), owner in group.owners.items():
            layer, _, kind = name.rpartition(".")
            if kind == "weight" and layer in self._macs:
                share = (owner >= 0).double().mean().item()
                stays[layer] = stays.get(layer, 1.0) * (1.0 - gone * share)
        return round(sum(self._macs[layer] * (1.0 - share) for layer, share in stays.items()))
