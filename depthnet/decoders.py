"""Decoders of the paper: blocks, and the chain that joins them with the encoder's maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class SplitShuffle(nn.Module):
    """Decoder block E (paper, table IX): two pointwise branches on a channel split, shuffled.

    Nx`inputs`xHxW to Nx`outputs`xHxW, both even. The depthwise 3x3 convolution has no
    activation; no convolution has a bias.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half_in, half_out = inputs // 2, outputs // 2
        self.short = nn.Sequential(nn.Conv2d(half_in, half_out, 1, bias=False), nn.ReLU())
        self.long = nn.Sequential(
            nn.Conv2d(half_in, half_in, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(half_in, half_in, 3, padding=1, groups=half_in, bias=False),
            nn.Conv2d(half_in, half_out, 1, bias=False),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=1)
        return channel_shuffle(torch.cat((self.short(left), self.long(right)), dim=1), groups=2)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Interleave the channels of `groups` equal groups (ShuffleNet); NxCxHxW to the same."""
    N, C, H, W = x.shape
    return x.reshape(N, groups, C // groups, H, W).transpose(1, 2).reshape(N, C, H, W)


class ChainDecoder(nn.Module):
    """Five blocks from stride 32 to stride 2, upsampling between them, then one channel.

    Block 1 works at stride 32 without upsampling; before each later block the map is doubled
    (nearest neighbour). The encoder's maps at strides 16, 8 and 4 are added after blocks 2, 3
    and 4 (the paper's skips "2, 3, 4"). A last doubling and a bias-free pointwise convolution
    give Nx1xHxW at the image's size.

    `channels`: the encoder's, finest first; `widths`: the blocks' outputs, first to last. The
    widths of blocks 2, 3 and 4 must be those of the maps that are added.
    """

    def __init__(self, channels: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        if list(widths[1:4]) != list(channels[3:0:-1]):
            raise ValueError(f"widths {list(widths)} do not fit the skips {list(channels)}")
        inputs = [channels[-1], *widths[:-1]]
        self.blocks = nn.ModuleList(SplitShuffle(a, b) for a, b in zip(inputs, widths, strict=True))
        self.output = nn.Conv2d(widths[-1], 1, 1, bias=False)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        x = self.blocks[0](maps[-1])
        for block, skip in zip(self.blocks[1:4], maps[3:0:-1], strict=True):
            x = block(double(x)) + skip
        return self.output(double(self.blocks[4](double(x))))


def double(x: Tensor) -> Tensor:
    """Nearest-neighbour upsampling by two."""
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
