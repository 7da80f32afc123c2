"""Owners of instruction blocks: the kernel or library that each belongs to."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.cost.counting.library import Function, Library

SHARED = "shared by kernels"
_PREFIX = "__tvm_ffi_"
# What TVM calls the only kernel of a library, beside its name.
_ALIAS = "__tvm_ffi_main"
_CALL, _JUMP = 0b100101, 0b000101
_ADRP, _ADRP_MASK = 0x90000000, 0x9F000000
_ADD, _ADD_MASK = 0x91000000, 0xFFC00000


@dataclass(frozen=True)
class Mapping:
    """A part of a file in a program's memory."""

    start: int
    end: int
    offset: int
    executable: bool
    file: str


def parse_maps(lines: Iterable[str]) -> list[Mapping]:
    """The files in the text of /proc/PID/maps."""
    found = []
    for line in lines:
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5].startswith("/"):
            start, end = (int(number, 16) for number in fields[0].split("-"))
            offset, file = int(fields[2], 16), fields[5].strip()
            found.append(Mapping(start, end, offset, "x" in fields[1], file))
    return found


class Kernels:
    """The kernels of a compiled model by address.

    The library exports one function a kernel, which checks its arguments; the loops may be in a
    function without a name that it calls or jumps to, or whose address it takes to have threads
    call it. Such a one belongs to who refers to it, or to all of them: then it is `SHARED`.
    """

    def __init__(self, library: Library) -> None:
        self._functions = library.functions
        self._named_starts = [function.address for function in library.functions]
        owners: dict[int, set[str]] = {}
        inner_calls = []
        words = library.words()
        for address, word in words.items():
            taken = address_taken(address, word, words.get(address + 4, 0))
            target = jump_target(address, word) if taken is None else taken
            if target not in words or self._named(target):
                continue
            if caller := self._named(address):
                if caller.name != _ALIAS:
                    owners.setdefault(target, set()).add(_short(caller.name))
            elif taken is not None or word >> 26 == _CALL:
                inner_calls.append((address, target))
                owners.setdefault(target, set())
        self._starts = sorted(owners)
        self._owners = owners
        while any(self._inherit(address, target) for address, target in inner_calls):
            pass

    @property
    def names(self) -> set[str]:
        """All kernels that the library exports."""
        return {_short(one.name) for one in self._functions if one.name.startswith(_PREFIX)}

    def at(self, address: int) -> str | None:
        """The name of the kernel that the instruction at `address` belongs to."""
        if function := self._named(address):
            return _short(function.name)
        i = bisect.bisect_right(self._starts, address) - 1
        owners = self._owners[self._starts[i]] if i >= 0 else set()
        return next(iter(owners)) if len(owners) == 1 else SHARED if owners else None

    def _named(self, address: int) -> Function | None:
        i = bisect.bisect_right(self._named_starts, address) - 1
        if i < 0:
            return None
        function = self._functions[i]
        return function if address < function.address + function.size else None

    def _inherit(self, address: int, target: int) -> bool:
        """Whether `target`, called from a nameless function at `address`, got owners from it."""
        i = bisect.bisect_right(self._starts, address) - 1
        missing = self._owners[self._starts[i]] - self._owners[target] if i >= 0 else set()
        self._owners[target] |= missing
        return bool(missing)


def jump_target(address: int, word: int) -> int | None:
    """Where `bl` or `b` at `address` leads to; None for any other instruction."""
    if word >> 26 not in (_CALL, _JUMP):
        return None
    distance = word & 0x3FFFFFF
    if distance >= 1 << 25:
        distance -= 1 << 26
    return address + 4 * distance


def address_taken(address: int, word: int, following: int) -> int | None:
    """What `adrp` at `address` and `add` behind it point to; None for any other instructions."""
    register = word & 31
    if word & _ADRP_MASK != _ADRP or following & _ADD_MASK != _ADD:
        return None
    if (following >> 5) & 31 != register or following & 31 != register:
        return None
    pages = (word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3
    if pages >= 1 << 20:
        pages -= 1 << 21
    return (address & ~4095) + (pages << 12) + (following >> 10 & 0xFFF)


def locate(address: int, maps: Iterable[Mapping]) -> str:
    """The name of the library that `address` lies in."""
    for mapping in maps:
        if mapping.start <= address < mapping.end:
            return Path(mapping.file).name
    return "elsewhere"


def _short(name: str) -> str:
    return name.removeprefix(_PREFIX)
