"""ImageNet encoders from timm as feature pyramids."""

from __future__ import annotations

import logging

import torch
from torch import Tensor, nn

from depthnet.hub import hub_or_cache
from depthnet.timm_import import import_timm

logger = logging.getLogger(__name__)


class Encoder(nn.Module):
    """A timm backbone that returns its maps at strides 2, 4, 8, 16 and 32.

    Input Nx3xHxW, normalised, H and W multiples of 32; output five maps, finest first, with
    `channels` channels. The pooled classifier is dropped.
    """

    def __init__(self, name: str, *, pretrained: bool) -> None:
        super().__init__()
        options = {"zero_init_last": False} if name.startswith("regnet") else {}
        self.name = name
        self.backbone = import_timm().create_model(
            name, features_only=True, pretrained=pretrained, **options
        )
        self.channels: list[int] = self.backbone.feature_info.channels()
        config = self.backbone.pretrained_cfg
        self.mean: tuple[float, ...] = tuple(config["mean"])
        self.std: tuple[float, ...] = tuple(config["std"])

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.backbone(image)


def build_encoder(name: str, *, pretrained: bool) -> tuple[Encoder, bool]:
    """Build encoder `name`; the flag says whether ImageNet weights were loaded.

    When they are asked for and the model hub cannot be reached (and holds no cached copy), the
    encoder is left at its random initialisation and one warning is logged.
    """
    if pretrained:
        try:
            with hub_or_cache():
                return Encoder(name, pretrained=True), True
        except (OSError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:120]
            logger.warning(
                "no ImageNet weights for %s (%s): random initialisation instead", name, reason
            )
    return Encoder(name, pretrained=False), False


def classifier_parameters(name: str) -> int:
    """Parameters of the 1000-way classifier that the encoder drops and the paper counts."""
    with torch.device("meta"):
        model = import_timm().create_model(name)
    return sum(p.numel() for p in model.get_classifier().parameters())
