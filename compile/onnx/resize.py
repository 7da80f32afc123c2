"""Write the resizes that TVM misreads as weighted sums of rows and columns; exact.

TVM takes the ratio of the sizes for the scale, which differs where the scaled size is not whole,
divides by zero where corners are aligned and the result is one pixel wide, and does not know
antialiasing, some coordinate modes and resized channels. Every resize is linear along each axis:
its weights are what ONNX's own reference implementation makes of an identity matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

_KNOWN_COORDINATES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners")
_KNOWN_RANKS = (3, 4, 5)
# More taps than cubic interpolation has are better a matrix product.
_MAX_TAPS = 4
_FIRST_OPSET = 11


def rewrite_resizes(proto: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The model with every Resize that TVM would misread written out, where shapes are static."""
    import onnx

    if opset < _FIRST_OPSET or not any(node.op_type == "Resize" for node in proto.graph.node):
        return proto
    shapes = _shapes(onnx.shape_inference.infer_shapes(proto))
    constants = _constants(proto)
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    for node in proto.graph.node:
        plan = _plan(node, shapes, constants, opset) if node.op_type == "Resize" else None
        if plan is None:
            nodes.append(node)
            continue
        for one in _written(node, plan, shapes[node.input[0]]):
            (weights if isinstance(one, onnx.TensorProto) else nodes).append(one)
    if weights:
        del proto.graph.node[:]
        proto.graph.node.extend(nodes)
        proto.graph.initializer.extend(weights)
    return proto


def axis_weights(
    node: onnx.NodeProto, length: int, result: int, scale: float | None, opset: int
) -> np.ndarray:
    """The matrix [result, length] that a Resize multiplies an axis by; `scale` if it gives one."""
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    kept = [one for one in node.attribute if one.name != "axes"]
    if scale is None:
        inputs, given = ["x", "", "", "to"], np.array([result, length], np.int64)
    else:
        inputs, given = ["x", "", "to"], np.array([scale, 1], np.float32)
    own = helper.make_node("Resize", inputs, ["y"])
    own.attribute.extend(kept)
    ports = [
        helper.make_tensor_value_info(name, 1, shape)
        for name, shape in (("x", [length, length]), ("y", [result, length]))
    ]
    to = numpy_helper.from_array(given, "to")
    graph = helper.make_graph([own], "axis", ports[:1], ports[1:], [to])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    (matrix,) = ReferenceEvaluator(model).run(None, {"x": np.eye(length, dtype=np.float32)})
    return np.asarray(matrix)


def _plan(
    node: onnx.NodeProto,
    shapes: Mapping[str, list[int]],
    constants: Mapping[str, np.ndarray],
    opset: int,
) -> dict[int, np.ndarray] | None:
    """The matrix of each axis that is resized; None where TVM can have the node as it is."""
    attributes = _attributes(node)
    before, after = shapes.get(node.input[0]), shapes.get(node.output[0])
    coordinates = attributes.get("coordinate_transformation_mode", "half_pixel")
    if before is None or after is None or coordinates == "tf_crop_and_resize":
        return None
    if before == after:
        return None  # a copy, for ONNX Runtime and TVM alike, whatever the scales
    if "keep_aspect_ratio_policy" in attributes:
        return None  # the scale and the size that it gives do not fit; TVM refuses it
    given = [constants.get(name) for name in [*node.input[2:4], "", ""][:2]]
    axes = [int(axis) % len(before) for axis in attributes.get("axes", range(len(before)))]
    scales: dict[int, float] = {}
    if given[0] is not None and given[0].size:
        scales = dict(zip(axes, map(float, given[0]), strict=True))
    elif given[1] is None:
        return None
    exact = coordinates == "align_corners" or all(
        before[axis] * scale == after[axis] for axis, scale in scales.items()
    )
    lost = coordinates == "align_corners" and any(
        new == 1 != old for old, new in zip(before, after, strict=True)
    )
    plain = not {"axes", "antialias"} & set(attributes)
    known = coordinates in _KNOWN_COORDINATES and len(before) in _KNOWN_RANKS
    if plain and exact and known and not lost and before[:2] == after[:2]:
        return None
    return {
        axis: axis_weights(node, before[axis], after[axis], scales.get(axis), opset)
        for axis in axes
        if before[axis] != after[axis] or scales.get(axis, 1.0) != 1.0
    }


def _written(
    node: onnx.NodeProto, plan: Mapping[int, np.ndarray], shape: list[int]
) -> Iterator[Any]:
    """The nodes, and the weights, that compute a Resize axis by axis."""
    from onnx import helper, numpy_helper

    place = node.output[0]
    value, count = node.input[0], 0

    def weight(array: np.ndarray) -> Any:
        nonlocal count
        count += 1
        return numpy_helper.from_array(array, f"{place}.{count}")

    def call(operator: str, *inputs: str, **attributes: Any) -> Any:
        nonlocal count
        count += 1
        made = helper.make_node(operator, inputs, [f"{place}.{count}"], **attributes)
        made.name = f"{node.name}.{count}"
        return made

    for axis, matrix in plan.items():
        taps = int((matrix != 0).sum(axis=1).max(initial=1))
        if taps > _MAX_TAPS:
            order = [*(i for i in range(len(shape)) if i != axis), axis]
            back = [order.index(i) for i in range(len(shape))]
            yield (first := call("Transpose", value, perm=order))
            yield (panel := weight(np.ascontiguousarray(matrix.T)))
            yield (product := call("MatMul", first.output[0], panel.name))
            yield (last := call("Transpose", product.output[0], perm=back))
            value = last.output[0]
            continue
        columns = np.argsort(matrix == 0, axis=1, kind="stable")[:, :taps]
        factors = np.take_along_axis(matrix, columns, axis=1)
        terms = []
        for tap in range(taps):
            yield (index := weight(columns[:, tap].astype(np.int64)))
            yield (term := call("Gather", value, index.name, axis=axis))
            if not (factors[:, tap] == 1).all():
                spread = factors[:, tap].reshape([-1] + [1] * (len(shape) - 1 - axis))
                yield (factor := weight(np.ascontiguousarray(spread)))
                yield (term := call("Mul", term.output[0], factor.name))
            terms.append(term.output[0])
        value = terms[0]
        for other in terms[1:]:
            yield (total := call("Add", value, other))
            value = total.output[0]
    last = helper.make_node("Identity", [value], [place])
    last.name = node.name
    yield last


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """The attributes that are not what they would be by default."""
    from onnx import helper

    found = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    found = {key: v.decode() if isinstance(v, bytes) else v for key, v in found.items()}
    usual = {"antialias": 0, "keep_aspect_ratio_policy": "stretch"}
    return {key: value for key, value in found.items() if usual.get(key) != value}


def _shapes(proto: onnx.ModelProto) -> dict[str, list[int]]:
    """The static shapes of a graph's values."""
    graph = proto.graph
    found = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(dim.dim_value > 0 for dim in dims):
            found[value.name] = [dim.dim_value for dim in dims]
    return found


def _constants(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    from onnx import numpy_helper

    small = [tensor for tensor in proto.graph.initializer if len(tensor.dims) <= 1]
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in small}
    for node in proto.graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "value":
                found[node.output[0]] = numpy_helper.to_array(attribute.t)
    return found
