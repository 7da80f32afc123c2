"""Numeric arrays of a MATLAB level 5 file, the format of NYU's splits.mat.

Only what that file needs: real numeric matrices, packed or plain. Reading them takes a page of
code, against a 35 MB dependency that nothing else here would use. Source: MAT-File Format,
The MathWorks, chapter 1 (level 5).
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthbench.errors import InputError

LARGEST = 16_000_000
HEADER = 128
MATRIX, COMPRESSED = 14, 15
NUMBERS = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip


def read_arrays(path: Path) -> dict[str, NDArray]:
    """The numeric matrices of a MATLAB 5 file by name, with MATLAB's shapes.

    Raises InputError when the file is missing, over 16 MB, or not such a file.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path}: over 16 MB; a split file is a few kB, give that one")
        return _arrays(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (struct.error, zlib.error, KeyError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a MATLAB 5 file; fetch it again") from error


def _arrays(data: bytes) -> dict[str, NDArray]:
    order = {b"IM": "<", b"MI": ">"}[data[126:128]]
    found = {}
    for kind, body in _elements(data[HEADER:], order):
        if kind == COMPRESSED:
            unpacker = zlib.decompressobj()
            ((kind, body),) = _elements(unpacker.decompress(body, LARGEST), order)
        if kind == MATRIX:
            _, shape, name, *parts = _elements(body, order)
            if parts and parts[0][0] in NUMBERS:
                sizes = np.frombuffer(shape[1], order + "i4")
                numbers = np.frombuffer(parts[0][1], order + NUMBERS[parts[0][0]])
                found[name[1].decode("ascii")] = numbers.reshape(sizes, order="F")
    return found


def _elements(data: bytes, order: str) -> list[tuple[int, bytes]]:
    elements, at = [], 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from(order + "II", data, at)
        if kind >> 16:  # a small element: its size and up to 4 bytes share the tag
            kind, size, start, step = kind & 0xFFFF, kind >> 16, at + 4, 8
        else:
            start = at + 8
            # Packed elements are not padded to 8 bytes, all others are.
            step = 8 + (size if kind == COMPRESSED else -(-size // 8) * 8)
        if start + size > len(data):
            raise ValueError("element ends beyond the file")
        elements.append((kind, data[start : start + size]))
        at += step
    return elements
