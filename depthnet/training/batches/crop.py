"""Crops of training pictures: enlarged, moved and turned, with their depth and their rays."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from depthnet.constants import constant
from depthnet.data.rooms.camera import NYU_CENTRE, NYU_FOCAL, NYU_SIZE


@dataclass(frozen=True)
class Crop:
    """The part of each of N samples that becomes the whole picture.

    `zoom`: N factors of at least 1; `centre`: Nx2 (x, y) in [-1, 1], from the leftmost and
    topmost crop to the rightmost and lowest; `angle`: N radians.
    """

    zoom: Tensor
    centre: Tensor
    angle: Tensor

    def matrix(self, aspect: float) -> Tensor:
        """Nx2x3: (x, y, 1) of the result to (x, y) of the sample, each in [-1, 1] over it.

        `aspect`: the sample's width over its height, which keeps a turn a turn.
        """
        shrink = 1.0 / self.zoom
        cos, sin = self.angle.cos() * shrink, self.angle.sin() * shrink
        move = self.centre * (1.0 - shrink)[:, None]
        across = torch.stack((cos, -sin / aspect, move[:, 0]), dim=1)
        down = torch.stack((sin * aspect, cos, move[:, 1]), dim=1)
        return torch.stack((across, down), dim=1)


def crop_and_scale(
    image: Tensor, depth: Tensor, crop: Crop, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Enlarge a part of each sample to `size` and bring its depth nearer by the zoom.

    What a turned crop takes from outside is the nearest edge of the image, with unknown depth.
    """
    theta = crop.matrix(image.shape[-1] / image.shape[-2]).to(image.dtype)
    grid = functional.affine_grid(theta, [image.shape[0], 3, *size], align_corners=False)
    picture = functional.grid_sample(
        image, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    nearer = functional.grid_sample(
        depth, grid, mode="nearest", padding_mode="zeros", align_corners=False
    )
    return picture, nearer * (1.0 / crop.zoom).reshape(-1, 1, 1, 1)


def rays_of(crop: Crop, mirrored: Tensor, aspect: float) -> Tensor:
    """Through which rays the pixels of crops look that were then `mirrored` (N booleans).

    Nx2x3: (x, y, 1) of a pixel, each in [-1, 1] over the result, to (X/Z, Y/Z) in the camera of
    the sample, which is NYU's with the sample as its whole picture. A crop whose depth is divided
    by its zoom is the scene made smaller as a whole: its surfaces keep their slopes.
    """
    matrix = crop.matrix(aspect)
    side = torch.where(mirrored, -1.0, 1.0).to(matrix.dtype)
    matrix = torch.cat((matrix[..., :1] * side[:, None, None], matrix[..., 1:]), dim=-1)
    scale, offset = constant(_nyu_rays(), matrix).unbind(dim=1)
    rays = matrix * scale[:, None]
    return torch.cat((rays[..., :2], rays[..., 2:] + offset[:, None]), dim=-1)


def _nyu_rays() -> tuple[tuple[float, float], ...]:
    """For x and y in [-1, 1] over NYU's whole picture: factor and offset of X/Z and Y/Z."""
    # Pixel centres lie at whole numbers; MATLAB counts from 1.
    return tuple(
        (extent / 2 / focal, ((extent - 1) / 2 - (centre - 1)) / focal)
        for extent, focal, centre in zip(NYU_SIZE[::-1], NYU_FOCAL, NYU_CENTRE, strict=True)
    )
