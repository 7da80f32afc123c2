"""From what a user names, a network or a file, to an ONNX file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import InputError

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Model:
    """An ONNX file, its name, and what its metadata says (empty for a file from elsewhere)."""

    name: str
    path: Path
    metadata: dict[str, str]

    @property
    def complexity(self) -> dict[str, Any]:
        """Parameters and MACs as exported, empty when the file does not say."""
        return json.loads(self.metadata.get("complexity", "{}"))


def resolve_model(
    what: str, out: Path, *, size: tuple[int, int] | None = None, progress: Progress = print
) -> Model:
    """Find or make the ONNX file of `what`: a path to one, or the name of a network.

    A network is built and exported to `out/NAME.onnx` unless that file already holds it.
    Raises InputError when `what` is neither, with the nearest network's name.
    """
    path = Path(what)
    if path.suffix == ".onnx" or path.exists():
        return Model(path.stem, path, read_metadata(path))
    return export_network(what, out / f"{what}.onnx", size=size, progress=progress)


def export_network(
    name: str, path: Path, *, size: tuple[int, int] | None = None, progress: Progress = print
) -> Model:
    """Build the network called `name` and export it to `path`."""
    from depthnet import zoo

    entry = zoo.get(name)
    from depthnet import export, network

    progress(f"building {name}")
    built, weights = network.build(entry)
    progress(f"exporting {name} to {path}")
    return Model(name, path, export.export(built, weights, path, size=size))


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of an ONNX file; raises InputError when it is missing or no ONNX model."""
    import onnx
    from google.protobuf.message import DecodeError

    if not path.is_file():
        raise InputError(f"no such file: {path}: give an .onnx file or a network's name")
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise InputError(f"{path} is not an ONNX model or is truncated: export it again") from error
    if not model.graph.node:
        raise InputError(f"{path} is not an ONNX model or is truncated: export it again")
    return {prop.key: prop.value for prop in model.metadata_props}
