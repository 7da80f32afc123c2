"""A program on ExecuTorch, with XNNPACK."""

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

PACKAGES = ("executorch",)


class ExecuTorchCpu(Runtime):
    """A .pte file of one input and one output in fp32, on `threads` threads.

    The file has no names of its own for them: they are given. Raises ToolMissing without the
    package, InputError for a file that ExecuTorch cannot load.
    """

    name = "executorch"

    def __init__(
        self, model: Path, *, threads: int = 1, input: str = "image", output: str = "depth"
    ) -> None:
        with needing("ExecuTorch", *PACKAGES):
            from executorch.extension.pybindings import portable_lib
            from executorch.runtime import Runtime as Library
        check_file(model, "a .pte program")
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


def convert(model: Path, result: Path) -> None:
    """Lower a network of the zoo to XNNPACK; what that does not take stays with ExecuTorch."""
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    source = load_model(model)
    module = build_module(source).eval()
    exported = torch.export.export(module, (torch.zeros(*source.input_shape),))
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    result.write_bytes(lowered.to_executorch().buffer)


RUNTIME = Declaration(
    name=ExecuTorchCpu.name,
    format="pte",
    load=ExecuTorchCpu,
    packages=PACKAGES,
    convert=Converter(
        "ExecuTorch",
        convert,
        *PACKAGES,
        install="pip install 'depthbench[peers]'",
        takes_onnx=False,
    ),
)
