"""Messages of plain values and arrays as bytes that hold no code, as pickles could."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PLAIN = "message"


def pack(message: Mapping[str, Any], **arrays: NDArray) -> bytes:
    """A message that JSON can say, and arrays by name."""
    buffer = io.BytesIO()
    named: dict[str, Any] = {_PLAIN: np.array(json.dumps(message)), **arrays}
    np.savez(buffer, **named)
    return buffer.getvalue()


def unpack(content: bytes | bytearray) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """What was packed; raises ValueError for anything else."""
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    return json.loads(str(arrays.pop(_PLAIN))), arrays
