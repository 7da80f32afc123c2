"""Cores of /proc/cpuinfo, and which of them compute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_rpc.telemetry.topology import (
    Core,
    best_cores,
    core_of_midr,
    format_core_list,
    parse_code,
    parse_core_list,
    parse_cpuinfo,
)
from depthbench.errors import InputError

ENTRY = (
    "processor\t: {number}\nBogoMIPS\t: 38.40\nFeatures\t: fp asimd evtstrm aes\n"
    "CPU implementer\t: {implementer:#04x}\nCPU architecture: 8\nCPU variant\t: 0xd\n"
    "CPU part\t: {part:#05x}\nCPU revision\t: 14\n\n"
)
CORES = st.lists(
    st.builds(
        Core,
        st.integers(0, 1023),
        st.sampled_from([0x41, 0x51]),
        st.sampled_from([0xD05, 0xD0B, 0xD0D, 0x803, 0x804]),
    ),
    unique_by=lambda core: core.number,
)


def cpuinfo(cores: list[Core]) -> str:
    entries = (
        ENTRY.format(number=core.number, implementer=core.implementer, part=core.part)
        for core in cores
    )
    return "".join(entries) + "Hardware\t: Qualcomm Technologies, Inc SM8150\n"


@given(CORES)
def test_what_was_printed_is_read(cores: list[Core]) -> None:
    assert parse_cpuinfo(cpuinfo(cores)) == cores


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    parse_cpuinfo(text)


def test_a_pc_has_no_arm64_core() -> None:
    assert parse_cpuinfo("processor\t: 0\nvendor_id\t: GenuineIntel\n\nprocessor\t: 1\n") == []


def test_an_a76_is_preferred_to_a_faster_core_of_another_kind() -> None:
    cores = [Core(0, 0x41, 0xD0B), Core(1, 0x41, 0xD44)]
    assert best_cores(cores, {0: 2_400_000, 1: 2_800_000}) == cores[:1]


def test_threads_do_not_spill_onto_small_cores() -> None:
    cores = [Core(n, 0x41, 0xD05) for n in range(6)] + [Core(n, 0x41, 0xD0A) for n in (6, 7)]
    clocks = {**dict.fromkeys(range(6), 1_820_000), 6: 2_002_000, 7: 2_002_000}
    assert [core.number for core in best_cores(cores, clocks, threads=4)] == [6, 7]


@pytest.mark.parametrize(
    ("text", "core"),
    [
        ("0x00000000414fd0b1", Core(4, 0x41, 0xD0B)),
        ("0x00000000517f804e", Core(4, 0x51, 0x804)),
        ("0x0", None),
        ("x", None),
    ],
)
def test_a_core_of_its_midr(text: str, core: Core | None) -> None:
    assert core_of_midr(4, text) == core


@given(st.builds(Core, st.just(3), st.integers(0, 255), st.integers(0, 4095)))
def test_codes_go_both_ways(core: Core) -> None:
    assert parse_code(3, core.code) == core


@given(CORES, st.dictionaries(st.integers(0, 1023), st.integers(1, 4_000_000)))
def test_the_best_are_a76_where_there_are_any_and_equally_fast(
    cores: list[Core], clocks: dict[int, int]
) -> None:
    best = best_cores(cores, clocks)
    assert bool(best) == bool(cores)
    assert all(core.is_a76 for core in best) or not any(core.is_a76 for core in cores)
    assert len({clocks.get(core.number, 0) for core in best}) <= 1


@given(CORES, st.dictionaries(st.integers(0, 1023), st.integers(1, 9)), st.integers(1, 16))
def test_each_thread_has_a_core_where_there_are_so_many_of_the_best_kind(
    cores: list[Core], clocks: dict[int, int], threads: int
) -> None:
    best = best_cores(cores, clocks, threads)
    assert {core.is_a76 for core in best} <= {any(core.is_a76 for core in cores)}
    if any(core.is_a76 for core in cores):
        assert len(best) >= min(threads, sum(core.is_a76 for core in cores))


@given(st.sets(st.integers(0, 1023), min_size=1))
def test_core_lists_go_both_ways(numbers: set[int]) -> None:
    assert parse_core_list(format_core_list(list(numbers))) == sorted(numbers)


@pytest.mark.parametrize("text", ["", "a", "3-1", "1,", "-1", "1-", "1024", "4 - 7", "4;7"])
def test_no_core_list(text: str) -> None:
    with pytest.raises(InputError, match="not a list of cores such as 4-7 or 6,7"):
        parse_core_list(text)
