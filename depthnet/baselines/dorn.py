"""DORN: Fu et al. 2018, Deep Ordinal Regression Network for Monocular Depth Estimation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthnet.baselines.resnet import dilated_resnet101

PLANES = 90
WIDTH = 512
DILATIONS = (6, 12, 18)
POOL = 16


class DORN(nn.Module):
    """Dilated ResNet-101, scene understanding, ordinal regression over 90 depth planes.

    Nx3x224x224 to Nx1x224x224: the natural logarithm of the depth over 10 m, from the expected
    ordinal of planes that are evenly spaced in log depth between 0.1 and 10 m (their spacing-
    increasing discretisation). The full-image encoder fixes the input's size.
    """

    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)

    def __init__(self) -> None:
        super().__init__()
        self.encoder = dilated_resnet101()
        channels, maps = 2048, 29
        pooled = (maps + 2 * (POOL // 2) - POOL) // POOL + 1
        self.image_pool = nn.AvgPool2d(POOL, padding=POOL // 2)
        self.image_encoder = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.5), nn.Linear(channels * pooled**2, WIDTH), nn.ReLU()
        )
        self.image_projection = nn.Conv2d(WIDTH, WIDTH, 1)
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, WIDTH, kernel, padding=pad, dilation=max(pad, 1)),
                nn.ReLU(),
                nn.Conv2d(WIDTH, WIDTH, 1),
                nn.ReLU(),
            )
            for kernel, pad in ((1, 0), *((3, dilation) for dilation in DILATIONS))
        )
        # The depth is read off all planes: no convolution gives it alone.
        self.output = None
        self.head = nn.Sequential(
            nn.Dropout2d(0.5),
            nn.Conv2d((len(DILATIONS) + 2) * WIDTH, 2048, 1),
            nn.ReLU(),
            nn.Dropout2d(0.5),
            nn.Conv2d(2048, 2 * PLANES, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        x = self.encoder(image)
        whole = self.image_encoder(self.image_pool(x))[:, :, None, None]
        whole = self.image_projection(whole).expand(-1, -1, *x.shape[2:])
        logits = self.head(torch.cat((whole, *(branch(x) for branch in self.branches)), dim=1))
        logits = functional.interpolate(logits, size=image.shape[2:], mode="bilinear")
        # Planes come in pairs: the depth is nearer than plane k, or beyond it.
        beyond = torch.sigmoid(logits[:, 1::2] - logits[:, 0::2])
        ordinal = beyond.mean(dim=1, keepdim=True)
        return (ordinal - 1.0) * torch.log(torch.tensor(100.0))
