"""FastDepth's pruned form: Wofk et al. 2019, after NetAdapt; the unpruned is in the zoo."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional

from depthnet.blocks import Separable

ENCODER = (16, 56, 88, 120, 144, 256, 408, 376, 272, 288, 296, 328, 480, 512)
DOWN = (2, 4, 6, 12)
DECODER = (200, 256, 120, 56, 16)
# The encoder layer whose map is added behind each decoder layer's upsampling.
SKIPS = {1: 5, 2: 3, 3: 1}


class FastDepthPruned(nn.Module):
    """MobileNet v1 and NNConv5 with the released pruned widths: Nx3xHxW to Nx1xHxW.

    H and W are multiples of 32; additive skips; batch norm throughout.
    """

    mean = (0.0, 0.0, 0.0)
    std = (1.0, 1.0, 1.0)

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Sequential(*_norm_relu6(nn.Conv2d(3, ENCODER[0], 3, 2, 1, bias=False)))
        self.encoder = nn.ModuleList([stem])
        for layer, (inputs, outputs) in enumerate(itertools.pairwise(ENCODER), 1):
            stride = 2 if layer in DOWN else 1
            depthwise = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
            pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
            self.encoder.append(nn.Sequential(*_norm_relu6(depthwise), *_norm_relu6(pointwise)))
        self.decoder = nn.ModuleList(
            Separable(inputs, outputs, norm=True)
            for inputs, outputs in zip((ENCODER[-1], *DECODER[:-1]), DECODER, strict=True)
        )
        self.output = nn.Conv2d(DECODER[-1], 1, 1, bias=False)
        self.activation = nn.Sequential(nn.BatchNorm2d(1), nn.ReLU())

    def forward(self, image: Tensor) -> Tensor:
        x, maps = image, []
        for layer in self.encoder:
            x = layer(x)
            maps.append(x)
        for index, layer in enumerate(self.decoder):
            x = functional.interpolate(layer(x), scale_factor=2.0, mode="nearest")
            if index in SKIPS:
                x = x + maps[SKIPS[index]]
        return self.activation(self.output(x))


def _norm_relu6(conv: nn.Conv2d) -> tuple[nn.Module, ...]:
    return conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU6()
