"""The symbols of an object file or a library: ELF of 64 bits, little endian."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
SYMBOL_TABLE, _DYNAMIC_SYMBOLS = 2, 11
LOCAL, GLOBAL, WEAK = 0, 1, 2


@dataclass(frozen=True)
class Section:
    """Where a section lies in its file, and how it refers to others."""

    kind: int
    offset: int
    size: int
    link: int
    info: int
    header: int  # where its header lies in the file


@dataclass(frozen=True)
class Symbol:
    """A name, and what stands for it."""

    name: str
    binding: int
    visibility: int
    defined: bool

    @property
    def is_runtime_pointer(self) -> bool:
        """Whether it is a variable of a kernel's object that TVM's runtime sets."""
        return self.defined and self.binding == WEAK and self.name.startswith("__TVM")


def sections(content: bytes) -> list[Section]:
    """All sections of a file."""
    header = _HEADER.unpack_from(content)
    start, size, count = header[6], header[11], header[12]
    found = []
    for place in range(start, start + size * count, size):
        _, kind, _, _, offset, length, link, info, _, _ = _SECTION.unpack_from(content, place)
        found.append(Section(kind, offset, length, link, info, place))
    return found


def symbols(file: Path, *, dynamic: bool = False) -> Iterator[Symbol]:
    """The symbols of a file, or only those that the loader sees."""
    content = file.read_bytes()
    parts = sections(content)
    for table in parts:
        if table.kind != (_DYNAMIC_SYMBOLS if dynamic else SYMBOL_TABLE):
            continue
        names = parts[table.link].offset
        for place in range(table.offset + SYMBOL.size, table.offset + table.size, SYMBOL.size):
            name, info, other, section, _, _ = SYMBOL.unpack_from(content, place)
            begin = names + name
            text = content[begin : content.index(b"\0", begin)].decode()
            yield Symbol(text, info >> 4, other & 3, section != 0)


def undefined(files: list[Path]) -> set[str]:
    """The names that some of the files use and none defines."""
    found = [one for file in files for one in symbols(file) if one.binding != LOCAL]
    return {one.name for one in found if not one.defined} - {
        one.name for one in found if one.defined
    }
