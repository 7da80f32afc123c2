"""Blocks are attributed to kernels: those that are named, and those that these call."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cost.counting.library import Function, Library, Segment
from bench.cost.counting.symbols import (
    SHARED,
    Kernels,
    address_taken,
    jump_target,
    locate,
    parse_maps,
)

NOP = 0xD503201F


def encode(operation: int, at: int, target: int) -> int:
    """`bl` (0x94000000) or `b` (0x14000000), as the architecture's manual defines them."""
    return operation | ((target - at) // 4) & 0x3FFFFFF


@given(st.integers(0, 1 << 40), st.integers(-(1 << 25), (1 << 25) - 1), st.booleans())
def test_a_jump_leads_where_it_was_meant_to(word: int, distance: int, call: bool) -> None:
    at = 4 * word
    operation = 0x94000000 if call else 0x14000000
    assert jump_target(at, encode(operation, at, at + 4 * distance)) == at + 4 * distance


@pytest.mark.parametrize("word", [NOP, 0x54000041, 0xD65F03C0, 0xD61F0200, 0x34000040])
def test_other_instructions_lead_nowhere(word: int) -> None:
    assert jump_target(0x1000, word) is None


def library(code: dict[int, int], functions: list[Function], size: int = 256) -> Library:
    words = [code.get(4 * i, NOP) for i in range(size // 4)]
    segment = Segment(offset=0, address=0, size=size, executable=True)
    return Library((segment,), tuple(functions), struct.pack(f"<{len(words)}I", *words))


def test_a_nameless_function_belongs_to_its_caller() -> None:
    calls = {
        8: encode(0x94000000, 8, 64),  # first calls its loops
        40: encode(0x14000000, 40, 128),  # second ends by jumping to its own
        80: encode(0x94000000, 80, 192),  # the loops of first call something more
    }
    functions = [Function("__tvm_ffi_first", 0, 32), Function("__tvm_ffi_second", 32, 32)]
    kernels = Kernels(library(calls, functions))
    assert [kernels.at(address) for address in (0, 28, 64, 124)] == ["first"] * 4
    assert [kernels.at(address) for address in (32, 60, 128, 188)] == ["second"] * 4
    assert kernels.at(192) == "first"


def address_of(at: int, target: int, register: int = 0) -> dict[int, int]:
    """`adrp` and `add`, as the architecture's manual defines them."""
    pages = (target >> 12) - (at >> 12) & 0x1FFFFF
    page = 0x90000000 | (pages & 3) << 29 | (pages >> 2) << 5 | register
    return {at: page, at + 4: 0x91000000 | (target & 4095) << 10 | register << 5 | register}


@given(
    st.integers(1 << 20, 1 << 30),
    st.integers(-(1 << 19), (1 << 19)),
    st.integers(0, 4095),
    st.integers(0, 30),
)
def test_an_address_is_taken_by_page_and_offset(
    word: int, pages: int, offset: int, register: int
) -> None:
    at, target = 4 * word, ((4 * word >> 12) + pages << 12) + offset
    first, second = address_of(at, target, register).values()
    assert address_taken(at, first, second) == target
    assert address_taken(at, first, NOP) is None
    assert address_taken(at, NOP, second) is None
    assert address_taken(at, first, second ^ 1) is None


def test_what_threads_run_belongs_to_who_hands_it_to_them() -> None:
    code = {
        **address_of(8, 64),  # first hands its loop to threads
        **address_of(40, 128),  # so does second
        132: encode(0x94000000, 132, 192),  # whose loop calls something
        **address_of(16, 4096),  # and first points to data
    }
    functions = [Function("__tvm_ffi_first", 0, 32), Function("__tvm_ffi_second", 32, 32)]
    kernels = Kernels(library(code, functions))
    assert [kernels.at(address) for address in (64, 124)] == ["first"] * 2
    assert [kernels.at(address) for address in (128, 188, 192)] == ["second"] * 3


def test_a_function_of_several_callers_belongs_to_none() -> None:
    calls = {4: encode(0x94000000, 4, 64), 36: encode(0x94000000, 36, 64)}
    functions = [Function("a", 0, 32), Function("b", 32, 32)]
    assert Kernels(library(calls, functions)).at(72) == SHARED


def test_the_only_kernel_keeps_its_name() -> None:
    calls = {8: encode(0x94000000, 8, 64), 40: encode(0x94000000, 40, 64)}
    functions = [Function("__tvm_ffi_pointwise", 0, 32), Function("__tvm_ffi_main", 32, 32)]
    assert Kernels(library(calls, functions)).at(72) == "pointwise"


def test_code_that_nobody_calls_has_no_name() -> None:
    assert Kernels(library({}, [Function("a", 0, 32)])).at(64) is None


def test_a_library_without_names_names_nothing() -> None:
    assert Kernels(library({}, [])).at(0) is None


MAPS = """\
5503440000-5504a84000 r--p 00000000 fe:00 5636137     /models/a b/model.so
5504a93000-5504aec000 r-xp 01643000 fe:00 5636137     /models/a b/model.so
5504b0c000-5504b0d000 rw-p 00000000 00:00 0
7f0000000000-7f0000001000 r-xp 00000000 00:00 0       [vdso]
"""


def test_maps_name_files_with_spaces_and_leave_out_what_is_no_file() -> None:
    maps = parse_maps(MAPS.splitlines())
    assert {mapping.file for mapping in maps} == {"/models/a b/model.so"}
    code = next(mapping for mapping in maps if mapping.executable)
    assert (code.start, code.end, code.offset) == (0x5504A93000, 0x5504AEC000, 0x1643000)
    assert locate(0x5504A93000, maps) == "model.so"
    assert locate(0x5504AEC000, maps) == "elsewhere"


@given(st.integers(0, 1 << 30), st.integers(0, 1 << 20), st.integers(1, 1 << 20))
def test_the_base_is_what_was_added_to_every_address(base: int, page: int, size: int) -> None:
    address, offset = 0x10000 + 0x760, 0x760  # as linkers do: the same place in a page
    segment = Segment(offset + page * 4096, address + page * 4096, size, executable=True)
    start = base * 4096 + (segment.address & ~4095)
    found = Library((segment,), (), b"").base(start, segment.offset & ~4095)
    assert found == base * 4096
