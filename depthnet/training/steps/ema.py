"""An exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class MovingAverage:
    """A network whose weights follow another's, step by step (Polyak averaging).

    Early on the decay is lower, (1 + n) / (10 + n) after n steps, so that the random start is
    soon forgotten. Batch-norm statistics are averaged like weights; counters are copied.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module, share: float | Tensor) -> None:
        """Take in the weights of `network`, which count `share` (of a step, see `share`).

        A share that is a tensor lies on the network's device: a CUDA graph reads it anew each
        time.
        """
        pairs = list(zip(_tensors(self.network), _tensors(network), strict=True))
        ours = [a for a, _ in pairs if a.is_floating_point()]
        theirs = [b for _, b in pairs if b.is_floating_point()]
        if isinstance(share, Tensor):
            distances = torch._foreach_sub(theirs, ours)
            torch._foreach_mul_(distances, share)
            torch._foreach_add_(ours, distances)
        else:
            torch._foreach_lerp_(ours, theirs, share)
        counters = [pair for pair in pairs if not pair[0].is_floating_point()]
        if counters:
            torch._foreach_copy_([a for a, _ in counters], [b for _, b in counters])

    def share(self, step: int) -> float:
        """How much the weights after step `step` (from 0) count."""
        return 1.0 - min(self.decay, (1 + step) / (10 + step))


def _tensors(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]
