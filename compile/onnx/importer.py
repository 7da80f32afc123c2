"""Read an ONNX model, refuse what cannot be compiled, and hand it to TVM."""

from __future__ import annotations

import contextlib
import io
import os
import re
import traceback
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from compile import interrupt
from compile.onnx import model_file
from compile.onnx.function_expansion import expand_functions
from compile.onnx.resize import rewrite_resizes
from depthbench.errors import InputError
from depthbench.suggest import did_you_mean

if TYPE_CHECKING:
    import onnx

OLDEST_OPSET, NEWEST_OPSET = 7, 26
UPGRADE_OPSET = 13
# ONNX Runtime, which every result is checked against, has a few operators of its own.
DOMAINS = (*model_file.STANDARD_DOMAINS, "com.microsoft")


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

    `sha256` covers the file and the files beside it that hold its weights. `warnings` has what
    is suspect but can be compiled.
    """

    path: Path
    sha256: str
    proto: onnx.ModelProto
    inputs: tuple[Port, ...]
    outputs: tuple[str, ...]
    warnings: tuple[str, ...] = field(default=())


def load_model(path: Path, input_shapes: Mapping[str, Sequence[int]] | None = None) -> Model:
    """Read and check the ONNX model at `path`; `input_shapes` fixes dynamic inputs by name.

    Raises InputError, in one line, for a file that is missing, no ONNX model, truncated, invalid,
    larger than 2 GiB or of an opset outside 7 to 26, for weights outside the model's folder, for
    an operator that TVM cannot import (named with its node), and for dynamic shapes.
    """
    import onnx

    proto = model_file.parse(path)
    opset = _opset(path, proto)
    digest = model_file.load_weights(path, proto)
    fix_shapes(path, proto, input_shapes or {})
    proto = _upgraded(_inlined(proto), opset)
    try:
        onnx.checker.check_model(proto)
    except onnx.checker.ValidationError as error:
        raise InputError(f"{path}: not a valid ONNX model: {one_line(error)}") from error
    except ValueError as error:  # the serialised model is too large for the checker
        raise InputError(f"{path}: too large for ONNX: {one_line(error)}") from error
    known = _known_operators()
    opset = _opset(path, proto)
    proto = rewrite_resizes(expand_functions(proto, known, opset), opset)
    _check_operators(path, proto, known, opset)
    return Model(
        path=path,
        sha256=digest,
        proto=proto,
        inputs=_inputs(path, proto),
        outputs=tuple(output.name for output in proto.graph.output),
        warnings=tuple(_suspicions(proto)),
    )


def import_model(model: Model) -> Any:
    """The model as a Relax module with one function `main`, its weights inside.

    Raises InputError, in one line, where TVM cannot import it or a result's shape depends on the
    data.
    """
    from tvm.relax.frontend.onnx import from_onnx

    said = io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(said),
            interrupt.restored(),
        ):
            warnings.simplefilter("ignore")
            mod = from_onnx(model.proto, keep_params_in_input=False)
    except Exception as error:  # TVM raises whatever its converters meet
        _free_frames(error)
        culprit = re.search(r"Error converting operator (\w+)", said.getvalue())
        where = f"operator {culprit.group(1)}: " if culprit else ""
        raise InputError(
            f"{model.path}: TVM cannot import this model: {where}{one_line(error)}"
        ) from error
    for name, kind in zip(model.outputs, _result_types(mod), strict=True):
        if _static_shape(kind) is None:
            raise InputError(
                f"{model.path}: the shape of output {name!r} depends on the data; "
                "only static shapes can be compiled"
            )
    return mod


def _free_frames(error: Exception) -> None:
    """Free what a failed import left half built: TVM warns of that, on the descriptor itself."""
    standard_error = 2
    with open(os.devnull, "wb") as nothing:
        kept = os.dup(standard_error)
        os.dup2(nothing.fileno(), standard_error)
        try:
            traceback.clear_frames(error.__traceback__)
        finally:
            os.dup2(kept, standard_error)
            os.close(kept)


def output_ports(model: Model, mod: Any) -> tuple[Port, ...]:
    """Names, shapes and types of the results of an imported model."""
    return tuple(
        Port(name, _static_shape(kind) or (), str(kind.dtype))
        for name, kind in zip(model.outputs, _result_types(mod), strict=True)
    )


def one_line(error: object, limit: int = 300) -> str:
    """The message of an error on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _result_types(mod: Any) -> list[Any]:
    kind = mod["main"].ret_ty
    return list(kind.fields) if hasattr(kind, "fields") else [kind]


