"""A compiled artefact on a device, over TVM RPC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bench.runtimes.base import Runtime

if TYPE_CHECKING:
    from android_rpc.session import Session
    from compile.artefact import Artefact


class TvmRpc(Runtime):
    """An artefact sent to the device of an open session; it lives as long as the session."""

    name = "tvm-rpc"

    def __init__(self, artefact: Artefact, session: Session) -> None:
        self._manifest = artefact.manifest
        self._outputs = [output["name"] for output in self._manifest["outputs"]]
        self._model = session.load(artefact.library)

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Send the inputs, run the model once on the device, fetch the outputs."""
        return dict(zip(self._outputs, self._model.run(inputs), strict=True))

    def warm_up(self, count: int) -> None:
        """Run the model `count` times on the inputs last run; one of them `times` does itself."""
        if count > 1:
            self.times(count - 1)

    def times(self, count: int) -> list[float]:
        """Seconds of one inference of the inputs last run, `count` times, by the device's clock.

        The device's timer always begins with one inference that it does not count.
        """
        return self._model.samples(count)

    def call_times(self, count: int) -> list[list[tuple[str, float]]]:
        """Seconds of each call of one inference, `count` times; slower runs follow."""
        return self._model.call_times(count)

    def describe(self) -> dict[str, Any]:
        """Threads and precision."""
        return {key: self._manifest[key] for key in ("threads", "precision")}
