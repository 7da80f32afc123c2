"""Cache misses of an inference on an emulated A76, as cachegrind models them.

Valgrind's cachegrind for arm64, itself emulated, simulates a first level and a last one, of the
sizes below, without prefetching: what it counts are lines that are not there when they are asked
for, not the time that is lost. Counts are exact for that model; how near the model is to a phone
has not been measured.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bench.cost.inference_cost import runner_command, runner_environment
from bench.peers.arm64_debian import unpacked
from depthbench import cancellation
from depthbench.errors import CheckFailed
from depthbench.processes import run_program
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.artefact import Artefact

PACKAGES = ("valgrind", "libc6-dbg")
TOOL = "usr/libexec/valgrind/cachegrind-arm64-linux"
# Bytes, ways and bytes of a line: the A76's first level; of the last, a common phone's.
CACHES = {"I1": (64 << 10, 4, 64), "D1": (64 << 10, 4, 64), "LL": (2 << 20, 16, 64)}
EVENTS = ("Ir", "I1mr", "ILmr", "Dr", "D1mr", "DLmr", "Dw", "D1mw", "DLmw")
RUNS = (2, 3)
LIMIT_S = 3600.0
NOTE = "counted in cachegrind's model of two levels, without prefetching; not a time"


@dataclass(frozen=True)
class Misses:
    """One inference: instructions, reads and writes of data, and misses of each level."""

    instructions: int
    reads: int
    writes: int
    i1_misses: int
    d1_read_misses: int
    d1_write_misses: int
    ll_read_misses: int
    ll_write_misses: int

    def to_dict(self) -> dict[str, Any]:
        """The counts as JSON, with the caches that were simulated."""
        caches = {
            name: dict(zip(("bytes", "ways", "line_bytes"), sizes, strict=True))
            for name, sizes in CACHES.items()
        }
        return {"label": "emulated cost", **asdict(self), "caches": caches, "note": NOTE}


def count_misses(
    artefact: Artefact,
    inputs: Mapping[str, NDArray],
    progress: Progress = lambda line: None,
) -> Misses:
    """The misses of one inference of an arm64 artefact on one thread, with warm caches.

    What a third inference adds to two. Raises ToolMissing when valgrind for arm64 or QEMU cannot
    be had, CheckFailed when the model does not run, and what `runner_command` raises.
    """
    root = unpacked("valgrind", "valgrind", PACKAGES, {}, progress)
    totals = []
    for runs in RUNS:
        cancellation.check()
        with tempfile.TemporaryDirectory(prefix="depthbench-cost-") as folder:
            command = runner_command(artefact, inputs, runs, Path(folder), progress)
            progress(f"simulating caches, {runs} inferences")
            totals.append(_simulate(root, command, Path(folder) / "cachegrind"))
    fewer, more = totals
    one = {event: more[event] - fewer[event] for event in EVENTS}
    return Misses(
        instructions=one["Ir"],
        reads=one["Dr"],
        writes=one["Dw"],
        i1_misses=one["I1mr"],
        d1_read_misses=one["D1mr"],
        d1_write_misses=one["D1mw"],
        ll_read_misses=one["ILmr"] + one["DLmr"],
        ll_write_misses=one["DLmw"],
    )


def parse_summary(text: str) -> dict[str, int]:
    """The totals of a cachegrind file by event; CheckFailed for anything else."""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    events, values = lines.get("events", "").split(), lines.get("summary", "").split()
    if tuple(events) != EVENTS or len(values) != len(EVENTS):
        raise CheckFailed("cachegrind wrote no summary of its caches")
    return {event: int(value) for event, value in zip(events, values, strict=True)}


def _simulate(root: Path, command: list[str], file: Path) -> dict[str, int]:
    from android_rpc.devices.emulated import CPU_MODEL, find_emulator

    options = ["--tool=cachegrind", "--cache-sim=yes", f"--cachegrind-out-file={file}"]
    options += [f"--{name}={','.join(map(str, sizes))}" for name, sizes in CACHES.items()]
    # Valgrind's launcher would start its tool as a program of this machine.
    emulated = [find_emulator(), "-L", str(root), "-cpu", CPU_MODEL, str(root / TOOL)]
    library = {"VALGRIND_LIB": str((root / TOOL).parent), "VALGRIND_LAUNCHER": str(root / TOOL)}
    done = run_program(
        [*emulated, *options, *command],
        "cachegrind failed",
        failure=CheckFailed,
        timeout_s=LIMIT_S,
        environment={**runner_environment(), **library},
    )
    if not file.is_file():
        raise CheckFailed(f"cachegrind failed: {done.reason}")
    return parse_summary(file.read_text(errors="replace"))
