"""An ONNX model on ONNX Runtime's CPU provider."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.runtimes.base import PRECISIONS, Runtime, check_file
from bench.runtimes.declaration import Declaration
from depthbench.errors import InputError
from depthbench.one_line import one_line


class OnnxRuntimeCpu(Runtime):
    """An ONNX file, in the precision it is in, on `threads` threads.

    ONNX Runtime would take every core by itself, so the number is set. Its threads may spin
    within an inference, as TVM's and OpenMP's do, and stop at its end. Raises InputError
    for a file that it cannot load.
    """

    name = "onnxruntime"

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        import onnxruntime

        check_file(model, "an ONNX model")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(threads > 1)))
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions share no base class but this
            raise InputError(f"ONNX Runtime cannot load {model}: {one_line(error)}") from error
        self.threads = threads
        self.inputs = [
            {"name": i.name, "shape": i.shape, "type": i.type} for i in self._session.get_inputs()
        ]
        self.outputs = [output.name for output in self._session.get_outputs()]

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the model once; raises InputError for a wrong name, shape or type."""
        try:
            values = self._session.run(self.outputs, dict(inputs))
        except Exception as error:
            raise InputError(f"ONNX Runtime refuses the inputs: {one_line(error)}") from error
        return dict(zip(self.outputs, values, strict=True))

    def describe(self) -> dict[str, Any]:
        """Threads, and precision: the file decides, and only its inputs' is told."""
        types = {str(i["type"]).removeprefix("tensor(").rstrip(")") for i in self.inputs}
        names = ", ".join(sorted(PRECISIONS.get(name, name) for name in types))
        return {"threads": self.threads, "precision": f"as in the file, inputs {names}"}


RUNTIME = Declaration(
    name=OnnxRuntimeCpu.name,
    format="onnx",
    load=OnnxRuntimeCpu,
    packages=("onnxruntime",),
    precisions=("fp32", "int8"),
)
