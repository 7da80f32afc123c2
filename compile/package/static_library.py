"""Link a package's static library: one object that shows the API alone."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from compile.package.object_file import GLOBAL, LOCAL, SYMBOL, SYMBOL_TABLE, sections
from compile.package.toolchain import run_zig

_RELOCATIONS, _GROUP, _ADDRESS_SIGNIFICANCE = 4, 17, 0x6FFF4C03
_RELOCATION = struct.Struct("<QQq")
_SIZE_AT, _INFO_AT = 32, 44  # in the header of a section


def link_static(objects: Sequence[Path], library: Path, work: Path) -> None:
    """Link the objects into `library`; `work` is for what it takes."""
    together = work / f"{library.stem}.o"
    words = ["ld.lld", "-r", "--strip-debug", *map(str, objects)]
    run_zig(words, together)
    content = hide_symbols(together.read_bytes(), lambda name: name.startswith("depth_"))
    together.write_bytes(content)
    run_zig(["ar", "rcsD", str(library), str(together)], library, output=False)


def hide_symbols(content: bytes, shown: Callable[[str], bool]) -> bytes:
    """The object file with all that it defines known inside alone, but for what is `shown`.

    ELF has local symbols before all others, so that they are put in another order, and what refers
    to them by number follows. What the file leaves undefined stays as it is.
    """
    made = bytearray(content)
    parts = sections(content)
    (table,) = (one for one in parts if one.kind == SYMBOL_TABLE)
    names = parts[table.link].offset
    locals_: list[tuple[int, bytes]] = []
    others: list[tuple[int, bytes]] = []
    for number in range(table.size // SYMBOL.size):
        place = table.offset + number * SYMBOL.size
        name, info, other, section, value, size = SYMBOL.unpack_from(content, place)
        text = content[names + name : content.index(b"\0", names + name)].decode()
        if section and not shown(text):
            info, other = info & 15 | LOCAL << 4, 0
        elif section:
            info, other = info & 15 | GLOBAL << 4, 0
        kept = locals_ if info >> 4 == LOCAL else others
        kept.append((number, SYMBOL.pack(name, info, other, section, value, size)))
    ordered = [*locals_, *others]
    moved = {old: new for new, (old, _) in enumerate(ordered)}
    made[table.offset : table.offset + table.size] = b"".join(one for _, one in ordered)
    struct.pack_into("<I", made, table.header + _INFO_AT, len(locals_))
    for part in parts:
        if part.kind == _RELOCATIONS:
            for place in range(part.offset, part.offset + part.size, _RELOCATION.size):
                where, info, addend = _RELOCATION.unpack_from(content, place)
                info = moved[info >> 32] << 32 | info & 0xFFFFFFFF
                _RELOCATION.pack_into(made, place, where, info, addend)
        elif part.kind == _GROUP:
            struct.pack_into("<I", made, part.header + _INFO_AT, moved[part.info])
        elif part.kind == _ADDRESS_SIGNIFICANCE:  # numbers of symbols, of use to few linkers
            struct.pack_into("<Q", made, part.header + _SIZE_AT, 0)
    return bytes(made)
