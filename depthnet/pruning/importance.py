"""How much does a network lose with each of its channels?"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from depthbench.errors import InputError
from depthnet.network import DepthNetwork, normalised
from depthnet.pruning.groups import ChannelGroup, channel_groups

OUTPUTS, INPUTS = 0, 1
"""The axes of a weight."""


def importance(
    network: DepthNetwork,
    batches: Iterable[tuple[Tensor, Tensor]],
    objective: Callable[[Tensor, Tensor], Tensor],
) -> dict[str, Tensor]:
    """By channel group, how far the loss moves without each unit, to first order.

    Taylor's first term (Molchanov et al. 2019): a unit is removed when all weights that read it
    are zero, so the loss moves by the sum of weight x gradient over these. Given is its
    magnitude, the mean over `batches`: images Nx3xHxW in [0, 1] with depth NxCxHxW in metres, 0
    where unknown. `objective`: the loss of a prediction against depth. Batch norms take the
    statistics that they learnt. Raises InputError without a batch.
    """
    groups = channel_groups(network)
    weights = {name: tensor for name, tensor in network.named_parameters() if tensor.dim() > 1}
    sums = {group.name: torch.zeros(group.units) for group in groups}
    count = 0
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        for image, depth in batches:
            loss = objective(network(normalised(image, network)).float(), depth)
            gradients = torch.autograd.grad(loss, list(weights.values()))
            moved = {
                name: (weight * gradient).detach()
                for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
            }
            for group in groups:
                sums[group.name] += _sum_by_unit(group, moved, INPUTS).abs()
            count += 1
    finally:
        for module, training in modes.items():
            module.training = training
    if not count:
        raise InputError(
            "no batch to judge channels by", advice="give at least one, or judge by magnitude"
        )
    return {name: total / count for name, total in sums.items()}


def magnitude(network: DepthNetwork) -> dict[str, Tensor]:
    """By channel group, the norm of the weights that give each unit (Yang et al. 2018)."""
    squares = {
        name: tensor.detach() ** 2
        for name, tensor in network.named_parameters()
        if tensor.dim() > 1
    }
    return {
        group.name: _sum_by_unit(group, squares, OUTPUTS).sqrt()
        for group in channel_groups(network)
    }


def _sum_by_unit(group: ChannelGroup, values: dict[str, Tensor], axis: int) -> Tensor:
    """Sums of `values`, by the weight's name, over what each unit owns on `axis` of it."""
    total = torch.zeros(group.units)
    for (name, of), owner in group.owners.items():
        if of == axis and name in values:
            value = values[name].transpose(0, axis).flatten(1).sum(dim=1).float().cpu()
            total.index_add_(0, owner[owner >= 0], value[owner >= 0])
    return total
