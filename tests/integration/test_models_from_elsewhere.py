"""Networks that others made, with random weights, compile, agree and leave nothing unscheduled.

The compiler itself compares every artefact with ONNX Runtime and fails above 1e-4 of the largest
value; here its account of that, and of what had no schedule of its own, is looked at.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from benchmarks.networks.convolutional import Fusion
from compile.pipeline import compile_model
from depthnet.timm_import import import_timm

# What may run by a general schedule rather than one of its family, of all multiply-adds.
LARGEST_FALLBACK_SHARE = 0.01


def timm_model(name: str, **options: Any) -> nn.Module:
    return import_timm().create_model(name, pretrained=False, **options)


class Block(nn.Module):
    """A transformer's block with layer scale, as in DINOv2."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scales = nn.Parameter(torch.rand(2, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, width = x.shape
        heads = self.qkv(self.first(x)).reshape(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.scales[0] * self.project(mixed.transpose(1, 2).reshape(x.shape))
        return x + self.scales[1] * self.down(functional.gelu(self.up(self.second(x))))


class Fusions(nn.Module):
    """Fuse features from the coarsest to the finest, and twice their size."""

    def __init__(self, width: int, levels: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Fusion(width, width) for _ in range(levels))

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        sizes = [tuple(one.shape[2:]) for one in features]
        sizes = [tuple(2 * edge for edge in sizes[0]), *sizes[:-1]]
        y = self.blocks[-1](features[-1], None, sizes[-1])
        for block, skip, size in reversed(
            [*zip(self.blocks[:-1], features[:-1], sizes[:-1], strict=True)]
        ):
            y = block(y, skip, size)
        return y


class DepthTransformer(nn.Module):
    """Depth Anything's shape: a ViT of patches of 14, reassembled at four scales, and fused."""

    def __init__(self, size: int = 70, width: int = 48, fused: int = 32) -> None:
        super().__init__()
        self.size, self.grid = size, size // 14
        self.patches = nn.Conv2d(3, width, 14, 14)
        self.start = nn.Parameter(torch.randn(1, 1, width))
        self.places = nn.Parameter(torch.randn(1, self.grid**2 + 1, width) * 0.1)
        self.blocks = nn.ModuleList(Block(width, 3) for _ in range(4))
        self.norm = nn.LayerNorm(width)
        widths = (24, 32, 48, 64)
        self.project = nn.ModuleList(nn.Conv2d(width, wide, 1) for wide in widths)
        self.scale = nn.ModuleList(
            [
                nn.ConvTranspose2d(24, 24, 4, 4),
                nn.ConvTranspose2d(32, 32, 2, 2),
                nn.Identity(),
                nn.Conv2d(64, 64, 3, 2, 1),
            ]
        )
        self.narrow = nn.ModuleList(nn.Conv2d(w, fused, 3, padding=1, bias=False) for w in widths)
        self.fusions = Fusions(fused, 4)
        self.head = nn.Conv2d(fused, 16, 3, padding=1)
        self.depth = nn.Sequential(
            nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 1), nn.Softplus()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.start.expand(len(x), -1, -1), tokens], 1) + self.places
        features = []
        for block, project, scale, narrow in zip(
            self.blocks, self.project, self.scale, self.narrow, strict=True
        ):
            tokens = block(tokens)
            image = self.norm(tokens)[:, 1:].permute(0, 2, 1)
            image = image.reshape(len(x), -1, self.grid, self.grid)
            features.append(narrow(scale(project(image))))
        size = (self.size, self.size)
        y = self.head(self.fusions(features))
        return self.depth(functional.interpolate(y, size, mode="bilinear", align_corners=True))


