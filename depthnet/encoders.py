"""ImageNet encoders from timm as maps at strides 2 to 32."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from depthbench.errors import InputError
from depthnet.timm_import import import_timm
from depthnet.weights.hub import download

logger = logging.getLogger(__name__)

FILENAME = "model.safetensors"
"""Of the weights in each of timm's repositories on the hub."""


@dataclass(frozen=True)
class EncoderSpec:
    """How a timm model is run as an encoder.

    `steps`: its modules in the order of execution, the last giving the decoder's input; `taps`:
    by stride, the step whose output a skip connection takes. `expand_first`: MobileNet v2 with
    an extra 32->32 pointwise convolution in its first block, as the paper's figures need.
    """

    timm_name: str
    steps: tuple[str, ...]
    taps: dict[int, str]
    expand_first: bool = False


_BLOCKS = tuple(f"blocks.{i}" for i in range(7))


def _regnety(size: int) -> EncoderSpec:
    return EncoderSpec(
        f"regnety_{size:03}",
        steps=("stem", "s1", "s2", "s3", "s4"),
        taps={2: "stem", 4: "s1", 8: "s2", 16: "s3"},
    )


def _efficientnet_lite(size: int) -> EncoderSpec:
    return EncoderSpec(
        f"tf_efficientnet_lite{size}",
        steps=("conv_stem", "bn1", *_BLOCKS, "conv_head", "bn2"),
        taps={4: "blocks.1", 8: "blocks.2", 16: "blocks.3", 32: "blocks.5"},
    )


SPECS: dict[str, EncoderSpec] = {
    "mobilenet_v1": EncoderSpec(
        "mobilenetv1_100",
        steps=("conv_stem", "bn1", *_BLOCKS[:5]),
        taps={2: "blocks.0", 4: "blocks.1", 8: "blocks.2"},
    ),
    "mobilenet_v2": EncoderSpec(
        "mobilenetv2_100",
        steps=("conv_stem", "bn1", "expand", *_BLOCKS, "conv_head", "bn2"),
        taps={4: "blocks.1", 8: "blocks.2", 16: "blocks.4"},
        expand_first=True,
    ),
    "mobilenet_v3": EncoderSpec(
        "mobilenetv3_large_100",
        steps=("conv_stem", "bn1", *_BLOCKS),
        taps={4: "blocks.1", 8: "blocks.2", 16: "blocks.4"},
    ),
    "efficientnet_l0": _efficientnet_lite(0),
    "efficientnet_l1": _efficientnet_lite(1),
    "efficientnet_l2": _efficientnet_lite(2),
    "regnety_002": _regnety(2),
    "regnety_004": _regnety(4),
    "regnety_006": _regnety(6),
    "regnety_008": _regnety(8),
}


class Encoder(nn.Module):
    """A timm backbone without its classifier, returning the last map and the tapped ones.

    Input Nx3xHxW, normalised with `mean` and `std`, H and W multiples of 32. Output: the map at
    stride 32 with `channels` channels, and by stride the maps for skip connections with
    `tap_channels` channels. Parameter names are timm's, under `backbone.`. `weights`: a file of
    the timm model's weights; without, they are random.
    """

    def __init__(self, name: str, *, weights: Path | None = None) -> None:
        super().__init__()
        spec = SPECS[name]
        regnet = name.startswith("regnet")
        # RegNet would start with every block's last batch norm at zero: an identity network.
        options: dict[str, Any] = {"zero_init_last": False} if regnet else {}
        if weights:
            options |= {"pretrained": True, "pretrained_cfg_overlay": {"file": str(weights)}}
        model = import_timm().create_model(spec.timm_name, **options)
        self.name = name
        self.spec = spec
        self.mean: tuple[float, ...] = tuple(model.pretrained_cfg["mean"])
        self.std: tuple[float, ...] = tuple(model.pretrained_cfg["std"])
        if spec.expand_first:
            model.add_module("expand", _identity_pointwise(model.conv_stem.out_channels))
        self.backbone = _without_unused(model, spec.steps)
        self.measure()

    def forward(self, image: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        strides = {step: stride for stride, step in self.spec.taps.items()}
        taps = {}
        x = image
        for step in self.spec.steps:
            x = self.backbone.get_submodule(step)(x)
            if step in strides:
                taps[strides[step]] = x
        return x, taps

    @torch.no_grad()
    def measure(self) -> None:
        """Look how many channels the maps have; leaves the encoder in evaluation mode."""
        self.eval()
        device = next(self.parameters()).device
        x, taps = self(torch.zeros(1, 3, 32, 32, device=device))
        self.channels = x.shape[1]
        self.tap_channels = {stride: tap.shape[1] for stride, tap in taps.items()}


def _identity_pointwise(channels: int) -> nn.Sequential:
    conv = nn.Conv2d(channels, channels, 1, bias=False)
    nn.init.dirac_(conv.weight)
    return nn.Sequential(conv, nn.BatchNorm2d(channels), nn.ReLU6(inplace=True))


def _without_unused(model: nn.Module, steps: tuple[str, ...]) -> nn.Module:
    used = {step.split(".")[0] for step in steps}
    for name, _ in list(model.named_children()):
        if name not in used:
            delattr(model, name)
    return model


def build_encoder(name: str, *, pretrained: bool) -> tuple[Encoder, bool]:
    """Build encoder `name` of `SPECS`; the flag says whether ImageNet weights were loaded.

    When they are asked for and the model hub cannot be reached (and holds no cached copy), the
    encoder is left at its random initialisation and one warning is logged. Raises InputError
    when the hub refuses them or their copy is damaged.
    """
    weights = imagenet_weights(name) if pretrained else None
    if pretrained and weights is None:
        logger.warning(
            "no ImageNet weights for %s: the model hub cannot be reached and nothing is "
            "cached; its encoder starts from a seeded random initialisation",
            name,
        )
    try:
        return Encoder(name, weights=weights), weights is not None
    except SafetensorError as error:
        raise InputError(f"{weights}: damaged", advice="remove it to fetch it again") from error


def imagenet_weights(name: str) -> Path | None:
    """The file of timm's ImageNet weights of encoder `name`; None where it cannot be had.

    Raises InputError when the hub can be reached and refuses it.
    """
    repository = import_timm().get_pretrained_cfg(SPECS[name].timm_name).hf_hub_id
    return download(repository, FILENAME)


def unused_parameters(name: str) -> int:
    """Parameters of the ImageNet model that the encoder drops and the paper counts.

    The 1000-way classifier, and MobileNet v3's convolution behind its pooling.
    """
    spec = SPECS[name]
    with torch.device("meta"):
        model = import_timm().create_model(spec.timm_name)
    used = {step.split(".")[0] for step in spec.steps}
    return sum(
        parameter.numel()
        for child, module in model.named_children()
        if child not in used
        for parameter in module.parameters()
    )
