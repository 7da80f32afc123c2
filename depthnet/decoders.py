"""The paper's decoder: five blocks from stride 32 to 2, joined with the encoder's maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthnet.blocks import BLOCKS, convolution
from depthnet.decoder_spec import DecoderSpec

STRIDES = (32, 16, 8, 4, 2)


class Decoder(nn.Module):
    """From the encoder's last map to one channel at the image's size.

    Block 1 works at stride 32, and the map is doubled before each later block and before the
    output convolution, which is bias-free. `channels`: of the last map; `tap_channels`: by
    stride, of the maps for skips. Raises ValueError when maps to be added differ in width.
    """

    def __init__(self, spec: DecoderSpec, channels: int, tap_channels: dict[int, int]) -> None:
        super().__init__()
        self.spec = spec
        self.blocks = nn.ModuleList()
        width = channels
        for stride, outputs in zip(STRIDES, spec.widths, strict=True):
            if spec.join_before:
                width = self._joined(width, stride, tap_channels)
            self.blocks.append(BLOCKS[spec.block](width, outputs))
            width = outputs
            if not spec.join_before:
                width = self._joined(width, stride, tap_channels)
        width += 3 if spec.image_skip else 0
        self.output = nn.Sequential()
        if spec.output == "separable":
            self.output.append(convolution(width, width, 5, groups=width))
        self.output.append(nn.Conv2d(width, 1, 1, bias=False))
        if spec.output_norm:
            self.output.extend([nn.BatchNorm2d(1), nn.ReLU()])

    def forward(self, x: Tensor, taps: dict[int, Tensor], image: Tensor) -> Tensor:
        for stride, block in zip(STRIDES, self.blocks, strict=True):
            if stride != STRIDES[0]:
                x = self._double(x)
            if self.spec.join_before:
                x = block(self._join(x, stride, taps))
            else:
                x = self._join(block(x), stride, taps)
        x = self._double(x)
        return self.output(torch.cat((x, image), dim=1) if self.spec.image_skip else x)

    def _joined(self, width: int, stride: int, tap_channels: dict[int, int]) -> int:
        if self.spec.join == "none" or stride not in self.spec.skips:
            return width
        tap = tap_channels[stride]
        if self.spec.join == "cat":
            return width + tap
        if tap != width:
            raise ValueError(f"at stride {stride} a map of {tap} channels is added to {width}")
        return width

    def _join(self, x: Tensor, stride: int, taps: dict[int, Tensor]) -> Tensor:
        if self.spec.join == "none" or stride not in self.spec.skips:
            return x
        return x + taps[stride] if self.spec.join == "add" else torch.cat((x, taps[stride]), 1)

    def _double(self, x: Tensor) -> Tensor:
        if self.spec.interpolation == "nearest":
            return functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
