"""From an image to what a model takes, as its card says."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from depthnet.card.card import Card

PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def to_input(
    image: NDArray, size: tuple[int, int], card: Card | None = None, dtype: str = "float32"
) -> NDArray:
    """An image HxWx3 uint8 RGB as a model's input: one image of `size` (height, width).

    Without a card 1x3xhxw, RGB in [0, 1], resized bilinearly with antialiasing. `dtype` is the
    input's type.
    """
    card = card or Card()
    levels: NDArray = _resized(image, size, card)
    if card.channels == "BGR":
        levels = levels[..., ::-1]
    if card.values == "bytes":
        levels = np.clip(np.rint(levels), 0, 255)
    else:
        low, high = (np.float32(level) for level in card.range)
        levels = low + levels * (high - low) / np.float32(255)
        mean, std = (np.array(three, dtype=np.float32) for three in (card.mean, card.std))
        levels = (levels - mean) / std
    if card.layout == "NCHW":
        levels = levels.transpose(2, 0, 1)
    return np.ascontiguousarray(levels[None], dtype=dtype)


def input_size(image: tuple[int, int], card: Card) -> tuple[int, int]:
    """The size (height, width) that an image of size `image` goes into an open input with.

    As `Resize` of MiDaS's public transforms computes it; without `size` in the card, the nearest
    multiples of the image's own.
    """
    height, width = card.size or image
    scales = height / image[0], width / image[1]
    if card.fit == "lower_bound":
        scales = (max(scales), max(scales))
    elif card.fit == "upper_bound":
        scales = (min(scales), min(scales))
    elif card.fit == "minimal":
        nearer = scales[1] if abs(1 - scales[1]) < abs(1 - scales[0]) else scales[0]
        scales = (nearer, nearer)
    wanted = [scale * edge for scale, edge in zip(scales, image, strict=True)]
    bounds = zip(wanted, (height, width), strict=True)
    first, second = (_multiple(edge, bound, card) for edge, bound in bounds)
    return first, second


def _multiple(edge: float, bound: int, card: Card) -> int:
    multiple = card.multiple
    # Of two multiples as near, the even one, as numpy rounds.
    nearest = round(edge / multiple) * multiple
    if card.fit == "lower_bound" and nearest < bound:
        nearest = math.ceil(edge / multiple) * multiple
    if card.fit == "upper_bound" and nearest > bound:
        nearest = math.floor(edge / multiple) * multiple
    return max(nearest, multiple)


def _resized(image: NDArray, size: tuple[int, int], card: Card) -> NDArray[np.float32]:
    """The image at `size`, HxWx3, levels 0 to 255 that need not be whole."""
    if image.shape[:2] == size:
        return image.astype(np.float32)
    if card.antialias or card.interpolation == "nearest":
        picture = Image.fromarray(np.ascontiguousarray(image))
        return np.asarray(picture.resize(size[::-1], PILLOW[card.interpolation]), dtype=np.float32)
    import torch

    floats = torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32))
    resized = torch.nn.functional.interpolate(
        floats, size, mode=card.interpolation, align_corners=card.align_corners
    )
    return resized[0].numpy().transpose(1, 2, 0)
