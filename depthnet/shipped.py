"""A network with the trained weights that come with depthbench, where there are some."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthnet.training.origin import phrase

if TYPE_CHECKING:
    from depthnet.network import DepthNetwork
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
    from depthnet import network
    from depthnet.weights import load_weights

    path = weights_path(entry.name)
    if path is None:
        return network.build(entry)
    built, _ = network.build(entry, pretrained=False)
    record = load_weights(built, path)
    return built, _phrase(record)


def stages(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of all runs that led to weights, the first one first."""
    before = record.get("before")
    return [*(stages(before) if before else []), record]


def _phrase(record: dict[str, Any]) -> str:
    sources = ", ".join(_amount(source) for source in record["data"])
    runs = stages(record)
    epochs = f"{sum(run['epochs'] for run in runs)} epochs"
    if len(runs) > 1:
        epochs += f" in {len(runs)} stages"
    return f"trained ({phrase(runs[0]['origin'])}; {sources}; {epochs})"


def _amount(source: dict[str, Any]) -> str:
    if "pictures" in source:
        return f"{source['pictures']} unlabelled pictures"
    return f"{source['pairs']} pairs of {source['data']}"
