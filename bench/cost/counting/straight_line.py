"""Straight-line code: instructions that run one after the other, up to the next branch.

QEMU translates a program in pieces: it also stops at the end of a page and where a translation
grows too long, which is sooner with a plugin. Joined again, the pieces say what the program did,
whatever cut them.
"""

from __future__ import annotations

from collections.abc import Mapping

Words = tuple[int, ...]

# "Branches, exception generating and system instructions" in the arm64 manual's top-level
# encoding; those of the system go on with the next instruction.
_CONTROL, _CONTROL_MASK = 0x14000000, 0x1C000000
_SYSTEM, _SYSTEM_MASK = 0xD5000000, 0xFFC00000


def ends_straight_line(word: int) -> bool:
    """Whether an instruction may be followed by another than the next one."""
    return word & _CONTROL_MASK == _CONTROL and word & _SYSTEM_MASK != _SYSTEM


def joined(pieces: Mapping[tuple[int, Words], int]) -> dict[tuple[int, Words], int]:
    """How often each straight line ran, by its address and words, out of the pieces' counts.

    Every instruction is in the result as often as in the pieces.
    """
    lines: dict[int, dict[Words, int]] = {}
    for (address, words), count in sorted(pieces.items(), reverse=True):
        here = lines.setdefault(address, {})
        following = lines.get(address + 4 * len(words), {})
        if not ends_straight_line(words[-1]):
            for rest in list(following):
                taken = min(count, following[rest])
                _move(following, rest, here, words + rest, taken)
                count -= taken
        here[words] = here.get(words, 0) + count
    return {
        (address, words): count
        for address, here in lines.items()
        for words, count in here.items()
        if count
    }


def _move(
    source: dict[Words, int], words: Words, target: dict[Words, int], longer: Words, count: int
) -> None:
    source[words] -= count
    target[longer] = target.get(longer, 0) + count
