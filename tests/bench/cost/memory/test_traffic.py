"""The cache simulator against a model in Python, and against what must hold of any cache."""

from __future__ import annotations

import subprocess
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.cost.counting import line_counts, programs
from bench.cost.memory import traffic
from bench.cost.memory.core import CORES, LINE_BYTES, RASPBERRY_PI_5, Cache
from bench.cost.memory.traffic import Moved, parse
from depthbench.errors import CheckFailed

Access = tuple[str, int, int]
SMALL = (Cache(4 * LINE_BYTES, 2), Cache(8 * LINE_BYTES, 2), Cache(16 * LINE_BYTES, 4))


@pytest.fixture(scope="module")
def simulator() -> Path:
    flags = (*programs.HERE, f"-I{traffic.SOURCE.parent}")
    return programs.compile_program(Path(__file__).with_name("simulator.c"), flags)


def simulate(
    simulator: Path, accesses: Iterable[Access], caches: tuple[Cache, ...] = SMALL
) -> Moved:
    lines = "".join(f"{kind} {address:x} {size}\n" for kind, address, size in accesses)
    levels = [f"{cache.size}:{cache.ways}" for cache in caches]
    done = subprocess.run(
        [simulator, *levels], input=lines, capture_output=True, text=True, check=True
    )
    return Moved(*map(int, done.stdout.split()))


class Level:
    """A cache that gives up the line used longest ago."""

    def __init__(self, cache: Cache) -> None:
        self.ways = cache.ways
        self.sets: list[OrderedDict[int, bool]] = [
            OrderedDict() for _ in range(cache.size // LINE_BYTES // cache.ways)
        ]

    def take(self, line: int, dirty: bool) -> tuple[bool, int | None]:
        """Whether it held the line, and the dirty one that had to go."""
        lines = self.sets[line % len(self.sets)]
        held = line in lines
        gone = None
        if not held and len(lines) == self.ways:
            oldest, was_dirty = lines.popitem(last=False)
            gone = oldest if was_dirty else None
        lines[line] = lines.pop(line, False) or dirty
        return held, gone


def modelled(accesses: Iterable[Access]) -> tuple[int, int, int, int]:
    """Lines that each level lacks, and those written back."""
    levels = [Level(cache) for cache in SMALL]
    lacked, written = [0, 0, 0], 0
    for kind, address, size in accesses:
        for line in range(address // LINE_BYTES, (address + size - 1) // LINE_BYTES + 1):
            for i, level in enumerate(levels):
                held, gone = level.take(line, kind == "w" and i == 0)
                if held:
                    break
                lacked[i] += 1
                below = i + 1
                while gone is not None and below < len(levels):
                    _, gone = levels[below].take(gone, True)
                    below += 1
                written += gone is not None
    return (*lacked, written)  # type: ignore[return-value]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("rw"), st.integers(64, 64 * 60), st.sampled_from([1, 2, 4, 8, 16, 32])
        ),
        max_size=300,
    )
)
@settings(max_examples=60, deadline=None)
def test_misses_are_those_of_a_model_in_python(simulator: Path, accesses: list[Access]) -> None:
    found = simulate(simulator, accesses)
    lacked = (
        found.l1_foreseen + found.l1_unforeseen,
        found.l2_foreseen + found.l2_unforeseen,
        found.l3_foreseen + found.l3_unforeseen,
        found.written_back,
    )
    assert lacked == modelled(accesses)


def walk(kind: str, lines: int, times: int = 1, step: int = 1) -> list[Access]:
    return [(kind, LINE_BYTES * (64 + i * step), 4) for _ in range(times) for i in range(lines)]


def test_what_is_read_once_comes_from_memory_once_and_is_foreseen(simulator: Path) -> None:
    found = simulate(simulator, walk("r", 1000), RASPBERRY_PI_5.caches)
    assert found == Moved(
        1000, 0, l1_foreseen=999, l1_unforeseen=1, l2_foreseen=999, l2_unforeseen=1,
        l3_foreseen=999, l3_unforeseen=1,
    )  # fmt: skip
    assert found.memory_bytes == 1000 * LINE_BYTES


def test_what_fits_into_a_level_is_asked_of_the_next_one_once(simulator: Path) -> None:
    first, second, _ = (cache.size // LINE_BYTES for cache in RASPBERRY_PI_5.caches)
    fits = simulate(simulator, walk("r", first, times=5), RASPBERRY_PI_5.caches)
    assert fits.l1_foreseen + fits.l1_unforeseen == first
    fits = simulate(simulator, walk("r", second, times=3), RASPBERRY_PI_5.caches)
    assert fits.l1_foreseen + fits.l1_unforeseen == 3 * second
    assert fits.l2_foreseen + fits.l2_unforeseen == second


def test_a_round_larger_than_a_cache_misses_every_time(simulator: Path) -> None:
    lines = sum(cache.size for cache in RASPBERRY_PI_5.caches) // LINE_BYTES
    found = simulate(simulator, walk("r", lines, times=2), RASPBERRY_PI_5.caches)
    assert found.l3_foreseen + found.l3_unforeseen == 2 * lines


def test_what_is_written_goes_back_to_memory_when_it_has_to_leave(simulator: Path) -> None:
    lines = 4 * RASPBERRY_PI_5.caches[2].size // LINE_BYTES
    found = simulate(simulator, walk("w", lines), RASPBERRY_PI_5.caches)
    held = sum(cache.size for cache in RASPBERRY_PI_5.caches) // LINE_BYTES
    assert lines - held <= found.written_back <= lines - held // 2
    assert simulate(simulator, walk("r", lines), RASPBERRY_PI_5.caches).written_back == 0


def test_long_strides_are_foreseen_and_random_ones_are_not(simulator: Path) -> None:
    strided = simulate(simulator, walk("r", 500, step=20), RASPBERRY_PI_5.caches)
    assert strided.l1_foreseen > 490
    scattered = [("r", LINE_BYTES * (64 + i * i * 37 % 99991 * 5), 4) for i in range(500)]
    found = simulate(simulator, scattered, RASPBERRY_PI_5.caches)
    assert found.l1_unforeseen > 450


def section(reads: int) -> str:
    return ",".join(map(str, [reads, *[0] * 8]))


def test_the_mean_of_what_is_counted_is_taken() -> None:
    sections = [section(n) for n in (1000, 7, 10, 20, 5000)]
    assert parse([f"40 {' '.join(sections)}", f"80 {' '.join([section(0)] * 5)}"]) == {
        0x40: Moved(reads=15)
    }


def test_a_program_that_marks_too_little_is_refused() -> None:
    sections = " ".join([section(1)] * (line_counts.RUNS + 1))
    with pytest.raises(CheckFailed, match="marked 2 of 3"):
        parse([f"40 {sections}"])
    with pytest.raises(CheckFailed, match="marked 0 of 3"):
        parse([])


def test_sizes_are_whole_sets() -> None:
    for core in CORES.values():
        for cache in core.caches:
            assert cache.size % (cache.ways * LINE_BYTES) == 0
