from __future__ import annotations

import math
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compile.graph import axis_order


@st.composite
def factorisations(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Two shapes of the same number of elements."""
    old = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    rest = math.prod(old)
    new: list[int] = []
    while rest > 1 and len(new) < 4:
        divisors = [d for d in range(1, rest + 1) if rest % d == 0]
        new.append(draw(st.sampled_from(divisors)))
        rest //= new[-1]
    return old, [*new, rest]


@given(factorisations(), st.randoms(use_true_random=False))
def test_reshaped_in_memory_is_reshape(shapes: tuple[list[int], list[int]], random: Random) -> None:
    old, new = shapes
    order = list(range(len(old)))
    random.shuffle(order)
    logical = np.arange(math.prod(old)).reshape(old)

    before, after = axis_order.reshaped(old, new, tuple(order))
    memory = logical.transpose(before).reshape([new[axis] for axis in after])

    np.testing.assert_array_equal(memory.transpose(axis_order.inverse(after)), logical.reshape(new))


@given(st.permutations(range(4)), st.permutations(range(4)))
def test_permuted_moves_nothing_in_memory(order: list[int], axes: list[int]) -> None:
    logical = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    memory = logical.transpose(order)

    result = axis_order.permuted(tuple(order), axes)

    np.testing.assert_array_equal(
        memory.transpose(axis_order.inverse(result)), logical.transpose(axes)
    )


@given(st.permutations(range(4)), st.sets(st.integers(0, 3), max_size=3))
def test_without_is_the_order_of_a_sum(order: list[int], axes: set[int]) -> None:
    logical = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    memory = logical.transpose(order).sum(axis=tuple(order.index(axis) for axis in axes))

    result = axis_order.without(tuple(order), sorted(axes))

    np.testing.assert_array_equal(
        memory.transpose(axis_order.inverse(result)), logical.sum(axis=tuple(axes))
    )


def test_split_channels_stay_last() -> None:
    """The reshape of a channel shuffle needs no copy of a channels-last image."""
    before, after = axis_order.reshaped([1, 8, 5, 6], [1, 2, 4, 5, 6], axis_order.CHANNELS_LAST)
    assert before == axis_order.CHANNELS_LAST
    assert after == (0, 3, 4, 1, 2)


def test_moves_nothing_looks_past_axes_of_one() -> None:
    assert axis_order.moves_nothing(axis_order.CHANNELS_LAST, [2, 1, 5, 6])
    assert axis_order.moves_nothing(axis_order.CHANNELS_LAST, [2, 7, 1, 1])
    assert not axis_order.moves_nothing(axis_order.CHANNELS_LAST, [2, 7, 1, 3])
