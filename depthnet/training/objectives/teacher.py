"""Who teaches a network beside the truth: encoders from ImageNet, and networks of the zoo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from depthbench.errors import InputError
from depthnet import depth_space
from depthnet.encoders import Encoder
from depthnet.network import EncoderDecoder, normalised
from depthnet.weights import imagenet_encoders
from depthnet.weights.formats import short_hash
from depthnet.weights.pretrained import open_network

DEEPEST = 32
"""The stride of an encoder's last map."""

Lesson = tuple[dict[int, Tensor], Tensor | None]
"""An encoder's maps by stride, and Nx1xHxW metres unless it is an encoder alone."""


class Teacher:
    """What a trained network, or an encoder alone, makes of an image; it never learns.

    It sees every augmented image as its pupil does (Beyer 2022: patient and consistent), so that
    a few hundred photographs give as many lessons as there are steps.
    """

    def __init__(self, source: Encoder | EncoderDecoder, name: str) -> None:
        self.source = source.eval().requires_grad_(False)
        self.name = name
        self.encoder = source.encoder if isinstance(source, EncoderDecoder) else source

    def to(self, device: str) -> Teacher:
        """Move to a device, and return itself."""
        self.source.to(device)
        return self

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> Lesson:
        """What it makes of Nx3xHxW in [0, 1]."""
        seen = normalised(image, self.source)
        result = self.encoder(seen)
        if not isinstance(self.source, EncoderDecoder):
            return maps_of(result), None
        prediction = self.source.decoder(*result, seen).float()
        return maps_of(result), depth_space.decode(prediction, self.source.entry.depth_space)


def load_teacher(path: Path) -> Teacher:
    """The teacher in a file: weights of a network, or an encoder's from ImageNet.

    Raises InputError when the file is neither, or of a network without an encoder.
    """
    name = f"{path.stem} ({short_hash(path)})"
    if path.suffix != ".safetensors":
        return Teacher(imagenet_encoders.open_encoder(path), name)
    built, _ = open_network(path)
    if not isinstance(built, EncoderDecoder):
        raise InputError(f"{path}: {built.entry.name} has no encoder of its own to teach with")
    return Teacher(built, name)


def mean_depth(depths: Sequence[Tensor]) -> Tensor | None:
    """What several teachers say together: the mean of their log depth, in metres."""
    if len(depths) < 2:
        return depths[0] if depths else None
    return torch.stack([depth.log() for depth in depths]).mean(dim=0).exp()


def maps_of(result: tuple[Tensor, dict[int, Tensor]]) -> dict[int, Tensor]:
    """All maps of an encoder's result, by stride."""
    deepest, taps = result
    return {**taps, DEEPEST: deepest}


def channels_of(encoder: Encoder) -> dict[int, int]:
    """The channels of all maps of an encoder, by stride."""
    return {**encoder.tap_channels, DEEPEST: encoder.channels}
