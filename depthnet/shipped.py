"""A network with the trained weights that come with depthbench, where there are some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from depthnet import network
from depthnet.network import DepthNetwork
from depthnet.weights import load_weights
from depthnet.zoo import Entry

FOLDER = Path(__file__).parent / "trained"


def weights_path(name: str) -> Path | None:
    """The file of trained weights of the network called `name`; None when none ships."""
    path = FOLDER / f"{name}.safetensors"
    return path if path.is_file() else None


def build(entry: Entry) -> tuple[DepthNetwork, str]:
    """Build a network as it ships, and say in one phrase where its weights come from.

    With the trained weights of the package where it has them; else as `network.build` does.
    """
    path = weights_path(entry.name)
    if path is None:
        return network.build(entry)
    built, _ = network.build(entry, pretrained=False)
    record = load_weights(built, path)
    return built, _phrase(record)


def _phrase(record: dict[str, Any]) -> str:
    sources = ", ".join(f"{s['pairs']} pairs of {s['data']}" for s in record["data"])
    return f"trained ({record['trained_from']}; {sources}; {record['epochs']} epochs)"
