"""A .tflite model on LiteRT, with XNNPACK."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.models import load_model
from bench.runtimes.base import Runtime, check_file
from bench.runtimes.conversion import Converter
from bench.runtimes.declaration import Declaration, needing
from bench.runtimes.zoo_module import build_module
from depthbench.errors import InputError
from depthbench.one_line import one_line

PACKAGES = ("ai-edge-litert",)
# More than a gigabyte with JAX. It asks for typing-extensions below 4.13 by way of xdsl, TVM for a
# newer one; both run with the newest, and pip only warns.
INSTALL = "pip install litert-torch && pip install --upgrade typing-extensions"


class LiteRtCpu(Runtime):
    """A .tflite file of one input and one output in fp32, on `threads` threads.

    The file has no names of its own for them: they are given. What XNNPACK lacks runs on LiteRT's
    own kernels, as it does on phones. Raises ToolMissing without the package, InputError for a
    file that LiteRT cannot load.
    """

    name = "litert"

    def __init__(
        self, model: Path, *, threads: int = 1, input: str = "image", output: str = "depth"
    ) -> None:
        with needing("LiteRT", *PACKAGES):
            from ai_edge_litert.interpreter import Interpreter
        check_file(model, "a .tflite model")
        try:
            self._interpreter: Any = Interpreter(str(model), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise InputError(f"LiteRT cannot load {model}: {one_line(error)}") from error
        self.threads = threads
        self._input, self._output = input, output
        self._place = self._interpreter.get_input_details()[0]["index"]
        self._result = self._interpreter.get_output_details()[0]["index"]

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the model once; raises InputError for another input's name, shape or type."""
        if set(inputs) != {self._input}:
            raise InputError(f"the model takes {self._input}, not {', '.join(sorted(inputs))}")
        try:
            self._interpreter.set_tensor(self._place, inputs[self._input])
        except ValueError as error:
            raise InputError(f"LiteRT refuses the inputs: {one_line(error)}") from error
        self._interpreter.invoke()
        return {self._output: self._interpreter.get_tensor(self._result)}

    def describe(self) -> dict[str, Any]:
        """Threads and precision."""
        return {"threads": self.threads, "precision": "fp32"}

    def close(self) -> None:
        """Release the model."""
        self._interpreter = None


def convert(model: Path, result: Path) -> None:
    """Convert the PyTorch module of a network of the zoo."""
    import litert_torch
    import torch

    source = load_model(model)
    example = (torch.zeros(*source.input_shape),)
    litert_torch.convert(build_module(source).eval(), example).export(str(result))


RUNTIME = Declaration(
    name=LiteRtCpu.name,
    format="tflite",
    load=LiteRtCpu,
    packages=PACKAGES,
    convert=Converter("LiteRT", convert, "litert-torch", install=INSTALL, takes_onnx=False),
)
