"""A compiled artefact on this machine, in TVM's virtual machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bench.compile_service import compile_for
from bench.models import Model
from bench.runtimes.base import Runtime
from bench.runtimes.declaration import Declaration, Preparation

if TYPE_CHECKING:
    from compile.artefact import Artefact


class TvmHost(Runtime):
    """An artefact of target `host`, on as many threads as it was compiled for."""

    name = "tvm"

    def __init__(self, artefact: Artefact) -> None:
        from compile.runtime.executable import HostModel

        self._model = HostModel(artefact)
        self._manifest = artefact.manifest

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the model once; raises InputError for inputs that are not the manifest's."""
        return self._model.run(dict(inputs))

    def describe(self) -> dict[str, Any]:
        """Threads and precision."""
        return {name: self._manifest[name] for name in ("threads", "precision")}


def load(folder: Path, *, threads: int) -> TvmHost:
    """Load an artefact folder, which was compiled for as many threads."""
    from compile.artefact import load_artefact

    return TvmHost(load_artefact(folder))


def convert(model: Model, asked: Preparation) -> Path:
    """Compile a model for this machine; the folder of the artefact."""
    return compile_for(
        str(model.path),
        "host",
        asked.out,
        precision=asked.precision,
        threads=asked.threads,
        progress=asked.progress,
    ).folder


RUNTIME = Declaration(
    name=TvmHost.name,
    format="artefact",
    load=load,
    packages=("apache-tvm",),
    precisions=("fp32", "fp16", "int8"),
    convert=convert,
)
