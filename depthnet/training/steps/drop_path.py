"""Stochastic depth: blocks of an encoder that are left out at random while it learns."""

from __future__ import annotations

from torch import nn

from depthnet.encoders import Encoder
from depthnet.timm_import import import_timm


def set_drop_path(encoder: Encoder, rate: float) -> int:
    """Let an encoder's blocks with a shortcut be left out, for each image of a batch anew.

    `rate`: the probability for the last block; it rises evenly from 0 (Huang et al. 2016). It has
    no weights, and no effect outside training. Returns how many blocks it applies to.
    """
    import_timm()
    from timm.layers import DropPath

    blocks = [module for module in encoder.modules() if _skips(module)]
    for number, block in enumerate(blocks, start=1):
        block.drop_path = DropPath(rate * number / len(blocks)) if rate else nn.Identity()
    return len(blocks)


def _skips(module: nn.Module) -> bool:
    """Whether a block adds its input to its output through a `drop_path` of timm's."""
    if not hasattr(module, "drop_path"):
        return False
    # EfficientNets say so; a RegNet's every block has a shortcut.
    return bool(getattr(module, "has_skip", True))
