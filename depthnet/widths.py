"""A network of the zoo with fewer channels than its entry has: its tensors say how many."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from depthnet.encoders import Encoder
from depthnet.network import DepthNetwork
from depthnet.weights.origin import Pruned

SIZE = (64, 64)
"""Of an image that shows what shapes come out, for networks that take any."""


def on_meta(network: DepthNetwork) -> DepthNetwork:
    """A copy in evaluation mode on PyTorch's meta device: shapes without numbers."""
    memo: dict[int, object] = {}
    for tensor in (*network.parameters(), *network.buffers()):
        empty = tensor.detach().to("meta")
        memo[id(tensor)] = nn.Parameter(empty) if isinstance(tensor, nn.Parameter) else empty
    return copy.deepcopy(network, memo).eval()


def small_image(network: DepthNetwork) -> Tensor:
    """An image of zeros, 1x3xHxW, on the network's device."""
    entry = network.entry
    size = entry.input_size if entry.fixed_size else SIZE
    return torch.zeros(1, 3, *size, device=next(network.parameters()).device)


@torch.inference_mode(False)
@torch.no_grad()
def set_tensors(network: DepthNetwork, tensors: Mapping[str, Tensor]) -> None:
    """Put `tensors`, named as in a state dict, into a network whatever its widths were.

    Copies of them, of the network's type and on its device. The network is in evaluation mode
    afterwards. Raises RuntimeError where an encoder's shapes do not go together.
    """
    of = network.pruned.of if network.pruned else _parameters(network)
    for prefix, module in network.named_modules():
        for key in (*module._parameters, *module._buffers):
            given = tensors.get(f"{prefix}.{key}" if prefix else key)
            if given is None:
                continue
            held = getattr(module, key)
            value = given.detach().to(held, copy=True)
            if isinstance(held, nn.Parameter):
                value = nn.Parameter(value, requires_grad=held.requires_grad)
            setattr(module, key, value)
        _set_widths(module)
    for module in network.modules():
        if isinstance(module, Encoder):
            module.measure()
    network.eval()
    left = _parameters(network)
    network.pruned = Pruned(left, of) if left < of else None


def _set_widths(module: nn.Module) -> None:
    """What a layer says of its channels, by the shape of its weights."""
    if isinstance(module, nn.Conv2d):
        outputs, inputs = module.weight.shape[:2]
        # Whole groups go. Of the last, an ordinary convolution, outputs may go as well.
        module.groups = max(outputs // (module.out_channels // module.groups), 1)
        module.in_channels, module.out_channels = inputs * module.groups, outputs
    elif isinstance(module, nn.Linear):
        module.out_features, module.in_features = module.weight.shape
    elif isinstance(module, nn.BatchNorm2d):
        module.num_features = module.weight.shape[0]


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
