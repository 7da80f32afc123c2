"""The weights of a package, as bytes in a row."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from compile.package.network_source import Weights
from compile.package.plan import ALIGNMENT, Plan
from depthbench.files import make_folder

_HEADER = struct.Struct("<16s32sQ8x")
_KIND = b"depth weights 1"


def write_weights(plan: Plan, file: Path, *, inside: bool) -> Weights:
    """Write the plan's weights, each on a multiple of ALIGNMENT, into `file`.

    Unless they go `inside` the library, the file begins with a header by which it is known.
    """
    make_folder(file.parent)
    digest, length = hashlib.sha256(), 0
    with file.open("wb") as written:
        written.write(b"" if inside else bytes(_HEADER.size))
        for array in plan.weights:
            content = array.tobytes()
            content += bytes(-len(content) % ALIGNMENT)
            digest.update(content)
            length += len(content)
            written.write(content)
        if not inside:
            written.seek(0)
            written.write(_HEADER.pack(_KIND, digest.digest(), length))
    return Weights(file, length, digest.hexdigest(), inside)
