"""Does an ONNX file already hold what exporting a network would write now?

Answered without PyTorch, which takes seconds to import.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from depthbench.errors import InputError
from depthnet.weights import pretrained
from depthnet.weights.origin import Origin, Random, from_json
from depthnet.zoo import Entry

MADE_FROM = "made_from"
ORIGIN = "origin"
PRUNED = "pruned"
WEIGHTS_FILE = "weights_file"
TOOLS = ("torch", "timm", "onnx", "onnxscript")
PACKAGE = Path(__file__).parents[1]
CODE = ("*.py", "baselines/*.py", "export/*.py", "weights/*.py")


def made_from(entry: Entry, size: tuple[int, int], weights: Path | None = None) -> str:
    """SHA-256 over what decides a network's file.

    This package's code, the file of `weights` or those that come with it, the versions of the
    tools, and the size (height, width) of the image.
    """
    digest = hashlib.sha256(f"{entry.name} {size} {_code_sha256()}".encode())
    for tool in TOOLS:
        digest.update(f"{tool} {metadata.version(tool)}".encode())
    weights = weights or pretrained.weights_path(entry.name)
    if weights is not None:
        for file in (weights, weights.with_suffix(".json")):
            digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def metadata_of(path: Path) -> dict[str, str]:
    """What an ONNX file says of itself; empty where there is no such file."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, OSError):
        return {}
    return {prop.key: prop.value for prop in model.metadata_props}


def origin_of(metadata: Mapping[str, str]) -> Origin | None:
    """Where the weights of an ONNX file come from; None for a file that does not say."""
    try:
        return from_json(metadata[ORIGIN])
    except (KeyError, InputError):
        return None


def is_up_to_date(
    path: Path, entry: Entry, size: tuple[int, int], weights: Path | None = None
) -> bool:
    """Whether `path` holds what exporting the network would write, with `weights` or as it ships.

    An encoder that started at random because the hub of ImageNet weights could not be reached is
    never up to date: the hub may answer now.
    """
    found = metadata_of(path)
    random_encoder = not entry.baseline and isinstance(origin_of(found), Random)
    return found.get(MADE_FROM) == made_from(entry, size, weights) and not random_encoder


@cache
def _code_sha256() -> str:
    digest = hashlib.sha256()
    for file in sorted(file for pattern in CODE for file in PACKAGE.glob(pattern)):
        digest.update(f"{file.relative_to(PACKAGE)}\n".encode() + file.read_bytes())
    return digest.hexdigest()
