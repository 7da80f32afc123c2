"""Batch norms that must be set from data before training starts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from depthnet.encoders import Encoder
from depthnet.network import normalised


@torch.no_grad()
def unfold(encoder: Encoder, images: Tensor) -> int:
    """Set every batch norm's statistics to those of `images`, leaving its function as it is.

    `images`: Nx3xHxW in [0, 1]. Weights published with batch norms folded have running mean 0
    and variance 1 whatever their inputs are: in training mode, where the batch's own statistics
    count, such a network would be another one. The scale and shift are changed so that in
    evaluation mode every output is what it was, and in training mode nearly so. Returns the
    number of batch norms.
    """
    sums: dict[nn.BatchNorm2d, tuple[Tensor, Tensor, int]] = {}

    def measure(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        x = inputs[0].double()
        total, squares, count = sums.get(module, (0.0, 0.0, 0))
        sums[module] = (
            total + x.sum(dim=(0, 2, 3)),
            squares + (x * x).sum(dim=(0, 2, 3)),
            count + x.numel() // x.shape[1],
        )

    norms = [module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    was_training = encoder.training
    encoder.eval()
    try:
        for part in images.split(8):
            encoder(normalised(part, encoder))
    finally:
        for hook in hooks:
            hook.remove()
        encoder.train(was_training)
    for norm, (total, squares, count) in sums.items():
        mean = total / count
        _reparametrise(norm, mean.float(), (squares / count - mean**2).clamp_min(0.0).float())
    return len(sums)


def _reparametrise(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    slope = norm.weight / (norm.running_var + norm.eps).sqrt()
    norm.bias.add_((mean - norm.running_mean) * slope)
    norm.weight.copy_(slope * (variance + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
