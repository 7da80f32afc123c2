"""Cost of one inference of TVM's peers on an emulated A76.

A peer runs in Python under emulation, with its own wheel for arm64 in the version installed here.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cost import counting, programs
from bench.cost.arm64_python import arm64_packages, arm64_python
from bench.cost.inference_cost import Cost, cost_of
from bench.cost.symbols import locate, parse_maps
from depthbench.errors import InputError, ToolMissing
from depthbench.progress import Progress

GUEST = Path(__file__).with_name("run_peer.py")
PACKAGES = {
    "onnxruntime": ("numpy", "onnxruntime"),
    "ncnn": ("numpy", "ncnn"),
    "litert": ("numpy", "ai-edge-litert"),
}
PEERS = tuple(PACKAGES)
# QEMU maps libraries here, and Debian's interpreter lies below: what Python itself does is not
# counted, which is all that it does at its start.
LIBRARIES = "0x5500000000..0x7fffffffffff"
PRECISIONS = {"onnxruntime": ("fp32", "int8"), "ncnn": ("fp32", "fp16"), "litert": ("fp32",)}


def measure_peer(
    peer: str,
    model: Path,
    inputs: Mapping[str, NDArray],
    precision: str = "fp32",
    progress: Progress = lambda line: None,
) -> tuple[Cost, NDArray]:
    """The cost of one inference of an ONNX file of one input on one thread, and its first output.

    Raises InputError for a model or precision that the peer does not take, ToolMissing when
    something cannot be had for arm64, CheckFailed when the model does not run.
    """
    if precision not in PRECISIONS[peer]:
        raise InputError(f"{peer} is measured in {', '.join(PRECISIONS[peer])}, not {precision}")
    if len(inputs) != 1:
        raise InputError(f"{model}: peers are measured on models of one input")
    python = arm64_python(progress)
    packages = arm64_packages(python, PACKAGES[peer], progress)
    with tempfile.TemporaryDirectory(prefix="depthbench-cost-") as scratch:
        folder = Path(scratch)
        np.save(folder / "input0.npy", next(iter(inputs.values())))
        command = ["-L", str(python.root), str(python.interpreter), "-s", "-B", str(GUEST)]
        command += [peer, str(counting.RUNS), scratch, str(programs.mark_library())]
        command += [str(converted(peer, model, folder)), json.dumps({"fp16": precision == "fp16"})]
        progress(f"counting instructions of {peer}")
        counts = counting.count(command, _environment(packages), addresses=LIBRARIES)
        maps = parse_maps((folder / "maps").read_text().splitlines())
        output = np.load(folder / "output0.npy")
    progress("estimating cycles")
    return cost_of(counts, lambda address: locate(address, maps)), output


def converted(peer: str, model: Path, folder: Path) -> Path:
    """The model in the peer's own format."""
    if peer == "onnxruntime":
        return model.absolute()
    if peer == "litert":
        from bench.models import load_model
        from bench.runtimes import registry

        return registry.prepare(peer, load_model(model), folder).file
    from bench.runtimes.ncnn_cpu import convert

    try:
        import pnnx
    except ImportError as error:
        raise ToolMissing("ncnn's converter is not installed", advice="pip install pnnx") from error
    param, weights = convert(Path(pnnx.EXEC_PATH), model, folder)
    param.rename(folder / "model.param")
    weights.rename(folder / "model.bin")
    return folder


def _environment(packages: Path) -> dict[str, Any]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(packages),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
