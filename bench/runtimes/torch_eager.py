"""A PyTorch module, run as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bench.models import load_model
from bench.runtimes.base import PRECISIONS, Runtime
from bench.runtimes.declaration import Declaration
from bench.runtimes.zoo_module import build_module
from depthbench.errors import InputError

if TYPE_CHECKING:
    from torch import nn


class TorchEager(Runtime):
    """A module of one tensor in and one out, named `input` and `output`, on `threads` threads.

    PyTorch's number of threads belongs to the process: it is set before every run, and put back
    after it.
    """

    name = "pytorch"

    def __init__(
        self, module: nn.Module, *, threads: int = 1, input: str = "image", output: str = "depth"
    ) -> None:
        self._module = module.eval()
        self.threads = threads
        self._input, self._output = input, output

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the module once, without gradients; raises InputError for another input's name."""
        import torch

        if set(inputs) != {self._input}:
            raise InputError(f"the module takes {self._input}, not {', '.join(sorted(inputs))}")
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            with torch.inference_mode():
                output = self._module(torch.from_numpy(inputs[self._input]))
        finally:
            torch.set_num_threads(before)
        return {self._output: output.numpy()}

    def describe(self) -> dict[str, Any]:
        """Threads and precision."""
        types = {str(p.dtype).removeprefix("torch.") for p in self._module.parameters()}
        names = ", ".join(sorted(PRECISIONS.get(name, name) for name in types or {"float32"}))
        return {"threads": self.threads, "precision": names}


def load(file: Path, *, threads: int) -> TorchEager:
    """Load the PyTorch module of a network of the zoo. Raises InputError for another ONNX file."""
    return TorchEager(build_module(load_model(file)), threads=threads)


RUNTIME = Declaration(name=TorchEager.name, format="onnx", load=load, packages=("torch",))
