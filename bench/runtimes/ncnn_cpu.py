"""An ONNX model on ncnn, converted by pnnx."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.runtimes.base import Runtime, check_file
from bench.runtimes.declaration import Declaration, needing
from depthbench.errors import InputError
from depthbench.one_line import one_line
from depthbench.processes import run_program

PACKAGES = ("ncnn", "pnnx")

CONVERSION_S = 300


class NcnnCpu(Runtime):
    """An ONNX file of one input and one output in fp32, on `threads` threads.

    ncnn would store and compute in fp16 or bfloat16 where the machine can: that is switched off,
    as in pnnx. Its maps have no batch: the model's first axis must be 1. Raises ToolMissing
    without the packages, InputError for a model that pnnx cannot convert.
    """

    name = "ncnn"

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        with needing("ncnn", *PACKAGES):
            import ncnn
            import pnnx
        import onnx
        from google.protobuf.message import DecodeError

        check_file(model, "an ONNX model")
        try:
            graph = onnx.load(model, load_external_data=False).graph
        except DecodeError as error:
            raise InputError(f"ncnn cannot load {model}: {one_line(error)}") from error
        if len(graph.input) != 1 or len(graph.output) != 1:
            raise InputError(f"{model}: the ncnn adapter takes one input and one output")
        self._input, self._output = graph.input[0].name, graph.output[0].name
        self._output_shape = _shape(graph.output[0])
        self.threads = threads
        self._net = ncnn.Net()
        self._net.opt.num_threads = threads
        for option in (
            "use_fp16_packed",
            "use_fp16_storage",
            "use_fp16_arithmetic",
            "use_bf16_storage",
        ):
            setattr(self._net.opt, option, False)
        with tempfile.TemporaryDirectory() as folder:
            param, weights = convert(Path(pnnx.EXEC_PATH), model, Path(folder))
            if self._net.load_param(str(param)) or self._net.load_model(str(weights)):
                raise InputError(f"ncnn cannot load what pnnx made of {model}")
        self._mat = ncnn.Mat

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the model once; raises InputError for another input's name or a batch."""
        if set(inputs) != {self._input} or inputs[self._input].shape[0] != 1:
            raise InputError(f"ncnn refuses the inputs: it takes {self._input}, without a batch")
        extractor = self._net.create_extractor()
        extractor.input("in0", self._mat(np.ascontiguousarray(inputs[self._input][0])))
        failed, output = extractor.extract("out0")
        if failed:
            raise InputError(f"ncnn failed to compute {self._output} (code {failed})")
        return {self._output: np.array(output).reshape(self._output_shape)}

    def describe(self) -> dict[str, Any]:
        """Threads and precision."""
        return {"threads": self.threads, "precision": "fp32"}

    def close(self) -> None:
        """Release the network."""
        self._net.clear()


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(dimension.dim_value for dimension in value.type.tensor_type.shape.dim)


def convert(tool: Path, model: Path, folder: Path) -> tuple[Path, Path]:
    """The two files that ncnn loads, made of an ONNX file by the program pnnx, in `folder`.

    The weights stay in fp32. Raises InputError for a model that pnnx cannot convert.
    """
    # pnnx writes all its files beside its input.
    inside = folder / "model.onnx"
    inside.write_bytes(model.read_bytes())
    command = [str(tool), inside.name, "fp16=0"]
    problem = f"pnnx cannot convert {model}"
    done = run_program(command, problem, failure=InputError, timeout_s=CONVERSION_S, folder=folder)
    param, weights = folder / "model.ncnn.param", folder / "model.ncnn.bin"
    if not param.is_file():
        raise InputError(f"{problem}: {done.reason}")
    return param, weights


RUNTIME = Declaration(name=NcnnCpu.name, format="onnx", load=NcnnCpu, packages=PACKAGES)
