"""A network of the zoo as a PyTorch module, and the form of it that ships."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

from depthnet import depth_space
from depthnet.decoders import Decoder
from depthnet.encoders import Encoder, build_encoder
from depthnet.zoo import Entry

# Between the mean inverse depth of NYU (10 m over about 2.7 m) and its clamps at 1 and 100.
START_PREDICTION = 4.0


class DepthNetwork(nn.Module):
    """Encoder and decoder: a normalised Nx3xHxW image to an Nx1xHxW prediction.

    The prediction is in the entry's depth space; H and W are multiples of 32.
    """

    def __init__(self, entry: Entry, encoder: Encoder) -> None:
        super().__init__()
        self.entry = entry
        self.encoder = encoder
        self.decoder = Decoder(entry.decoder, encoder.channels, encoder.tap_channels)

    def forward(self, image: Tensor) -> Tensor:
        deepest, taps = self.encoder(image)
        return self.decoder(deepest, taps, image)


class DeployedNetwork(nn.Module):
    """What ships: RGB Nx3xHxW in [0, 1] to depth Nx1xHxW in metres, [0.1, 10].

    Normalisation and depth decoding are inside, so that no consumer can get them wrong.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: DepthNetwork) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(network.encoder.mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(network.encoder.std).reshape(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        prediction = self.network((image - self.mean) / self.std)
        return depth_space.decode(prediction, self.network.entry.depth_space)


def build(entry: Entry, *, seed: int = 0, pretrained: bool = True) -> tuple[DepthNetwork, str]:
    """Build a network and say in one phrase where its weights come from.

    The encoder starts from ImageNet where its weights can be had (`pretrained`), else from a
    seeded random initialisation, as the decoder does (Kaiming normal, paper section IV-B). The
    network is returned in evaluation mode.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder, loaded = build_encoder(entry.encoder, pretrained=pretrained)
        network = DepthNetwork(entry, encoder)
        initialise_decoder(network)
    origin = "ImageNet encoder, random decoder" if loaded else "random"
    return network.eval(), f"untrained ({origin}, seed {seed})"


def build_shapes(entry: Entry) -> DepthNetwork:
    """Build a network on PyTorch's meta device: shapes without weights, for counting."""
    with torch.device("meta"):
        return DepthNetwork(entry, Encoder(entry.encoder, pretrained=False)).eval()


def initialise_decoder(network: DepthNetwork) -> None:
    """Kaiming-normal decoder whose first predictions lie inside the depth range.

    The output convolution follows a ReLU and has no bias: with mixed signs its predictions
    start at both sides of zero, where half of the inverse-depth range is clamped. Its weights
    are made positive and scaled so that noise is predicted `START_PREDICTION` on average.
    """
    for module in network.decoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    output = next(m for m in network.decoder.output if isinstance(m, nn.Conv2d) and m.groups == 1)
    was_training = network.training
    network.eval()
    with torch.no_grad():
        output.weight.abs_()
        output.weight.mul_(START_PREDICTION / network(torch.randn(1, 3, 64, 64)).mean())
    network.train(was_training)


def weights_sha256(network: nn.Module) -> str:
    """SHA-256 over names, shapes and bytes of all parameters and buffers, in name order."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
