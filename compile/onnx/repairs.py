"""Bring what ONNX Runtime takes into the form that ONNX's checker and TVM want."""

from __future__ import annotations

import contextlib
import graphlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from compile.onnx.model_file import graphs, replace_nodes, subgraphs

if TYPE_CHECKING:
    import onnx


def sort_nodes(graph: onnx.GraphProto) -> None:
    """Put nodes behind those whose results they read, as converters to fp16 do not always.

    A graph in order stays as it is, and so does one with a cycle.
    """
    makers: dict[str, int] = {}
    before: dict[int, set[int]] = {}
    for place, node in enumerate(graph.node):
        makers.update(dict.fromkeys(node.output, place))
        for inner in subgraphs(node):
            sort_nodes(inner)
    for place, node in enumerate(graph.node):
        before[place] = {makers[name] for name in _read(node) if name and name in makers}
    if any(max(earlier, default=-1) >= place for place, earlier in before.items()):
        with contextlib.suppress(graphlib.CycleError):
            order = list(graphlib.TopologicalSorter(before).static_order())
            replace_nodes(graph, [graph.node[place] for place in order])


def _read(node: onnx.NodeProto) -> set[str]:
    """Names that a node and what is inside it read."""
    names = set(node.input)
    for outer in subgraphs(node):
        for inner in graphs(outer):
            names.update(name for one in inner.node for name in one.input)
            names.update(output.name for output in inner.output)
    return names


@contextlib.contextmanager
def shapes_given(graph: onnx.GraphProto) -> Iterator[None]:
    """Within the block inputs and outputs without a shape have some: ONNX's checker wants that."""
    kept = []
    for value in (*graph.input, *graph.output):
        kind = value.type.tensor_type
        if value.type.WhichOneof("value") in (None, "tensor_type") and not kind.HasField("shape"):
            kept.append((value, value.SerializeToString()))
            kind.shape.SetInParent()
            kind.elem_type = kind.elem_type or 1
    try:
        yield
    finally:
        for value, before in kept:
            value.ParseFromString(before)


def give_types(proto: onnx.ModelProto) -> None:
    """Give the types that ONNX infers to outputs that the file gives none."""
    import onnx

    untyped = [one for one in proto.graph.output if one.type.WhichOneof("value") is None]
    if not untyped:
        return
    inferred = {one.name: one.type for one in onnx.shape_inference.infer_shapes(proto).graph.output}
    for output in untyped:
        output.type.CopyFrom(inferred[output.name])


def forget_types_of_weights(proto: onnx.ModelProto) -> None:
    """Drop the types that a file notes of its weights beside their own.

    ONNX Runtime does not read them, and its converter to fp16 leaves some that are wrong.
    """
    for graph in graphs(proto.graph):
        weights = {tensor.name for tensor in graph.initializer}
        noted = [value for value in graph.value_info if value.name not in weights]
        del graph.value_info[:]
        graph.value_info.extend(noted)


def remove_defaults(graph: onnx.GraphProto) -> None:
    """Make inputs that have a value, as all weights had until 2019, weights and nothing else."""
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