class SmallMidas(nn.Module):
    """MiDaS-small's shape: EfficientNet-Lite and fusion blocks."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        levels = (1, 2, 3)
        encoder: Any = timm_model("tf_efficientnet_lite0", features_only=True, out_indices=levels)
        self.encoder = encoder
        self.narrow = nn.ModuleList(
            nn.Conv2d(wide, width, 3, padding=1, bias=False)
            for wide in encoder.feature_info.channels()
        )
        self.fusions = Fusions(width, len(levels))
        self.head = nn.Sequential(
            nn.Conv2d(width, 16, 3, padding=1),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(16, 8, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 1, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = zip(self.narrow, self.encoder(x), strict=True)
        return self.head(self.fusions([narrow(one) for narrow, one in features]))


class UNet(nn.Module):
    """A U-Net that is enlarged by transposed convolutions, or bilinearly."""

    def __init__(self, *, transposed: bool, widths: tuple[int, ...] = (12, 24, 48)) -> None:
        super().__init__()
        fine, coarse = widths[-2::-1], widths[:0:-1]
        self.down = nn.ModuleList(map(self._pair, (3, *widths), widths))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 2, 2)
            if transposed
            else nn.Sequential(
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                nn.Conv2d(a, b, 1),
            )
            for a, b in zip(coarse, fine, strict=True)
        )
        self.join = nn.ModuleList(self._pair(2 * wide, wide) for wide in fine)
        self.depth = nn.Conv2d(widths[0], 1, 1)

    @staticmethod
    def _pair(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(0.1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips: list[torch.Tensor] = []
        for down in self.down:
            x = down(functional.max_pool2d(x, 2) if skips else x)
            skips.append(x)
        for up, join, skip in zip(self.up, self.join, skips[-2::-1], strict=True):
            x = join(torch.cat([skip, up(x)], 1))
        return self.depth(x)


Make = Callable[[], nn.Module]
SWIN = {"embed_dim": 32, "depths": (2, 2), "num_heads": (2, 4), "img_size": 112}
MODELS: dict[str, tuple[Make, int]] = {
    "resnet18": (lambda: timm_model("resnet18", layers=(1, 1, 1, 1)), 64),
    "mobilenet_v3": (lambda: timm_model("mobilenetv3_small_050"), 64),
    "efficientnet_lite": (lambda: timm_model("efficientnet_lite0"), 64),
    "regnet_y": (lambda: timm_model("regnety_002"), 64),
    "convnext": (lambda: timm_model("convnext_atto", depths=(1, 1, 2, 1)), 64),
    "vit": (lambda: timm_model("vit_tiny_patch16_224", img_size=64, depth=2), 64),
    "swin": (lambda: timm_model("swin_tiny_patch4_window7_224", **SWIN), 112),
    "ghostnet": (lambda: timm_model("ghostnet_050"), 64),
    "mobilevit": (lambda: timm_model("mobilevit_xxs"), 64),
    "depth_transformer": (DepthTransformer, 70),
    "small_midas": (SmallMidas, 64),
    "unet_transposed": (lambda: UNet(transposed=True), 36),
    "unet_bilinear": (lambda: UNet(transposed=False), 36),
}
FOR_THE_PHONE = ("depth_transformer", "unet_transposed", "regnet_y")


def randomise(model: nn.Module) -> nn.Module:
    """Norms as after training: fresh ones, with zeros in them, hide errors."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.get_buffer("running_mean"), std=0.1)
            nn.init.uniform_(module.get_buffer("running_var"), 0.5, 1.5)
        if isinstance(module, nn.BatchNorm2d | nn.LayerNorm) and module.weight is not None:
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
    return model.eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`exported(name)` is the ONNX file of a model."""
    folder = tmp_path_factory.mktemp("elsewhere")

    def export(name: str) -> Path:
        path = folder / f"{name}.onnx"
        if path.exists():
            return path
        make, size = MODELS[name]
        torch.manual_seed(1)
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            images = (torch.zeros(1, 3, size, size),)
            model = randomise(make())
            torch.onnx.export(model, images, path, opset_version=18, dynamo=True, verbose=False)
        return path

    return export


@pytest.mark.parametrize(
    ("name", "target"),
    [*((name, "host") for name in MODELS), *((name, "arm64-a76") for name in FOR_THE_PHONE)],
)
def test_compiles_and_agrees(
    exported: Callable[[str], Path], tmp_path: Path, name: str, target: str
) -> None:
    manifest = compile_model(exported(name), target, tmp_path / "model").manifest
    check, schedule = manifest["check"], manifest["schedule"]
    assert max(check["relative_difference"].values()) <= 1e-4
    assert check["constant_outputs"] == check["non_finite_outputs"] == []
    assert sum(one["share"] for one in schedule["fallbacks"]) <= LARGEST_FALLBACK_SHARE
    assert [one for one in schedule["fallbacks"] if one["schedule"] == "none"] == []
    assert schedule["scheduled_share"] >= 1 - LARGEST_FALLBACK_SHARE
