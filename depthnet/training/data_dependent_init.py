"""What a network is set to by a first look at the data, before the first step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthnet import depth_space
from depthnet.batch_norm import unfold
from depthnet.blocks import SqueezeExcite
from depthnet.network import DepthNetwork, EncoderDecoder, normalised
from depthnet.training.batches.samples import Samples

IMAGES = 64
BATCH = 16
"""Images of one pass in training mode, where a batch's own statistics count."""


def look(network: DepthNetwork, samples: Samples, *, folded: bool = False) -> None:
    """Let a fresh network start at the scale of the depth it is to learn.

    `folded`: its encoder's batch norms were published folded into the convolutions. An
    optimizer that moves each weight by about the learning rate a step takes thousands of steps
    to make good a start that is off by a factor.
    """
    # Evenly spread: neighbours of a recording look alike.
    rows = torch.linspace(0, len(samples) - 1, min(IMAGES, len(samples))).long()
    device = next(network.parameters()).device
    images = samples.images[rows].to(device).float() / 255.0
    depth = samples.depths[rows].to(device).float()
    targets = depth_space.encode(depth[depth > 0], network.entry.depth_space)
    if not isinstance(network, EncoderDecoder):
        match_output_norm(network, targets)
        return
    if folded:
        unfold(network.encoder, images)
    batch = images[:: max(len(images) // BATCH, 1)][:BATCH]
    seen = functional.interpolate(
        normalised(batch, network), network.entry.input_size, mode="bilinear", antialias=True
    )
    if not any(isinstance(module, nn.BatchNorm2d) for module in network.decoder.modules()):
        scale_decoder(network, seen)
    if not match_output_norm(network, targets):
        match_output_convolution(network, seen, targets)


@torch.no_grad()
def scale_decoder(network: EncoderDecoder, images: Tensor) -> int:
    """Give every convolution of a decoder without batch norms outputs of deviation 1.

    `images`: Nx3xHxW, normalised. Without it the maps grow a hundredfold from block to block,
    and the output's weights, a hundredth of the others, are thrown about by every step
    (layer-sequential unit variance: Mishkin and Matas 2016). Returns how many were scaled.
    """

    def scale(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        assert isinstance(module, nn.Conv2d)
        deviation = output.std().clamp_min(1e-6)
        for parameter in module.parameters():
            parameter.div_(deviation)
        return output / deviation

    # The maps of squeeze-and-excite have no extent: a sigmoid sets their scale.
    pooled = {
        conv
        for block in network.decoder.modules()
        if isinstance(block, SqueezeExcite)
        for conv in block.modules()
    }
    convolutions = [
        module
        for module in network.decoder.modules()
        if isinstance(module, nn.Conv2d) and module not in pooled
    ]
    _run(network, images, [(module, scale) for module in convolutions])
    return len(convolutions)


@torch.no_grad()
def match_output_convolution(network: DepthNetwork, images: Tensor, targets: Tensor) -> None:
    """Scale the output convolution so that `images` (normalised) get the targets' mean."""
    convolution = network.output_convolution()
    if convolution is None:
        return
    prediction = _run(network, images, [])
    convolution.weight.mul_(targets.mean() / prediction.mean())


@torch.no_grad()
def match_output_norm(network: nn.Module, targets: Tensor) -> bool:
    """Let a batch norm at the output start with the mean and deviation of `targets`.

    Some networks end with a batch norm of one channel, which starts at mean 0 and deviation 1
    whatever was done to the convolution before it. Returns whether this one does.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d) and m.num_features == 1]
    if not norms:
        return False
    norms[-1].weight.fill_(targets.std().item())
    norms[-1].bias.fill_(targets.mean().item())
    return True


def _run(network: DepthNetwork, images: Tensor, hooks: list[tuple[nn.Module, Any]]) -> Tensor:
    """One pass in training mode, which also brings the batch norms' statistics near the data."""
    handles = [module.register_forward_hook(hook) for module, hook in hooks]
    was_training = network.training
    network.train()
    try:
        prediction: Tensor = network(images)
    finally:
        for handle in handles:
            handle.remove()
        network.train(was_training)
    return prediction
