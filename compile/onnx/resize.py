"""Rewrite each Resize and Upsample so that TVM computes what ONNX Runtime does.

What the nodes say of their axes is read here; `axis_weights` gives the weights, `weighted_sums`
writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from compile.library_errors import naming_node
from compile.onnx.axis_weights import MAX_WEIGHTS, Axis, Ratio, axis_weights
from compile.onnx.known_values import constants_of, types_of
from compile.onnx.model_file import STANDARD_DOMAINS
from compile.onnx.weighted_sums import Written, attributes_of
from depthbench.errors import InputError
from depthbench.one_line import one_line

if TYPE_CHECKING:
    import onnx

Number = TypeVar("Number", int, float)
Shapes = Mapping[str, list[int]]
Constants = Mapping[str, np.ndarray]


def written_resizes(path: Path, proto: onnx.ModelProto, opset: int) -> dict[str, Written]:
    """How TVM can compute each resize of the model as ONNX Runtime does, by the node's output.

    A resize whose size, scales or region depend on the data is left out. Raises InputError,
    naming the node, for what ONNX Runtime cannot run and what cannot be written.
    """
    nodes = [node for node in proto.graph.node if is_resize(node)]
    if not nodes:
        return {}
    types = types_of(proto)
    shapes = _static_shapes(types)
    constants = constants_of(proto)
    found = {}
    for node in nodes:
        with naming_node(path, node, opset):
            axes = _axes(node, shapes, constants, opset)
            if axes is None:
                continue
            elements = types[node.input[0]].tensor_type.elem_type
            written = Written(node, shapes[node.input[0]], elements)
            written.write(_matrices(node, axes, opset))
        found[node.output[0]] = written
    return found


def replace_resizes(proto: onnx.ModelProto, written: Mapping[str, Written]) -> onnx.ModelProto:
    """The model with what was written in the place of its resizes."""
    empty = {name for name, value in constants_of(proto).items() if not value.size}
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


def _axes(
    node: onnx.NodeProto, shapes: Shapes, constants: Constants, opset: int
) -> dict[int, Axis] | None:
    """The axes that are resized; None where that cannot be known, none for a copy."""
    before, after = shapes.get(node.input[0]), shapes.get(node.output[0])
    if before is None or after is None or len(before) != len(after):
        return None
    if before == after:
        return {}  # a copy for ONNX Runtime, whatever the scales
    attributes = attributes_of(node)
    axes = [int(axis) % len(before) for axis in attributes.get("axes", range(len(before)))]
    inputs = [*node.input, "", "", "", ""]
    roi_name, scales_name, sizes_name = ("", inputs[1], "") if opset < 11 else inputs[1:4]
    scales = attributes.get("scales") or constants.get(scales_name, np.empty(0))
    if not sizes_name and not len(scales):
        return None
    scale = _by_axis(axes, list(map(float, scales)), "scales") if len(scales) else {}
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
            raise InputError("it keeps the aspect ratio", advice="export it with a constant size")
        targets = _by_axis(axes, list(map(int, constants[sizes_name])), "sizes")
        if min(attributes.get("axes", axes)) < 0:
            raise InputError(
                "ONNX Runtime does not keep the aspect ratio of axes counted from the end",
                advice="count them from the front",
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


def _by_axis(axes: Sequence[int], values: Sequence[Number], what: str) -> dict[int, Number]:
    if len(axes) != len(values):
        raise InputError(f"it has {len(values)} {what} for {len(axes)} axes", advice="repair it")
    return dict(zip(axes, values, strict=True))


def _matrices(node: onnx.NodeProto, axes: Mapping[int, Axis], opset: int) -> dict[int, np.ndarray]:
    matrices = {}
    for place, axis in axes.items():
        if axis.before * axis.after > MAX_WEIGHTS:
            raise InputError(
                f"it makes {axis.after} of {axis.before} pixels", advice="resize to a smaller size"
            )
        try:
            matrices[place] = axis_weights(node, axis, opset)
        except Exception as error:  # ONNX Runtime's own exceptions have no common base
            raise InputError(
                f"ONNX Runtime cannot run it: {one_line(error)}",
                advice="export the model with other attributes of this node",
            ) from error
    return matrices


def _static_shapes(types: Mapping[str, onnx.TypeProto]) -> dict[str, list[int]]:
    shapes = {}
    for name, kind in types.items():
        dims = kind.tensor_type.shape.dim
        if kind.tensor_type.HasField("shape") and all(dim.dim_value > 0 for dim in dims):
            shapes[name] = [dim.dim_value for dim in dims]
    return shapes
