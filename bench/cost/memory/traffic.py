"""Lines that an inference moves between the levels of a core's memory, as simulated.

A plugin in QEMU (native/cache_plugin.c) gives every access of the emulated program to a model of
three levels of caches. Addresses are virtual ones, and code is not simulated.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.cost.counting import line_counts, programs
from bench.cost.counting.instrumented_run import Plugin, run_with_plugins
from bench.cost.memory.core import LINE_BYTES, Core
from depthbench import cancellation
from depthbench.emulator import INSTALL, find_plugin_emulator
from depthbench.errors import CheckFailed, ToolMissing

SOURCE = Path(__file__).parent / "native" / "cache_plugin.c"


@dataclass(frozen=True)
class Moved:
    """Of one inference: accesses, and the lines of 64 bytes that each level lacked.

    Those that are foreseen lie behind one that was missed before, or as far from the last one of
    their instruction as that from the one before. `written_back` are lines that the last level
    gave to memory.
    """

    reads: float = 0.0
    writes: float = 0.0
    l1_foreseen: float = 0.0
    l1_unforeseen: float = 0.0
    l2_foreseen: float = 0.0
    l2_unforeseen: float = 0.0
    l3_foreseen: float = 0.0
    l3_unforeseen: float = 0.0
    written_back: float = 0.0

    def __iter__(self) -> Iterator[float]:
        """The numbers in their order, which is the plugin's."""
        return iter(asdict(self).values())

    def __add__(self, other: Moved) -> Moved:
        """Both together."""
        return Moved(*(mine + its for mine, its in zip(self, other, strict=True)))

    @property
    def memory_bytes(self) -> float:
        """Bytes read from memory and written to it."""
        return LINE_BYTES * (self.l3_foreseen + self.l3_unforeseen + self.written_back)


@dataclass(frozen=True)
class Traffic:
    """What one inference moves on `core`, by the address of the block that asked for it."""

    core: Core
    blocks: Mapping[int, Moved]

    @property
    def total(self) -> Moved:
        """Of all blocks."""
        return sum(self.blocks.values(), Moved())

    def by_owner(self, owner: Callable[[int], str]) -> dict[str, Moved]:
        """Of each kernel or library, by whose an address is."""
        found: defaultdict[str, Moved] = defaultdict(Moved)
        for address, moved in self.blocks.items():
            found[owner(address)] += moved
        return dict(found)

    def to_dict(self) -> dict[str, Any]:
        """The totals as JSON, with the caches that were simulated."""
        levels = [asdict(cache) for cache in self.core.caches]
        return {**{name: round(n) for name, n in asdict(self.total).items()}, "caches": levels}


def count_traffic(
    command: Sequence[str],
    environment: Mapping[str, str],
    core: Core,
    limit_s: float = line_counts.LIMIT_S,
    addresses: tuple[int, int] | None = None,
) -> tuple[line_counts.Counts, Traffic]:
    """As `simulate` does; raises ToolMissing, too, where QEMU loads no plugins."""
    found = simulate(command, environment, core, limit_s, addresses)
    if found is None:
        raise ToolMissing("QEMU here loads no plugin, which simulates caches", advice=INSTALL)
    return found


def simulate(
    command: Sequence[str],
    environment: Mapping[str, str],
    core: Core,
    limit_s: float = line_counts.LIMIT_S,
    addresses: tuple[int, int] | None = None,
) -> tuple[line_counts.Counts, Traffic] | None:
    """What `line_counts.count` gives, and what the inference moves, of one run of the program.

    None where QEMU loads no plugins. With `addresses`, the first and the last, only what code there
    accesses is simulated. Raises what `line_counts.count` does, and ToolMissing where a plugin
    cannot be made.
    """
    cancellation.check()
    emulator = find_plugin_emulator()
    levels = {f"level{i + 1}": f"{cache.size}:{cache.ways}" for i, cache in enumerate(core.caches)}
    with tempfile.TemporaryDirectory(prefix="depthbench-cost-") as scratch:
        blocks = Plugin(programs.BLOCK_PLUGIN, Path(scratch) / "counts")
        caches = Plugin(SOURCE, Path(scratch) / "traffic", levels)
        if emulator is None or not run_with_plugins(
            emulator, [blocks, caches], command, environment, limit_s, addresses
        ):
            return None
        with blocks.file.open() as lines, caches.file.open() as moved:
            counts = line_counts.steady(line_counts.parse_blocks(lines))
            return counts, Traffic(core, parse(moved))


def parse(lines: Iterable[str]) -> dict[int, Moved]:
    """One inference out of the plugin's file, by block: the mean of those after the warm-up.

    Raises CheckFailed unless there are the sections of line_counts.RUNS inferences.
    """
    counted = slice(1 + line_counts.WARM_UP, 1 + line_counts.RUNS)
    found: defaultdict[int, Moved] = defaultdict(Moved)
    marked = 0
    for line in lines:
        address, *sections = line.split()
        marked = max(marked, len(sections) - 2)
        for section in sections[counted]:
            events = (int(event) / line_counts.COUNTED for event in section.split(","))
            found[int(address, 16)] += Moved(*events)
    if marked != line_counts.RUNS:
        raise CheckFailed(f"the emulated program marked {marked} of {line_counts.RUNS} inferences")
    return {address: moved for address, moved in found.items() if any(moved)}
