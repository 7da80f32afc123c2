"""Refuse an ONNX model that cannot be compiled, and bring the others into a form that TVM reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from compile.library_errors import as_input_error
from compile.onnx import model_file
from compile.onnx.divisions import check_divisions
from compile.onnx.function_expansion import constants_as_tensors, expand_functions
from compile.onnx.model_file import ModelFile, graphs, rename_inputs
from compile.onnx.repairs import (
    forget_types_of_weights,
    give_types,
    remove_defaults,
    shapes_given,
    sort_nodes,
)
from compile.onnx.resize import is_resize, replace_resizes, written_resizes
from compile.onnx.runtime_operators import move_runtime_operators
from compile.onnx.sizes import check_values
from compile.onnx.widening import widen
from depthbench.errors import InputError
from depthbench.one_line import one_line
from depthbench.suggest import did_you_mean

if TYPE_CHECKING:
    import onnx

OLDEST_OPSET, NEWEST_OPSET = 7, 28
UPGRADE_OPSET = 13
# ONNX Runtime, which every result is checked against, has a few operators of its own.
DOMAINS = (*model_file.STANDARD_DOMAINS, "com.microsoft")
# FLOAT to INT64 but for strings, BOOL, FLOAT16, DOUBLE, UINT32 and UINT64: onnx.TensorProto.
_NUMBERS = (*range(1, 8), *range(9, 14))


@dataclass(frozen=True)
class Port:
    """An input or output of a model."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    def to_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {"name": self.name, "shape": list(self.shape), "dtype": self.dtype}


@dataclass(frozen=True)
class Model:
    """A checked ONNX model of static shape.

    `sha256` covers the file and the files beside it that hold its weights. `half` says that its
    numbers are fp16, which `proto` has as fp32, `quantised` that it rounds numbers to integers of
    a scale. `warnings` has what is suspect but can be compiled.
    """

    path: Path
    sha256: str
    proto: onnx.ModelProto
    inputs: tuple[Port, ...]
    outputs: tuple[str, ...]
    half: bool = False
    quantised: bool = False
    warnings: tuple[str, ...] = field(default=())


def load_model(path: Path, input_shapes: Mapping[str, Sequence[int]] | None = None) -> Model:
    """Read and check the ONNX model at `path`; `input_shapes` fixes dynamic inputs by name.

    Raises InputError, in one line, as `model_file.read` and `check_model` do.
    """
    return check_model(model_file.read(path, input_shapes))


def check_model(file: ModelFile) -> Model:
    """The content of an ONNX file in the form that TVM reads; `file.proto` is not used again.

    Raises InputError, in one line, for a model that is invalid or of an opset outside 7 to 28, for
    an operator that TVM cannot import (named with its node), and for dynamic shapes.
    """
    with as_input_error(f"{file.path}: not a valid ONNX model"):
        return _checked(file)


def _checked(file: ModelFile) -> Model:
    import onnx

    from compile.onnx.folding.constant_folding import fold_constants

    path, proto = file.path, file.proto
    opset = _opset(path, proto)
    try:
        proto = _inlined(proto)
        move_runtime_operators(proto, opset)
        sort_nodes(proto.graph)
        forget_types_of_weights(proto)
        with shapes_given(proto.graph):
            onnx.checker.check_model(proto)
    except onnx.checker.ValidationError as error:
        raise InputError(f"{path}: not a valid ONNX model: {_joined(error)}") from error
    except ValueError as error:  # the serialised model is too large for the checker
        raise InputError(f"{path}: too large for ONNX: {one_line(error)}") from error
    check_values(path, proto)
    warnings = tuple(_suspicions(proto))
    remove_defaults(proto.graph)
    give_types(proto)
    half = widen(proto)
    fold_constants(proto)
    check_divisions(path, proto)
    quantised = any(map(_quantises, proto.graph.node))
    known = _known_operators()
    resizes = written_resizes(path, proto, opset)
    proto = replace_resizes(_upgraded(proto, opset), resizes)
    opset = _opset(path, proto)
    proto = expand_functions(path, proto, known, opset)
    fold_constants(proto)
    constants_as_tensors(proto)
    _check_operators(path, proto, known, opset)
    return Model(
        path=path,
        sha256=file.sha256,
        proto=proto,
        inputs=_inputs(path, proto),
        outputs=_outputs(path, proto),
        half=half,
        quantised=quantised,
        warnings=warnings,
    )


def _quantises(node: onnx.NodeProto) -> bool:
    return node.op_type.startswith(
        ("Quantize", "QLinear", "DynamicQuantize", "QGemm", "QAttention")
    )


def _joined(error: Exception) -> str:
    """The message of ONNX's checker on one line: its last line alone is only where it looked."""
    return one_line(" ".join(str(error).split()))


