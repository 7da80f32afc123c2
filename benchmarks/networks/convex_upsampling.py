"""The upsampling that RAFT brought to depth: each pixel a weighted mean of nine below it."""

from __future__ import annotations

import torch
from torch.nn import functional


def convex_upsampling(x: torch.Tensor, mask: torch.Tensor, factor: int) -> torch.Tensor:
    """1xCxHxW to 1xCx(factor H)x(factor W); the mask is 1x(9 factor^2)xHxW, before a softmax."""
    batch, channels, high, wide = x.shape
    shares = torch.softmax(mask.view(batch, 1, 9, factor, factor, high, wide), dim=2)
    around = functional.unfold(x, (3, 3), padding=1)
    around = around.view(batch, channels, 9, 1, 1, high, wide)
    larger = torch.sum(shares * around, dim=2).permute(0, 1, 4, 2, 5, 3)
    return larger.reshape(batch, channels, factor * high, factor * wide)
