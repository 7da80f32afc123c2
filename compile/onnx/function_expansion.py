"""Write out operators that are defined by others, by `definitions` or by ONNX itself; exact."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compile.library_errors import naming_node
from compile.onnx.definitions import DEFINITIONS
from compile.onnx.function_body import Operation
from compile.onnx.known_values import constant_tensor, constants_of, types_of
from compile.onnx.model_file import STANDARD_DOMAINS, graphs

if TYPE_CHECKING:
    import onnx

_DOMAIN = "written.out"
# Definitions by operators that are defined by others themselves, at most so many deep. Those of
# ONNX Runtime hide the shapes of what follows from ONNX, and may have to go one by one.
_DEEPEST = 8
# TVM knows an operator of this name, but another one.
_MISTAKEN = ("Attention",)


def expand_functions(
    path: Path, proto: onnx.ModelProto, known: Collection[str], opset: int
) -> onnx.ModelProto:
    """The model without operators that are defined by others, here or by ONNX itself.

    ONNX's own definitions are used where the operator is not `known` to TVM. Raises InputError,
    naming the node, for what a definition cannot write.
    """
    import onnx.inliner

    for _ in range(_DEEPEST + len(proto.graph.node)):
        if not _write_functions(path, proto, known, opset):
            break
        proto = onnx.inliner.inline_local_functions(proto)
    return proto


def _write_functions(
    path: Path, proto: onnx.ModelProto, known: Collection[str], opset: int
) -> bool:
    """Turn what is defined by others into calls of the model's functions; whether there is any."""
    import onnx

    wanted = [
        node
        for graph in graphs(proto.graph)
        for node in graph.node
        if (_domain(node), node.op_type) in DEFINITIONS
        or (_domain(node) == "" and (node.op_type not in known or node.op_type in _MISTAKEN))
    ]
    if not wanted:
        return False
    types, constants = types_of(proto), constants_of(proto)
    for number, node in enumerate(wanted):
        body = _definition(path, Operation(node, types, constants, opset))
        if body is None and node.op_type not in known:
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
    if proto.functions and not any(one.domain == _DOMAIN for one in proto.opset_import):
        proto.opset_import.append(onnx.helper.make_opsetid(_DOMAIN, 1))
    return bool(proto.functions)


def _domain(node: onnx.NodeProto) -> str:
    return "" if node.domain in STANDARD_DOMAINS else node.domain


def _definition(path: Path, operation: Operation) -> onnx.FunctionProto | None:
    node = operation.node
    define = DEFINITIONS.get((_domain(node), node.op_type))
    if define is None:
        return None
    with naming_node(path, node, operation.opset):
        return define(operation)


def constants_as_tensors(proto: onnx.ModelProto) -> None:
    """Write the numbers of Constant nodes as tensors, the only form that TVM reads."""
    from onnx.helper import make_attribute

    for graph in graphs(proto.graph):
        for node in graph.node:
            value = constant_tensor(node)
            if value is not None:
                node.attribute[0].CopyFrom(make_attribute("value", value))


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
    node: onnx.NodeProto, types: Mapping[str, onnx.TypeProto], opset: int
) -> onnx.FunctionProto | None:
    import onnx

    if not onnx.defs.has(node.op_type, opset, ""):
        return None
    schema: Any = onnx.defs.get_schema(node.op_type, opset, "")  # its stubs lack the functions
    versions = [v for v in schema.function_opset_versions if v <= opset]
    if schema.has_function and versions:
        return onnx.FunctionProto.FromString(schema.get_function_with_opset_version(max(versions)))
    versions = [v for v in schema.context_dependent_function_opset_versions if v <= opset]
    if schema.has_context_dependent_function and versions:
        operands = [types.get(name, onnx.TypeProto()).SerializeToString() for name in node.input]
        content = schema.get_context_dependent_function_with_opset_version(
            max(versions), node.SerializeToString(), operands
        )
        return onnx.FunctionProto.FromString(content)
    return None
