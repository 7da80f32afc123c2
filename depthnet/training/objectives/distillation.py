"""All that learns in a run: a network, and what it needs to follow a teacher."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthbench.errors import InputError
from depthnet.network import DepthNetwork, EncoderDecoder, normalised
from depthnet.training.objectives.teacher import Teacher, channels_of, maps_of


class Learner(nn.Module):
    """A network, and with a `teacher` the projections of its hints.

    The maps of the network's encoder, each through a 1x1 convolution that is thrown away after
    training, are drawn to the teacher's at the same strides (FitNets, Romero 2015). It is for
    encoders without ImageNet weights of their own: with a few hundred images to learn from, the
    features of a trained encoder say more about each than its depth does.
    """

    def __init__(self, network: DepthNetwork, teacher: Teacher | None = None) -> None:
        super().__init__()
        self.network = network
        self.teacher = teacher
        self.projections = nn.ModuleDict()
        if teacher is None:
            return
        if not isinstance(network, EncoderDecoder):
            raise InputError(f"{network.entry.name} has no encoder of its own to be taught")
        ours, theirs = (channels_of(encoder) for encoder in (network.encoder, teacher.encoder))
        for stride in sorted(ours.keys() & theirs.keys()):
            self.projections[str(stride)] = nn.Conv2d(ours[stride], theirs[stride], 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """For Nx3xHxW in [0, 1]: the prediction, the distance to the teacher, and his depth.

        The distance is 0 without a teacher, and about 1 for maps that say nothing of his. His
        depth is Nx1xHxW metres, None where he is an encoder alone.
        """
        if self.teacher is None:
            return self.network(normalised(image, self.network)), image.new_zeros(()), None
        maps: dict[int, Tensor] = {}

        def keep(_: nn.Module, inputs: Any, result: tuple[Tensor, dict[int, Tensor]]) -> None:
            maps.update(maps_of(result))

        assert isinstance(self.network, EncoderDecoder)
        handle = self.network.encoder.register_forward_hook(keep)
        try:
            prediction = self.network(normalised(image, self.network))
        finally:
            handle.remove()
        taught, depth = self.teacher(image)
        distances = [
            functional.mse_loss(projection(maps[int(at)]).float(), _whitened(taught[int(at)]))
            for at, projection in self.projections.items()
        ]
        return prediction, torch.stack(distances).mean(), depth


def _whitened(x: Tensor) -> Tensor:
    """Every channel with mean 0 and deviation 1 over the batch, so that each counts alike."""
    x = x.float()
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    deviation = x.std(dim=(0, 2, 3), keepdim=True)
    return (x - mean) / (deviation + 1e-3)
