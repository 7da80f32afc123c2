"""A converted model on MNN."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.runtimes.base import Runtime, check_file
from bench.runtimes.conversion import Converter
from bench.runtimes.declaration import Declaration, needing
from depthbench.errors import InputError
from depthbench.one_line import one_line

PACKAGES = ("MNN",)


class MnnCpu(Runtime):
    """A file of MNN's converter, of one input and one output in fp32, on `threads` threads.

    MNN would compute in fp16 or bfloat16 where the machine can: the precision is set to high, which
    is fp32. Raises ToolMissing without the package, InputError for a file that MNN cannot load.
    """

    name = "mnn"

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        with needing("MNN", *PACKAGES):
            import MNN
        check_file(model, "a model of MNN's converter")
        self._mnn: Any = MNN
        settings = {"backend": "CPU", "numThread": threads, "precision": "high"}
        try:
            self._interpreter: Any = MNN.Interpreter(str(model))
            self._session = self._interpreter.createSession(settings)
            places = self._interpreter.getSessionInputAll(self._session)
            results = self._interpreter.getSessionOutputAll(self._session)
        except Exception as error:  # MNN raises no kind of its own
            raise InputError(f"MNN cannot load {model}: {one_line(error)}") from error
        if len(places) != 1 or len(results) != 1:
            raise InputError(f"{model}: the MNN adapter takes one input and one output")
        ((self._input, self._place),) = places.items()
        ((self._output, self._result),) = results.items()
        self.threads = threads
        self._fetched: Any = None

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the model once; raises InputError for another input's name or shape."""
        shape = self._place.getShape()
        if set(inputs) != {self._input} or inputs[self._input].shape != shape:
            raise InputError(f"MNN refuses the inputs: it takes {self._input} of shape {shape}")
        self._place.copyFrom(self._tensor(inputs[self._input]))
        self._interpreter.runSession(self._session)
        # What it yields as an array is this tensor's memory, and lives no longer.
        self._fetched = self._tensor(np.empty(self._result.getShape(), np.float32))
        self._result.copyToHostTensor(self._fetched)
        return {self._output: self._fetched.getNumpyData().reshape(self._result.getShape())}

    def _tensor(self, array: NDArray) -> Any:
        kind, order = self._mnn.Halide_Type_Float, self._mnn.Tensor_DimensionType_Caffe
        values = np.ascontiguousarray(array, np.float32)
        return self._mnn.Tensor(array.shape, kind, values, order)

    def describe(self) -> dict[str, Any]:
        """Threads and precision."""
        return {"threads": self.threads, "precision": "fp32"}

    def close(self) -> None:
        """Release the model."""
        self._session = self._interpreter = self._place = self._result = self._fetched = None


def convert(model: Path, result: Path) -> None:
    """Convert an ONNX file, weights in fp32."""
    # The compiled module, not MNN.tools.mnnconvert: that one installs packages with pip where it
    # is imported, and reports what it converts to its makers.
    import _tools

    files = ["--modelFile", str(model), "--MNNModel", str(result)]
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", *files, "--bizCode", "-"])


RUNTIME = Declaration(
    name=MnnCpu.name,
    format="mnn",
    load=MnnCpu,
    packages=PACKAGES,
    convert=Converter("MNN", convert, *PACKAGES, install="pip install 'depthbench[peers]'"),
)
