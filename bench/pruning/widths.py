"""Which widths a group of channels may have: those whose kernels fill vectors."""

from __future__ import annotations

from math import gcd, lcm

import torch

from depthnet.pruning.groups import ChannelGroup


def lanes_of(precision: str) -> int:
    """How many numbers of a precision a vector of the Cortex-A76 holds."""
    from compile import precision as precisions
    from compile import targets

    return targets.get("arm64-a76").of(precisions.get(precision).storage).vector_lanes


def step_of(group: ChannelGroup, lanes: int) -> int:
    """The smallest number of units by which every tensor loses whole vectors."""
    each = [int((unit == 0).sum()) for unit in group.owners.values()]
    return lcm(*(lanes // gcd(lanes, count) for count in each if count))


def kept_units(group: ChannelGroup, removed: float, lanes: int) -> int:
    """The most units that may stay where at least `removed` go: whole vectors of them.

    At least one step stays: 0 where so many cannot go.
    """
    step = step_of(group, lanes)
    kept = int(group.units - removed) // step * step
    return kept if 0 < kept < group.units else 0


def choose_units(scores: torch.Tensor, kept: int) -> list[int]:
    """The units with the highest scores, in rising order; of equal ones the first."""
    order = torch.argsort(scores, descending=True, stable=True)
    return sorted(order[:kept].tolist())
