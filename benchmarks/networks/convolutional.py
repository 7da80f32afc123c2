"""Depth networks that are convolutions for the most part, on encoders of timm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from depthnet.baselines.fastdepth import FastDepthPruned
from depthnet.timm_import import import_timm


def _features(name: str, **options: Any) -> Any:
    return import_timm().create_model(name, pretrained=False, features_only=True, **options)


class Residual(nn.Module):
    """Two convolutions, each after a ReLU, beside their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The shape stays."""
        return x + self.second(functional.relu(self.first(functional.relu(x))))


class Fusion(nn.Module):
    """A block of the decoder of MiDaS and DPT: add the skip, refine, enlarge, project."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.skip, self.refine = Residual(width), Residual(width)
        self.out = nn.Conv2d(width, outputs, 1)

    def forward(
        self,
        x: torch.Tensor,
        skip: torch.Tensor | None = None,
        size: tuple[int, int] | None = None,
    ) -> torch.Tensor:
        """Of the given height and width, by default twice as high and wide."""
        x = self.refine(x if skip is None else x + self.skip(skip))
        scale = 2 if size is None else None
        x = functional.interpolate(x, size, scale, mode="bilinear", align_corners=True)
        return self.out(x)


class Midas(nn.Module):
    """MiDaS 2.1 small: EfficientNet-Lite3, features of 64 to 512 channels, fused."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder: Any = _features("tf_efficientnet_lite3", out_indices=(1, 2, 3, 4))
        widths = (64, 128, 256, 512)
        self.project = nn.ModuleList(
            nn.Conv2d(channels, width, 3, padding=1, bias=False)
            for channels, width in zip(self.encoder.feature_info.channels(), widths, strict=True)
        )
        self.fuse = nn.ModuleList(Fusion(512 >> i, max(64, 256 >> i)) for i in range(4))
        self.head = nn.Sequential(
            nn.Conv2d(64, 32, 3, padding=1),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 1, 1),
            nn.ReLU(),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """1x3xHxW to 1xHxW."""
        skips = [project(x) for project, x in zip(self.project, self.encoder(image), strict=True)]
        x = self.fuse[0](skips[3])
        for fuse, skip in zip(self.fuse[1:], skips[2::-1], strict=True):
            x = fuse(x, skip)
        return torch.squeeze(self.head(x), dim=1)


class Reflected(nn.Module):
    """A 3x3 convolution over borders that are reflected."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.pad, self.conv = nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Height and width stay."""
        return self.conv(self.pad(x))


class Monodepth2(nn.Module):
    """monodepth2: ResNet-18 and disparities of four sizes, as sigmoids."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder: Any = _features("resnet18")
        widths, skips = (16, 32, 64, 128, 256), self.encoder.feature_info.channels()
        first, second, heads = [], [], []
        for i in range(5):
            below = skips[-1] if i == 4 else widths[i + 1]
            first.append(Reflected(below, widths[i]))
            second.append(Reflected(widths[i] + (skips[i - 1] if i else 0), widths[i]))
            heads.append(Reflected(widths[i], 1))
        self.first, self.second = nn.ModuleList(first), nn.ModuleList(second)
        self.heads = nn.ModuleList(heads[:4])

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """1x3xHxW to 1x1xHxW and its halves, finest first."""
        features = self.encoder((image - 0.45) / 0.225)
        x, found = features[-1], []
        for i in range(4, -1, -1):
            x = functional.interpolate(
                functional.elu(self.first[i](x)), scale_factor=2, mode="nearest"
            )
            if i:
                x = torch.cat([x, features[i - 1]], 1)
            x = functional.elu(self.second[i](x))
            if i < 4:
                found.append(torch.sigmoid(self.heads[i](x)))
        return tuple(found[::-1])


class EncoderLayer(nn.TransformerEncoderLayer):
    """PyTorch's, whose attention can be several operators, as it was before PyTorch 2."""

    eager = False

    def set_attn_implementation(self, name: str) -> None:
        """Several operators where the name is eager, as `transformers` calls it."""
        self.eager = name == "eager"

    def _sa_block(
        self,
        x: torch.Tensor,
        attn_mask: torch.Tensor | None,
        key_padding_mask: torch.Tensor | None,
        is_causal: bool = False,
    ) -> torch.Tensor:
        return self.self_attn(x, x, x, need_weights=self.eager)[0]


