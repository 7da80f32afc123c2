"""What a runtime's file declares, as `RUNTIME`, for the registry to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.models import Model
from bench.runtimes.base import Runtime
from depthbench.errors import ToolMissing
from depthbench.progress import Progress


@dataclass(frozen=True)
class Preparation:
    """What a model is prepared for.

    `out` is the folder for artefacts; `precision` is by default the model's, and only runtimes
    that compile know others.
    """

    out: Path
    threads: int = 1
    precision: str | None = None
    progress: Progress = lambda line: None


class Load(Protocol):
    """Loads a file of the declared format into this process."""

    def __call__(self, file: Path, /, *, threads: int) -> Runtime: ...


@dataclass(frozen=True)
class Declaration:
    """A runtime: what it needs, what it loads, and how a model comes to be in that form.

    `packages` are those of PyPI without which it cannot run. `format` is that of the files that
    it loads: `onnx`, or the ending of its own. `precisions` are those that a model can be in:
    `int8` where it multiplies the bytes of a quantised model (QDQ) instead of what they stand
    for. `convert` makes the file to load of an ONNX model, and is None where that is the ONNX
    file itself; it raises InputError for a model that it cannot convert, ToolMissing without
    what converts it. `load` raises InputError for a file that the runtime does not take,
    ToolMissing where it is not installed.
    """

    name: str
    format: str
    load: Load
    packages: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ("fp32",)
    convert: Callable[[Model, Preparation], Path] | None = None


@contextmanager
def needing(runtime: str, *packages: str) -> Iterator[None]:
    """Raise ToolMissing, with how to install `packages`, for an ImportError within the block."""
    try:
        yield
    except ImportError as error:
        raise ToolMissing(
            f"{runtime} is not installed", advice=f"pip install {' '.join(packages)}"
        ) from error
