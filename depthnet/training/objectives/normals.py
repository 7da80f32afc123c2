"""How surfaces lie: the angle between the predicted and the true normals of a scene."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

CELLS = (4, 8, 16)
"""Sides in pixels of the cells whose mean points span a surface. The depth of a pixel is rounded
to centimetres, as far as its neighbour lies: only the mean of several says how a surface lies."""


def normal_error(prediction: Tensor, truth: Tensor, known: Tensor, rays: Tensor) -> Tensor:
    """Mean of 1 - cos of the angle between two surfaces' normals, over all `CELLS`: 0 to 2.

    `prediction`, `truth`: Nx1xHxW metres; `known`: where the truth is; `rays`: Nx2x3 of
    `rays_of`. A normal counts where all pixels are known that it was made of; 0 where none is.
    (Normals of depth as a loss: Hu et al. 2019; from points that are far apart: Yin et al. 2019.)
    """
    ours, theirs = points(prediction, rays), points(truth * known, rays)
    errors = []
    for cell in CELLS:
        if min(truth.shape[-2:]) < 2 * cell:
            continue
        whole = functional.avg_pool2d(known.to(truth.dtype), cell) == 1
        counts = whole[..., :-1, :-1] & whole[..., 1:, :-1] & whole[..., :-1, 1:]
        cosine = (normals(ours, cell) * normals(theirs, cell)).sum(dim=1, keepdim=True)
        errors.append(((1.0 - cosine) * counts).sum() / counts.sum().clamp_min(1))
    return torch.stack(errors).mean() if errors else prediction.new_zeros(())


def points(depth: Tensor, rays: Tensor) -> Tensor:
    """Nx3xHxW points in metres, right, down and forward, of Nx1xHxW depth along the axis."""
    x, y = (
        (2.0 * torch.arange(n, dtype=depth.dtype, device=depth.device) + 1.0) / n - 1.0
        for n in (depth.shape[-1], depth.shape[-2])
    )
    of_x, of_y, offset = rays.to(depth.dtype)[:, :, :, None, None].unbind(dim=2)
    sideways = of_x * x + of_y * y[:, None] + offset
    return torch.cat((sideways * depth, depth), dim=1)


def normals(points: Tensor, cell: int) -> Tensor:
    """Unit normals, Nx3x(H/cell - 1)x(W/cell - 1), of the mean points of cells of `cell` pixels."""
    means = functional.avg_pool2d(points, cell)
    right = (means[..., :, 1:] - means[..., :, :-1])[..., :-1, :]
    down = (means[..., 1:, :] - means[..., :-1, :])[..., :, :-1]
    return functional.normalize(torch.linalg.cross(right, down, dim=1), dim=1)
