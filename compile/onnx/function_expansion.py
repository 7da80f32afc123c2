"""Write out the operators that ONNX itself defines by others and TVM does not know; exact."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from compile.onnx.model_file import STANDARD_DOMAINS, graphs

if TYPE_CHECKING:
    import onnx

_DOMAIN = "written.out"
# TVM knows an operator of this name, but another one.
_MISTAKEN = ("Attention",)


def expand_functions(proto: onnx.ModelProto, known: Collection[str], opset: int) -> onnx.ModelProto:
    """The model without operators that are neither `known` nor more than ONNX functions."""
    import onnx
    import onnx.inliner

    wanted = [
        node
        for node in proto.graph.node
        if node.domain in STANDARD_DOMAINS
        and (node.op_type not in known or node.op_type in _MISTAKEN)
    ]
    if not wanted:
        return proto
    types = _types(onnx.shape_inference.infer_shapes(proto))
    for number, node in enumerate(wanted):
        _set_defaults(node, opset)
        body = _body(node, types, opset)
        if body is None:
            continue
        body.domain, body.name = _DOMAIN, f"{node.op_type}{number}"
        # ONNX keeps a body for each opset that changes one of the operators in it.
        del body.opset_import[:]
        body.opset_import.extend(proto.opset_import)
        node.domain, node.op_type = _DOMAIN, body.name
        proto.functions.append(body)
    if not proto.functions:
        return proto
    proto.opset_import.append(onnx.helper.make_opsetid(_DOMAIN, 1))
    return onnx.inliner.inline_local_functions(proto)


def constants_as_tensors(proto: onnx.ModelProto) -> None:
    """Write the numbers of Constant nodes as tensors, the only form that TVM reads."""
    for graph in graphs(proto.graph):
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute:
                _as_tensor(node.attribute[0])


def _as_tensor(attribute: onnx.AttributeProto) -> None:
    import numpy as np
    import onnx

    if attribute.name in ("value_float", "value_floats", "value_int", "value_ints"):
        dtype = np.float32 if "float" in attribute.name else np.int64
        value = np.array(onnx.helper.get_attribute_value(attribute), dtype)
        tensor = onnx.numpy_helper.from_array(value)
        attribute.CopyFrom(onnx.helper.make_attribute("value", tensor))


def _set_defaults(node: onnx.NodeProto, opset: int) -> None:
    """Give the node the attributes that its function's body may refer to."""
    import onnx

    if not onnx.defs.has(node.op_type, opset, ""):
        return
    given = {attribute.name for attribute in node.attribute}
    for name, attribute in onnx.defs.get_schema(node.op_type, opset, "").attributes.items():
        if name not in given and attribute.default_value.name:
            node.attribute.append(attribute.default_value)


def _body(
    node: onnx.NodeProto, types: dict[str, onnx.TypeProto], opset: int
) -> onnx.FunctionProto | None:
    import onnx

    if not onnx.defs.has(node.op_type, opset, ""):
        return None
    schema: Any = onnx.defs.get_schema(node.op_type, opset, "")  # its stubs lack the functions
    if schema.has_function:
        return onnx.FunctionProto.FromString(
            schema.get_function_with_opset_version(
                max(one for one in schema.function_opset_versions if one <= opset)
            )
        )
    if schema.has_context_dependent_function:
        operands = [types.get(name, onnx.TypeProto()).SerializeToString() for name in node.input]
        version = max(v for v in schema.context_dependent_function_opset_versions if v <= opset)
        content = schema.get_context_dependent_function_with_opset_version(
            version, node.SerializeToString(), operands
        )
        return onnx.FunctionProto.FromString(content)
    return None


def _types(proto: onnx.ModelProto) -> dict[str, onnx.TypeProto]:
    import onnx

    graph = proto.graph
    found = {value.name: value.type for value in (*graph.input, *graph.value_info, *graph.output)}
    for tensor in graph.initializer:
        found[tensor.name] = onnx.helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
    return found
