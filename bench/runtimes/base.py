"""The interface of everything that runs a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.measure.timing import Sample, time_once
from depthbench.closing import Closing
from depthbench.errors import InputError

PRECISIONS = {"float": "fp32", "float32": "fp32", "float16": "fp16", "double": "fp64"}
"""ONNX Runtime's and PyTorch's names of types, as the artefacts' manifests name them."""


class Runtime(Closing):
    """A loaded model: arrays by name in, arrays by name out.

    An adapter sets `name`, and overrides `run` and, where there is something to release,
    `close`. It is a context manager that closes itself.
    """

    name: str

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the model once; raises InputError for inputs that it does not take."""
        raise NotImplementedError

    def sampler(
        self, inputs: Mapping[str, NDArray], several_threads: bool = False
    ) -> Callable[[], Sample]:
        """A function that times one run of the model on `inputs`."""
        return lambda: time_once(lambda: self.run(inputs), several_threads)

    def describe(self) -> dict[str, Any]:
        """What a figure taken with it must say: threads, precision."""
        raise NotImplementedError

    def close(self) -> None:
        """Release what the model holds; may be called again."""


def check_file(file: Path, what: str) -> None:
    """Raise InputError, which asks for `what`, where there is no such file."""
    if not file.is_file():
        raise InputError(f"no such file: {file}", advice=f"give {what}")
