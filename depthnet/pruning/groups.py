"""Which channels of a network can only be removed together?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from depthnet.network import DepthNetwork
from depthnet.pruning.channel_flow import Axis, ChannelFlow
from depthnet.widths import on_meta, small_image


@dataclass(frozen=True, eq=False)
class ChannelGroup:
    """Channels that lie side by side on the same tensors, in units that go as a whole.

    `name`: of the first convolution (or linear layer) that gives them. `channels`: of the
    narrowest one that does. `unit`: how many of these go at once: 1 in most places; the width
    of a convolution's groups (16 in RegNetY); 2 where halves are split or shuffled. Units are
    numbered from 0. `owners`: for every axis of a tensor on which they lie, as (name of the
    tensor, axis), the unit that each entry belongs to, or -1.
    """

    name: str
    channels: int
    unit: int
    owners: Mapping[Axis, Tensor]

    @property
    def units(self) -> int:
        """How many units there are."""
        return self.channels // self.unit


@torch.inference_mode(False)
def channel_groups(network: DepthNetwork) -> list[ChannelGroup]:
    """Every group of channels of `network` that can lose some, in the order of computation.

    Found by following the channels of a small image through the network: what is added,
    multiplied, concatenated, split or shuffled, or goes through a depthwise or grouped
    convolution. The image's channels and the prediction's are in none.
    """
    lying = _follow(network)
    # Without the only channel of a tensor there would be no tensor.
    fixed = {-1, *(int(numbers[0]) for numbers in lying.values() if np.ptp(numbers) == 0)}
    axes_of: dict[int, dict[Axis, int]] = defaultdict(dict)
    for axis, numbers in lying.items():
        for number, count in zip(*np.unique(numbers, return_counts=True), strict=True):
            if number not in fixed:
                axes_of[number][axis] = int(count)
    alike: dict[tuple[tuple[Axis, int], ...], list[int]] = defaultdict(list)
    for number, axes in axes_of.items():
        alike[tuple(axes.items())].append(number)
    kernels = {name for name, tensor in network.named_parameters() if tensor.dim() > 1}
    return [
        _group(dict(axes), numbers, lying, kernels)
        for axes, numbers in alike.items()
        if len(numbers) > 1
    ]


def _group(
    axes: Mapping[Axis, int],
    numbers: Sequence[int],
    lying: Mapping[Axis, np.ndarray],
    kernels: set[str],
) -> ChannelGroup:
    """The group of the channels `numbers`, each with so many entries of every axis."""
    unit_of = np.full(max(int(n.max()) for n in lying.values()) + 2, -1)
    unit_of[numbers] = np.arange(len(numbers))
    owners = {axis: torch.from_numpy(unit_of[lying[axis]]) for axis in axes}
    given = {name: count for (name, axis), count in axes.items() if axis == 0 and name in kernels}
    # A convolution that gives channels of several groups does not tell them apart.
    whole = [name for name in given if bool((owners[name, 0] >= 0).all())]
    unit = min(given.values())
    name = (whole or list(given))[0].removesuffix(".weight")
    return ChannelGroup(name, unit * len(numbers), unit, owners)


def _follow(network: DepthNetwork) -> dict[Axis, np.ndarray]:
    shapes = on_meta(network)
    image = small_image(shapes)
    flow = ChannelFlow({**dict(shapes.named_parameters()), **dict(shapes.named_buffers())}, image)
    with torch.no_grad(), flow:
        prediction = shapes(image)
    return flow.channels(prediction)
