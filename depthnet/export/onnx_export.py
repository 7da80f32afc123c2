"""Export a network to one ONNX file that holds all a consumer needs."""

from __future__ import annotations

import json
import logging
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from depthbench.errors import CheckFailed
from depthbench.files import write_whole
from depthnet.complexity import Complexity, measure
from depthnet.export.export_cache import MADE_FROM, ORIGIN, PRUNED, WEIGHTS_FILE, metadata_of
from depthnet.network import DeployedNetwork, DepthNetwork, weights_sha256
from depthnet.weights.origin import Origin, to_json
from depthnet.zoo import by

if TYPE_CHECKING:
    import onnx

TOLERANCE = 1e-4
OPSET = 18
FORMAT = "1"


def export(
    network: DepthNetwork,
    origin: Origin,
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    made_from: str = "",
    weights: Path | None = None,
) -> dict[str, str]:
    """Write `network` as ONNX to `path`, whole or not at all, and return its metadata.

    The graph takes `image` (1x3xHxW, RGB in [0, 1]) and gives `depth` (1x1xHxW, metres);
    normalisation and depth decoding are inside. `size` is (height, width), by default the
    entry's. `origin` is where the weights come from, `made_from` by what the file can be known
    again (`export_cache.made_from`), `weights` the file of weights that it was built with, where it
    is not as it ships. The file is checked with onnx.checker and against
    PyTorch's output on ONNX Runtime before it is put in place.

    A file that says the same of itself already is left alone. Raises InputError for a size that
    the network does not take, CheckFailed when the outputs differ by more than 1e-4 of the largest
    depth.
    """
    size = size or network.entry.input_size
    network.entry.check_size(size)
    metadata = describe(network, origin, measure(network, size))
    if made_from:
        metadata[MADE_FROM] = made_from
    if weights:
        metadata[WEIGHTS_FILE] = weights.name
    if metadata_of(path) == metadata:
        return metadata
    deployed = DeployedNetwork(network).eval()
    model = _to_onnx(deployed, size)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    content = model.SerializeToString()
    _check(content, deployed, size)
    write_whole(path, content)
    return metadata


def describe(network: DepthNetwork, origin: Origin, complexity: Complexity) -> dict[str, str]:
    """What the file says of itself: name, weights, origin and hash of these, parameters and MACs.

    `weights` is the origin as a phrase for people, `origin` the same as JSON. `pruned`, where
    channels were taken away: how many parameters are left of how many.
    """
    return {
        "depthbench.format": FORMAT,
        "name": network.entry.name,
        "input_size": by(complexity.input_size),
        "weights": str(origin),
        ORIGIN: to_json(origin),
        "weights_sha256": weights_sha256(network),
        "complexity": json.dumps(complexity.to_dict(), sort_keys=True),
        **({PRUNED: json.dumps(asdict(network.pruned))} if network.pruned else {}),
    }


def _to_onnx(deployed: DeployedNetwork, size: tuple[int, int]) -> onnx.ModelProto:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            deployed,
            (torch.zeros(1, 3, *size),),
            input_names=["image"],
            output_names=["depth"],
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    model = program.model_proto
    _forget_the_exporting_machine(model)
    return model


def _forget_the_exporting_machine(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes: they hold stack traces, with the paths of this machine."""
    for holder in (model, model.graph, *model.functions):
        del holder.metadata_props[:]
        holder.doc_string = ""
    values = (*model.graph.value_info, *model.graph.input, *model.graph.output)
    for item in (*model.graph.node, *model.graph.initializer, *values):
        del item.metadata_props[:]
        item.doc_string = ""


def _check(content: bytes, deployed: DeployedNetwork, size: tuple[int, int]) -> None:
    import onnx
    import onnxruntime

    onnx.checker.check_model(content, full_check=True)
    image = np.random.default_rng(0).random((1, 3, *size), dtype=np.float32)
    with torch.inference_mode():
        expected: Any = deployed(torch.from_numpy(image)).numpy()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    got: Any = session.run(["depth"], {"image": image})[0]
    difference = float(np.abs(got - expected).max() / np.abs(expected).max())
    if not difference <= TOLERANCE:
        raise CheckFailed(
            f"the exported model differs from PyTorch by {difference:.1e} relative "
            f"(limit {TOLERANCE:.0e}); nothing was written"
        )
