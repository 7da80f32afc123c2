"""ManyDepth: features of a second image, moved as each of some depths says, and compared."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from depthnet.timm_import import import_timm

from .convolutional import Reflected


class ManyDepth(nn.Module):
    """ManyDepth on ResNet-18 with 16 depths, for a camera that moves by a small known step."""

    def __init__(self, size: tuple[int, int], depths: int = 16, width: int = 32) -> None:
        super().__init__()
        self.encoder: Any = import_timm().create_model(
            "resnet18", pretrained=False, features_only=True, out_indices=(0, 1, 2)
        )
        half, quarter, eighth = self.encoder.feature_info.channels()
        self.depth_bins: torch.Tensor
        self.register_buffer("depth_bins", torch.linspace(0.1, 10.0, depths))
        high, wide = size[0] // 4, size[1] // 4
        rows, columns = torch.meshgrid(torch.arange(high), torch.arange(wide), indexing="ij")
        pixels = torch.stack((columns, rows, torch.ones_like(rows))).float().reshape(3, -1)
        camera = torch.tensor(
            [[0.58 * wide, 0, 0.5 * wide], [0, 1.92 * high, 0.5 * high], [0, 0, 1]]
        )
        self.rays: torch.Tensor
        self.register_buffer("rays", torch.linalg.inv(camera) @ pixels)
        self.camera: torch.Tensor
        self.register_buffer("camera", camera)
        self.step: torch.Tensor
        self.register_buffer("step", torch.tensor([[0.02], [0.01], [0.1]]))
        self.reduce = nn.Conv2d(quarter + depths, quarter, 3, padding=1)
        self.up = nn.ModuleList(
            (Reflected(eighth, width), Reflected(width + quarter, width), Reflected(width, width))
        )
        self.merge = Reflected(width + half, width)
        self.head = Reflected(width, 1)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """1x6xHxW, two images, to disparity 1x1xHxW and the likeliest depth 1xH/4xW/4."""
        now, before = images[:, :3], images[:, 3:]
        half, quarter, _ = self.encoder(now)
        _, other, _ = self.encoder(before)
        high, wide = quarter.shape[-2:]
        cost = []
        for depth in self.depth_bins:
            seen = self.camera @ (depth * self.rays + self.step)
            at = (seen[:2] / (seen[2:] + 1e-7)).view(2, high, wide).permute(1, 2, 0)
            at = (at / torch.tensor([wide - 1.0, high - 1.0]) - 0.5) * 2
            moved = functional.grid_sample(
                other, at[None], padding_mode="zeros", mode="bilinear", align_corners=True
            )
            inside = (at.abs() < 1).all(-1).float()[None, None]
            cost.append((moved - quarter).abs().mean(1, keepdim=True) * inside)
        volume = torch.cat(cost, 1)
        missing = (volume == 0).float()
        volume = volume * (1 - missing) + volume.max(1, keepdim=True)[0] * missing
        likely = self.depth_bins[volume.argmin(1)]
        x = functional.relu(self.reduce(torch.cat((quarter, volume), 1)))
        x = self.encoder.layer2(x)
        x = functional.interpolate(functional.elu(self.up[0](x)), scale_factor=2, mode="nearest")
        x = functional.elu(self.up[1](torch.cat((x, quarter), 1)))
        x = functional.interpolate(functional.elu(self.up[2](x)), scale_factor=2, mode="nearest")
        x = functional.elu(self.merge(torch.cat((x, half), 1)))
        x = functional.interpolate(self.head(x), scale_factor=2, mode="bilinear")
        return torch.sigmoid(x), likely


def manydepth_like(size: tuple[int, int]) -> nn.Module:
    """ManyDepth with 16 depths."""
    return ManyDepth(size)
