"""Depth networks with a transformer inside, as the package `transformers` writes them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from depthnet.timm_import import import_timm

# The deviation of random weights: with less, outputs hardly vary; with more, they vary so much
# with every rounding that ONNX Runtime does not agree with itself.
SPREAD = 0.04


def _transformers() -> Any:
    import_timm()  # both import torchvision, which must be made to fit first
    import transformers

    return transformers


class Predicted(nn.Module):
    """A network of `transformers` that takes an image and gives its depth."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """1x3xHxW to 1xHxW."""
        return self.network(pixel_values=image).predicted_depth


def depth_anything_v2_small(size: tuple[int, int]) -> nn.Module:
    """Depth Anything V2 Small: DINOv2 with 12 layers of 384, DPT's decoder."""
    transformers = _transformers()

    backbone = transformers.Dinov2Config(
        image_size=518,
        initializer_range=SPREAD,
        patch_size=14,
        hidden_size=384,
        num_attention_heads=6,
        out_indices=[3, 6, 9, 12],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    return Predicted(
        transformers.DepthAnythingForDepthEstimation(
            transformers.DepthAnythingConfig(backbone_config=backbone, initializer_range=SPREAD)
        )
    )


def dpt_hybrid(size: tuple[int, int]) -> nn.Module:
    """DPT-Hybrid: a ResNet with standardised weights, a transformer on it, DPT's decoder."""
    transformers = _transformers()

    config: Any = transformers.DPTConfig(
        is_hybrid=True,
        neck_hidden_sizes=[256, 512, 768, 768],
        image_size=size[0],
        backbone_featmap_shape=[1, 1024, size[0] // 16, size[1] // 16],
    )
    return Predicted(transformers.DPTForDepthEstimation(config))


def zoedepth_like(size: tuple[int, int]) -> nn.Module:
    """ZoeDepth with a smaller BEiT: bins of metres, refined over DPT's features."""
    transformers = _transformers()

    backbone = transformers.BeitConfig(
        image_size=size,
        initializer_range=SPREAD,
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=6,
        intermediate_size=1536,
        use_relative_position_bias=True,
        reshape_hidden_states=False,
        out_indices=[3, 6, 9, 12],
    )
    bins = [{"name": "nyu", "n_bins": 64, "min_depth": 0.001, "max_depth": 10.0}]
    config = transformers.ZoeDepthConfig(
        backbone_config=backbone, bin_configurations=bins, initializer_range=SPREAD
    )
    return Predicted(transformers.ZoeDepthForDepthEstimation(config))


def glpdepth(size: tuple[int, int]) -> nn.Module:
    """GLPDepth on SegFormer's smallest encoder, with selective fusion of features."""
    transformers = _transformers()

    config = transformers.GLPNConfig(initializer_range=SPREAD)
    return Predicted(transformers.GLPNForDepthEstimation(config))


def depth_pro_like(size: tuple[int, int]) -> nn.Module:
    """Depth Pro on small transformers: patches of an image of three sizes, and a focal length."""
    transformers = _transformers()

    encoder = {
        "model_type": "dinov2",
        "image_size": size[0] // 4,
        "patch_size": 8,
        "hidden_size": 96,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "initializer_range": SPREAD,
    }
    config = transformers.DepthProConfig(
        fusion_hidden_size=64,
        patch_size=size[0] // 4,
        initializer_range=SPREAD,
        intermediate_hook_ids=[3, 1],
        intermediate_feature_dims=[64, 64],
        scaled_images_feature_dims=[128, 96, 64],
        image_model_config=encoder,
        patch_model_config=encoder,
        fov_model_config=encoder,
        use_fov_model=True,
    )
    return Predicted(transformers.DepthProForDepthEstimation(config))
