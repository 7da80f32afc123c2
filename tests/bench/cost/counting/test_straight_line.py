"""Pieces of code become straight lines, however the emulator cut them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cost.counting.straight_line import Words, ends_straight_line, joined

NOP, RET, ADD, B_NE = 0xD503201F, 0xD65F03C0, 0x91000400, 0x54FFFFE1


@pytest.mark.parametrize(
    ("word", "ends"),
    [
        *((0x14000010, True), (0x94000010, True), (B_NE, True), (0xB4000040, True)),
        *((0x37000040, True), (0xD61F0000, True), (0xD63F0000, True), (RET, True)),
        *((0xD4000001, True), (0xD4200000, True)),  # svc, brk
        *((NOP, False), (0xD5033FDF, False), (0xD53BD040, False)),  # nop, isb, mrs
        *((ADD, False), (0x4E22CC20, False), (0xF9400000, False), (0xD28C8C9F, False)),
    ],
)
def test_branches_calls_and_exceptions_end_a_line(word: int, ends: bool) -> None:
    assert ends_straight_line(word) is ends


def test_a_line_cut_at_the_end_of_a_page_is_one() -> None:
    pieces: dict[tuple[int, Words], int] = {(0xFF8, (NOP, ADD)): 5, (0x1000, (ADD, RET)): 5}
    assert joined(pieces) == {(0xFF8, (NOP, ADD, ADD, RET)): 5}


def test_what_is_also_jumped_to_stays_a_line_of_its_own() -> None:
    pieces = {(0, (NOP,)): 3, (4, (ADD,)): 10, (8, (ADD, B_NE)): 10, (16, (RET,)): 3}
    assert joined(pieces) == {
        (0, (NOP, ADD, ADD, B_NE)): 3,
        (4, (ADD, ADD, B_NE)): 7,
        (16, (RET,)): 3,
    }


def test_a_line_left_in_the_middle_is_as_long_as_it_ran() -> None:
    assert joined({(0, (NOP, ADD)): 5, (8, (ADD, RET)): 4}) == {
        (0, (NOP, ADD)): 1,
        (0, (NOP, ADD, ADD, RET)): 4,
    }


CODE = st.lists(st.sampled_from((NOP, ADD, B_NE)), min_size=1, max_size=40)


@given(CODE, st.data())
def test_the_cuts_do_not_matter_and_no_instruction_is_lost(
    code: list[int], data: st.DataObject
) -> None:
    code = [*code, RET]
    ends = [i + 1 for i, word in enumerate(code) if ends_straight_line(word)]
    entries = data.draw(st.lists(st.integers(0, len(code) - 1), min_size=1, max_size=12))
    cuts = data.draw(st.sets(st.integers(1, len(code) - 1)))
    lines: Counter[tuple[int, Words]] = Counter()
    pieces: Counter[tuple[int, Words]] = Counter()
    for entry in entries:
        end = next(end for end in ends if end > entry)
        lines[4 * entry, tuple(code[entry:end])] += 1
        begin = entry
        for stop in sorted({cut for cut in cuts if entry < cut < end} | {end}):
            pieces[4 * begin, tuple(code[begin:stop])] += 1
            begin = stop
    assert joined(pieces) == lines == joined(lines)
