"""Layout of an arm64 shared library: its code, its symbols, where they go in memory."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from depthbench.errors import InputError

_MACHINE = 183
_LOAD, _EXECUTABLE = 1, 1
_SYMBOL_TABLES = (2, 11)  # .symtab, .dynsym
_FUNCTION = 2
_PAGE = 65536  # of any arm64 kernel, the largest


@dataclass(frozen=True)
class Segment:
    """A part of the file that is mapped into memory."""

    offset: int
    address: int
    size: int
    executable: bool


@dataclass(frozen=True)
class Function:
    """A function that the library names: the address and size of its code."""

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class Library:
    """A library's segments, its functions in order of address, and the bytes of the file."""

    segments: tuple[Segment, ...]
    functions: tuple[Function, ...]
    content: bytes

    def words(self) -> dict[int, int]:
        """Every machine word of its code by address."""
        found = {}
        for segment in self.segments:
            if segment.executable:
                code = self.content[segment.offset : segment.offset + segment.size]
                for i, (word,) in enumerate(struct.iter_unpack("<I", code[: len(code) // 4 * 4])):
                    found[segment.address + 4 * i] = word
        return found

    def base(self, start: int, offset: int) -> int:
        """Where address 0 of the library lies when its file is mapped from `offset` at `start`."""
        for segment in self.segments:
            if segment.executable and 0 <= segment.offset - offset < _PAGE:
                return start - (segment.address - (segment.offset - offset))
        raise InputError("a mapping that is not of the library's code")


def read_library(path: Path) -> Library:
    """Reads an ELF file; InputError unless it is a whole one, of 64 bits and for arm64."""
    content = path.read_bytes()
    if content[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", content, 18)[0] != _MACHINE:
        raise InputError(f"{path}: not an arm64 library")
    try:
        return Library(_segments(content), _functions(content), content)
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: the library is truncated or damaged") from error


def _segments(content: bytes) -> tuple[Segment, ...]:
    (table,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    found = []
    for i in range(count):
        kind, flags, offset, address, _, length = struct.unpack_from(
            "<IIQQQQ", content, table + i * size
        )
        if kind == _LOAD:
            found.append(Segment(offset, address, length, bool(flags & _EXECUTABLE)))
    return tuple(found)


def _functions(content: bytes) -> tuple[Function, ...]:
    (table,) = struct.unpack_from("<Q", content, 40)
    size, count = struct.unpack_from("<HH", content, 58)
    headers = [struct.unpack_from("<IIQQQQIIQQ", content, table + i * size) for i in range(count)]
    found: dict[int, Function] = {}
    for _, kind, _, _, offset, length, link, _, _, entry in headers:
        if kind not in _SYMBOL_TABLES:
            continue
        names = headers[link][4]
        for at in range(offset, offset + length, entry):
            name, info, _, section, address, extent = struct.unpack_from("<IBBHQQ", content, at)
            if info & 15 == _FUNCTION and section:
                start = names + name
                text = content[start : content.index(b"\0", start)].decode()
                found[address] = Function(text, address, extent)
    return tuple(found[address] for address in sorted(found))
