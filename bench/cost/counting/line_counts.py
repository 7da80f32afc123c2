"""Execution counts of a program's straight lines of instructions, under emulation.

The emulated program marks where its inferences begin and end (native/mark.h), so that what comes
before the first and after the last is left out, and so is the first, which touches everything
for the first time.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cost.counting import instrumented_run
from bench.cost.counting.straight_line import Words, joined
from depthbench import cancellation
from depthbench.errors import CheckFailed

WARM_UP = 1
COUNTED = 2
RUNS = WARM_UP + COUNTED
LIMIT_S = 3600.0


@dataclass(frozen=True)
class Block:
    """Instructions that the emulator translated together, and how often they ran in each section.

    Section 0 ends with the program's first mark, section i with its mark i + 1.
    """

    address: int
    words: Words
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Counts:
    """How often each straight line ran in one inference: the mean of those after the warm-up.

    `instructions` are those of each counted inference.
    """

    blocks: dict[tuple[int, Words], float]
    instructions: tuple[int, ...]

    @property
    def total(self) -> float:
        """Instructions of one inference."""
        return sum(len(words) * hits for (_, words), hits in self.blocks.items())


def count(
    command: Sequence[str],
    environment: Mapping[str, str],
    limit_s: float = LIMIT_S,
    addresses: tuple[int, int] | None = None,
    thread: int | None = None,
) -> Counts:
    """The straight lines of one inference of an arm64 program, whose command runs it RUNS times.

    With `addresses`, the first and the last, only code that lies there is counted, and so must
    the marks; with `thread`, only what the thread of this number ran, in the order in which they
    were started. Raises CheckFailed when the program ends in an error, takes longer than `limit_s`
    seconds, or does not mark its inferences; ToolMissing when there is no emulator, or none that
    tells threads apart.
    """
    cancellation.check()
    with tempfile.TemporaryDirectory(prefix="depthbench-cost-") as scratch:
        file = Path(scratch) / "counts"
        instrumented_run.run(command, environment, file, limit_s, addresses, thread)
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
    hits: Counter[tuple[int, Words]] = Counter()
    instructions = [0] * (runs - warm_up)
    for block in blocks:
        counts = block.counts[counted]
        if not any(counts):
            continue
        hits[block.address, block.words] += sum(counts)
        for i, number in enumerate(counts):
            instructions[i] += number * len(block.words)
    mean = {key: number / (runs - warm_up) for key, number in joined(hits).items()}
    return Counts(mean, tuple(instructions))
