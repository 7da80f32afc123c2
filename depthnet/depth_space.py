"""What a network predicts: depth, its inverse or its logarithm (paper, section IV-C)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

DepthSpace = Literal["normal", "inverse", "log"]

MAX_DEPTH_M = 10.0
# The paper divides 8-bit depth (255 = 10 m) by 255 and clamps to [0.01, 1].
MIN_NORMAL = 0.01


def encode(depth: Tensor, space: DepthSpace) -> Tensor:
    """Metres to the space a network is trained in; any shape.

    Depth is divided by 10 m and clamped to [0.01, 1]; `inverse` is 1/y in [1, 100], `log` is
    ln y in [ln 0.01, 0].
    """
    normal = (depth / MAX_DEPTH_M).clamp(MIN_NORMAL, 1.0)
    if space == "inverse":
        return 1.0 / normal
    return normal.log() if space == "log" else normal


def decode(prediction: Tensor, space: DepthSpace) -> Tensor:
    """A network's prediction to metres in [0.1, 10]; the inverse of `encode`."""
    if space == "inverse":
        return MAX_DEPTH_M / prediction.clamp(1.0, 1.0 / MIN_NORMAL)
    normal = prediction.exp() if space == "log" else prediction
    return MAX_DEPTH_M * torch.clamp(normal, MIN_NORMAL, 1.0)
