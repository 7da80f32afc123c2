"""Read the bytes of an ONNX model, with the weights that lie in files beside it.

Nothing outside the model's folder is read, and sizes are bounded before anything is allocated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from depthbench.errors import InputError
from depthbench.one_line import one_line

if TYPE_CHECKING:
    import onnx

MAX_BYTES = 2**31 - 1
# Of ONNX's own operators.
STANDARD_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True)
class ModelFile:
    """What an ONNX file holds, weights in other files among it; `sha256` is over all of them."""

    path: Path
    proto: onnx.ModelProto
    sha256: str


def read(path: Path, input_shapes: Mapping[str, Sequence[int]] | None = None) -> ModelFile:
    """Read the ONNX file at `path`; `input_shapes` fixes dynamic inputs by name.

    Raises InputError, in one line, for a file that is missing, no ONNX model, truncated or larger
    than 2 GiB with its weights, for weights outside the model's folder, missing, too short or of
    another size than their shape says, and for shapes that do not fit the inputs.
    """
    import onnx
    from google.protobuf.message import DecodeError

    if not path.is_file():
        problem = "is not a file" if path.exists() else "no such file"
        raise InputError(f"{path}: {problem}", advice="give an .onnx file or a network's name")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: larger than 2 GiB; ONNX files cannot be")
    content = path.read_bytes()
    try:
        proto = onnx.load_model_from_string(content, format="protobuf")
    except DecodeError as error:
        raise InputError(f"{path}: not an ONNX model, or a truncated one") from error
    if not proto.ir_version or not proto.graph.node or not proto.graph.output:
        raise InputError(f"{path}: not an ONNX model, or one without operators")
    whole = hashlib.sha256(content)
    if files := _load_weights(path, len(content), proto):
        digests = [whole.digest()]
        for file in sorted(files):
            with file.open("rb") as weights:
                digests.append(hashlib.file_digest(weights, "sha256").digest())
        whole = hashlib.sha256(b"".join(digests))
    _check_weights(path, proto)
    fix_shapes(path, proto, input_shapes or {})
    return ModelFile(path, proto, whole.hexdigest())


def _load_weights(path: Path, total: int, proto: onnx.ModelProto) -> set[Path]:
    """Read weights kept in other files, of at most 2 GiB with the `total` bytes; those files."""
    from onnx.external_data_helper import load_external_data_for_tensor, uses_external_data

    folder = path.parent.resolve()
    files: set[Path] = set()
    for tensor in tensors(proto):
        if not uses_external_data(tensor):
            continue
        entries = {entry.key: entry.value for entry in tensor.external_data}
        file = _weights_file(path, tensor.name, entries.get("location", ""))
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
    return files


def _weights_file(path: Path, name: str, location: str) -> Path:
    folder = path.parent.resolve()
    try:
        file = (folder / location).resolve()
        found = file.is_file()
    except (OSError, ValueError) as error:  # a name that no file can have
        raise InputError(f"{path}: weights {name!r} have no valid place") from error
    if not file.is_relative_to(folder):
        raise InputError(f"{path}: weights {name!r} lie outside the model's folder")
    if not found:
        raise InputError(f"{path}: the file of weights {name!r} is missing: {file.name}")
    return file


def _check_weights(path: Path, proto: onnx.ModelProto) -> None:
    """Raise InputError for weights that hold more or fewer numbers than their shape says."""
    from onnx import numpy_helper

    for tensor in tensors(proto):
        try:
            numpy_helper.to_array(tensor)
        except Exception as error:  # NumPy's, protobuf's and ONNX's own
            raise InputError(
                f"{path}: weights {tensor.name!r} are damaged: {one_line(error)}"
            ) from error


def fix_shapes(path: Path, proto: onnx.ModelProto, shapes: Mapping[str, Sequence[int]]) -> None:
    """Write `shapes`, by input name, into the model; raises InputError where they do not fit."""
    inputs = {value.name: value for value in proto.graph.input}
    for name, shape in shapes.items():
        if name not in inputs:
            raise InputError(f"{path}: no input {name!r}; its inputs are {', '.join(inputs)}")
        kind = inputs[name].type.tensor_type
        if not kind.HasField("shape"):
            kind.shape.dim.extend(type(kind.shape).Dimension() for _ in shape)
        dims = kind.shape.dim
        if len(dims) != len(shape) or min(shape, default=1) < 1:
            raise InputError(f"{path}: input {name!r} has {len(dims)} axes, not {list(shape)}")
        for dim, edge in zip(dims, shape, strict=True):
            if dim.HasField("dim_value") and dim.dim_value not in (0, edge):
                raise InputError(f"{path}: input {name!r} is fixed to another shape")
            dim.dim_value = edge
    if shapes:
        del proto.graph.value_info[:]


def tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """All weights and constants of a model, those of inner graphs among them."""
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
        for inner in subgraphs(node):
            yield from graphs(inner)


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs that are attributes of a node."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def replace_nodes(graph: onnx.GraphProto, nodes: Iterable[onnx.NodeProto]) -> None:
    """Give the graph these nodes and no others; some may be its own."""
    kept = list(nodes)
    del graph.node[:]
    graph.node.extend(kept)


def rename_inputs(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Rename in place what the node and the graphs inside it read."""
    node.input[:] = [names.get(name, name) for name in node.input]
    for inner in subgraphs(node):
        own = {value.name for value in (*inner.input, *inner.initializer)}
        own |= {name for one in inner.node for name in one.output}
        outer = {name: new for name, new in names.items() if name not in own}
        for one in inner.node:
            rename_inputs(one, outer)
        for value in inner.output:
            value.name = outer.get(value.name, value.name)
