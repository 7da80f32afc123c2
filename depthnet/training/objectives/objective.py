"""What a recipe minimises."""

from __future__ import annotations

import torch
from torch import Tensor

from depthbench.errors import InputError
from depthnet import depth_space
from depthnet.depth_space import MAX_DEPTH_M, DepthSpace
from depthnet.training.objectives import losses
from depthnet.training.recipe import Recipe


class Objective:
    """A recipe's loss of predictions against depth, and against a teacher's where there is one."""

    def __init__(self, recipe: Recipe, space: DepthSpace) -> None:
        self.space = space
        self.mixture = losses.get(recipe.loss)
        self.teacher = recipe.teacher
        if space == "log" and self.mixture.ratio:
            raise InputError(f"loss {recipe.loss} takes logarithms: not of log depth")
        nearest, farthest = depth_space.encode(torch.tensor([0.0, MAX_DEPTH_M]), space)
        self.span = float((nearest - farthest).abs())

    def __call__(self, prediction: Tensor, depth: Tensor) -> Tensor:
        """Nx1xHxW in the depth space against NxCxHxW metres (0: unknown)."""
        loss = self._against(prediction, depth[:, :1])
        if depth.shape[1] > 1:
            loss = loss + self.teacher * self._against(prediction, depth[:, 1:2])
        return loss

    def _against(self, prediction: Tensor, depth: Tensor) -> Tensor:
        truth = depth_space.encode(depth, self.space)
        return losses.mixed(prediction, truth, self.mixture, span=self.span, mask=depth > 0)
