"""Networks of the zoo, narrow enough to be run many times within a test."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from depthnet import network, zoo
from depthnet.baselines.fcrn import UpProjection
from depthnet.network import DepthNetwork
from depthnet.pruning.groups import channel_groups
from depthnet.pruning.pruned import pruned

LEFT = 8
"""Units that stay of every group: few, and not so few that none could go."""


@cache
def narrow(name: str) -> DepthNetwork:
    """Network `name` with few channels, random weights and statistics; all its wiring."""
    whole = network.build_shapes(zoo.get(name)).to_empty(device="cpu")
    groups = channel_groups(whole)
    built = pruned(whole, {g.name: range(min(LEFT, g.units)) for g in groups}, groups)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _fill(built)
    return built


@torch.no_grad()
def _fill(built: DepthNetwork) -> None:
    """Random weights through which a signal comes: more of them positive than negative."""
    for module in built.modules():
        if isinstance(module, UpProjection):
            module.corner = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.weight.uniform_(-0.5, 1.0).mul_(module.weight[0].numel() ** -0.5)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.weight.uniform_(0.5, 1.5)
            module.momentum = None
        bias = getattr(module, "bias", None)
        if isinstance(bias, Tensor):
            # Behind the prediction there may be a ReLU, which would hide it where negative.
            bias.normal_(0.0, 0.3) if len(bias) > 1 else bias.fill_(3.0)
    size = built.entry.input_size if built.entry.fixed_size else (64, 64)
    built.train()(torch.randn(2, 3, *size))
    built.eval()
