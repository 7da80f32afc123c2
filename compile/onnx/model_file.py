"""Read the bytes of an ONNX model, with the weights that lie in files beside it.

Nothing outside the model's folder is read, and sizes are bounded before anything is allocated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx

MAX_BYTES = 2**31 - 1
# Of ONNX's own operators.
STANDARD_DOMAINS = ("", "ai.onnx")


def parse(path: Path) -> onnx.ModelProto:
    """The model without weights from other files; InputError where there is none."""
    import onnx
    from google.protobuf.message import DecodeError

    if not path.is_file():
        problem = "is not a file" if path.exists() else "no such file"
        raise InputError(f"{path}: {problem}; give the path of an .onnx model")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: larger than 2 GiB; ONNX files cannot be")
    try:
        proto = onnx.load_model(str(path), format="protobuf", load_external_data=False)
    except DecodeError as error:
        raise InputError(f"{path}: not an ONNX model, or a truncated one") from error
    if not proto.ir_version or not proto.graph.node or not proto.graph.output:
        raise InputError(f"{path}: not an ONNX model, or one without operators")
    return proto


def load_weights(path: Path, proto: onnx.ModelProto) -> str:
    """Read weights kept in other files into `proto`; return the SHA-256 over all files.

    Raises InputError for a file outside the model's folder, missing or too short, and above 2 GiB
    in all.
    """
    from onnx.external_data_helper import load_external_data_for_tensor, uses_external_data

    folder = path.parent.resolve()
    total = path.stat().st_size
    files: set[Path] = set()
    for tensor in _tensors(proto):
        if not uses_external_data(tensor):
            continue
        entries = {entry.key: entry.value for entry in tensor.external_data}
        file = (folder / entries.get("location", "")).resolve()
        if not file.is_relative_to(folder):
            raise InputError(f"{path}: weights {tensor.name!r} lie outside the model's folder")
        if not file.is_file():
            raise InputError(f"{path}: the file of weights {tensor.name!r} is missing: {file.name}")
        size = file.stat().st_size
        try:
            offset = int(entries.get("offset", 0))
            length = int(entries.get("length", size - offset))
        except ValueError as error:
            raise InputError(f"{path}: weights {tensor.name!r} have no valid place") from error
        if offset < 0 or length < 0 or offset + length > size:
            raise InputError(f"{path}: {file.name} is too short for weights {tensor.name!r}")
        total += length
        if total > MAX_BYTES:
            raise InputError(f"{path}: larger than 2 GiB with its weights; that is not supported")
        load_external_data_for_tensor(tensor, str(folder))
        tensor.ClearField("external_data")
        tensor.data_location = type(tensor).DEFAULT
        files.add(file)
    digest = hashlib.sha256()
    for file in (path, *sorted(files)):
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest() if files else hashlib.sha256(path.read_bytes()).hexdigest()


def _tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    for graph in graphs(proto.graph):
        yield from graph.initializer
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and all graphs inside its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in ([attribute.g] if attribute.HasField("g") else []) + [*attribute.graphs]:
                yield from graphs(inner)
