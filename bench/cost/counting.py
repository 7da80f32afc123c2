"""Execution counts of a program's blocks of instructions, under emulation.

QEMU's user-mode emulation writes a line to its log whenever it enters a block of instructions,
and a small program of ours counts them. The emulated program marks where its inferences begin
and end (native/mark.h), so that what comes before the first and after the last is left out, and
so is the first, which touches everything for the first time. Debian's QEMU for user mode is
linked statically and so cannot load plugins, which would be faster.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cost import programs
from depthbench import cancellation
from depthbench.errors import CheckFailed
from depthbench.processes import ChildProcess, child_process

WARM_UP = 1
COUNTED = 2
RUNS = WARM_UP + COUNTED
LOG_ITEMS = "in_asm,exec,nochain"
LIMIT_S = 3600.0


@dataclass(frozen=True)
class Block:
    """Instructions that run one after the other, and how often they ran in each section.

    Section 0 ends with the program's first mark, section i with its mark i + 1.
    """

    address: int
    words: tuple[int, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Counts:
    """How often each block ran in one inference: the mean of those after the warm-up.

    `instructions` are those of each counted inference.
    """

    blocks: dict[tuple[int, tuple[int, ...]], float]
    instructions: tuple[int, ...]

    @property
    def total(self) -> float:
        """Instructions of one inference."""
        return sum(len(words) * hits for (_, words), hits in self.blocks.items())


def count(
    command: Sequence[str],
    environment: Mapping[str, str],
    limit_s: float = LIMIT_S,
    addresses: str | None = None,
) -> Counts:
    """The blocks of one inference of an arm64 program, whose command runs it RUNS times.

    With `addresses`, START..END in hexadecimal, only code that lies there is counted. Raises
    CheckFailed when the program ends in an error, takes longer than `limit_s` seconds, or does
    not mark its inferences; ToolMissing when there is no emulator.
    """
    cancellation.check()
    only = ["-dfilter", addresses] if addresses else []
    with tempfile.TemporaryDirectory(prefix="depthbench-cost-") as scratch:
        file = Path(scratch) / "counts"
        _run([*only, *command], environment, file, limit_s)
        with file.open() as lines:
            return steady(parse_blocks(lines))


def parse_blocks(lines: Iterable[str]) -> list[Block]:
    """The blocks in the counter's file."""
    blocks = []
    for line in lines:
        address, counts, *words = line.split()
        numbers = tuple(int(number) for number in counts.split(","))
        blocks.append(Block(int(address, 16), tuple(int(word, 16) for word in words), numbers))
    return blocks


def steady(blocks: Iterable[Block], runs: int = RUNS, warm_up: int = WARM_UP) -> Counts:
    """One inference out of a program that ran `runs`, of which the first `warm_up` are left out.

    Raises CheckFailed unless there are `runs` + 2 sections: start, inferences, end.
    """
    blocks = list(blocks)
    sections = max((len(block.counts) for block in blocks), default=0)
    if sections != runs + 2:
        raise CheckFailed(
            f"the emulated program marked {max(0, sections - 2)} of {runs} inferences"
        )
    counted = slice(1 + warm_up, 1 + runs)
    hits: Counter[tuple[int, tuple[int, ...]]] = Counter()
    instructions = [0] * (runs - warm_up)
    for block in blocks:
        counts = block.counts[counted]
        if not any(counts):
            continue
        hits[block.address, block.words] += sum(counts)
        for i, number in enumerate(counts):
            instructions[i] += number * len(block.words)
    mean = {key: number / (runs - warm_up) for key, number in hits.items()}
    return Counts(mean, tuple(instructions))


def _run(
    command: Sequence[str], environment: Mapping[str, str], file: Path, limit_s: float
) -> None:
    """Runs the emulated program to its end, with its log counted into `file`."""
    from android_rpc.devices.emulated import CPU_MODEL, find_emulator

    deadline = time.monotonic() + limit_s
    counter, emulator = programs.counter(), find_emulator()
    reading, writing = os.pipe()
    try:
        log = ["-cpu", CPU_MODEL, "-d", LOG_ITEMS, "-D", f"/proc/self/fd/{writing}"]
        count = [str(counter), str(reading), str(file)]
        with child_process(count, pass_fds=[reading], leave_s=0) as counting:
            os.close(reading)
            reading = -1
            emulate = [emulator, *log, *command]
            with child_process(emulate, environment, [writing], leave_s=0) as emulated:
                os.close(writing)
                writing = -1
                _wait(emulated, deadline, "the emulated program")
            _wait(counting, deadline, "the counter")
    finally:
        for descriptor in (reading, writing):
            if descriptor >= 0:
                os.close(descriptor)


def _wait(process: ChildProcess, deadline: float, what: str) -> None:
    if not process.wait(deadline - time.monotonic()):
        raise CheckFailed(f"{what} did not end within its time limit")
    if process.exit_code:
        raise CheckFailed(f"{what} ended, {process.why_ended()}")
