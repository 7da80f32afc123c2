"""Write each Resize and Upsample as a Resize that TVM reads rightly, or as weighted sums.

What a node computes is asked of ONNX Runtime, axis by axis. Where TVM has a way to the same
weights the node becomes a plain Resize to a size; else sums of rows and columns, which are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from compile.onnx.axis_weights import MAX_WEIGHTS, Axis, Ratio, axis_weights
from compile.onnx.model_file import STANDARD_DOMAINS
from compile.onnx.tvm_resize import equivalent
from depthbench.errors import InputError
from depthbench.one_line import one_line

if TYPE_CHECKING:
    import onnx

_RANKS_OF_TVM = (3, 4, 5)
# More taps than cubic interpolation has are better a matrix product.
_MAX_TAPS = 4
Shapes = Mapping[str, list[int]]
Constants = Mapping[str, np.ndarray]


def written_resizes(path: Path, proto: onnx.ModelProto, opset: int) -> dict[str, Written]:
    """How TVM can compute each resize of the model as ONNX Runtime does, by the node's output.

    A resize whose size, scales or region depend on the data is left out. Raises InputError,
    naming the node, for what ONNX Runtime cannot run and what cannot be written.
    """
    import onnx

    nodes = [node for node in proto.graph.node if is_resize(node)]
    if not nodes:
        return {}
    shapes, types = _ports(onnx.shape_inference.infer_shapes(proto, data_prop=True))
    constants = _constants(proto)
    found = {}
    for node in nodes:
        try:
            axes = _axes(node, shapes, constants, opset)
            if axes is None:
                continue
            written = Written(node, shapes[node.input[0]], types.get(node.input[0], 1))
            written.write(_matrices(node, axes, opset))
        except _CannotWrite as error:
            place = node.name or ", ".join(node.output)
            raise InputError(
                f"{path}: operator {node.op_type} (node {place!r}, opset {opset}) cannot be "
                f"compiled: {error}",
                advice=error.advice,
            ) from error
        found[node.output[0]] = written
    return found


def replace_resizes(proto: onnx.ModelProto, written: Mapping[str, Written]) -> onnx.ModelProto:
    """The model with what was written in the place of its resizes."""
    empty = {name for name, value in _constants(proto).items() if not value.size}
    nodes: list[onnx.NodeProto] = []
    for node in proto.graph.node:
        if not is_resize(node):
            nodes.append(node)
        elif new := written.get(node.output[0]):
            nodes.extend(new.nodes)
            proto.graph.initializer.extend(new.weights)
        else:
            # TVM reads a missing input so, not an empty tensor.
            node.input[:] = ["" if name in empty else name for name in node.input]
            nodes.append(node)
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    return proto


def is_resize(node: onnx.NodeProto) -> bool:
    """Whether the node is ONNX's Resize or Upsample."""
    return node.op_type in ("Resize", "Upsample") and node.domain in STANDARD_DOMAINS


class _CannotWrite(Exception):
    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


