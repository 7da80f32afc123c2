"""One step of learning, without a question to the device that would make it wait."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from depthnet.training.average import MovingAverage
from depthnet.training.depthwise import FastDepthwise
from depthnet.training.learner import Learner
from depthnet.training.objective import Objective
from depthnet.training.recipe import Recipe


class Step:
    """The gradient of a batch, and what it changes.

    `wrapped`: the learner as it is called, which averages gradients over processes where there
    are several. `precision`: of the network's arithmetic.
    """

    def __init__(
        self,
        learner: Learner,
        wrapped: nn.Module,
        recipe: Recipe,
        optimizer: torch.optim.Optimizer,
        average: MovingAverage | None,
        precision: str,
    ) -> None:
        self.learner = learner
        self.wrapped = wrapped
        self.recipe = recipe
        self.optimizer = optimizer
        self.average = average
        self.precision = precision
        self.objective = Objective(recipe, learner.network.entry.depth_space)

    def gradient(self, image: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Leave the gradient of a batch at the parameters; its loss and norm as scalars.

        `image`: Nx3xHxW in [0, 1]; `depth`: NxCxHxW metres, 0 where unknown.
        """
        if self.recipe.channels_last:
            image = image.contiguous(memory_format=torch.channels_last)
        device = image.device.type
        autocast = torch.autocast(device, torch.bfloat16, enabled=self.precision == "bfloat16")
        with autocast, _mode(device):
            prediction, distance, taught = self.wrapped(image)
        if taught is not None:
            depth = torch.cat((depth, taught), dim=1)
        loss = self.objective(prediction.float(), depth) + self.recipe.hints * distance
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        limit = self.recipe.clip_norm or math.inf
        norm = nn.utils.clip_grad_norm_(self.learner.parameters(), limit)
        return loss.detach(), norm

    def apply(self, share: float | Tensor) -> None:
        """Change the weights by the gradient, and let the average follow by `share`."""
        self.optimizer.step()
        if self.average:
            self.average.update(self.learner.network, share)


def _mode(device: str) -> AbstractContextManager[object]:
    return FastDepthwise() if device == "cpu" else nullcontext()


def make_optimizer(
    learner: Learner, recipe: Recipe, encoder_rate: float, device: str = "cpu"
) -> torch.optim.Optimizer:
    """The recipe's optimizer; biases and batch-norm parameters are never decayed.

    `encoder_rate`: the share of the learning rate at which the encoder learns. Every group of
    parameters holds its own as `share`. On a GPU it is one kernel, whose rate is read there.
    """
    groups = []
    for share, of_encoder in ((encoder_rate, True), (1.0, False)):
        parameters = [
            parameter
            for name, parameter in learner.named_parameters()
            if parameter.requires_grad and name.startswith("network.encoder.") == of_encoder
        ]
        for decay, chosen in (
            (recipe.weight_decay, [p for p in parameters if p.dim() > 1]),
            (0.0, [p for p in parameters if p.dim() <= 1]),
        ):
            if chosen:
                groups.append({"params": chosen, "weight_decay": decay, "share": share})
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer]
    options = {"fused": True, "capturable": True} if device.startswith("cuda") else {}
    return kind(groups, lr=recipe.learning_rate, betas=recipe.betas, **options)
