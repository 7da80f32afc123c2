"""What a recipe minimises."""

from __future__ import annotations

import torch
from torch import Tensor

from depthbench.errors import InputError
from depthnet import depth_space
from depthnet.depth_space import MAX_DEPTH_M, DepthSpace
from depthnet.training.objectives import losses
from depthnet.training.objectives.normals import normal_error
from depthnet.training.recipe import Recipe


class Objective:
    """A recipe's loss of predictions against depth, and against a teacher's where there is one."""

    def __init__(self, recipe: Recipe, space: DepthSpace) -> None:
        self.space = space
        self.mixture = losses.get(recipe.loss)
        self.teacher = recipe.teacher
        if space == "log" and any((self.mixture.ratio, self.mixture.slope, self.mixture.slopes)):
            raise InputError(f"loss {recipe.loss} takes logarithms: not of log depth")
        nearest, farthest = depth_space.encode(torch.tensor([0.0, MAX_DEPTH_M]), space)
        self.span = float((nearest - farthest).abs())

    def __call__(self, prediction: Tensor, depth: Tensor, rays: Tensor) -> Tensor:
        """Nx1xHxW in the depth space against NxCxHxW metres (0: unknown), with `rays_of` them."""
        loss = self._against(prediction, depth[:, :1], rays)
        if depth.shape[1] > 1:
            loss = loss + self.teacher * self._against(prediction, depth[:, 1:2], rays)
        return loss

    def _against(self, prediction: Tensor, depth: Tensor, rays: Tensor) -> Tensor:
        truth, known = depth_space.encode(depth, self.space), depth > 0
        loss = losses.mixed(prediction, truth, self.mixture, span=self.span, mask=known)
        if self.mixture.normals:
            metres = depth_space.decode(prediction, self.space)
            loss = loss + self.mixture.normals * normal_error(metres, depth, known, rays)
        return loss
