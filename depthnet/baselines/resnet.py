"""ResNet backbones of the baselines, from timm."""

from __future__ import annotations

from torch import Tensor, nn

from depthnet.timm_import import import_timm


class ResNetMaps(nn.Module):
    """A timm ResNet up to its last map, Nx3xHxW to Nx2048xhxw; no classifier."""

    def __init__(self, name: str, **options: object) -> None:
        super().__init__()
        model = import_timm().create_model(name, **options)
        model.reset_classifier(0, "")
        self.backbone = model

    def forward(self, image: Tensor) -> Tensor:
        return self.backbone.forward_features(image)


def dilated_resnet101() -> ResNetMaps:
    """ResNet-101 at output stride 8 with a stem of three convolutions (DORN's backbone).

    Its pooling rounds up, so that a 224x224 image gives 29x29 maps.
    """
    maps = ResNetMaps("resnet101", output_stride=8, stem_type="deep", stem_width=64)
    maps.backbone.maxpool.ceil_mode = True
    return maps
