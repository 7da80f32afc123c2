"""A network that takes RGB in [0, 1], as depthbench's own do, and gives metres."""

from __future__ import annotations

from compile.package.image import ImageInput

FOCAL = 1.25
"""Of the calibration's camera, by the mean edge of its pictures."""


def plain_image(height: int, width: int, *, antialias: bool) -> ImageInput:
    return ImageInput(
        input=0,
        output=0,
        height=height,
        width=width,
        channels_last=False,
        bgr=False,
        bytes=False,
        range=(0.0, 1.0),
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        interpolation="bilinear",
        antialias=antialias,
        align_corners=False,
        meaning="metres",
        scale=1.0,
        shift=0.0,
        focal=FOCAL,
    )
