"""A program on ExecuTorch, with XNNPACK."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.runtimes.base import Runtime, one_line
from depthbench.errors import InputError, ToolMissing


class ExecuTorchCpu(Runtime):
    """A .pte file of one input and one output in fp32, on `threads` threads.

    The file has no names of its own for them: they are given. Raises ToolMissing without the
    package, InputError for a file that ExecuTorch cannot load.
    """

    name = "executorch"

    def __init__(
        self, model: Path, *, threads: int = 1, input: str = "image", output: str = "depth"
    ) -> None:
        try:
            from executorch.extension.pybindings import portable_lib
            from executorch.runtime import Runtime as Library
        except ImportError as error:
            raise ToolMissing(
                "ExecuTorch is not installed: pip install 'depthbench[peers]'"
            ) from error
        if not model.is_file():
            raise InputError(f"no such file: {model}: give a .pte program")
        portable_lib._unsafe_reset_threadpool(threads)
        try:
            # The method holds on to its program only by this.
            self._program: Any = Library.get().load_program(model)
            self._method: Any = self._program.load_method("forward")
        except RuntimeError as error:
            raise InputError(f"ExecuTorch cannot load {model}: {one_line(error)}") from error
        self.threads = threads
        self._input, self._output = input, output

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the model once; raises InputError for another input's name, shape or type."""
        import torch

        if set(inputs) != {self._input}:
            raise InputError(f"the program takes {self._input}, not {', '.join(sorted(inputs))}")
        try:
            (output,) = self._method.execute([torch.from_numpy(inputs[self._input])])
        except RuntimeError as error:
            raise InputError(f"ExecuTorch refuses the inputs: {one_line(error)}") from error
        return {self._output: output.numpy()}

    def describe(self) -> dict[str, Any]:
        """Threads and precision."""
        return {"threads": self.threads, "precision": "fp32"}

    def close(self) -> None:
        """Release the program."""
        self._method = self._program = None
