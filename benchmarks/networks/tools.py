"""What users do to an ONNX file before they hand it on: optimise, simplify, shorten, quantise."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx

Tool = Callable[[Path, Path], None]


def optimised(level: str) -> Tool:
    """ONNX Runtime's optimiser at a level."""

    def optimise(plain: Path, path: Path) -> None:
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

    return optimise


def simplified(plain: Path, path: Path) -> None:
    """onnxsim, which folds and fuses."""
    import onnxsim

    with redirect_stdout(StringIO()):
        simple, _ = onnxsim.simplify(onnx.load(plain))
    onnx.save(simple, path)


def halved(plain: Path, path: Path) -> None:
    """fp16 throughout but for inputs and outputs, by onnxconverter-common."""
    from onnxconverter_common import float16

    onnx.save(float16.convert_float_to_float16(onnx.load(plain), keep_io_types=True), path)


def quantised(plain: Path, path: Path) -> None:
    """ONNX Runtime's static quantiser, as QDQ with per-channel weights, on two images of noise."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = path.with_name("prepared.onnx")
    with _quiet():
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(path),
            _noise(prepared),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
        )


def quantised_when_run(plain: Path, path: Path) -> None:
    """ONNX Runtime's dynamic quantiser, of matrix products."""
    from onnxruntime.quantization import quantize_dynamic

    with _quiet():
        quantize_dynamic(str(plain), str(path), op_types_to_quantize=["MatMul", "Gemm"])


def beside(plain: Path, path: Path) -> None:
    """The weights in a file of their own."""
    onnx.save(
        onnx.load(plain),
        path,
        save_as_external_data=True,
        location=f"{path.name}.data",
    )


def _noise(path: Path) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    (image,) = onnx.load(path).graph.input
    shape = [one.dim_value for one in image.type.tensor_type.shape.dim]

    class Noise(CalibrationDataReader):
        def __init__(self) -> None:
            random = np.random.default_rng(0)
            self.images = iter([random.random(shape, np.float32) for _ in range(2)])

        def get_next(self) -> dict[str, Any] | None:
            found = next(self.images, None)
            return None if found is None else {image.name: found}

    return Noise()


@contextmanager
def _quiet() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


TOOLS: dict[str, Tool] = {
    "basic": optimised("basic"),
    "extended": optimised("extended"),
    "simplified": simplified,
    "halved": halved,
    "quantised": quantised,
    "dynamic-int8": quantised_when_run,
    "beside": beside,
}
