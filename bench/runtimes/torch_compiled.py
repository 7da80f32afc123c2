"""A PyTorch module compiled by `torch.compile`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.runtimes.base import one_line
from bench.runtimes.torch_eager import TorchEager
from depthbench.errors import InputError, ToolMissing

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
            raise ToolMissing("torch.compile needs a C++ compiler: apt-get install g++")
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
