"""Public depth networks with random weights, built from their configurations: no download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from . import convolutional, metric, self_supervised, two_images, with_attention


@dataclass(frozen=True)
class Architecture:
    """How a network is built for an image, and the images (height, width): usual, and small.

    Without `one_attention` the exporters do not take its attention as one operator. An image has
    so many `channels`.
    """

    build: Callable[[tuple[int, int]], nn.Module]
    size: tuple[int, int]
    quick: tuple[int, int]
    one_attention: bool = True
    channels: int = 3

    def shape(self, quick: bool) -> tuple[int, int, int, int]:
        """Of its image, usual or small."""
        return (1, self.channels, *(self.quick if quick else self.size))


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
    "mobilevit_unet": Architecture(convolutional.unet("mobilevitv2_050"), (256, 256), (128, 128)),
    "mobilenetv4_unet": Architecture(
        convolutional.unet("mobilenetv4_hybrid_medium"), (256, 256), (128, 160)
    ),
    "fastvit_unet": Architecture(convolutional.unet("fastvit_t8"), (256, 256), (128, 160)),
    "hrnet_unet": Architecture(convolutional.unet("hrnet_w18_small"), (256, 256), (128, 160)),
    "efficientvit_unet": Architecture(
        convolutional.unet("efficientvit_b0"), (256, 256), (128, 160)
    ),
    "lite_mono": Architecture(self_supervised.lite_mono, (192, 640), (64, 192)),
    "packnet": Architecture(self_supervised.packnet, (192, 640), (64, 192)),
    "r_msfm": Architecture(self_supervised.r_msfm, (192, 640), (64, 192)),
    "bts": Architecture(metric.bts, (416, 544), (128, 160)),
    "newcrfs": Architecture(metric.newcrfs, (448, 448), (224, 224)),
    "unidepth_like": Architecture(metric.unidepth_like, (384, 512), (128, 160)),
    "glpdepth": Architecture(with_attention.glpdepth, (480, 640), (128, 160)),
    "depth_pro_like": Architecture(with_attention.depth_pro_like, (384, 384), (192, 192)),
    "manydepth_like": Architecture(two_images.manydepth_like, (192, 512), (64, 128), channels=6),
}
