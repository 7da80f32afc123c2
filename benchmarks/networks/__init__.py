"""Public depth networks with random weights, built from their configurations: no download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from . import convolutional, with_attention


@dataclass(frozen=True)
class Architecture:
    """How a network is built for an image, and the images (height, width): usual, and small.

    Without `one_attention` the exporters do not take its attention as one operator.
    """

    build: Callable[[tuple[int, int]], nn.Module]
    size: tuple[int, int]
    quick: tuple[int, int]
    one_attention: bool = True


ARCHITECTURES = {
    "depth_anything_v2_small_252": Architecture(
        with_attention.depth_anything_v2_small, (252, 252), (126, 126)
    ),
    "depth_anything_v2_small_364": Architecture(
        with_attention.depth_anything_v2_small, (364, 364), (154, 154)
    ),
    "depth_anything_v2_small_518": Architecture(
        with_attention.depth_anything_v2_small, (518, 518), (182, 182)
    ),
    "dpt_hybrid": Architecture(with_attention.dpt_hybrid, (384, 384), (128, 128)),
    "midas_small": Architecture(convolutional.midas_small, (256, 256), (128, 128)),
    "monodepth2": Architecture(convolutional.monodepth2, (192, 640), (64, 192)),
    "fastdepth": Architecture(convolutional.fastdepth, (224, 224), (224, 224)),
    "zoedepth_like": Architecture(with_attention.zoedepth_like, (384, 512), (96, 128), False),
    "adabins_like": Architecture(convolutional.adabins_like, (240, 320), (128, 160)),
    "mobilevit_unet": Architecture(convolutional.mobilevit_unet, (256, 256), (128, 128)),
}