def _opset(path: Path, proto: onnx.ModelProto) -> int:
    versions = [
        one.version for one in proto.opset_import if one.domain in model_file.STANDARD_DOMAINS
    ]
    opset = max(versions, default=NEWEST_OPSET)
    if not OLDEST_OPSET <= opset <= NEWEST_OPSET:
        age = "old" if opset < OLDEST_OPSET else "new"
        raise InputError(
            f"{path}: opset {opset} is too {age}; export with an opset from "
            f"{OLDEST_OPSET} to {NEWEST_OPSET}"
        )
    return int(opset)


def _inlined(proto: onnx.ModelProto) -> onnx.ModelProto:
    if not proto.functions:
        return proto
    import onnx.inliner

    return onnx.inliner.inline_local_functions(proto)


def _upgraded(proto: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Old models that resize or slice, in a newer opset: TVM misreads the old forms.

    Those whose pools tell where their maxima lie will be written with slices.
    """
    import onnx.version_converter

    misread = any(
        is_resize(node)
        or node.op_type == "Slice"
        or (node.op_type == "MaxPool" and len(node.output) > 1)
        for node in proto.graph.node
    )
    if opset >= 11 or not misread:
        return proto
    try:
        upgraded = onnx.version_converter.convert_version(proto, UPGRADE_OPSET)
    except RuntimeError:  # a form the converter does not know: the check will judge the result
        return proto
    # The converter gives results of what it changes other names; resizes are known by theirs.
    resizes = zip(*(filter(is_resize, one.graph.node) for one in (upgraded, proto)), strict=True)
    names = {new.output[0]: old.output[0] for new, old in resizes}
    for node in upgraded.graph.node:
        rename_inputs(node, names)
        node.output[:] = [names.get(name, name) for name in node.output]
    return upgraded


def _known_operators() -> set[str]:
    from tvm.relax.frontend.onnx import onnx_frontend

    return {*onnx_frontend._get_convert_map(), "If", "Constant"}


def _check_operators(
    path: Path, proto: onnx.ModelProto, known: Collection[str], opset: int
) -> None:
    for graph in graphs(proto.graph):
        for node in graph.node:
            own = node.domain not in DOMAINS
            name = f"{node.domain}.{node.op_type}" if own else node.op_type
            place = node.name or ", ".join(node.output)
            if node.op_type in known and not own:
                continue
            raise InputError(
                f"{path}: operator {name} (node {place!r}, opset {opset}) cannot be compiled",
                advice=_other_operators(node, known),
            )


def _other_operators(node: onnx.NodeProto, known: Collection[str]) -> str:
    import onnx

    advice = "export the model with other operators"
    if node.domain in model_file.STANDARD_DOMAINS and onnx.defs.has(node.op_type):
        return advice
    return did_you_mean(node.op_type, known, advice)


def _inputs(path: Path, proto: onnx.ModelProto) -> tuple[Port, ...]:
    import onnx

    ports = []
    for value in proto.graph.input:
        kind = value.type.tensor_type
        if any(dim.HasField("dim_value") and not dim.dim_value for dim in kind.shape.dim):
            raise InputError(
                f"{path}: input {value.name!r} is empty: one of its sizes is zero",
                advice="give it another shape, or make it a constant of the model",
            )
        edges = [
            dim.dim_value if dim.dim_value > 0 else dim.dim_param or "?" for dim in kind.shape.dim
        ]
        if not kind.HasField("shape") or not all(isinstance(edge, int) for edge in edges):
            shown = "x".join(map(str, edges)) or "unknown"
            raise InputError(
                f"{path}: input {value.name!r} has a dynamic shape ({shown})",
                advice="give one with --input-shape or export with fixed sizes",
            )
        if kind.elem_type not in _NUMBERS:
            raise InputError(
                f"{path}: input {value.name!r} is no tensor of numbers",
                advice="export it with numbers of 8 to 64 bits or booleans",
            )
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
        ports.append(Port(value.name, tuple(int(edge) for edge in edges), str(dtype)))
    return tuple(ports)


def _outputs(path: Path, proto: onnx.ModelProto) -> tuple[str, ...]:
    for output in proto.graph.output:
        if output.type.WhichOneof("value") not in (None, "tensor_type"):
            raise InputError(
                f"{path}: output {output.name!r} is no tensor",
                advice="give each tensor of a sequence an output of its own",
            )
    return tuple(output.name for output in proto.graph.output)


def _suspicions(proto: onnx.ModelProto) -> Iterator[str]:
    import onnx

    for tensor in proto.graph.initializer:
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
            value = onnx.numpy_helper.to_array(tensor)
            if not np.isfinite(value).all():
                yield f"weights {tensor.name!r} are not all finite"
