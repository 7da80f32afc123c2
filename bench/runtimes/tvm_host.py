"""A compiled artefact on this machine, in TVM's virtual machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bench.runtimes.base import Runtime

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
