"""A network with trained weights: those that come with depthbench, or those of a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthnet.weights import origin
from depthnet.weights.origin import Origin, Trained, Weights

if TYPE_CHECKING:
    from depthnet.network import DepthNetwork
    from depthnet.zoo import Entry

FOLDER = Path(__file__).parent / "trained"


def weights_path(name: str) -> Path | None:
    """The file of trained weights of the network called `name`; None when none ships."""
    path = FOLDER / f"{name}.safetensors"
    return path if path.is_file() else None


def build(entry: Entry, weights: Path | None = None) -> tuple[DepthNetwork, Origin]:
    """Build a network as it ships or with the weights of a file, and say where these come from.

    As it ships: with the trained weights of the package where it has them, else as
    `network.build` does. Raises InputError as `open_network` does.
    """
    from depthnet import network

    path = weights or weights_path(entry.name)
    if path is None:
        return network.build(entry)
    built, record = open_network(path, entry)
    return built, origin_of(path, record)


def open_network(path: Path, entry: Entry | None = None) -> tuple[DepthNetwork, dict[str, Any]]:
    """The network of a weights file, pruned or not, and the record beside it (empty without).

    Of `entry`, or else of the network that the file names; in evaluation mode. Raises InputError
    as `load_weights` does, and for a file that names none.
    """
    from depthnet import network, zoo
    from depthnet.weights.formats import load_weights, network_of

    built, _ = network.build(entry or zoo.get(network_of(path)), pretrained=False)
    return built, load_weights(built, path)


def origin_of(path: Path, record: Mapping[str, Any]) -> Trained | Weights:
    """Where the weights of a file come from, by the record beside it where there is one."""
    from depthnet.weights.formats import file_sha256

    if "epochs" in record or "before" in record:
        return origin.of_training(record)
    return Weights(path.stem, file_sha256(path))