def _axes(
    node: onnx.NodeProto, shapes: Shapes, constants: Constants, opset: int
) -> dict[int, Axis] | None:
    """The axes that are resized; None where that cannot be known, none for a copy."""
    before, after = shapes.get(node.input[0]), shapes.get(node.output[0])
    if before is None or after is None:
        return None
    if before == after:
        return {}  # a copy for ONNX Runtime, whatever the scales
    attributes = _attributes(node)
    axes = [int(axis) % len(before) for axis in attributes.get("axes", range(len(before)))]
    inputs = [*node.input, "", "", "", ""]
    roi_name, scales_name, sizes_name = ("", inputs[1], "") if opset < 11 else inputs[1:4]
    scales = attributes.get("scales") or constants.get(scales_name, np.empty(0))
    if not sizes_name and not len(scales):
        return None
    scale = dict(zip(axes, map(float, scales), strict=True)) if len(scales) else {}
    roi = dict.fromkeys(axes, (0.0, 1.0))
    if attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize":
        region = constants.get(roi_name)
        if region is None or len(region) != 2 * len(axes):
            return None
        ends = np.reshape(region, (2, -1)).T
        roi = {axis: (float(a), float(b)) for axis, (a, b) in zip(axes, ends, strict=True)}
    ratio, targets = None, {}
    policy = attributes.get("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch" and sizes_name:
        if sizes_name not in constants:
            raise _CannotWrite("it keeps the aspect ratio", "export it with a constant size")
        targets = dict(zip(axes, map(int, constants[sizes_name]), strict=True))
        if min(attributes.get("axes", axes)) < 0:
            raise _CannotWrite(
                "ONNX Runtime does not keep the aspect ratio of axes counted from the end",
                "count them from the front",
            )
        choose = min if policy == "not_larger" else max
        decides = choose(
            axes, key=lambda axis: np.float32(targets[axis]) / np.float32(before[axis])
        )
        ratio = Ratio(policy, before[decides], targets[decides])
    return {
        axis: Axis(before[axis], after[axis], scale.get(axis), roi[axis], targets.get(axis), ratio)
        for axis in axes
        if before[axis] != after[axis]
        or scale.get(axis, 1.0) != 1.0
        or roi[axis] != (0.0, 1.0)
        or ratio
    }


def _matrices(node: onnx.NodeProto, axes: Mapping[int, Axis], opset: int) -> dict[int, np.ndarray]:
    matrices = {}
    for place, axis in axes.items():
        if axis.before * axis.after > MAX_WEIGHTS:
            raise _CannotWrite(
                f"it makes {axis.after} of {axis.before} pixels", "resize to a smaller size"
            )
        try:
            matrices[place] = axis_weights(node, axis, opset)
        except Exception as error:  # ONNX Runtime's own exceptions have no common base
            raise _CannotWrite(
                f"ONNX Runtime cannot run it: {one_line(error)}",
                "export the model with other attributes of this node",
            ) from error
    return matrices


class Written:
    """The nodes and weights that compute a resize of an input of `shape` and element type."""

    def __init__(self, node: onnx.NodeProto, shape: list[int], elements: int) -> None:
        from onnx import helper

        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._node, self._shape = node, list(shape)
        self._dtype = np.dtype(helper.tensor_dtype_to_np_dtype(elements))
        self._attributes = _attributes(node)

    def write(self, matrices: Mapping[int, np.ndarray]) -> None:
        """Multiply each axis by its matrix."""
        value = self._node.input[0]
        after = list(self._shape)
        for axis, matrix in matrices.items():
            after[axis] = len(matrix)
        outside = {axis: np.isnan(matrix).any(axis=1) for axis, matrix in matrices.items()}
        cropped = any(rows.any() for rows in outside.values())
        way = None
        if matrices and min(matrices) >= 2 and len(after) in _RANKS_OF_TVM and not cropped:
            kept = {axis: np.eye(after[axis], dtype=np.float32) for axis in range(2, len(after))}
            way = equivalent(self._attributes, {**kept, **matrices}.values())
        if way is not None:
            sizes = self._weight(np.array(after, np.int64))
            self._call("Resize", value, "", "", sizes, last=True, **way)
            return
        for axis, matrix in matrices.items():
            value = self._multiplied(value, axis, np.nan_to_num(matrix, nan=0.0))
        if cropped:
            value = self._filled(value, outside)
        self._call("Identity", value, last=True)

    def _multiplied(self, value: str, axis: int, matrix: np.ndarray) -> str:
        taps = int((matrix != 0).sum(axis=1).max(initial=1))
        columns = np.argsort(matrix == 0, axis=1, kind="stable")[:, :taps]
        factors = np.take_along_axis(matrix, columns, axis=1)
        if not np.issubdtype(self._dtype, np.floating) and not (factors == 1).all():
            raise _CannotWrite(
                f"it mixes pixels of type {self._dtype}", "cast its input to float32 before it"
            )
        if taps > _MAX_TAPS:
            order = [*(i for i in range(len(self._shape)) if i != axis), axis]
            back = [order.index(i) for i in range(len(self._shape))]
            value = self._call("Transpose", value, perm=order)
            value = self._call("MatMul", value, self._weight(self._typed(matrix.T)))
            return self._call("Transpose", value, perm=back)
        terms = []
        for tap in range(taps):
            index = self._weight(columns[:, tap].astype(np.int64))
            term = self._call("Gather", value, index, axis=axis)
            if not (factors[:, tap] == 1).all():
                spread = factors[:, tap].reshape([-1] + [1] * (len(self._shape) - 1 - axis))
                term = self._call("Mul", term, self._weight(self._typed(spread)))
            terms.append(term)
        total = terms[0]
        for term in terms[1:]:
            total = self._call("Add", total, term)
        return total

    def _filled(self, value: str, outside: Mapping[int, np.ndarray]) -> str:
        """The value with what lies outside of the crop, where it is zero, filled."""
        fill = self._attributes.get("extrapolation_value", 0.0)
        mask = np.zeros([1] * len(self._shape), bool)
        for axis, rows in outside.items():
            mask = mask | rows.reshape([-1] + [1] * (len(self._shape) - 1 - axis))
        return self._call("Add", value, self._weight(self._typed(np.where(mask, fill, 0))))

    def _typed(self, array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array).astype(self._dtype)

    def _weight(self, array: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"{self._node.output[0]}.weight{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def _call(self, operator: str, *inputs: str, last: bool = False, **attributes: Any) -> str:
        from onnx import helper

        count = len(self.nodes)
        result = self._node.output[0] if last else f"{self._node.output[0]}.{count}"
        made = helper.make_node(operator, inputs, [result], **attributes)
        made.name = self._node.name if last else f"{self._node.name}.{count}"
        self.nodes.append(made)
        return result


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    from onnx import helper

    found = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return {key: v.decode() if isinstance(v, bytes) else v for key, v in found.items()}


def _ports(proto: onnx.ModelProto) -> tuple[dict[str, list[int]], dict[str, int]]:
    """The static shapes of a graph's values, and the types of their elements."""
    graph = proto.graph
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        dims = kind.shape.dim
        types[value.name] = kind.elem_type
        if kind.HasField("shape") and all(dim.dim_value > 0 for dim in dims):
            shapes[value.name] = [dim.dim_value for dim in dims]
    return shapes, types


def _constants(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    from onnx import numpy_helper

    small = [tensor for tensor in proto.graph.initializer if len(tensor.dims) <= 1]
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in small}
    for node in proto.graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "value":
                found[node.output[0]] = numpy_helper.to_array(attribute.t)
            elif attribute.name in ("value_floats", "value_ints"):
                found[node.output[0]] = np.array([*attribute.floats, *attribute.ints])
    return found
