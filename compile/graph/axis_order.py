"""Arithmetic on the order in which a tensor's axes lie in memory.

An order is a permutation: the i-th axis in memory is the tensor's axis `order[i]`. An NCHW tensor
that is kept channels-last has the order (0, 2, 3, 1).
"""

from __future__ import annotations

from collections.abc import Sequence

Order = tuple[int, ...]

CHANNELS_LAST: Order = (0, 2, 3, 1)


def identity(rank: int) -> Order:
    """The order of a tensor kept as it is written."""
    return tuple(range(rank))


def inverse(order: Order) -> Order:
    """Where in memory each axis lies."""
    return tuple(order.index(axis) for axis in range(len(order)))


def permuted(order: Order, axes: Sequence[int]) -> Order:
    """The order of `permute_dims(x, axes)` when nothing moves in memory."""
    where = {axis: new for new, axis in enumerate(axes)}
    return tuple(where[axis] for axis in order)


def without(order: Order, axes: Sequence[int]) -> Order:
    """The order after the tensor's `axes` are dropped, as by a reduction."""
    kept = [axis for axis in range(len(order)) if axis not in axes]
    return tuple(kept.index(axis) for axis in order if axis in kept)


def moves_nothing(order: Order, shape: Sequence[int]) -> bool:
    """Whether a tensor of this (logical) shape lies in memory as if in the identity order."""
    long_axes = [axis for axis in order if shape[axis] != 1]
    return long_axes == sorted(long_axes)


def reshaped(old: Sequence[int], new: Sequence[int], order: Order) -> tuple[Order, Order]:
    """How to reshape `old` to `new` without leaving the order.

    Returns the order that the tensor must be brought to first (often `order` itself), and the
    order of the result: axes that are split or merged stay together, others stay where they are.
    """
    groups = _groups(old, new)
    group_of = {axis: group for group in groups for axis in group[0]}
    before: list[int] = []
    after: list[int] = []
    for axis in order:
        if axis not in before:
            before += group_of[axis][0]
            after += group_of[axis][1]
    return tuple(before), tuple(after)


def _groups(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The smallest runs of axes of `old` and `new` that hold the same number of elements."""
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) and j < len(new):
        left, right = [i], [j]
        size_left, size_right = old[i], new[j]
        i, j = i + 1, j + 1
        while size_left != size_right:
            if size_left < size_right:
                left.append(i)
                size_left *= old[i]
                i += 1
            else:
                right.append(j)
                size_right *= new[j]
                j += 1
        groups.append((left, right))
    if groups:
        groups[-1][0].extend(range(i, len(old)))  # what is left has one element
        groups[-1][1].extend(range(j, len(new)))
    else:
        groups.append((list(range(len(old))), list(range(len(new)))))
    return groups
