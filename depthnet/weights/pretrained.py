"""A network with the trained weights that come with depthbench, where there are some."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from depthnet.weights import origin
from depthnet.weights.origin import Origin

if TYPE_CHECKING:
    from depthnet.network import DepthNetwork
    from depthnet.zoo import Entry

FOLDER = Path(__file__).parent / "trained"


def weights_path(name: str) -> Path | None:
    """The file of trained weights of the network called `name`; None when none ships."""
    path = FOLDER / f"{name}.safetensors"
    return path if path.is_file() else None


def build(entry: Entry) -> tuple[DepthNetwork, Origin]:
    """Build a network as it ships, and say where its weights come from.

    With the trained weights of the package where it has them; else as `network.build` does.
    """
    from depthnet import network
    from depthnet.weights.formats import load_weights

    path = weights_path(entry.name)
    if path is None:
        return network.build(entry)
    built, _ = network.build(entry, pretrained=False)
    record = load_weights(built, path)
    return built, origin.of_training(record)
