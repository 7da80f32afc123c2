"""Random changes of training batches: the paper's (section IV-C), and stronger ones by name.

Every change is a function of uniform numbers given with the sample, never of a generator's
state: the same sample of the same epoch is changed in the same way whoever prepares it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor

from depthnet.constants import constant
from depthnet.depth_space import MAX_DEPTH_M
from depthnet.training.batches.crop import Crop, crop_and_scale

DRAWS = 20
"""Uniform numbers a sample needs; every change reads its own, so that none moves another's."""

CHANNEL_ORDERS = tuple(permutations(range(3)))
GREY = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Augmentation:
    """Which changes are made and how strong; the defaults are the paper's.

    `flip`, `channel_swap`, `cut_depth`: probabilities. `zoom`: the largest factor by which a
    random crop is enlarged (1: none). `shift`: how far the crop may leave the centre, as a
    share of the room there is. `rotation`: degrees either way. `brightness`, `contrast`,
    `saturation`, `gamma`: the largest factor, either way (1: none). `cut_size`: the largest side
    of a rectangle of CutDepth, as a share of what lies right of and below its corner. `mixing`:
    the share of pictures that are blended with another, and whose depth a teacher alone knows.
    """

    flip: float = 0.5
    channel_swap: float = 0.5
    zoom: float = 1.0
    shift: float = 1.0
    rotation: float = 0.0
    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    gamma: float = 1.0
    cut_depth: float = 0.0
    cut_size: float = 0.75
    mixing: float = 0.0


PAPER = Augmentation()
NONE = Augmentation(flip=0.0, channel_swap=0.0)


def augment(
    image: Tensor, depth: Tensor, draws: Tensor, options: Augmentation, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Change a batch and bring it to `size` (height, width).

    `image`: Nx3xhxw float in [0, 1]; `depth`: NxCxhxw metres, 0 where unknown, every channel a
    map of the same scene (truth, a teacher's); `draws`: NxDRAWS uniform in [0, 1). The crop is
    undistorted in proportion to the whole; the depth of what it enlarges is divided by the
    zoom, as if the camera had come nearer. Images are resampled bilinearly, depth by nearest
    neighbour, so that surfaces do not mix.
    """
    (
        _, swap, order, _, _, _, _,
        bright, contrast, saturation, gamma,
        cut, cut_x, cut_y, cut_w, cut_h, mixed, weight, *_,
    ) = draws.unbind(dim=1)  # fmt: skip
    if options.zoom > 1.0 or options.rotation or image.shape[-2:] != size:
        image, depth = crop_and_scale(image, depth, crop_of(draws, options), size)
    image, depth = mirror(image, depth, mirrored(draws, options))
    image = swap_channels(image, (order * len(CHANNEL_ORDERS)).long(), swap < options.channel_swap)
    if max(options.brightness, options.contrast, options.saturation, options.gamma) > 1.0:
        image = jitter(
            image,
            brightness=_factor(bright, options.brightness),
            contrast=_factor(contrast, options.contrast),
            saturation=_factor(saturation, options.saturation),
            gamma=_factor(gamma, options.gamma),
        )
    if options.cut_depth:
        extent = options.cut_size * torch.stack((cut_w, cut_h), dim=1)
        corner = torch.stack((cut_x, cut_y), dim=1)
        image = paste_depth(image, depth, corner, extent, cut < options.cut_depth)
    if options.mixing:
        image, depth = mix(image, depth, weight, mixed < options.mixing)
    return image, depth


def crop_of(draws: Tensor, options: Augmentation) -> Crop:
    """The part of each sample that is enlarged, from NxDRAWS uniform numbers."""
    zoom, right, down, turn = draws[:, 3:7].unbind(dim=1)
    return Crop(
        zoom=_factor(zoom, options.zoom, lowest=1.0),
        centre=options.shift * (2.0 * torch.stack((right, down), dim=1) - 1.0),
        angle=math.radians(options.rotation) * (2.0 * turn - 1.0),
    )


def mirrored(draws: Tensor, options: Augmentation) -> Tensor:
    """Which samples are mirrored, N booleans, from NxDRAWS uniform numbers."""
    return draws[:, 0] < options.flip


def mix(image: Tensor, depth: Tensor, weight: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Blend the `chosen` pictures with the one before them in the batch (mixup, Zhang 2018).

    `weight`: N shares in [0, 1] of the picture itself. No depth is true of a blend: it is unknown.
    """
    where = chosen.reshape(-1, 1, 1, 1)
    own = torch.where(where, weight.reshape(-1, 1, 1, 1), 1.0)
    return own * image + (1.0 - own) * image.roll(1, dims=0), depth.masked_fill(where, 0.0)


def mirror(image: Tensor, depth: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Mirror the `chosen` (N booleans) samples left to right."""
    where = chosen.reshape(-1, 1, 1, 1)
    return torch.where(where, image.flip(-1), image), torch.where(where, depth.flip(-1), depth)


def swap_channels(image: Tensor, order: Tensor, chosen: Tensor) -> Tensor:
    """Put the colours of the `chosen` samples into an order of `CHANNEL_ORDERS` (N indices)."""
    orders = constant(CHANNEL_ORDERS, order)
    index = torch.where(chosen[:, None], orders[order], orders[0])
    return image.gather(1, index[:, :, None, None].expand_as(image))


def jitter(
    image: Tensor, *, brightness: Tensor, contrast: Tensor, saturation: Tensor, gamma: Tensor
) -> Tensor:
    """Scale brightness, the distance to the mean grey, the distance to grey, and bend by gamma.

    All factors are N numbers above 0; the result stays in [0, 1].
    """
    factors = (f.reshape(-1, 1, 1, 1) for f in (brightness, contrast, saturation, gamma))
    bright, contrasty, saturated, bent = factors
    weights = constant(GREY, image).reshape(1, 3, 1, 1)
    image = image * bright
    grey = (image * weights).sum(dim=1, keepdim=True)
    image = grey + saturated * (image - grey)
    mean = grey.mean(dim=(1, 2, 3), keepdim=True)
    return (mean + contrasty * (image - mean)).clamp(0.0, 1.0).pow(bent)


def paste_depth(
    image: Tensor, depth: Tensor, corner: Tensor, extent: Tensor, chosen: Tensor
) -> Tensor:
    """Replace a rectangle of the `chosen` images by their depth (CutDepth, Ishii 2021).

    `corner`, `extent`: Nx2 (x, y) in [0, 1): the upper left corner as a share of the image, and
    the sides as a share of what lies right of and below it. Depth is shown as grey, 10 m white;
    where it is unknown the image stays.
    """
    H, W = image.shape[-2:]
    x = torch.arange(W, device=image.device).reshape(1, 1, 1, W) / W
    y = torch.arange(H, device=image.device).reshape(1, 1, H, 1) / H
    left, top = (corner[:, i].reshape(-1, 1, 1, 1) for i in (0, 1))
    width, height = (extent[:, i].reshape(-1, 1, 1, 1) for i in (0, 1))
    right, bottom = left + width * (1.0 - left), top + height * (1.0 - top)
    inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
    shown = depth[:, :1]
    inside = inside & chosen.reshape(-1, 1, 1, 1) & (shown > 0)
    return torch.where(inside, (shown / MAX_DEPTH_M).clamp(max=1.0), image)


def _factor(draw: Tensor, largest: float, lowest: float | None = None) -> Tensor:
    """Uniform draws as factors between 1/`largest` (or `lowest`) and `largest`, even in log."""
    low = math.log(1.0 / largest if lowest is None else lowest)
    return torch.exp(low + draw * (math.log(largest) - low))
