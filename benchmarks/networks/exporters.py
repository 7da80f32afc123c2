"""Public networks as ONNX, as each exporter writes them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import torch
from torch import nn

from . import ARCHITECTURES
from .tools import TOOLS

NEWEST, LEGACY = (18, 23), (11, 13, 17)
EXPORTERS = (
    *(f"torch-{opset}" for opset in NEWEST),
    *(f"legacy-{opset}" for opset in LEGACY),
    *TOOLS,
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


def export(network: nn.Module, shape: Sequence[int], exporter: str, path: Path) -> None:
    """Write the network as ONNX, for an image of that shape, as the exporter does."""
    if exporter in TOOLS:
        plain = path.with_name("plain.onnx")
        _export(network, shape, NEWEST[0], True, plain)
        TOOLS[exporter](plain, path)
        return
    kind, opset = exporter.split("-")
    _export(network, shape, int(opset), kind == "torch", path)


def _export(network: nn.Module, shape: Sequence[int], opset: int, dynamo: bool, path: Path) -> None:
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.rand(*shape),),
            str(path),
            input_names=["image"],
            opset_version=opset,
            dynamo=dynamo,
            external_data=False,
        )
