"""A network without some of its channels."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean
from depthnet.network import DepthNetwork
from depthnet.pruning.channel_flow import Axis
from depthnet.pruning.groups import ChannelGroup, channel_groups
from depthnet.widths import set_tensors


def pruned(
    network: DepthNetwork,
    keep: Mapping[str, Sequence[int]],
    groups: Sequence[ChannelGroup] | None = None,
) -> DepthNetwork:
    """A copy of `network` with the units `keep` of its channel groups only.

    `keep`: by the name of a `ChannelGroup`, the numbers of the units that stay, at least one;
    groups that are not named stay whole. `groups`: what `channel_groups` gives of the network,
    where it is known already; finding them takes longer than all the rest. In evaluation mode the
    copy computes what `network` does where the outputs of the others are zero. Raises InputError
    for what is no group or unit of the network.
    """
    named = {group.name: group for group in groups or channel_groups(network)}
    stays: dict[Axis, Tensor] = {}
    for name, units in keep.items():
        if name not in named:
            advice = did_you_mean(name, list(named), "`channel_groups` gives them")
            raise InputError(
                f"{network.entry.name} has no group of channels '{name}'", advice=advice
            )
        kept = _chosen(named[name], units)
        for axis, owner in named[name].owners.items():
            mask = (owner < 0) | kept[owner.clamp_min(0)]
            stays[axis] = stays[axis] & mask if axis in stays else mask
    state = network.state_dict()
    for (tensor, along), mask in stays.items():
        rows = mask.nonzero().flatten().to(state[tensor].device)
        state[tensor] = state[tensor].index_select(along, rows)
    # What is replaced at once need not be copied.
    shared = {id(tensor): tensor for tensor in network.state_dict(keep_vars=True).values()}
    result = copy.deepcopy(network, shared)
    set_tensors(result, state)
    return result


def _chosen(group: ChannelGroup, units: Sequence[int]) -> Tensor:
    wrong = [unit for unit in units if not 0 <= unit < group.units]
    if wrong:
        raise InputError(f"{group.name} has no unit {wrong[0]}: it has 0 to {group.units - 1}")
    if not len(units):
        raise InputError(f"{group.name} has no unit to keep", advice="keep at least one")
    kept = torch.zeros(group.units, dtype=torch.bool)
    kept[torch.tensor(units)] = True
    return kept
