"""Cores of /proc/cpuinfo, and which of them compute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_rpc.telemetry.topology import (
    Core,
    best_cores,
    format_core_list,
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


def test_a_snapdragon_855_computes_on_its_prime_core_only() -> None:
    cores = [Core(n, 0x51, 0x805) for n in range(4)] + [Core(n, 0x51, 0x804) for n in range(4, 8)]
    clocks = {**dict.fromkeys(range(4), 1785600), **dict.fromkeys((4, 5, 6), 2419200), 7: 2841600}
    assert [core.number for core in best_cores(cores, clocks)] == [7]
    assert cores[7].name == "Kryo 4xx Gold (Cortex-A76)"


def test_a_kirin_980_computes_on_its_two_fast_a76() -> None:
    cores = [Core(n, 0x41, 0xD05) for n in range(4)] + [Core(n, 0x41, 0xD0B) for n in range(4, 8)]
    clocks = {**dict.fromkeys(range(4), 1805000), 4: 1920000, 5: 1920000, 6: 2600000, 7: 2600000}
    assert [core.number for core in best_cores(cores, clocks)] == [6, 7]
    assert [core.number for core in best_cores(cores, {})] == [4, 5, 6, 7]


def test_an_a76_is_preferred_to_a_faster_core_of_another_kind() -> None:
    cores = [Core(0, 0x41, 0xD0B), Core(1, 0x41, 0xD44)]
    assert best_cores(cores, {0: 2_400_000, 1: 2_800_000}) == cores[:1]


@given(CORES, st.dictionaries(st.integers(0, 1023), st.integers(1, 4_000_000)))
def test_the_best_are_a76_where_there_are_any_and_equally_fast(
    cores: list[Core], clocks: dict[int, int]
) -> None:
    best = best_cores(cores, clocks)
    assert bool(best) == bool(cores)
    assert all(core.is_a76 for core in best) or not any(core.is_a76 for core in cores)
    assert len({clocks.get(core.number, 0) for core in best}) <= 1


@given(st.sets(st.integers(0, 1023), min_size=1))
def test_core_lists_go_both_ways(numbers: set[int]) -> None:
    assert parse_core_list(format_core_list(list(numbers))) == sorted(numbers)


@pytest.mark.parametrize("text", ["", "a", "3-1", "1,", "-1", "1-", "1024", "4 - 7", "4;7"])
def test_no_core_list(text: str) -> None:
    with pytest.raises(InputError, match="not a list of cores such as 4-7 or 6,7"):
        parse_core_list(text)
