"""Cost of one inference of an artefact on an emulated A76, by kernel."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.cost.counting import line_counts, programs
from bench.cost.counting.library import read_library
from bench.cost.counting.straight_line import Words
from bench.cost.counting.symbols import Kernels, locate, parse_maps
from bench.cost.estimating import arm64_words, cycles
from bench.cost.memory.core import Core
from bench.cost.memory.traffic import Moved, Traffic, simulate
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.artefact import Artefact

# Blocks beyond this share of all instructions are not simulated one by one: they cost the mean.
SIMULATED = 0.9995
FUSED_A_CYCLE = 2  # the A76 has two pipes of 128 bits that multiply and add
CYCLES_NOTE = (
    "est_cycles are LLVM's, without caches, and no latency; over the 31 networks that the paper "
    "times, they are 0.37 to 1.75 of the printed milliseconds at 2.6 GHz"
)


@dataclass
class Share:
    """What a kernel or library did in one inference.

    `fma_cycles` are the cycles that its multiplications take if nothing else takes any; `macs`
    are those that it did, with what it computed for padding; `moved` are the lines that it moved
    between the caches and memory, None where those were not simulated.
    """

    name: str
    calls: float = 0.0
    instructions: float = 0.0
    est_cycles: float = 0.0
    fma_cycles: float = 0.0
    macs: float = 0.0
    moved: Moved | None = None

    def to_dict(self) -> dict[str, Any]:
        """The share as JSON, with the bytes that it read from memory and wrote to it."""
        figures = {name: value for name, value in vars(self).items() if name != "moved"}
        return {**figures, "memory_bytes": self.moved and self.moved.memory_bytes}


@dataclass(frozen=True)
class Cost:
    """One inference: instructions, estimated cycles, and their shares, the largest first.

    `counted` are the instructions of each inference counted, `simulated` the share of them in
    blocks that were simulated. `traffic` is what moved between the caches of a core and memory,
    None where that was not asked for or cannot be had.
    """

    instructions: float
    est_cycles: float
    counted: tuple[int, ...]
    simulated: float
    shares: tuple[Share, ...]
    traffic: Traffic | None = None

    def to_dict(self) -> dict[str, Any]:
        """The cost as JSON, with where it was taken and what it is not."""
        from android_rpc.devices.emulated import emulator_version, find_emulator
        from bench.cost.estimating.llvm import CPU_MODEL, version

        return {
            "label": "emulated cost",
            "instructions": round(self.instructions),
            "est_cycles": round(self.est_cycles),
            "macs": round(sum(share.macs for share in self.shares)),
            "fma_cycles": round(sum(share.fma_cycles for share in self.shares)),
            "counted_instructions": list(self.counted),
            "simulated_share": round(self.simulated, 6),
            "kernels": [share.to_dict() for share in self.shares],
            "emulator": emulator_version(find_emulator()),
            "cycle_model": f"{version()} {CPU_MODEL}",
            "note": CYCLES_NOTE,
        }


@dataclass(frozen=True)
class Counted:
    """The blocks of one inference, whose they are by address, where functions begin, outputs.

    With `traffic`, what it moved, and of it what each owner `moved`.
    """

    counts: line_counts.Counts
    owner: Callable[[int], str]
    entries: frozenset[int]
    outputs: dict[str, NDArray]
    traffic: Traffic | None = None
    moved: Mapping[str, Moved] = field(default_factory=dict)

    def cost(self) -> Cost:
        """Its cycles too; raises ToolMissing when LLVM is not installed."""
        return cost_of(self.counts, self.owner, self.entries, self.traffic, self.moved)

    def by_owner(self) -> dict[str, float]:
        """Instructions of each kernel and library, the most first."""
        found: defaultdict[str, float] = defaultdict(float)
        for (address, words), hits in self.counts.blocks.items():
            found[self.owner(address)] += len(words) * hits
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def measure(
    artefact: Artefact,
    inputs: Mapping[str, NDArray],
    progress: Progress = lambda line: None,
    core: Core | None = None,
) -> tuple[Cost, dict[str, NDArray]]:
    """The cost of one inference of an arm64 artefact on one thread, and its outputs by name.

    With `core`, its caches are simulated too. Raises what `count_artefact` does.
    """
    found = count_artefact(artefact, inputs, progress, core)
    progress("estimating cycles")
    return found.cost(), found.outputs


def count_artefact(
    artefact: Artefact,
    inputs: Mapping[str, NDArray],
    progress: Progress = lambda line: None,
    core: Core | None = None,
    *,
    threads: int = 1,
    thread: int | None = None,
) -> Counted:
    """The instructions of one inference of an arm64 artefact, on `threads` of them.

    With `core`, also what its caches and memory move; with `thread`, from 0 on, only what that one
    of them runs, without caches. Raises InputError for an artefact of another machine, ToolMissing
    when QEMU or LLVM is not installed, CheckFailed when the model does not run.
    """
    with tempfile.TemporaryDirectory(prefix="depthbench-cost-") as scratch:
        folder, environment = Path(scratch), runner_environment(threads)
        command = runner_command(artefact, inputs, line_counts.RUNS, folder, progress)
        if thread is None:
            counts, traffic = count(command, environment, core, progress=progress)
        else:
            counts, traffic = line_counts.count(command, environment, thread=thread), None
        owner, entries = _owners(artefact, folder)
        outputs = _read_outputs(artefact, folder)
    moved = traffic.by_owner(owner) if traffic else {}
    return Counted(counts, owner, entries, outputs, traffic, moved)


def count(
    command: Sequence[str],
    environment: Mapping[str, str],
    core: Core | None,
    addresses: tuple[int, int] | None = None,
    progress: Progress = lambda line: None,
) -> tuple[line_counts.Counts, Traffic | None]:
    """What `line_counts.count` gives and, with a core, what the inference moves in its caches.

    That is None where QEMU loads no plugins.
    """
    if core is not None:
        progress("counting instructions, simulating caches")
        if found := simulate(command, environment, core, addresses=addresses):
            return found
    progress("counting instructions")
    return line_counts.count(command, environment, addresses=addresses), None


def _owners(artefact: Artefact, folder: Path) -> tuple[Callable[[int], str], frozenset[int]]:
    """Whose an address was in the run that wrote `folder`/maps, and where functions began."""
    file = str(artefact.library.resolve())
    library = read_library(artefact.library)
    kernels = Kernels(library)
    maps = parse_maps((folder / "maps").read_text().splitlines())
    code = next(m for m in maps if m.executable and os.path.realpath(m.file) == file)
    base = library.base(code.start, code.offset)

    def owner(address: int) -> str:
        if code.start <= address < code.end:
            return kernels.at(address - base) or artefact.library.name
        return locate(address, maps)

    return owner, frozenset(base + f.address for f in library.functions)


def runner_command(
    artefact: Artefact,
    inputs: Mapping[str, NDArray],
    runs: int,
    folder: Path,
    progress: Progress = lambda line: None,
) -> list[str]:
    """The arm64 command that runs an artefact so often; inputs and outputs lie in `folder`.

    Raises InputError for an artefact of another machine, or inputs of another shape.
    """
    from android_rpc.bundle.bundle import LOADER, build_bundle

    if artefact.manifest["target"]["name"] == "host":
        raise InputError(f"{artefact.folder}: compiled for the host, not for arm64")
    bundle = build_bundle(progress=progress)
    loader, libraries, runner = (folder / name for name in ("loader", "lib", "runner"))
    # By links, since the length of a path moves an emulated program's data to other lines of
    # its caches, and the folder of the cache has another on every machine.
    loader.symlink_to(bundle.folder / LOADER)
    libraries.symlink_to(bundle.folder / "lib")
    runner.symlink_to(programs.artefact_runner(bundle.folder / "lib"))
    command = [str(loader), "--library-path", str(libraries), str(runner)]
    command += [str(artefact.library.absolute()), str(runs), str(folder)]
    return command + _write_inputs(artefact, inputs, folder)


def runner_environment(threads: int = 1) -> dict[str, str]:
    """So many threads, and nothing of the user's environment: it lies on the program's stack."""
    return {"PATH": os.defpath, "TVM_NUM_THREADS": str(threads)}


def cost_of(
    counts: line_counts.Counts,
    owner: Callable[[int], str],
    entries: set[int] | frozenset[int] = frozenset(),
    traffic: Traffic | None = None,
    moved: Mapping[str, Moved] | None = None,
) -> Cost:
    """Instructions and estimated cycles of counted blocks, summed by who owns their addresses.

    A block at one of `entries` is a call of its owner. `traffic` is all that moved, `moved` what
    each owner did.
    """
    busy, simulated = busiest(counts)
    costs = cycles.estimate(busy)
    texts = arm64_words.disassemble(word for words in busy for word in words)
    mac_of = {word: arm64_words.macs(text) for word, text in texts.items()}
    length = sum(len(words) * hits for (_, words), hits in counts.blocks.items() if words in costs)
    spent = sum(costs[words] * hits for (_, words), hits in counts.blocks.items() if words in costs)
    mean = spent / length if length else 0.0
    shares: dict[str, Share] = {}
    for (address, words), hits in counts.blocks.items():
        name = owner(address)
        share = shares.setdefault(name, Share(name))
        share.instructions += len(words) * hits
        share.est_cycles += costs.get(words, mean * len(words)) * hits
        macs = [mac_of.get(word, 0) for word in words]
        share.macs += sum(macs) * hits
        share.fma_cycles += sum(map(bool, macs)) * hits / FUSED_A_CYCLE
        if address in entries:
            share.calls += hits
    if moved:
        for name, share in shares.items():
            share.moved = moved.get(name, Moved())
    ordered = sorted(shares.values(), key=lambda share: -share.est_cycles)
    total = sum(share.est_cycles for share in ordered)
    return Cost(counts.total, total, counts.instructions, simulated, tuple(ordered), traffic)


def busiest(counts: line_counts.Counts, share: float = SIMULATED) -> tuple[list[Words], float]:
    """The blocks, the busiest first, that hold `share` of all instructions, and what they hold."""
    work: dict[Words, float] = {}
    for (_, words), hits in counts.blocks.items():
        work[words] = work.get(words, 0.0) + len(words) * hits
    total, held, chosen = sum(work.values()), 0.0, []
    for words in sorted(work, key=lambda words: (-work[words], words)):
        if held >= share * total:
            break
        chosen.append(words)
        held += work[words]
    return chosen, held / total if total else 0.0


def _write_inputs(artefact: Artefact, inputs: Mapping[str, NDArray], folder: Path) -> list[str]:
    """Puts each input's bytes into `folder`; returns how the runner is told of them."""
    specs = []
    for i, port in enumerate(artefact.manifest["inputs"]):
        array = np.ascontiguousarray(inputs[port["name"]], dtype=port["dtype"])
        if list(array.shape) != list(port["shape"]):
            raise InputError(f"input {port['name']} is {array.shape}, not {tuple(port['shape'])}")
        # NumPy's own writing does not say why it failed
        (folder / f"input{i}").write_bytes(array.tobytes())
        specs.append(f"{port['dtype']}:{','.join(map(str, array.shape))}")
    return specs


def _read_outputs(artefact: Artefact, folder: Path) -> dict[str, NDArray]:
    return {
        port["name"]: np.fromfile(folder / f"output{i}", port["dtype"]).reshape(port["shape"])
        for i, port in enumerate(artefact.manifest["outputs"])
    }
