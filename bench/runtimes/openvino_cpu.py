"""An ONNX model on OpenVINO's CPU plugin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.runtimes.base import Runtime, check_file
from bench.runtimes.declaration import Declaration, needing
from depthbench.errors import InputError
from depthbench.one_line import one_line

PACKAGES = ("openvino",)


class OpenVinoCpu(Runtime):
    """An ONNX file in fp32, on `threads` threads.

    OpenVINO would round to bfloat16 on machines with AMX, take every core, and
    bind threads to cores as no other does: all are set.
    Raises ToolMissing without the package, InputError for a file that it cannot load.
    """

    name = "openvino"

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        with needing("OpenVINO", *PACKAGES):
            import openvino
        check_file(model, "an ONNX model")
        options = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,
        }
        try:
            self._request = (
                openvino.Core().compile_model(str(model), "CPU", options).create_infer_request()
            )
        except RuntimeError as error:
            raise InputError(f"OpenVINO cannot load {model}: {one_line(error)}") from error
        self.threads = threads
        self._outputs = [port.any_name for port in self._request.model_outputs]

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the model once; raises InputError for a wrong name, shape or type."""
        try:
            self._request.infer(dict(inputs), share_inputs=True, share_outputs=True)
        except (RuntimeError, KeyError) as error:
            raise InputError(f"OpenVINO refuses the inputs: {one_line(error)}") from error
        return {name: self._request.get_tensor(name).data for name in self._outputs}

    def describe(self) -> dict[str, Any]:
        """Threads and precision."""
        return {"threads": self.threads, "precision": "fp32"}


RUNTIME = Declaration(
    name=OpenVinoCpu.name,
    format="onnx",
    load=OpenVinoCpu,
    packages=PACKAGES,
    precisions=("fp32", "int8"),
)
