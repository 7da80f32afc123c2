"""The paper's decoder blocks: Nx`inputs`xHxW to Nx`outputs`xHxW (paper, table IX)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Block = Callable[[int, int], nn.Module]


def convolution(
    inputs: int, outputs: int, kernel: int = 1, *, norm: bool = False, groups: int = 1
) -> nn.Sequential:
    """A bias-free convolution, with batch norm if `norm`, and ReLU."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, *([nn.BatchNorm2d(outputs)] if norm else []), nn.ReLU())


class Separable(nn.Sequential):
    """Block A: depthwise 5x5, then pointwise, each with ReLU (and batch norm if `norm`)."""

    def __init__(self, inputs: int, outputs: int, *, norm: bool = False) -> None:
        super().__init__(
            convolution(inputs, inputs, 5, norm=norm, groups=inputs),
            convolution(inputs, outputs, norm=norm),
        )


class ResidualSeparable(nn.Module):
    """Block B: block A with a pointwise projection as shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = Separable(inputs, outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)


class DenseSeparable(nn.Module):
    """Block C: four layers of block A, each fed with all maps before it; their concatenation."""

    LAYERS = 4

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        growth = outputs // self.LAYERS
        self.layers = nn.ModuleList(
            nn.Sequential(nn.ReLU(), Separable(inputs + j * growth, growth))
            for j in range(self.LAYERS)
        )

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.layers:
            maps.append(layer(torch.cat(maps, dim=1)))
        return torch.cat(maps[1:], dim=1)


class InvertedResidual(nn.Sequential):
    """Block D: pointwise to three times the outputs, depthwise 5x5, pointwise, SE; hard-swish.

    Convolutions have biases and there is no shortcut.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        wide = 3 * outputs
        super().__init__(
            nn.Conv2d(inputs, wide, 1),
            nn.Hardswish(),
            nn.Conv2d(wide, wide, 5, padding=2, groups=wide),
            nn.Hardswish(),
            nn.Conv2d(wide, outputs, 1),
            SqueezeExcite(outputs),
        )


class SplitShuffle(nn.Module):
    """Block E, the flagship's: two pointwise branches on a channel split, shuffled.

    The depthwise 3x3 convolution has no activation. With `attention` (table X) a
    squeeze-and-excite follows the long branch and another the block.
    """

    def __init__(self, inputs: int, outputs: int, *, attention: bool = False) -> None:
        super().__init__()
        half_in, half_out = inputs // 2, outputs // 2
        self.short = convolution(half_in, half_out)
        self.long = nn.Sequential(
            convolution(half_in, half_in),
            nn.Conv2d(half_in, half_in, 3, padding=1, groups=half_in, bias=False),
            convolution(half_in, half_out),
        )
        self.attention: nn.Module = nn.Identity()
        if attention:
            self.long.append(SqueezeExcite(half_out, norm=True))
            self.attention = SqueezeExcite(outputs, norm=True)

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=1)
        joined = torch.cat((self.short(left), self.long(right)), dim=1)
        return self.attention(channel_shuffle(joined, groups=2))


class SqueezeExcite(nn.Module):
    """Channel attention with a reduction of 4, bias-free, with batch norm if `norm`."""

    REDUCTION = 4

    def __init__(self, channels: int, *, norm: bool = False) -> None:
        super().__init__()
        squeezed = channels // self.REDUCTION
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1, bias=False),
            *([nn.BatchNorm2d(squeezed)] if norm else []),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1, bias=False),
            *([nn.BatchNorm2d(channels)] if norm else []),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale(x)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Interleave the channels of `groups` equal groups (ShuffleNet); NxCxHxW to the same."""
    N, C, H, W = x.shape
    return x.reshape(N, groups, C // groups, H, W).transpose(1, 2).reshape(N, C, H, W)


BLOCKS: dict[str, Block] = {
    "ds": Separable,
    "ds_norm": lambda inputs, outputs: Separable(inputs, outputs, norm=True),
    "res_ds": ResidualSeparable,
    "dense_ds": DenseSeparable,
    "inv_res": InvertedResidual,
    "split_shuffle": SplitShuffle,
    "split_shuffle_se": lambda inputs, outputs: SplitShuffle(inputs, outputs, attention=True),
}
