"""Networks that learn metres: BTS, NeWCRFs and UniDepth, each with a decoder of its own."""

from __future__ import annotations

from math import pi
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from depthnet.timm_import import import_timm

from .convex_upsampling import convex_upsampling


def _features(name: str, **options: Any) -> Any:
    return import_timm().create_model(name, pretrained=False, features_only=True, **options)


class Atrous(nn.Module):
    """BTS's dilated convolution, normalised before."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, 2 * outputs, 1, bias=False),
            nn.BatchNorm2d(2 * outputs),
            nn.ReLU(),
            nn.Conv2d(2 * outputs, outputs, 3, 1, dilation, dilation, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Height and width stay."""
        return self.layers(x)


class PlanarGuidance(nn.Module):
    """BTS's local planes: four numbers a cell are a plane, met by the ray of every pixel in it."""

    def __init__(self, width: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.plane = nn.Conv2d(width, 3, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """To one channel, `factor` times as high and wide."""
        plane = self.plane(x)
        theta = torch.sigmoid(plane[:, 0]) * pi / 3
        phi = torch.sigmoid(plane[:, 1]) * pi * 2
        distance = torch.sigmoid(plane[:, 2]) * 10.0
        normal = (theta.sin() * phi.cos(), theta.sin() * phi.sin(), theta.cos())
        planes = functional.normalize(torch.stack(normal, 1), 2, 1)
        planes = torch.cat((planes, distance.unsqueeze(1)), 1)
        planes = planes.repeat_interleave(self.factor, 2).repeat_interleave(self.factor, 3)
        steps = (torch.arange(self.factor) - (self.factor - 1) * 0.5) / self.factor
        across = steps.repeat(1, x.shape[2] * self.factor, x.shape[3])
        down = steps.view(1, -1, 1).repeat(1, x.shape[2], x.shape[3] * self.factor)
        a, b, c, d = planes.unbind(1)
        return (d / (a * across + b * down + c)).unsqueeze(1)


class Bts(nn.Module):
    """BTS on DenseNet-121, with dilated convolutions of five sizes and planes at three."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.encoder: Any = _features("densenet121", out_indices=(0, 1, 2, 3))
        first, second, third, fourth = self.encoder.feature_info.channels()
        self.up = nn.ModuleList(
            nn.Conv2d(inputs, width, 3, padding=1, bias=False) for inputs in (fourth, width, width)
        )
        self.merge = nn.ModuleList(
            nn.Conv2d(width + skip, width, 3, padding=1, bias=False)
            for skip in (third, second + 1, first + 1)
        )
        self.atrous = nn.ModuleList(
            Atrous(width * (1 + i), width, d) for i, d in enumerate((3, 6, 12))
        )
        self.blend = nn.Conv2d(4 * width, width, 3, padding=1, bias=False)
        self.planes = nn.ModuleList(PlanarGuidance(width, factor) for factor in (8, 4, 2))
        self.out = nn.Conv2d(width + 3, 1, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """1x3xHxW to 1x1xHxW."""
        skips = self.encoder(image)
        x = self._larger(0, functional.relu(skips[3]))
        x = functional.elu(self.merge[0](torch.cat((x, skips[2]), 1)))
        seen = [x]
        for atrous in self.atrous:
            seen.append(atrous(torch.cat(seen, 1)))
        x = functional.elu(self.blend(torch.cat(seen, 1)))
        depths = []
        for i, planes in enumerate(self.planes):
            depths.append(planes(x) / 10.0)
            if i == 2:
                break
            small = functional.interpolate(depths[-1], scale_factor=0.5 ** (2 - i), mode="nearest")
            x = torch.cat((self._larger(1 + i, x), skips[1 - i], small), 1)
            x = functional.elu(self.merge[1 + i](x))
        x = torch.cat((functional.interpolate(x, scale_factor=2.0, mode="nearest"), *depths), 1)
        return 10.0 * torch.sigmoid(self.out(x))

    def _larger(self, i: int, x: torch.Tensor) -> torch.Tensor:
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return functional.elu(self.up[i](x))


class WindowField(nn.Module):
    """NeWCRFs' fully-connected field in windows, moved by half of one where `moved`."""

    def __init__(self, width: int, values: int, heads: int, moved: bool, window: int = 4) -> None:
        super().__init__()
        self.window, self.heads, self.shift = window, heads, window // 2 if moved else 0
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.value_norm = nn.LayerNorm(values)
        self.qk, self.out = nn.Linear(width, 2 * width), nn.Linear(values, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.bias = nn.Parameter(0.02 * torch.randn((2 * window - 1) ** 2, heads))
        at = torch.stack(torch.meshgrid(*[torch.arange(window)] * 2, indexing="ij")).flatten(1)
        apart = (at[:, :, None] - at[:, None, :]) + window - 1
        self.index: torch.Tensor
        self.register_buffer("index", apart[0] * (2 * window - 1) + apart[1])

    def forward(self, x: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """1xHxWxC with values 1xHxWxV to 1xHxWxC."""
        _, high, wide, width = x.shape
        query_key = self._windows(self.qk(self.before(x)), self.shift)
        query, key = query_key.unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        values = self._windows(self.value_norm(value), self.shift).unflatten(-1, (self.heads, -1))
        scores = (query * (width // self.heads) ** -0.5) @ key.transpose(-2, -1)
        tokens = self.window**2
        bias = self.bias[self.index.view(-1)].view(tokens, tokens, self.heads)
        scores = scores + bias.permute(2, 0, 1).unsqueeze(0)
        if self.shift:
            scores = scores + self._mask(high, wide).unsqueeze(1)
        mixed = torch.softmax(scores, -1) @ values.transpose(1, 2)
        mixed = self.out(mixed.transpose(1, 2).flatten(2))
        x = x + self._joined(mixed, high, wide)
        return x + self.narrow(functional.gelu(self.wide(self.after(x))))

    def _windows(self, x: torch.Tensor, shift: int) -> torch.Tensor:
        if shift:
            x = torch.roll(x, (-shift, -shift), (1, 2))
        batch, high, wide, width = x.shape
        x = x.view(batch, high // self.window, self.window, wide // self.window, self.window, width)
        return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, self.window**2, width)

    def _joined(self, x: torch.Tensor, high: int, wide: int) -> torch.Tensor:
        rows, columns = high // self.window, wide // self.window
        x = x.view(-1, rows, columns, self.window, self.window, x.shape[-1])
        x = x.permute(0, 1, 3, 2, 4, 5).reshape(-1, high, wide, x.shape[-1])
        return torch.roll(x, (self.shift, self.shift), (1, 2)) if self.shift else x

    def _mask(self, high: int, wide: int) -> torch.Tensor:
        regions = torch.zeros(1, high, wide, 1)
        parts = (
            slice(0, -self.window),
            slice(-self.window, -self.shift),
            slice(-self.shift, None),
        )
        for i, rows in enumerate(parts):
            for j, columns in enumerate(parts):
                regions[:, rows, columns, :] = 3 * i + j
        flat = self._windows(regions, 0).squeeze(-1)
        apart = flat.unsqueeze(1) - flat.unsqueeze(2)
        return apart.masked_fill(apart != 0, -100.0)


class Fields(nn.Module):
    """Two fields one after the other, the second in windows that are moved."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.still, self.moved = (WindowField(width, width, 4, moved) for moved in (False, True))

    def forward(self, x: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """1xHxWxC with values 1xHxWxC to 1xHxWxC."""
        return self.moved(self.still(x, value), value)


class NeWCrfs(nn.Module):
    """NeWCRFs on a small Swin: pooled at four sizes, then fields of windows, shuffled larger."""

    def __init__(self, size: tuple[int, int], width: int = 64) -> None:
        super().__init__()
        self.encoder: Any = _features("swin_tiny_patch4_window7_224", img_size=size)
        channels = self.encoder.feature_info.channels()
        self.pools = nn.ModuleList(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(side), nn.Conv2d(channels[-1], width // 4, 1), nn.ReLU()
            )
            for side in (1, 2, 4)
        )
        self.pooled = nn.Conv2d(channels[-1] + 3 * (width // 4), width, 3, padding=1)
        self.project = nn.ModuleList(nn.Conv2d(one, width, 3, padding=1) for one in channels[1:])
        self.fields = nn.ModuleList(Fields(width) for _ in channels[1:])
        self.spread = nn.Conv2d(width, 4 * width, 1)
        self.head = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """1x3xHxW to 1x1xHxW."""
        features = [x.permute(0, 3, 1, 2) for x in self.encoder(image)]
        last = features[-1]
        pooled = [
            functional.interpolate(pool(last), last.shape[-2:], mode="bilinear")
            for pool in self.pools
        ]
        value = functional.relu(self.pooled(torch.cat((last, *pooled), 1)))
        for i in (2, 1, 0):
            x = self.project[i](features[1 + i]).permute(0, 2, 3, 1)
            x = self.fields[i](x, value.permute(0, 2, 3, 1))
            value = functional.pixel_shuffle(self.spread(x.permute(0, 3, 1, 2)), 2)
        depth = torch.sigmoid(self.head(value))
        return 10.0 * functional.interpolate(depth, scale_factor=4, mode="bilinear")


class Rays(nn.Module):
    """UniDepth's camera: focal lengths and centre out of a token, each pixel's ray as sines."""

    def __init__(self, width: int, harmonics: int = 4) -> None:
        super().__init__()
        self.camera, self.harmonics = nn.Linear(width, 4), harmonics
        self.embed = nn.Linear(4 * harmonics, width)

    def forward(self, token: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """1xC to 1xNxC, a row a pixel."""
        high, wide = size
        focal_x, focal_y, centre_x, centre_y = self.camera(token).unbind(-1)
        y, x = torch.meshgrid(torch.arange(high) + 0.5, torch.arange(wide) + 0.5, indexing="ij")
        right = (x - wide * torch.sigmoid(centre_x)) / (wide * torch.exp(focal_x.clamp(-10, 10)))
        down = (y - high * torch.sigmoid(centre_y)) / (high * torch.exp(focal_y.clamp(-10, 10)))
        rays = functional.normalize(torch.stack((right, down, torch.ones_like(right)), -1), dim=-1)
        polar = torch.acos(rays[..., 2].clamp(-0.999, 0.999))
        around = torch.atan2(rays[..., 0], rays[..., 2])
        angles = torch.stack((polar, around), -1).reshape(1, high * wide, 2, 1)
        angles = angles * (2.0 ** torch.arange(self.harmonics))
        return self.embed(torch.cat((angles.sin(), angles.cos()), -1).flatten(2))


class UniDepth(nn.Module):
    """UniDepth on ConvNeXt: a camera of one token, depth by attention to its rays."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.encoder: Any = _features("convnext_atto")
        channels = self.encoder.feature_info.channels()
        self.project = nn.ModuleList(nn.Conv2d(one, width, 1) for one in channels)
        self.rays, self.token = Rays(width), nn.Linear(width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.query, self.pair = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(width, width, 2, 2),
                nn.Conv2d(width, width, 7, padding=3, groups=width),
                nn.InstanceNorm2d(width, affine=True),
                nn.Conv2d(width, width, 1),
                nn.Mish(),
            )
            for _ in channels[1:]
        )
        self.depth, self.confidence = nn.Conv2d(width, 1, 3, padding=1), nn.Conv2d(width, 1, 1)
        self.mask = nn.Conv2d(width, 9 * 4 * 4, 1)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """1x3xHxW to metres 1x1xHxW and confidence of a quarter of its size."""
        features = [one(x) for one, x in zip(self.project, self.encoder(image), strict=True)]
        x = features[-1]
        batch, width, high, wide = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        rays = self.rays(self.token(tokens.mean(1)), (high, wide))
        heads = (batch, -1, 4, width // 4)
        query = self.query(self.norms[0](tokens)).view(heads).transpose(1, 2)
        key, value = self.pair(self.norms[1](rays)).chunk(2, -1)
        key, value = key.view(heads).transpose(1, 2), value.view(heads).transpose(1, 2)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        x = x + mixed.transpose(2, 3).reshape(batch, width, high, wide)
        for up, skip in zip(self.up, features[-2::-1], strict=True):
            x = up(x) + skip
        depth = convex_upsampling(torch.exp(self.depth(x).clamp(-4, 4)), self.mask(x), 4)
        return depth, torch.sigmoid(self.confidence(x))


def bts(size: tuple[int, int]) -> nn.Module:
    """BTS on DenseNet-121."""
    return Bts()


def newcrfs(size: tuple[int, int]) -> nn.Module:
    """NeWCRFs on Swin tiny."""
    return NeWCrfs(size)


def unidepth_like(size: tuple[int, int]) -> nn.Module:
    """UniDepth on the smallest ConvNeXt."""
    return UniDepth()
