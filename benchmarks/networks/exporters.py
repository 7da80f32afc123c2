"""Public networks as ONNX, as each exporter writes them."""

from __future__ import annotations

import logging
import warnings
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import onnx
import torch
from torch import nn

from . import ARCHITECTURES

NEWEST, LEGACY = (18, 23), (11, 13, 17)
OPTIMISED = ("basic", "extended")
EXPORTERS = (
    *(f"torch-{opset}" for opset in NEWEST),
    *(f"legacy-{opset}" for opset in LEGACY),
    *OPTIMISED,
)


def build(name: str, quick: bool, exporter: str) -> nn.Module:
    """A network with seeded weights, ready for an exporter.

    Attention as one operator cannot be exported before opset 14.
    """
    architecture = ARCHITECTURES[name]
    torch.manual_seed(0)
    network = architecture.build(architecture.quick if quick else architecture.size)
    if exporter in ("legacy-11", "legacy-13") or not architecture.one_attention:
        for module in network.modules():
            choose = getattr(module, "set_attn_implementation", None)
            if callable(choose):
                choose("eager")
    return network.eval()


def export(network: nn.Module, size: tuple[int, int], exporter: str, path: Path) -> None:
    """Write the network as ONNX, as the exporter called `exporter` does."""
    if exporter in OPTIMISED:
        plain = path.with_name("plain.onnx")
        _export(network, size, NEWEST[0], True, plain)
        optimise(plain, exporter, path)
        return
    kind, opset = exporter.split("-")
    _export(network, size, int(opset), kind == "torch", path)


def _export(
    network: nn.Module, size: tuple[int, int], opset: int, dynamo: bool, path: Path
) -> None:
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.rand(1, 3, *size),),
            str(path),
            input_names=["image"],
            opset_version=opset,
            dynamo=dynamo,
            external_data=False,
        )


def optimise(plain: Path, level: str, path: Path) -> None:
    """Write the file as ONNX Runtime's optimiser saves it at a level."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(path)
    options.graph_optimization_level = {
        "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
        "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    }[level]
    onnxruntime.InferenceSession(str(plain), options, providers=["CPUExecutionProvider"])
    onnx.load(path, load_external_data=False)  # that it is one