def _static_shape(kind: Any) -> tuple[int, ...] | None:
    from tvm import relax, tirx

    shape = getattr(kind, "shape", None)
    if not isinstance(shape, relax.ShapeExpr):
        return None
    if not all(isinstance(edge, tirx.IntImm) for edge in shape):
        return None
    return tuple(int(edge) for edge in shape)


def _opset(path: Path, proto: onnx.ModelProto) -> int:
    versions = [
        one.version for one in proto.opset_import if one.domain in model_file.STANDARD_DOMAINS
    ]
    opset = max(versions, default=1)
    if not OLDEST_OPSET <= opset <= NEWEST_OPSET:
        age = "old" if opset < OLDEST_OPSET else "new"
        raise InputError(
            f"{path}: opset {opset} is too {age}; export with an opset from "
            f"{OLDEST_OPSET} to {NEWEST_OPSET}"
        )
    return int(opset)


def fix_shapes(path: Path, proto: onnx.ModelProto, shapes: Mapping[str, Sequence[int]]) -> None:
    """Write `shapes`, by input name, into the model; raises InputError where they do not fit."""
    inputs = {value.name: value for value in proto.graph.input}
    for name, shape in shapes.items():
        if name not in inputs:
            raise InputError(f"{path}: no input {name!r}; its inputs are {', '.join(inputs)}")
        dims = inputs[name].type.tensor_type.shape.dim
        if len(dims) != len(shape) or min(shape, default=1) < 1:
            raise InputError(f"{path}: input {name!r} has {len(dims)} axes, not {list(shape)}")
        for dim, edge in zip(dims, shape, strict=True):
            if dim.HasField("dim_value") and dim.dim_value not in (0, edge):
                raise InputError(f"{path}: input {name!r} is fixed to another shape")
            dim.dim_value = edge
    if shapes:
        del proto.graph.value_info[:]


def _inlined(proto: onnx.ModelProto) -> onnx.ModelProto:
    if not proto.functions:
        return proto
    import onnx.inliner

    return onnx.inliner.inline_local_functions(proto)


def _upgraded(proto: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Old models that resize images, in a newer opset: TVM misreads the old forms."""
    import onnx.version_converter

    resizes = any(node.op_type in ("Upsample", "Resize") for node in proto.graph.node)
    if not resizes or opset >= 11:
        return proto
    try:
        return onnx.version_converter.convert_version(proto, UPGRADE_OPSET)
    except RuntimeError:  # a form the converter does not know: the check will judge the result
        return proto


def _known_operators() -> set[str]:
    from tvm.relax.frontend.onnx import onnx_frontend

    return {*onnx_frontend._get_convert_map(), "If", "Constant"}


def _check_operators(
    path: Path, proto: onnx.ModelProto, known: Collection[str], opset: int
) -> None:
    for graph in model_file.graphs(proto.graph):
        for node in graph.node:
            own = node.domain not in DOMAINS
            if node.op_type in known and not own:
                continue
            name = f"{node.domain}.{node.op_type}" if own else node.op_type
            place = node.name or ", ".join(node.output)
            raise InputError(
                f"{path}: operator {name} (node {place!r}, opset {opset}) cannot be compiled",
                advice=did_you_mean(node.op_type, known, "export the model with other operators"),
            )


def _inputs(path: Path, proto: onnx.ModelProto) -> tuple[Port, ...]:
    import onnx

    weights = {tensor.name for tensor in proto.graph.initializer}
    ports = []
    for value in proto.graph.input:
        if value.name in weights:
            continue
        kind = value.type.tensor_type
        edges = [
            dim.dim_value if dim.dim_value > 0 else dim.dim_param or "?" for dim in kind.shape.dim
        ]
        if not kind.HasField("shape") or not all(isinstance(edge, int) for edge in edges):
            shown = "x".join(map(str, edges)) or "unknown"
            raise InputError(
                f"{path}: input {value.name!r} has a dynamic shape ({shown})",
                advice="give one with --input-shape or export with fixed sizes",
            )
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
        ports.append(Port(value.name, tuple(int(edge) for edge in edges), str(dtype)))
    return tuple(ports)


def _suspicions(proto: onnx.ModelProto) -> Iterator[str]:
    import onnx

    for tensor in proto.graph.initializer:
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
            value = onnx.numpy_helper.to_array(tensor)
            if not np.isfinite(value).all():
                yield f"weights {tensor.name!r} are not all finite"
