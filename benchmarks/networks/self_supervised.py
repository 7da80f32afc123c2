"""Networks that learn depth from videos: Lite-Mono, PackNet and R-MSFM."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from depthnet.timm_import import import_timm

from .convex_upsampling import convex_upsampling
from .convolutional import Reflected


class DilatedBlock(nn.Module):
    """Lite-Mono's consecutive dilated convolutions: one, then two linear layers over channels."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.window = nn.Conv2d(width, width, 3, 1, dilation, dilation, width, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.wide, self.narrow = nn.Linear(width, 6 * width), nn.Linear(6 * width, width)
        self.gamma = nn.Parameter(torch.full((width,), 0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The shape stays."""
        y = self.norm(self.window(x)).permute(0, 2, 3, 1)
        y = self.gamma * self.narrow(functional.gelu(self.wide(y)))
        return x + y.permute(0, 3, 1, 2)


class CrossCovariance(nn.Module):
    """Lite-Mono's attention, of channels to channels, and a multilayer perceptron."""

    def __init__(self, width: int, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.position = nn.Conv2d(64, width, 1)
        self.wide, self.narrow = nn.Linear(width, 6 * width), nn.Linear(6 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The shape stays."""
        batch, width, high, wide = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        places = self.position(self._fourier(batch, high, wide))
        tokens = tokens + places.flatten(2).transpose(1, 2)
        qkv = self.qkv(self.before(tokens))
        qkv = qkv.reshape(batch, high * wide, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 4, 1).unbind(0)
        query, key = functional.normalize(query, dim=-1), functional.normalize(key, dim=-1)
        shares = torch.softmax((query @ key.transpose(-2, -1)) * self.temperature, dim=-1)
        mixed = (shares @ value).permute(0, 3, 1, 2).reshape(batch, high * wide, width)
        tokens = tokens + self.out(mixed)
        y = self.after(tokens.reshape(batch, high, wide, width))
        y = self.narrow(functional.gelu(self.wide(y)))
        return x + y.permute(0, 3, 1, 2)

    @staticmethod
    def _fourier(batch: int, high: int, wide: int) -> torch.Tensor:
        """Sines and cosines of places that are counted by running sums, 64 channels."""
        seen = torch.ones(batch, high, wide)
        down, right = seen.cumsum(1), seen.cumsum(2)
        down, right = down / (down[:, -1:] + 1e-6), right / (right[:, :, -1:] + 1e-6)
        steps = 10000.0 ** (2 * torch.div(torch.arange(32), 2, rounding_mode="floor") / 32)
        found = []
        for one in (down, right):
            angles = 2 * torch.pi * one[..., None] / steps
            pairs = torch.stack((angles[..., 0::2].sin(), angles[..., 1::2].cos()), dim=4)
            found.append(pairs.flatten(3))
        return torch.cat(found, dim=3).permute(0, 3, 1, 2)


class LiteMono(nn.Module):
    """Lite-Mono: three stages of dilated blocks and attention, each given a smaller image too."""

    def __init__(self, widths: tuple[int, int, int] = (32, 48, 96)) -> None:
        super().__init__()
        first, second, third = widths
        self.stem = nn.Sequential(
            *self._normed(3, first, 2), *self._normed(first, first), *self._normed(first, first)
        )
        self.down = nn.ModuleList(
            nn.Conv2d(inputs + 3, outputs, 3, 2, 1)
            for inputs, outputs in zip((first, first, second), widths, strict=True)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(DilatedBlock(one, d) for d in (1, 2, 3)), CrossCovariance(one))
            for one in widths
        )
        self.up = nn.ModuleList((Reflected(third, second), Reflected(second, first)))
        self.merge = nn.ModuleList((Reflected(2 * second, second), Reflected(2 * first, first)))
        self.head = Reflected(first, 1)

    @staticmethod
    def _normed(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
        conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        return [conv, nn.BatchNorm2d(outputs), nn.GELU()]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """1x3xHxW to 1x1xHxW."""
        image = (image - 0.45) / 0.225
        smaller = image
        x, features = self.stem(image), []
        for down, stage in zip(self.down, self.stages, strict=True):
            smaller = functional.avg_pool2d(smaller, 3, 2, 1)
            x = stage(down(torch.cat((x, smaller), 1)))
            features.append(x)
        for up, merge, skip in zip(self.up, self.merge, features[1::-1], strict=True):
            x = functional.elu(up(x))
            x = functional.interpolate(x, scale_factor=2, mode="bilinear")
            x = functional.elu(merge(torch.cat((x, skip), 1)))
        x = functional.interpolate(self.head(x), scale_factor=4, mode="bilinear")
        return torch.sigmoid(x)


class PackedConv(nn.Module):
    """A convolution, normalised in groups, as all of PackNet's."""

    def __init__(self, inputs: int, outputs: int, window: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, window)
        self.pad = nn.ConstantPad2d(window // 2, 0.0)
        self.norm = nn.GroupNorm(16, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Height and width stay."""
        return functional.elu(self.norm(self.conv(self.pad(x))))


class Pack(nn.Module):
    """PackNet's way down: pixels into channels, a convolution in three axes, one in two."""

    def __init__(self, width: int, depth: int = 4) -> None:
        super().__init__()
        self.spatial = nn.Conv3d(1, depth, 3, padding=1)
        self.conv = PackedConv(4 * width * depth, width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Half as high and wide."""
        x = self.spatial(functional.pixel_unshuffle(x, 2).unsqueeze(1))
        batch, depth, channels, high, wide = x.shape
        return self.conv(x.view(batch, depth * channels, high, wide))


class Unpack(nn.Module):
    """PackNet's way up: the way down, backwards."""

    def __init__(self, inputs: int, outputs: int, depth: int = 4) -> None:
        super().__init__()
        self.conv = PackedConv(inputs, 4 * outputs // depth, 3)
        self.spatial = nn.Conv3d(1, depth, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Twice as high and wide."""
        x = self.spatial(self.conv(x).unsqueeze(1))
        batch, depth, channels, high, wide = x.shape
        return functional.pixel_shuffle(x.view(batch, depth * channels, high, wide), 2)


class PackNet(nn.Module):
    """PackNet, narrow, of three levels."""

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64)) -> None:
        super().__init__()
        below = (16, *widths[:-1])
        self.first = PackedConv(3, 16, 5)
        self.convs = nn.ModuleList(PackedConv(a, b, 3) for a, b in zip(below, widths, strict=True))
        self.packs = nn.ModuleList(map(Pack, widths))
        self.unpacks = nn.ModuleList(
            Unpack(a, b) for a, b in zip(widths[::-1], below[::-1], strict=True)
        )
        self.merges = nn.ModuleList(PackedConv(2 * one, one, 3) for one in below[::-1])
        self.head = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """1x3xHxW to 1x1xHxW."""
        x = self.first(image)
        skips = []
        for conv, pack in zip(self.convs, self.packs, strict=True):
            skips.append(x)
            x = pack(conv(x))
        for unpack, merge, skip in zip(self.unpacks, self.merges, skips[::-1], strict=True):
            x = merge(torch.cat((unpack(x), skip), 1))
        return torch.sigmoid(self.head(x)) / 0.5


class GatedUpdate(nn.Module):
    """A gated recurrent unit of convolutions over a row or a column."""

    def __init__(self, width: int, inputs: int, size: tuple[int, int]) -> None:
        super().__init__()
        pad = (size[0] // 2, size[1] // 2)
        self.update, self.reset, self.new = (
            nn.Conv2d(width + inputs, width, size, padding=pad) for _ in range(3)
        )

    def forward(self, state: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The state's shape stays."""
        both = torch.cat((state, x), 1)
        share = torch.sigmoid(self.update(both))
        kept = torch.sigmoid(self.reset(both)) * state
        return (1 - share) * state + share * torch.tanh(self.new(torch.cat((kept, x), 1)))


class RMsfm(nn.Module):
    """R-MSFM: disparity is refined by a recurrent unit, and enlarged by sums of neighbours."""

    def __init__(self, width: int = 48, steps: int = 3) -> None:
        super().__init__()
        self.steps = steps
        self.encoder: Any = import_timm().create_model(
            "resnet18", pretrained=False, features_only=True, out_indices=(1, 2, 3)
        )
        channels = self.encoder.feature_info.channels()
        self.project = nn.ModuleList(nn.Conv2d(one, width, 1) for one in channels)
        self.start = nn.Conv2d(width, width, 3, padding=1)
        self.look = nn.Conv2d(1, 16, 7, padding=3)
        self.rows = GatedUpdate(width, width + 16, (1, 5))
        self.columns = GatedUpdate(width, width + 16, (5, 1))
        self.change = nn.Conv2d(width, 1, 3, padding=1)
        self.mask = nn.Conv2d(width, 9 * 8 * 8, 1)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """1x3xHxW to two of 1x1xHxW, the last refinement and the one before."""
        features = self.encoder(image)
        size = features[1].shape[-2:]
        levels = [
            functional.interpolate(project(x), size, mode="bilinear", align_corners=True)
            for project, x in zip(self.project, features, strict=True)
        ]
        state = torch.tanh(self.start(levels[-1]))
        disparity = torch.zeros_like(levels[0][:, :1])
        found = []
        for step in range(self.steps):
            level = levels[step % len(levels)]
            seen = torch.cat((level, self.look(disparity)), 1)
            state = self.columns(self.rows(state, seen), seen)
            disparity = disparity + self.change(state)
            found.append(torch.sigmoid(convex_upsampling(disparity, self.mask(state), 8)))
        return found[-1], found[-2]


def lite_mono(size: tuple[int, int]) -> nn.Module:
    """Lite-Mono tiny."""
    return LiteMono()


def packnet(size: tuple[int, int]) -> nn.Module:
    """PackNet, narrow."""
    return PackNet()


def r_msfm(size: tuple[int, int]) -> nn.Module:
    """R-MSFM with three refinements."""
    return RMsfm()
