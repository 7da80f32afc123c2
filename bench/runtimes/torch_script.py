"""A PyTorch module as TorchScript, which PyTorch Mobile and so the paper's phone ran."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.models import load_model
from bench.runtimes.declaration import Declaration
from bench.runtimes.torch_eager import TorchEager
from bench.runtimes.zoo_module import build_module

if TYPE_CHECKING:
    from torch import nn


class TorchScript(TorchEager):
    """A module traced on zeros of `shape`, frozen and optimised for inference."""

    name = "torchscript"

    def __init__(self, module: nn.Module, shape: Sequence[int], *, threads: int = 1) -> None:
        import torch

        example = torch.zeros(*shape)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # TorchScript is deprecated
            traced = torch.jit.trace(module.eval(), example)
            frozen = torch.jit.optimize_for_inference(traced)
        super().__init__(frozen, threads=threads)


def load(file: Path, *, threads: int) -> TorchScript:
    """Trace the PyTorch module of a network of the zoo. Raises InputError for another ONNX file."""
    model = load_model(file)
    return TorchScript(build_module(model), model.input_shape, threads=threads)


RUNTIME = Declaration(name=TorchScript.name, format="onnx", load=load, packages=("torch",))
