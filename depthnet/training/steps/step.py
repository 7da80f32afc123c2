"""One step of learning, without a question to the device that would make it wait."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from depthnet.network import DepthNetwork, EncoderDecoder
from depthnet.training.checkpoint import Checkpoint
from depthnet.training.objectives.distillation import Learner
from depthnet.training.objectives.objective import Objective
from depthnet.training.objectives.teacher import Teacher
from depthnet.training.recipe import Recipe
from depthnet.training.steps.depthwise import FastDepthwise
from depthnet.training.steps.drop_path import set_drop_path
from depthnet.training.steps.ema import MovingAverage
from depthnet.training.steps.sam import uphill


class Step:
    """The gradient of a batch, and what it changes.

    `precision`: of the network's arithmetic. `wrapped`: the learner as it is called; where there
    are several processes, a wrapper that averages gradients over them.
    """

    def __init__(
        self,
        learner: Learner,
        recipe: Recipe,
        optimizer: torch.optim.Optimizer,
        average: MovingAverage | None,
        precision: str,
    ) -> None:
        self.learner = learner
        self.wrapped: nn.Module = learner
        self.recipe = recipe
        self.optimizer = optimizer
        self.average = average
        self.precision = precision
        self.objective = Objective(recipe, learner.network.entry.depth_space)

    def gradient(self, image: Tensor, depth: Tensor, rays: Tensor) -> tuple[Tensor, Tensor]:
        """Leave the gradient of a batch at the parameters; its loss and norm as scalars.

        `image`: Nx3xHxW in [0, 1]; `depth`: NxCxHxW metres, 0 where unknown; `rays`: Nx2x3.
        """
        if self.recipe.channels_last:
            image = image.contiguous(memory_format=torch.channels_last)
        device = image.device.type
        autocast = torch.autocast(device, torch.bfloat16, enabled=self.precision == "bfloat16")
        with autocast, _mode(device):
            lessons = self.learner.lessons(image)

        def backward() -> Tensor:
            with autocast, _mode(device):
                prediction, distance, taught = self.wrapped(image, lessons)
            known = depth if taught is None else torch.cat((depth, taught), dim=1)
            loss = self.objective(prediction.float(), known, rays) + self.recipe.hints * distance
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            return loss.detach()

        loss = backward()
        if self.recipe.sam_radius:
            with uphill(self.learner, self.recipe.sam_radius):
                backward()
        limit = self.recipe.clip_norm or math.inf
        return loss, nn.utils.clip_grad_norm_(self.learner.parameters(), limit)

    def apply(self, share: float | Tensor) -> None:
        """Change the weights by the gradient, and let the average follow by `share`."""
        self.optimizer.step()
        if self.average:
            self.average.update(self.learner.network, share)

    def share(self, number: int) -> float:
        """How much the weights after step `number` of a run count in the average."""
        return self.average.share(number) if self.average else 1.0

    def state(self) -> dict[str, Any]:
        """All tensors that a checkpoint keeps, by its fields."""
        return {
            "model": self.learner.network.state_dict(),
            "projections": self.learner.projections.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.network.state_dict() if self.average else None,
        }

    def load(self, state: Checkpoint) -> None:
        """Go on from what `state` gave."""
        self.learner.network.load_state_dict(state.model)
        self.learner.projections.load_state_dict(state.projections)
        self.optimizer.load_state_dict(state.optimizer)
        if self.average and state.average:
            self.average.network.load_state_dict(state.average)


def _mode(device: str) -> AbstractContextManager[object]:
    return FastDepthwise() if device == "cpu" else nullcontext()


def make_learner(
    network: DepthNetwork, recipe: Recipe, teachers: Sequence[Teacher], seed: int, device: str
) -> Learner:
    """The network and its teachers on a device, in training mode, laid out as the recipe says."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        learner = Learner(network, [teacher.to(device) for teacher in teachers])
    if isinstance(network, EncoderDecoder):
        set_drop_path(network.encoder, recipe.drop_path)
    learner.to(device).train()
    if recipe.channels_last:
        for module in (learner, *(teacher.source for teacher in teachers)):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return learner


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
