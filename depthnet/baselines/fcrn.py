"""FCRN: Laina et al. 2016, Deeper Depth Prediction with Fully Convolutional Residual Networks."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthnet.baselines.resnet import ResNetMaps


class UpProjection(nn.Module):
    """Unpool by two with zeros, then a residual block of 5x5 convolutions (their figure 2c)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_norm_convolution(inputs, outputs, 5),
            nn.ReLU(),
            *_norm_convolution(outputs, outputs, 3),
        )
        self.shortcut = nn.Sequential(*_norm_convolution(inputs, outputs, 5))
        self.activation = nn.ReLU()
        self.register_buffer("corner", torch.tensor([[1.0, 0.0], [0.0, 0.0]]), persistent=False)

    corner: Tensor

    def forward(self, x: Tensor) -> Tensor:
        doubled = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        unpooled = doubled * self.corner.repeat(x.shape[2], x.shape[3])
        return self.activation(self.body(unpooled) + self.shortcut(unpooled))


class FCRN(nn.Module):
    """ResNet-50 and five up-projections: Nx3xHxW to Nx1xHxW, H and W multiples of 32.

    The original has four and predicts at half size; with five the paper's printed 32.30 GMAC
    come out.
    """

    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ResNetMaps("resnet50")
        self.squeeze = nn.Sequential(*_norm_convolution(2048, 1024, 1))
        widths = (1024, 512, 256, 128, 64, 32)
        self.decoder = nn.Sequential(*(UpProjection(a, b) for a, b in itertools.pairwise(widths)))
        self.output = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        return self.output(self.decoder(self.squeeze(self.encoder(image))))


def _norm_convolution(inputs: int, outputs: int, kernel: int) -> tuple[nn.Module, nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return conv, nn.BatchNorm2d(outputs)
