"""All that learns in a run: a network, and what it needs to follow its teachers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthbench.errors import InputError
from depthnet.network import DepthNetwork, EncoderDecoder, normalised
from depthnet.training.objectives.teacher import Lesson, Teacher, channels_of, maps_of, mean_depth


class Learner(nn.Module):
    """A network, and for every teacher the projections of his hints.

    The maps of the network's encoder, each through a 1x1 convolution that is thrown away after
    training, are drawn to a teacher's at the same strides (FitNets, Romero 2015). It is for
    encoders without ImageNet weights of their own: with a few hundred images to learn from, the
    features of a trained encoder say more about each than its depth does. `projections` holds
    them by the teacher's number and the stride, as `0_16`.
    """

    def __init__(self, network: DepthNetwork, teachers: Sequence[Teacher] = ()) -> None:
        super().__init__()
        self.network = network
        self.teachers = tuple(teachers)
        self.projections = nn.ModuleDict()
        if not teachers:
            return
        if not isinstance(network, EncoderDecoder):
            raise InputError(f"{network.entry.name} has no encoder of its own to be taught")
        ours = channels_of(network.encoder)
        for number, teacher in enumerate(teachers):
            theirs = channels_of(teacher.encoder)
            for stride in sorted(ours.keys() & theirs.keys()):
                projection = nn.Conv2d(ours[stride], theirs[stride], 1)
                self.projections[f"{number}_{stride}"] = projection

    def lessons(self, image: Tensor) -> list[Lesson]:
        """What every teacher makes of Nx3xHxW in [0, 1]."""
        return [teacher(image) for teacher in self.teachers]

    def forward(
        self, image: Tensor, lessons: Sequence[Lesson]
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """For Nx3xHxW in [0, 1]: the prediction, the distance to the teachers, and their depth.

        The distance is the mean over teachers and maps: 0 without a teacher, and about 1 for maps
        that say nothing of theirs. Their depth is Nx1xHxW metres, None where all of them are
        encoders alone.
        """
        if not lessons:
            return self.network(normalised(image, self.network)), image.new_zeros(()), None
        prediction, maps = self._look(image)
        distances, depths = [], []
        for number, (taught, depth) in enumerate(lessons):
            if depth is not None:
                depths.append(depth)
            for stride, target in taught.items():
                if (key := f"{number}_{stride}") in self.projections:
                    ours = self.projections[key](maps[stride]).float()
                    distances.append(functional.mse_loss(ours, _whitened(target)))
        return prediction, torch.stack(distances).mean(), mean_depth(depths)

    def _look(self, image: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        maps: dict[int, Tensor] = {}

        def keep(_: nn.Module, inputs: Any, result: tuple[Tensor, dict[int, Tensor]]) -> None:
            maps.update(maps_of(result))

        assert isinstance(self.network, EncoderDecoder)
        handle = self.network.encoder.register_forward_hook(keep)
        try:
            return self.network(normalised(image, self.network)), maps
        finally:
            handle.remove()


def _whitened(x: Tensor) -> Tensor:
    """Every channel with mean 0 and deviation 1 over the batch, so that each counts alike."""
    x = x.float()
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    deviation = x.std(dim=(0, 2, 3), keepdim=True)
    return (x - mean) / (deviation + 1e-3)
