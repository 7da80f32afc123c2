"""Hints: an encoder learns to have the features of one that was trained on ImageNet."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthnet.encoders import Encoder
from depthnet.errors import InputError
from depthnet.network import DepthNetwork, EncoderDecoder

DEEPEST = 32
"""The stride of an encoder's last map."""


class Learner(nn.Module):
    """All that learns in a run: a network, and with `teacher` the projections of its hints.

    The maps of the network's encoder, each through a 1x1 convolution that is thrown away after
    training, are drawn to the teacher's at the same strides (FitNets, Romero 2015). For
    encoders without ImageNet weights of their own: with a few hundred images to learn from, the
    features of a trained encoder say more about each than its depth does.
    """

    def __init__(self, network: DepthNetwork, teacher: Encoder | None = None) -> None:
        super().__init__()
        self.network = network
        # Neither learnt nor saved: in a tuple it is not a part of this module.
        self.teacher = (teacher.eval().requires_grad_(False),) if teacher else ()
        self.projections = nn.ModuleDict()
        if teacher is None:
            return
        if not isinstance(network, EncoderDecoder):
            raise InputError(f"{network.entry.name} has no encoder of its own to give hints to")
        ours, theirs = (_channels(encoder) for encoder in (network.encoder, teacher))
        for stride in sorted(ours.keys() & theirs.keys()):
            self.projections[str(stride)] = nn.Conv2d(ours[stride], theirs[stride], 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The prediction for Nx3xHxW in [0, 1], and how far the maps are from the teacher's.

        The distance is 0 without a teacher, and about 1 for maps that say nothing of his.
        """
        if not self.teacher:
            return self.network(_normalised(image, self.network)), image.new_zeros(())
        maps: dict[int, Tensor] = {}

        def keep(_: nn.Module, inputs: Any, result: tuple[Tensor, dict[int, Tensor]]) -> None:
            maps.update(_maps(result))

        assert isinstance(self.network, EncoderDecoder)
        handle = self.network.encoder.register_forward_hook(keep)
        try:
            prediction = self.network(_normalised(image, self.network))
        finally:
            handle.remove()
        (teacher,) = self.teacher
        with torch.no_grad():
            taught = _maps(teacher(_normalised(image, teacher)))
        distances = [
            functional.mse_loss(
                projection(maps[int(stride)]).float(), _whitened(taught[int(stride)])
            )
            for stride, projection in self.projections.items()
        ]
        return prediction, torch.stack(distances).mean()


def _channels(encoder: Encoder) -> dict[int, int]:
    return {**encoder.tap_channels, DEEPEST: encoder.channels}


def _maps(result: tuple[Tensor, dict[int, Tensor]]) -> dict[int, Tensor]:
    deepest, taps = result
    return {**taps, DEEPEST: deepest}


def _whitened(x: Tensor) -> Tensor:
    """Every channel with mean 0 and deviation 1 over the batch, so that each counts alike."""
    x = x.float()
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    deviation = x.std(dim=(0, 2, 3), keepdim=True)
    return (x - mean) / (deviation + 1e-3)


def _normalised(image: Tensor, network: DepthNetwork | Encoder) -> Tensor:
    mean, std = (image.new_tensor(v).reshape(1, 3, 1, 1) for v in (network.mean, network.std))
    result: Tensor = (image - mean) / std
    return result
