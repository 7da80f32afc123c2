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

if TYPE_CHECKING:
    import onnx

# Numbers of a matrix, and of what ONNX Runtime is given at once.
MAX_WEIGHTS, _MAX_PROBE = 2**27, 2**22
# A Resize that leaves every size as it is copies, whatever its scales: the probe's last axis grows.
_GROWTH = 2


@dataclass(frozen=True)
class Axis:
    """One axis of a resize: its length before and after, and what the node says of it.

    `scale` is None where the node gives sizes; `roi` is its part of the region of interest.
    """

    before: int
    after: int
    scale: float | None = None
    roi: tuple[float, float] = (0.0, 1.0)


def axis_weights(node: onnx.NodeProto, axis: Axis, opset: int) -> np.ndarray:
    """The matrix [after, before] of one axis; rows of NaN are outside of what is cropped.

    `node` is a Resize or Upsample of the given opset with its attributes. Raises what ONNX Runtime
    raises for a node that it cannot run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    rows = min(axis.before, max(1, _MAX_PROBE // max(axis.before, _GROWTH * axis.after)))
    model = _probe(node, axis, rows, opset).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    matrix = np.empty((axis.after, axis.before), np.float32)
    for start in range(0, axis.before, rows):
        x = np.eye(rows, axis.before, start, np.float32)
        (y,) = session.run(None, {"x": x[:, None, :, None]})
        stop = min(start + rows, axis.before)
        matrix[:, start:stop] = y[: stop - start, 0, :, 0].T
    return matrix


def _probe(node: onnx.NodeProto, axis: Axis, rows: int, opset: int) -> onnx.ModelProto:
    """The node alone on images one pixel wide; it resizes their height as `axis` says."""
    from onnx import helper, numpy_helper

    dropped = {"axes", "keep_aspect_ratio_policy", "extrapolation_value", "scales"}
    attributes = [one for one in node.attribute if one.name not in dropped]
    scale = axis.after / axis.before if axis.scale is None else axis.scale
    scales = np.array([1, 1, scale, _GROWTH], np.float32)
    constants = {}
    if node.op_type == "Upsample" and opset < 9:
        attributes.append(helper.make_attribute("scales", scales.tolist()))
        inputs = ["x"]
    elif opset < 11:
        inputs, constants["scales"] = ["x", "scales"], scales
    else:
        attributes.append(helper.make_attribute("extrapolation_value", float("nan")))
        first, last = axis.roi
        constants["roi"] = np.array([0, 0, first, 0, 1, 1, last, 1], np.float32)
        if axis.scale is None:
            # Not until opset 13 can it be left out.
            inputs = ["x", "roi", "scales" if opset < 13 else "", "sizes"]
            constants["scales"] = np.empty(0, np.float32)
            sizes = [rows, 1, axis.after, _GROWTH]
            constants["sizes"] = np.array(sizes, np.int64)
        else:
            inputs, constants["scales"] = ["x", "roi", "scales"], scales
    own = helper.make_node(node.op_type, inputs, ["y"])
    own.attribute.extend(attributes)
    ports = [
        helper.make_tensor_value_info("x", 1, [rows, 1, axis.before, 1]),
        helper.make_tensor_value_info("y", 1, None),
    ]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph([own], "axis", ports[:1], ports[1:], weights)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)
