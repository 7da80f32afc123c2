"""Turn models whose numbers are fp16 into models of fp32 with fp16 inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from compile.onnx.model_file import graphs, rename_inputs, replace_nodes, tensors

if TYPE_CHECKING:
    import onnx

_HALF, _FLOAT = 10, 1  # of onnx.TensorProto.DataType
# Attributes that name the type of a result.
_TYPES = ("to", "dtype", "output_dtype")


def widen(proto: onnx.ModelProto, narrow: int = _HALF, wide: int = _FLOAT) -> bool:
    """Make everything inside a model fp32 that is fp16, in place; whether there was anything.

    `narrow` and `wide` are other types than these two, of onnx.TensorProto.DataType.

    Weights keep their values, exactly. Inputs and outputs keep their types: they are converted
    where they are read and written. What the model rounded to fp16 on the way is not rounded any
    more, and what overflowed does not.
    """
    graph = proto.graph
    inputs, outputs = (_names_of(narrow, ports) for ports in (graph.input, graph.output))
    weights = [tensor for tensor in tensors(proto) if tensor.data_type == narrow]
    attributes = [one for one in _type_attributes(proto) if one.i == narrow]
    kinds = [kind for kind in _kinds(proto) if kind.elem_type == narrow]
    for tensor in weights:
        _widen_tensor(tensor, wide)
    for attribute in attributes:
        attribute.i = wide
    for kind in kinds:
        kind.elem_type = wide
    _convert_ports(graph, inputs, outputs, narrow, wide)
    return bool(weights or attributes or kinds)


def _names_of(elem_type: int, values: Iterable[onnx.ValueInfoProto]) -> list[str]:
    return [value.name for value in values if value.type.tensor_type.elem_type == elem_type]


def _type_attributes(proto: onnx.ModelProto) -> Iterator[onnx.AttributeProto]:
    for graph in graphs(proto.graph):
        for node in graph.node:
            yield from (attribute for attribute in node.attribute if attribute.name in _TYPES)


def _kinds(proto: onnx.ModelProto) -> Iterator[onnx.TypeProto.Tensor]:
    for graph in graphs(proto.graph):
        for value in (*graph.input, *graph.output, *graph.value_info):
            kind = value.type
            if kind.HasField("sequence_type"):
                kind = kind.sequence_type.elem_type
            if kind.HasField("tensor_type"):
                yield kind.tensor_type


def _widen_tensor(tensor: onnx.TensorProto, wide: int) -> None:
    from onnx import helper, numpy_helper

    value = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(wide))
    tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))


def _convert_ports(
    graph: onnx.GraphProto, inputs: list[str], outputs: list[str], narrow: int, wide: int
) -> None:
    """Convert what the graph takes and gives, under names of their own inside."""
    from onnx import helper

    inside = {name: f"{name}/wide" for name in (*inputs, *outputs)}
    for node in graph.node:
        rename_inputs(node, inside)
        node.output[:] = [inside.get(name, name) for name in node.output]
    for tensor in graph.initializer:
        tensor.name = inside.get(tensor.name, tensor.name)
    for value in (*graph.input, *graph.output):
        if value.name in inside:
            value.type.tensor_type.elem_type = narrow
    before = [helper.make_node("Cast", [name], [inside[name]], to=wide) for name in inputs]
    after = [helper.make_node("Cast", [inside[name]], [name], to=narrow) for name in outputs]
    replace_nodes(graph, [*before, *graph.node, *after])
