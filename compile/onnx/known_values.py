"""What is known of a graph's values before it runs: their types, and which are constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.model_file import graphs

if TYPE_CHECKING:
    import onnx

_SMALL = 1 << 16
# Since this version of the file format a weight need not be an input as well.
_NO_INPUT_A_WEIGHT = 4


def types_of(proto: onnx.ModelProto) -> dict[str, onnx.TypeProto]:
    """The types and shapes that ONNX infers, by name, those of inner graphs among them."""
    import onnx

    found = {}
    inferred = onnx.shape_inference.infer_shapes(_without_large_weights(proto), data_prop=True)
    for graph in graphs(inferred.graph):
        for value in (*graph.input, *graph.value_info, *graph.output):
            found[value.name] = value.type
        for tensor in graph.initializer:
            kind = onnx.helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
            found[tensor.name] = kind
    return found


def _without_large_weights(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model with large weights as inputs: their shapes are all that is asked for."""
    import onnx

    light = onnx.ModelProto(ir_version=max(proto.ir_version, _NO_INPUT_A_WEIGHT))
    light.opset_import.extend(proto.opset_import)
    light.functions.extend(proto.functions)
    graph, known = proto.graph, {value.name for value in proto.graph.input}
    for kind in ("node", "input", "output", "value_info", "sparse_initializer"):
        getattr(light.graph, kind).extend(getattr(graph, kind))
    for tensor in graph.initializer:
        if np.prod(tensor.dims) <= _SMALL:
            light.graph.initializer.append(tensor)
        elif tensor.name not in known:
            value = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            light.graph.input.append(value)
    return light


def constants_of(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Weights and constants by name, but for large ones: sizes, axes, scales and the like."""
    from onnx import numpy_helper

    found = {}
    for graph in graphs(proto.graph):
        for tensor in graph.initializer:
            if np.prod(tensor.dims) <= _SMALL:
                found[tensor.name] = numpy_helper.to_array(tensor)
        for node in graph.node:
            tensor = constant_tensor(node)
            if tensor is not None and np.prod(tensor.dims) <= _SMALL:
                found[node.output[0]] = numpy_helper.to_array(tensor)
    return found


def constant_tensor(node: onnx.NodeProto) -> onnx.TensorProto | None:
    """The value of a Constant node of any form; None for another node, strings and sparse ones."""
    import onnx

    if node.op_type != "Constant" or not node.attribute:
        return None
    attribute = node.attribute[0]
    if attribute.HasField("t"):
        return attribute.t
    if attribute.name not in ("value_float", "value_floats", "value_int", "value_ints"):
        return None
    dtype = np.float32 if "float" in attribute.name else np.int64
    value = np.array(onnx.helper.get_attribute_value(attribute), dtype)
    return onnx.numpy_helper.from_array(value)
