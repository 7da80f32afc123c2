"""Cycles that a block of instructions would take: an estimate by llvm-mca.

llvm-mca simulates a block that runs over and over, with all its data in the first-level cache,
every branch foretold and every call free. The cycles of a program are those of its blocks times
how often they ran.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.cost.counting.straight_line import Words
from bench.cost.estimating.arm64_words import disassemble
from bench.cost.estimating.llvm import CPU_MODEL, FEATURES, TRIPLE, find_tool, version
from depthbench.errors import CheckFailed
from depthbench.files import cache_folder, write_whole
from depthbench.one_line import first_error
from depthbench.plural import counted
from depthbench.processes import run_program

ITERATIONS = 100
# What llvm-mca cannot know is left out; a call costs as much as a branch.
OPTIONS = (
    *(f"-mtriple={TRIPLE}", f"-mcpu={CPU_MODEL}", f"-mattr={FEATURES}"),
    *(f"-iterations={ITERATIONS}", "-call-latency=1", "-skip-unsupported-instructions=any"),
    *("-json", "-instruction-info=0", "-resource-pressure=0"),
)


def estimate(blocks: Iterable[Words], cache: Path | None = None) -> dict[Words, float]:
    """Cycles of one run of each block; those of blocks seen before come from the cache.

    Raises ToolMissing when LLVM is not installed, CheckFailed when llvm-mca fails.
    """
    model = hashlib.sha256(repr((version(), OPTIONS)).encode()).hexdigest()[:16]
    file = (cache or cache_folder()) / "cost" / f"cycles-{model}.json"
    wanted = {block: _key(block) for block in blocks}
    known = _read(file)
    unknown = [block for block, key in wanted.items() if key not in known]
    if unknown:
        known |= {wanted[block]: cost for block, cost in simulate(unknown).items()}
        _write(file, known)
    return {block: known[key] for block, key in wanted.items()}


def simulate(blocks: Iterable[Words]) -> dict[Words, float]:
    """Cycles of one run of each block, by llvm-mca."""
    blocks = list(blocks)
    texts = disassemble(word for block in blocks for word in block)
    regions = []
    for i, block in enumerate(blocks):
        lines = [texts[word] for word in block if word in texts] or ["nop"]
        regions += [f"# LLVM-MCA-BEGIN {i}", *lines, f"# LLVM-MCA-END {i}"]
    done = run_program(
        [find_tool("llvm-mca"), *OPTIONS],
        "llvm-mca failed",
        failure=CheckFailed,
        reason=lambda done: first_error(done.errors),
        text="\n".join(regions) + "\n",
    )
    costs = parse_regions(done.output)
    if set(costs) != {str(i) for i in range(len(blocks))}:
        raise CheckFailed(f"llvm-mca estimated {len(costs)} of {counted(len(blocks), 'block')}")
    return {block: costs[str(i)] for i, block in enumerate(blocks)}


def parse_regions(text: str) -> dict[str, float]:
    """Cycles of one iteration of each named region in llvm-mca's JSON."""
    return {
        region["Name"]: region["SummaryView"]["TotalCycles"] / region["SummaryView"]["Iterations"]
        for region in json.loads(text)["CodeRegions"]
    }


def _key(block: Words) -> str:
    return hashlib.sha256(b"".join(word.to_bytes(4, "little") for word in block)).hexdigest()[:24]


def _read(file: Path) -> dict[str, float]:
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return {}  # it can be made again


def _write(file: Path, costs: Mapping[str, float]) -> None:
    write_whole(file, json.dumps(costs, sort_keys=True).encode())