class AdaBins(nn.Module):
    """Bins of depth chosen by a transformer over patches, as AdaBins and BTS decode features."""

    def __init__(self, width: int = 64, bins: int = 64, patch: int = 8) -> None:
        super().__init__()
        self.encoder: Any = _features("mobilenetv2_100", out_indices=(0, 1, 2, 3))
        channels = self.encoder.feature_info.channels()
        self.project = nn.ModuleList(nn.Conv2d(one, width, 1) for one in channels)
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.Conv2d(2 * width, width, 3, padding=1), nn.LeakyReLU())
            for _ in range(3)
        )
        self.patches = nn.Conv2d(width, width, patch, patch)
        layer = EncoderLayer(width, 4, 256, batch_first=True)
        self.transformer = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.widths = nn.Linear(width, bins)
        self.queries = nn.Conv2d(width, width, 3, padding=1)
        self.out = nn.Conv2d(16, bins, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """1x3xHxW to 1x1xHxW."""
        skips = [project(x) for project, x in zip(self.project, self.encoder(image), strict=True)]
        x = skips[-1]
        for smooth, skip in zip(self.smooth, skips[-2::-1], strict=True):
            x = functional.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=True)
            x = smooth(torch.cat([x, skip], 1))
        tokens = self.transformer(self.patches(x).flatten(2).transpose(1, 2))
        scores = torch.einsum("bchw,bnc->bnhw", self.queries(x), tokens[:, 1:17])
        shares = functional.relu(self.widths(tokens[:, 0])) + 0.1
        edges = 10.0 * torch.cumsum(shares / shares.sum(1, keepdim=True), dim=1)
        centres = functional.pad(edges, (1, 0))
        centres = 0.5 * (centres[:, 1:] + centres[:, :-1])
        chances = torch.softmax(self.out(scores), dim=1)
        depth = torch.sum(chances * centres[:, :, None, None], dim=1, keepdim=True)
        return functional.interpolate(depth, size=image.shape[-2:], mode="bilinear")


class UNet(nn.Module):
    """An encoder of timm with skips to a decoder of plain convolutions."""

    def __init__(self, encoder: str, width: int = 64, **options: Any) -> None:
        super().__init__()
        self.encoder: Any = _features(encoder, **options)
        channels = self.encoder.feature_info.channels()
        self.scale = float(self.encoder.feature_info.reduction()[0])
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(skip + (width if i + 1 < len(channels) else 0), width, 3, padding=1),
                nn.BatchNorm2d(width),
                nn.SiLU(),
            )
            for i, skip in enumerate(channels)
        )
        self.head = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """1x3xHxW to 1x1xHxW."""
        *skips, x = self.encoder(image)
        x = self.up[-1](x)
        for up, skip in zip(reversed(self.up[:-1]), reversed(skips), strict=True):
            x = functional.interpolate(x, scale_factor=2.0, mode="bilinear")
            x = up(torch.cat([x, skip], 1))
        x = functional.interpolate(self.head(x), scale_factor=self.scale)
        return functional.softplus(x)


def midas_small(size: tuple[int, int]) -> nn.Module:
    """MiDaS 2.1 small."""
    return Midas()


def monodepth2(size: tuple[int, int]) -> nn.Module:
    """monodepth2 on ResNet-18."""
    return Monodepth2()


def fastdepth(size: tuple[int, int]) -> nn.Module:
    """FastDepth, as the paper compares with it."""
    return FastDepthPruned()


def adabins_like(size: tuple[int, int]) -> nn.Module:
    """AdaBins on a MobileNet."""
    return AdaBins()


def unet(encoder: str, **options: Any) -> Callable[[tuple[int, int]], nn.Module]:
    """A U-Net on an encoder of timm, whatever the size."""
    return lambda size: UNet(encoder, **options)
