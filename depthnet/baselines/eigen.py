"""Eigen and Fergus 2015: depth from a common multi-scale convolutional architecture (VGG)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthnet.timm_import import import_timm

MAPS = 64
COARSE = 14


class Eigen(nn.Module):
    """Three scales, each refining the one before: Nx3x224x224 to Nx1x224x224.

    Scale 1 is VGG-16 with two fully connected layers, which fix the input's size; scales 2 and
    3 look at the image again at strides 4 and 2. The padding is not given; the one chosen
    comes nearest to the paper's printed 20.40 GMAC.
    """

    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)

    def __init__(self) -> None:
        super().__init__()
        self.vgg = import_timm().create_model("vgg16").features
        self.coarse = nn.Sequential(
            nn.Flatten(),
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, MAPS * COARSE**2),
        )
        self.image2 = _image_features(pool_stride=2)
        self.scale2 = nn.Sequential(
            _refinement(96 + MAPS, hidden=3), nn.Conv2d(MAPS, 1, 5, padding=2)
        )
        self.image3 = _image_features(pool_stride=1)
        self.scale3 = _refinement(96 + 1, hidden=2)
        self.output = nn.Conv2d(MAPS, 1, 5, padding=2)

    def forward(self, image: Tensor) -> Tensor:
        coarse = self.coarse(self.vgg(image)).unflatten(1, (-1, COARSE, COARSE))
        middle = self.scale2(_join(self.image2(image), coarse))
        fine = self.output(self.scale3(_join(self.image3(image), middle)))
        return functional.interpolate(fine, size=image.shape[2:], mode="bilinear")


def _image_features(pool_stride: int) -> nn.Sequential:
    pool = nn.MaxPool2d(3, stride=pool_stride, padding=1)
    return nn.Sequential(nn.Conv2d(3, 96, 9, stride=2), nn.ReLU(), pool)


def _refinement(inputs: int, hidden: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in [inputs] + [MAPS] * (hidden - 1):
        layers += [nn.Conv2d(width, MAPS, 5, padding=2), nn.ReLU()]
    return nn.Sequential(*layers)


def _join(features: Tensor, coarser: Tensor) -> Tensor:
    resized = functional.interpolate(coarser, size=features.shape[2:], mode="bilinear")
    return torch.cat((features, resized), dim=1)
