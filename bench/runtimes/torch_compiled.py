"""A PyTorch module compiled by `torch.compile`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.models import load_model
from bench.runtimes.declaration import Declaration
from bench.runtimes.torch_eager import TorchEager
from bench.runtimes.zoo_module import build_module
from depthbench.errors import InputError, ToolMissing
from depthbench.one_line import one_line

if TYPE_CHECKING:
    from torch import nn


class TorchCompiled(TorchEager):
    """A module compiled for inputs of `shape`, its weights constants, as fits inference.

    The compiler settles on the number of threads. Raises ToolMissing where there is no C++
    compiler, which it needs when it runs, and InputError for what it cannot compile.
    """

    name = "torch-compile"

    def __init__(self, module: nn.Module, shape: Sequence[int], *, threads: int = 1) -> None:
        if not shutil.which(os.environ.get("CXX", "g++")):
            raise ToolMissing("torch.compile needs a C++ compiler", advice="apt-get install g++")
        import numpy as np
        import torch
        from torch._inductor import config

        config.freezing = True
        config.compile_threads = 1
        config.cpp.threads = threads
        super().__init__(torch.compile(module.eval()), threads=threads)  # type: ignore[arg-type]
        try:
            self.run({"image": np.zeros(shape, np.float32)})
        except RuntimeError as error:
            raise InputError(f"torch.compile: {one_line(error)}") from error


def load(file: Path, *, threads: int) -> TorchCompiled:
    """Compile the PyTorch module of a network of the zoo.

    Raises InputError for another ONNX file.
    """
    model = load_model(file)
    return TorchCompiled(build_module(model), model.input_shape, threads=threads)


RUNTIME = Declaration(name=TorchCompiled.name, format="onnx", load=load, packages=("torch",))
