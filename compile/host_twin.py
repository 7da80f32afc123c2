"""Check code for another machine by a twin: a build of the same schedules for this one."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compile import targets
from compile.check import Run, check_against_onnxruntime
from compile.compiled import Compiled
from compile.lowering import build
from compile.precision import FP16, FP32, Precision
from compile.relative_speed import relative_speed
from compile.runtime import executable
from compile.runtime.threads import usable_cores
from compile.targets import Target
from depthbench.closing import Closing

if TYPE_CHECKING:
    import tvm

    from compile.onnx.checked_model import Model


class HostTwin(Closing):
    """Builds the twin on a second thread while the code itself is generated.

    A target that runs here needs none: its library itself is run.
    """

    def __init__(self, machine: Target) -> None:
        self._machine = machine
        self._threads = min(machine.threads, usable_cores())
        self._second_core = ThreadPoolExecutor(1, "twin")
        self._checked: executable.Machine | None = None
        self._built: Future[executable.Machine] | None = None

    def close(self) -> None:
        """Wait for the build under way."""
        self._second_core.shutdown()

    def build(self, scheduled: tvm.IRModule) -> None:
        """Begin to build the twin; the last one that was begun counts."""
        if not self._machine.runs_here:
            self._built = self._second_core.submit(self._build, scheduled)

    def _build(self, scheduled: tvm.IRModule) -> executable.Machine:
        return executable.Machine(build.lower(scheduled, targets.get("host")), self._threads)

    def check(
        self, source: Model, compiled: Compiled, library: Path, numbers: Precision
    ) -> dict[str, Any]:
        """What `check_in_precision` finds."""
        if self._built is not None:
            machine, where = self._built.result(), "host build of the same schedules"
        else:
            machine = executable.load_machine(library, self._threads)
            where = "the library itself"
            self._checked = machine
        run = executable.by_name(machine, source.inputs, [port.name for port in compiled.outputs])
        return check_in_precision(source, run, where, numbers)

    def speed(self, source: Model) -> dict[str, Any] | None:
        """What `relative_speed` measures of the library that was checked.

        None where the artefact is for another machine, or for several threads: ONNX Runtime is
        timed on one.
        """
        if self._checked is None or self._machine.threads > 1:
            return None
        return relative_speed(source, self._checked)


def check_in_precision(source: Model, run: Run, where: str, numbers: Precision) -> dict[str, Any]:
    """Compare with ONNX Runtime; raises what `check_against_onnxruntime` does.

    Reduced precisions are for the range that a model was made for: signed inputs leave it. What
    a quantised model may differ by is found out, whatever its precision allows elsewhere.
    """
    return check_against_onnxruntime(
        source,
        run,
        where=where,
        tolerance=min(numbers.tolerance, FP16.tolerance),
        signed=numbers.storage == FP32.storage,
    )
