"""The matrices that a Resize or Upsample multiplies the axes of its input by.

Every resize is separable and linear along each axis, so ONNX Runtime's results for an identity
matrix are its weights. They are taken from ONNX Runtime, not from the text of the standard or its
reference implementation, as the two differ: in antialiasing, in `pytorch_half_pixel` to one pixel,
in the coordinates of opset 10, and in a cubic resize's share of pixels outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.folding.onnxruntime_session import onnxruntime_session

if TYPE_CHECKING:
    import onnx

# Numbers of a matrix, and of what ONNX Runtime is given at once.
MAX_WEIGHTS, _MAX_PROBE = 2**27, 2**22


@dataclass(frozen=True)
class Ratio:
    """The aspect ratio that a resize keeps, by `policy`: `length` becomes `target`."""

    policy: str
    length: int
    target: int


@dataclass(frozen=True)
class Axis:
    """One axis of a resize: its length before and after, and what the node says of it.

    `scale` is None where the node gives sizes: `target` is this axis's own where it keeps a
    `ratio`. `roi` is its part of the region of interest.
    """

    before: int
    after: int
    scale: float | None = None
    roi: tuple[float, float] = (0.0, 1.0)
    target: int | None = None
    ratio: Ratio | None = None


def axis_weights(node: onnx.NodeProto, axis: Axis, opset: int) -> np.ndarray:
    """The matrix [after, before] of one axis; rows of NaN are outside of what is cropped.

    `node` is a Resize or Upsample of the given opset with its attributes. Raises what ONNX Runtime
    raises for a node that it cannot run.
    """
    width = axis.ratio.length if axis.ratio else 1
    largest = max(axis.before * width, axis.after * _new_width(axis))
    rows = min(axis.before, max(1, _MAX_PROBE // largest))
    model = _probe(node, axis, [rows, 1, axis.before, width], opset).SerializeToString()
    session = onnxruntime_session(model)
    matrix = np.empty((axis.after, axis.before), np.float32)
    for start in range(0, axis.before, rows):
        x = np.eye(rows, axis.before, start, np.float32)
        (y,) = session.run(None, {"x": np.repeat(x[:, None, :, None], width, axis=3)})
        stop = min(start + rows, axis.before)
        matrix[:, start:stop] = y[: stop - start, 0, :, 0].T
    return matrix


def _new_width(axis: Axis) -> int:
    """A Resize that leaves every size as it is copies, whatever its scales: the width grows."""
    return axis.ratio.target if axis.ratio else 2


def _probe(node: onnx.NodeProto, axis: Axis, shape: list[int], opset: int) -> onnx.ModelProto:
    """The node alone on images of `shape`; it resizes their height as `axis` says."""
    from onnx import helper, numpy_helper

    dropped = {"axes", "keep_aspect_ratio_policy", "extrapolation_value", "scales"}
    attributes = [one for one in node.attribute if one.name not in dropped]
    scale = axis.after / axis.before if axis.scale is None else axis.scale
    constants = {"scales": np.array([1, 1, scale, _new_width(axis)], np.float32)}
    inputs = ["x", "scales"]
    if node.op_type == "Upsample" and opset < 9:
        attributes.append(helper.make_attribute("scales", constants.pop("scales").tolist()))
        inputs = ["x"]
    elif opset >= 11:
        attributes.append(helper.make_attribute("extrapolation_value", float("nan")))
        first, last = axis.roi
        constants["roi"] = np.array([0, 0, first, 0, 1, 1, last, 1], np.float32)
        inputs = ["x", "roi", "scales"]
        if axis.scale is None:
            # Not until opset 13 can the scales be left out.
            inputs = ["x", "roi", "scales" if opset < 13 else "", "sizes"]
            constants["scales"] = np.empty(0, np.float32)
            height = axis.after if axis.target is None else axis.target
            constants["sizes"] = np.array([*shape[:2], height, _new_width(axis)], np.int64)
    if axis.ratio:
        policy = helper.make_attribute("keep_aspect_ratio_policy", axis.ratio.policy)
        attributes.extend([policy, helper.make_attribute("axes", [2, 3])])
        constants["roi"] = constants["roi"][[2, 3, 6, 7]]
        constants["sizes"] = constants["sizes"][2:]
    own = helper.make_node(node.op_type, inputs, ["y"])
    own.attribute.extend(attributes)
    ports = [
        helper.make_tensor_value_info("x", 1, shape),
        helper.make_tensor_value_info("y", 1, None),
    ]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph([own], "axis", ports[:1], ports[1:], weights)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)
