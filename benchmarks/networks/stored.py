"""A model's file in another precision than fp32: as it is given to all runtimes alike."""

from __future__ import annotations

from pathlib import Path

import onnx

from bench.compile_service import in_precision
from bench.models import Model, load_model
from compile.onnx import model_file

STORED = ("fp32", "fp16", "int8")


def stored_in(model: Model, precision: str, out: Path) -> Model:
    """The model, its numbers stored in that precision; inputs and outputs stay float32.

    In fp16 all weights and all values are declared as such, as ONNX Runtime's converter does it,
    and a runtime computes them as it can. In int8 the file is quantised (`depthbench quantise`).
    Raises what `quantise` does.
    """
    if precision != "fp16":
        return in_precision(model, precision, out)
    from onnxruntime.transformers.float16 import convert_float_to_float16

    proto = model_file.read(model.path).proto
    halved = convert_float_to_float16(proto, keep_io_types=True)
    path = out / f"{model.name}-fp16-stored.onnx"
    onnx.save(halved, path)
    return load_model(path)
