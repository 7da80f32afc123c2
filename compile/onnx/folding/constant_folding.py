"""Compute what follows from a model's shapes and constants alone, by ONNX Runtime.

The rest of the graph stays as it is: nothing is fused or renamed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import chain

import numpy as np
import onnx
from onnx import helper, numpy_helper

from compile.onnx.divisions import may_divide_by_zero
from compile.onnx.folding.onnxruntime_session import onnxruntime_session
from compile.onnx.folding.sequences import write_out_sequences
from compile.onnx.folding.subgraphs import inline_known_subgraphs
from compile.onnx.known_values import constant_tensor, constants_of
from compile.onnx.model_file import STANDARD_DOMAINS, graphs, replace_nodes, subgraphs

# A result that is larger than this, and than what it is computed from, is left to be computed.
MAX_BYTES = 2**26
# Random, no tensor, or better kept: weights as bytes are what int8 is made of.
_KEPT = (
    *("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
    *("Bernoulli", "Multinomial", "Constant", "DequantizeLinear"),
    *("SequenceConstruct", "SequenceEmpty", "SequenceInsert", "SequenceErase", "SequenceMap"),
    *("SplitToSequence", "Optional", "OptionalGetElement", "OptionalHasElement"),
)
_SMALL = 1024  # elements; what shape inference has to know the values of
Shapes = Mapping[str, tuple[int, ...]]


def fold_constants(proto: onnx.ModelProto) -> None:
    """Replace, in place, what is constant when the inputs have the shapes that they have.

    No weight may be an input as well. Shapes become numbers, nodes of constant inputs become
    weights, `If` and `Loop` of known conditions and counts become the nodes of their bodies, and
    sequences of known length become their tensors. A model without any such node is left as it
    is, and so is one whose constants ONNX Runtime cannot compute.
    """
    graph = proto.graph
    changed = False
    while _fold_once(proto):
        changed = True
    if changed:
        _remove_unused(graph)


def _fold_once(proto: onnx.ModelProto) -> bool:
    graph = proto.graph
    found = [_constants_as_weights(graph), _drop_empty(graph)]
    known = _weights(graph)
    if any(_may_fold(node, known) for node in graph.node):
        shapes, types = _inferred(proto)
        found += [
            _fold_shapes(graph, shapes),
            _fold_values(proto, shapes, types),
            inline_known_subgraphs(graph, constants_of(proto)),
            write_out_sequences(proto, constants_of(proto), shapes),
        ]
    return any(found)


def _may_fold(node: onnx.NodeProto, known: set[str]) -> bool:
    """Whether to look at the model closely because of the node."""
    return (
        node.op_type in ("Shape", "Size", "If", "Loop", "SequenceAt", "ConcatFromSequence")
        or node.op_type == "SequenceLength"
        or _is_constant(node, known)
    )


def _constants_as_weights(graph: onnx.GraphProto) -> bool:
    """Turn Constant nodes of any form into weights, which shape inference always looks at."""
    kept = []
    for node in graph.node:
        value = constant_tensor(node)
        if value is None:
            kept.append(node)
        else:
            graph.initializer.append(value)
            graph.initializer[-1].name = node.output[0]
    if len(kept) == len(graph.node):
        return False
    replace_nodes(graph, kept)
    return True


def _drop_empty(graph: onnx.GraphProto) -> bool:
    """Leave out what adds nothing to a concatenation: TVM has no tensors without elements."""
    dims = {tensor.name: list(tensor.dims) for tensor in graph.initializer if 0 in tensor.dims}
    found = False
    for node in graph.node if dims else ():
        if node.op_type == "Concat":
            axis = next(one.i for one in node.attribute if one.name == "axis")
            kept = [name for name in node.input if dims.get(name, [1] * 16)[axis]]
            if 0 < len(kept) < len(node.input):
                node.input[:] = kept
                found = True
    return found


def _weights(graph: onnx.GraphProto) -> set[str]:
    return {tensor.name for tensor in graph.initializer}


def _is_constant(node: onnx.NodeProto, known: set[str]) -> bool:
    return (
        node.domain in STANDARD_DOMAINS
        and node.op_type not in _KEPT
        and not (node.op_type == "Dropout" and len(node.input) > 2)  # it may be for training
        and any(node.input)
        and all(name in known for name in node.input if name)
        and not any(subgraphs(node))
    )


def _fold_shapes(graph: onnx.GraphProto, shapes: Shapes) -> bool:
    kept = []
    for node in graph.node:
        shape = shapes.get(node.input[0]) if node.op_type in ("Shape", "Size") else None
        if shape is None or node.domain not in STANDARD_DOMAINS:
            kept.append(node)
            continue
        if node.op_type == "Size":
            value = np.array(math.prod(shape), np.int64)
        else:
            ends = {one.name: one.i for one in node.attribute}
            value = np.array(shape[ends.get("start", 0) : ends.get("end")], np.int64)
        graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
    if len(kept) == len(graph.node):
        return False
    replace_nodes(graph, kept)
    return True


def _fold_values(proto: onnx.ModelProto, shapes: Shapes, types: Mapping[str, int]) -> bool:
    graph = proto.graph
    known, constants = _weights(graph), constants_of(proto)
    computed, kept = [], []
    for node in graph.node:
        if (
            _is_constant(node, known)
            and not _is_too_large(node, shapes, types)
            and not may_divide_by_zero(node, types, constants)
        ):
            computed.append(node)
            known.update(node.output)
        else:
            kept.append(node)
    if not computed:
        return False
    used = _used(graph, kept)
    wanted = [name for node in computed for name in node.output if name in used]
    values = _run(proto, computed, wanted)
    if values is None:
        return False
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())
    replace_nodes(graph, kept)
    return True


def _is_too_large(node: onnx.NodeProto, shapes: Shapes, types: Mapping[str, int]) -> bool:
    def size(name: str) -> int:
        width = helper.tensor_dtype_to_np_dtype(types.get(name) or 1).itemsize
        return math.prod(shapes[name]) * width if name in shapes else 0

    result = sum(map(size, node.output))
    return result > max(MAX_BYTES, 2 * sum(map(size, node.input)))


def _run(
    proto: onnx.ModelProto, nodes: list[onnx.NodeProto], wanted: list[str]
) -> dict[str, np.ndarray] | None:
    """What the nodes compute, by name; None where ONNX Runtime cannot."""
    if not wanted:
        return {}
    part = _shell(proto)
    needed = {name for node in nodes for name in node.input}
    part.graph.initializer.extend(one for one in proto.graph.initializer if one.name in needed)
    part.graph.node.extend(nodes)
    part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    try:
        session = onnxruntime_session(part.SerializeToString(), optimised=False)
        values = session.run(wanted, {})
    except Exception:  # ONNX Runtime's own exceptions have no common base
        return None
    return dict(zip(wanted, map(np.asarray, values), strict=True))


def _inferred(proto: onnx.ModelProto) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    """Static shapes and types of a model's values, as they follow from its inputs.

    What the file says of values in between is not believed where ONNX can infer it.
    """
    graph = proto.graph
    part = _shell(proto)
    part.graph.node.extend(graph.node)
    foreign = {
        name for node in graph.node if node.domain not in STANDARD_DOMAINS for name in node.output
    }
    part.graph.value_info.extend(one for one in graph.value_info if one.name in foreign)
    part.graph.output.extend(onnx.ValueInfoProto(name=one.name) for one in graph.output)
    part.graph.input.extend(graph.input)
    for tensor in graph.initializer:
        if math.prod(tensor.dims) <= _SMALL:
            part.graph.initializer.append(tensor)
        else:
            part.graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    try:
        part = onnx.shape_inference.infer_shapes(part, data_prop=True)
    except onnx.shape_inference.InferenceError:
        return {}, {}
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    for value in (*part.graph.input, *part.graph.value_info, *part.graph.output):
        kind = value.type.tensor_type
        types[value.name] = kind.elem_type
        dims = kind.shape.dim
        if kind.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            shapes[value.name] = tuple(dim.dim_value for dim in dims)
    return shapes, types


def _shell(proto: onnx.ModelProto) -> onnx.ModelProto:
    """An empty model of the same versions."""
    shell = onnx.ModelProto(ir_version=proto.ir_version)
    shell.opset_import.extend(proto.opset_import)
    shell.graph.name = proto.graph.name or "constants"
    return shell


def _used(graph: onnx.GraphProto, nodes: Iterable[onnx.NodeProto]) -> set[str]:
    """Names that the nodes, what is inside them and the graph's outputs refer to."""
    names = {output.name for output in graph.output}
    for node in nodes:
        names.update(node.input)
        for inner in chain.from_iterable(map(graphs, subgraphs(node))):
            names.update(output.name for output in inner.output)
            names.update(name for one in inner.node for name in one.input)
    return names


def _remove_unused(graph: onnx.GraphProto) -> None:
    kept: list[onnx.NodeProto] = []
    used = _used(graph, ())
    for node in reversed(graph.node):
        if any(name in used for name in node.output):
            kept.append(node)
            used |= _used(graph, [node])
    replace_nodes(graph, reversed(kept))
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(weights)
