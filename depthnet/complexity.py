"""Parameters and MACs, in the paper's counting and plainly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from depthnet.encoders import unused_parameters
from depthnet.network import DepthNetwork
from depthnet.timm_import import import_timm

POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


@dataclass(frozen=True)
class Complexity:
    """Size and cost of a network for one image.

    `parameters` as shipped; `parameters_paper` with the encoder's unused 1000-way classifier;
    `macs_conv` of convolutions and linear layers; `macs_paper` in the paper's counting, which
    adds the biases, 2 a batch-norm element, 1 a ReLU element and the inputs of pooling, counts
    exact module types only (so neither timm's fused batch norm nor its same-padding
    convolution), and takes interpolation as free.
    """

    input_size: tuple[int, int]
    parameters: int
    parameters_paper: int
    macs_conv: int
    macs_paper: int

    def to_dict(self) -> dict[str, Any]:
        """Counts, and the same in the paper's units: millions of weights, 10^9 MACs."""
        return {
            **asdict(self),
            "weights_m": round(self.parameters / 1e6, 4),
            "weights_paper_m": round(self.parameters_paper / 1e6, 4),
            "macs_conv_g": round(self.macs_conv / 1e9, 4),
            "macs_paper_g": round(self.macs_paper / 1e9, 5),
        }


def measure(network: DepthNetwork, size: tuple[int, int] | None = None) -> Complexity:
    """Count a network's parameters and MACs for one image of `size` (height, width)."""
    size = size or network.entry.input_size
    parameters = sum(p.numel() for p in network.parameters())
    conv, paper = _count(network, size)
    unused = unused_parameters(network.entry.encoder) if network.entry.encoder else 0
    return Complexity(
        input_size=size,
        parameters=parameters,
        parameters_paper=parameters + unused,
        macs_conv=conv,
        macs_paper=paper,
    )


def macs_by_layer(network: DepthNetwork, size: tuple[int, int] | None = None) -> dict[str, int]:
    """MACs of every convolution and linear layer, by its name, for one image of `size`."""
    found: dict[str, int] = {}

    def note(name: str, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if isinstance(output, Tensor) and (macs := _macs(module, inputs[0], output)):
            found[name] = found.get(name, 0) + macs

    _run(network, size or network.entry.input_size, note)
    return found


def _run(
    network: DepthNetwork,
    size: tuple[int, int],
    look: Callable[[str, nn.Module, tuple[Any, ...], Any], None],
) -> None:
    """One image through a network; `look` sees each module's name, itself, inputs and output."""
    handles = [
        module.register_forward_hook(partial(look, name))
        for name, module in network.named_modules()
    ]
    try:
        parameter = next(network.parameters())
        with torch.no_grad():
            network(torch.zeros(1, 3, *size, dtype=parameter.dtype, device=parameter.device))
    finally:
        for handle in handles:
            handle.remove()


def _count(network: DepthNetwork, size: tuple[int, int]) -> tuple[int, int]:
    """MACs of all convolutions and linear layers, and MACs in the paper's counting."""
    import_timm()
    from timm.layers import SEModule
    from timm.models._efficientnet_blocks import SqueezeExcite

    # timm 0.2.1's RegNet fused batch norm with its activation in a type that was not counted.
    fused_norm = network.entry.encoder.startswith("regnety")
    total = {"conv": 0, "paper": 0}

    def hook(name: str, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, Tensor):
            return
        elements = output.numel()
        macs = _macs(module, inputs[0], output)
        total["conv"] += macs
        kind = type(module)
        if kind in (nn.Conv2d, nn.ConvTranspose2d, nn.Linear):
            total["paper"] += macs + (elements if module.bias is not None else 0)
        elif kind is nn.BatchNorm2d or (isinstance(module, nn.BatchNorm2d) and not fused_norm):
            total["paper"] += 2 * elements
        elif kind in (nn.ReLU, nn.ReLU6):
            total["paper"] += elements
        # The squeeze of a squeeze-and-excite was a pooling layer in the paper's libraries.
        elif kind in (*POOLS, SEModule, SqueezeExcite):
            total["paper"] += inputs[0].numel()

    _run(network, size, hook)
    return total["conv"], total["paper"]


def _macs(module: nn.Module, inputs: Tensor, output: Tensor) -> int:
    """Multiply-accumulates of one call of a convolution or linear layer; 0 of anything else."""
    if isinstance(module, nn.ConvTranspose2d):
        return inputs.numel() * prod(module.weight.shape[1:])
    if isinstance(module, nn.Conv2d):
        return output.numel() * prod(module.weight.shape[1:])
    return output.numel() * module.in_features if isinstance(module, nn.Linear) else 0
