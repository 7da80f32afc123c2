"""Hand a checked ONNX model to TVM."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from math import prod
from typing import TYPE_CHECKING

from compile import interrupt
from compile.library_errors import free_frames
from compile.onnx.checked_model import Model, Port
from compile.onnx.known_values import types_of
from compile.onnx.sizes import MAX_ELEMENTS
from depthbench.errors import InputError
from depthbench.one_line import one_line

if TYPE_CHECKING:
    import onnx
    import tvm
    from tvm import relax

# Types that no array of NumPy has.
_TOO_SHORT = ("float8", "float6_", "float4_", "int4", "uint4", "int2", "uint2")


def import_model(model: Model) -> tvm.IRModule:
    """The model as a Relax module with one function `main`, its weights inside.

    Raises InputError, in one line, where TVM cannot import it, a result's shape depends on the data
    or a value is too large.
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
        free_frames(error)
        culprit = re.search(r"Error converting operator (\w+)", said.getvalue())
        where = f"operator {culprit.group(1)}: " if culprit else ""
        raise InputError(
            f"{model.path}: TVM cannot import this model: {where}{one_line(error)}"
        ) from error
    for name, kind in zip(model.outputs, _result_types(mod), strict=True):
        if _static_shape(kind) is None:
            raise InputError(
                f"{model.path}: the shape of output {name!r} depends on the data"
                f"{_since(model.proto)}: only static shapes can be compiled",
                advice="make the sizes that decide it constants, or end the model before it",
            )
        if str(kind.dtype).startswith(_TOO_SHORT):
            raise InputError(
                f"{model.path}: output {name!r} is of type {kind.dtype}, which no array has",
                advice="cast it to float32 or to whole bytes in the model",
            )
    _check_sizes(model, mod)
    return mod


def _since(proto: onnx.ModelProto) -> str:
    """Which operator is the first with a result of unknown shape, as part of a sentence."""
    undeclared = type(proto)()
    undeclared.CopyFrom(proto)
    for output in undeclared.graph.output:
        output.type.tensor_type.ClearField("shape")
    types = types_of(undeclared)
    for node in proto.graph.node:
        for kind in (types[name].tensor_type for name in node.output if name in types):
            if not kind.HasField("shape") or any(
                not one.HasField("dim_value") for one in kind.shape.dim
            ):
                return f" since operator {node.op_type} (node {node.name or node.output[0]!r})"
    return ""


def _check_sizes(model: Model, mod: tvm.IRModule) -> None:
    import tvm
    from tvm_ffi import structural_walk

    empty: list[tuple[int, ...]] = []

    def look(constant: tvm.ir.GenericConst) -> None:
        if 0 in constant.value.shape:
            empty.append(constant.value.shape)

    structural_walk(mod["main"].body, (tvm.ir.GenericConst, look))
    if empty:
        raise InputError(
            f"{model.path}: it computes with a constant of shape {'x'.join(map(str, empty[0]))}, "
            "and TVM has none without elements",
            advice="export the model without it",
        )
    for block in mod["main"].body.blocks:
        for binding in block.bindings:
            shape = _static_shape(binding.var.ty) or ()
            if min(shape, default=1) < 0 or prod(shape) > MAX_ELEMENTS:
                raise InputError(
                    f"{model.path}: a value would be of shape {'x'.join(map(str, shape))}",
                    advice=f"at most {MAX_ELEMENTS} elements can be computed",
                )


def output_ports(model: Model, mod: tvm.IRModule) -> tuple[Port, ...]:
    """Names, shapes and types of the results of an imported model."""
    return tuple(
        Port(name, _static_shape(kind) or (), str(kind.dtype))
        for name, kind in zip(model.outputs, _result_types(mod), strict=True)
    )


def _result_types(mod: tvm.IRModule) -> list[relax.Type]:
    kind = mod["main"].ret_ty
    return list(kind.fields) if hasattr(kind, "fields") else [kind]


def _static_shape(kind: relax.Type) -> tuple[int, ...] | None:
    from tvm import relax, tirx

    shape = getattr(kind, "shape", None)
    if not isinstance(shape, relax.ShapeExpr):
        return None
    if not all(isinstance(edge, tirx.IntImm) for edge in shape):
        return None
    return tuple(int(edge) for edge in shape)
