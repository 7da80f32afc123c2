"""A network of the zoo as a PyTorch module, and the form of it that ships."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from depthnet import depth_space
from depthnet.baselines.dorn import DORN
from depthnet.baselines.eigen import Eigen
from depthnet.baselines.fastdepth import FastDepthPruned
from depthnet.baselines.fcrn import FCRN
from depthnet.constants import constant
from depthnet.decoders import Decoder
from depthnet.encoders import Encoder, build_encoder
from depthnet.weights.origin import ImageNet, Pruned, Random
from depthnet.zoo import Entry

# Near the mean depth of NYU; in metres.
START_M = 2.5

BASELINES: dict[str, Callable[[], Any]] = {
    "eigen": Eigen,
    "fcrn": FCRN,
    "dorn": DORN,
    "fastdepth_pruned": FastDepthPruned,
}


class DepthNetwork(nn.Module):
    """A network of the zoo: a normalised Nx3xHxW image to an Nx1xHxW prediction.

    The prediction is in the entry's depth space; H and W are multiples of 32, or the entry's
    input size where that is fixed. `mean` and `std` are what images are normalised with.
    `pruned`: what is left of it, where channels were taken away.
    """

    entry: Entry
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pruned: Pruned | None = None

    def output_convolution(self) -> nn.Conv2d | None:
        """The convolution that gives the prediction; None where there is more behind it."""
        raise NotImplementedError


class EncoderDecoder(DepthNetwork):
    """An encoder and a decoder: the networks of the paper."""

    def __init__(self, entry: Entry, encoder: Encoder) -> None:
        super().__init__()
        if entry.decoder is None:
            raise ValueError(f"{entry.name} has no decoder")
        self.entry = entry
        self.encoder = encoder
        self.mean, self.std = encoder.mean, encoder.std
        self.decoder = Decoder(entry.decoder, encoder.channels, encoder.tap_channels)

    def forward(self, image: Tensor) -> Tensor:
        deepest, taps = self.encoder(image)
        return self.decoder(deepest, taps, image)

    def output_convolution(self) -> nn.Conv2d:
        convolutions = [m for m in self.decoder.output if isinstance(m, nn.Conv2d)]
        return convolutions[-1]


class BaselineNetwork(DepthNetwork):
    """One of the networks that the paper compares with."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry
        self.body = BASELINES[entry.baseline]()
        self.mean, self.std = self.body.mean, self.body.std

    def forward(self, image: Tensor) -> Tensor:
        return self.body(image)

    def output_convolution(self) -> nn.Conv2d | None:
        return self.body.output


class DeployedNetwork(nn.Module):
    """What ships: RGB Nx3xHxW in [0, 1] to depth Nx1xHxW in metres, [0.1, 10].

    Normalisation and depth decoding are inside, so that no consumer can get them wrong.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: DepthNetwork) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(network.mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(network.std).reshape(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        prediction = self.network((image - self.mean) / self.std)
        return depth_space.decode(prediction, self.network.entry.depth_space)


def normalised(image: Tensor, of: DepthNetwork | Encoder) -> Tensor:
    """Images Nx3xHxW in [0, 1] as a network or an encoder takes them."""
    mean, std = (constant(v, image).reshape(1, 3, 1, 1) for v in (of.mean, of.std))
    result: Tensor = (image - mean) / std
    return result


def build(
    entry: Entry, *, seed: int = 0, pretrained: bool = True
) -> tuple[DepthNetwork, Random | ImageNet]:
    """Build an untrained network, and say where its weights come from.

    The encoder starts from ImageNet where its weights can be had (`pretrained`), else from a
    seeded random initialisation, as the decoder does (Kaiming normal, paper section IV-B). A
    baseline is random as a whole. The network is returned in evaluation mode.
    """
    origin: Random | ImageNet = Random(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: DepthNetwork
        if entry.baseline:
            network = BaselineNetwork(entry)
        else:
            encoder, loaded = build_encoder(entry.encoder, pretrained=pretrained)
            network = EncoderDecoder(entry, encoder)
            _initialise(network.decoder)
            origin = ImageNet(seed) if loaded else origin
        _start_inside_the_range(network)
    return network.eval(), origin


def build_shapes(entry: Entry) -> DepthNetwork:
    """Build a network on PyTorch's meta device: shapes without weights, for counting."""
    with torch.device("meta"):
        if entry.baseline:
            return BaselineNetwork(entry).eval()
        return EncoderDecoder(entry, Encoder(entry.encoder)).eval()


def _initialise(decoder: Decoder) -> None:
    for module in decoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _start_inside_the_range(network: DepthNetwork) -> None:
    """Scale the output convolution so that noise is predicted `START_M` on average.

    It follows a ReLU: with mixed signs its predictions start on both sides of zero, where half
    of them are clamped. So its weights get one sign.
    """
    output = network.output_convolution()
    if output is None:
        return
    entry = network.entry
    target = depth_space.encode(torch.tensor(START_M), entry.depth_space)
    network.eval()
    with torch.no_grad():
        output.weight.abs_()
        if output.bias is not None:
            output.bias.zero_()
        size = entry.input_size if entry.fixed_size else (64, 64)
        output.weight.mul_(target / network(torch.randn(1, 3, *size)).mean())


def weights_sha256(network: nn.Module) -> str:
    """SHA-256 over names, shapes and bytes of all parameters and buffers, in name order."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
