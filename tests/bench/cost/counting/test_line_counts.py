"""The counter's file becomes the blocks of one inference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cost.counting.line_counts import Block, parse_blocks, steady
from depthbench.errors import CheckFailed

NOP, RET = 0xD503201F, 0xD65F03C0


def test_a_line_is_an_address_counts_and_words() -> None:
    (block,) = parse_blocks(["40058c 7,0,12 d503201f d65f03c0\n"])
    assert block == Block(0x40058C, (NOP, RET), (7, 0, 12))


def test_start_warm_up_and_end_are_left_out() -> None:
    start = Block(0, (NOP,), (1000, 0, 0, 0, 0))
    loop = Block(4, (NOP, RET), (0, 99, 10, 12, 0))
    end = Block(12, (RET,), (0, 0, 0, 0, 55))
    counts = steady([start, loop, end], runs=3, warm_up=1)
    assert counts.blocks == {(4, (NOP, RET)): 11}
    assert counts.instructions == (20, 24)
    assert counts.total == 22


def test_code_that_was_replaced_is_counted_apart() -> None:
    counts = steady([Block(4, (NOP,), (0, 2, 0)), Block(4, (RET,), (0, 3, 0))], 1, 0)
    assert counts.blocks == {(4, (NOP,)): 2, (4, (RET,)): 3}


@given(
    st.lists(
        st.tuples(
            st.integers(1, 9),
            st.lists(st.integers(0, 10**12), min_size=5, max_size=5),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_the_total_is_the_mean_of_the_inferences(blocks: list[tuple[int, list[int]]]) -> None:
    counts = steady(
        [
            Block(64 * i, (NOP,) * length, tuple(counts))
            for i, (length, counts) in enumerate(blocks)
        ],
        runs=3,
        warm_up=1,
    )
    assert sum(counts.instructions) == sum(n * (c[2] + c[3]) for n, c in blocks)
    assert counts.total == pytest.approx(sum(counts.instructions) / 2)


@pytest.mark.parametrize("sections", [1, 4, 6])
def test_a_program_that_marks_too_little_or_too_much_is_refused(sections: int) -> None:
    with pytest.raises(CheckFailed, match="marked"):
        steady([Block(0, (NOP,), (1,) * sections)], runs=3)


def test_nothing_counted_is_refused() -> None:
    with pytest.raises(CheckFailed, match="marked 0 of 3"):
        steady([])
