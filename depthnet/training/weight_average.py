"""The mean of weights from several stages of one training (Izmailov et al. 2018)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import torch

from depthnet.network import DepthNetwork
from depthnet.weights.formats import load_weights


@torch.no_grad()
def average_in(network: DepthNetwork, files: Sequence[Path]) -> None:
    """Set a network to the mean of its own weights and those in `files`.

    The statistics of batch norms are averaged like weights; counters stay. Raises InputError for
    a file that is not of this network.
    """
    others = [copy.deepcopy(network) for _ in files]
    for other, file in zip(others, files, strict=True):
        load_weights(other, file)
    states = [other.state_dict() for other in others]
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.stack([tensor, *(state[name] for state in states)]).mean(dim=0))
