"""The PyTorch module that an ONNX file was exported from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.models import Model
from depthbench.errors import InputError

if TYPE_CHECKING:
    from depthnet.network import DeployedNetwork


def build_module(model: Model) -> DeployedNetwork:
    """Build the network of the zoo that `model` says it is.

    Raises InputError for a file that is none, or that holds other weights than the zoo's.
    """
    from depthnet import network, zoo
    from depthnet.weights import pretrained

    check_zoo(
        model,
        why="there is no module that PyTorch could run",
        advice="take another runtime, such as onnxruntime",
    )
    built, _ = pretrained.build(zoo.get(model.metadata["name"]))
    if network.weights_sha256(built) != model.metadata["weights_sha256"]:
        raise InputError(
            f"{model.file} holds other weights than the zoo's", advice="export it again"
        )
    return network.DeployedNetwork(built)


def check_zoo(model: Model, *, why: str, advice: str = "") -> None:
    """Raise InputError, which says `why` it matters, for a model that is no network of the zoo."""
    from depthnet import zoo

    if model.metadata.get("name") not in zoo.names():
        raise InputError(f"{model.file} is no network of the zoo: {why}", advice=advice)
