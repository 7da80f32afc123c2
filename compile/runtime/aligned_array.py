"""Arrays that compiled code uses where they lie."""

from __future__ import annotations

import numpy as np

CACHE_LINE = 64
"""Bytes; TVM's code reads vectors that begin on a multiple."""


def aligned_empty(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """An array that begins on a multiple of CACHE_LINE bytes."""
    count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    memory = np.zeros(count + CACHE_LINE, np.uint8)
    begin = -memory.ctypes.data % CACHE_LINE
    return memory[begin : begin + count].view(dtype).reshape(shape)
