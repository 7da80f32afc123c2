"""Turn quantised models into ones that do not round to integers what they compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.known_values import constants_of
from compile.onnx.model_file import replace_nodes

if TYPE_CHECKING:
    import onnx


def leave_out_roundings(proto: onnx.ModelProto) -> int:
    """Bound what was quantised and dequantised by one scale, in place; how often that was.

    A number is clipped to the range of its integers, but not rounded to one. Weights stay as they
    are, and so does what has several scales, or integers in between.
    """
    from onnx import helper, numpy_helper

    constants = constants_of(proto)
    quantised = {
        node.output[0]: node for node in proto.graph.node if node.op_type == "QuantizeLinear"
    }
    nodes: list[onnx.NodeProto] = []
    count = 0
    for node in proto.graph.node:
        before = quantised.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
        range_ = None if before is None else _range(before, node, constants)
        if before is None or range_ is None:
            nodes.append(node)
            continue
        names = [f"{node.output[0]}/{edge}" for edge in ("lowest", "highest")]
        for name, edge in zip(names, range_, strict=True):
            value = numpy_helper.from_array(edge)
            nodes.append(helper.make_node("Constant", [], [name], value=value))
        nodes.append(helper.make_node("Clip", [before.input[0], *names], node.output))
        count += 1
    replace_nodes(proto.graph, nodes)
    return count


def _range(
    quantise: onnx.NodeProto, dequantise: onnx.NodeProto, constants: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray] | None:
    """The numbers of the lowest and the highest integer, where both have one scale."""
    scale = constants.get(quantise.input[1])
    if scale is None or scale.size != 1 or scale.dtype != np.float32:
        return None
    if list(quantise.input[1:]) != list(dequantise.input[1:]):
        return None
    zero = np.zeros((), np.uint8)
    if len(quantise.input) > 2:
        found = constants.get(quantise.input[2])
        if found is None or not np.issubdtype(found.dtype, np.integer):
            return None
        zero = found
    limits = np.iinfo(zero.dtype)
    steps = np.array([limits.min, limits.max], np.float64) - float(zero.reshape(-1)[0])
    lowest, highest = (steps * float(scale.reshape(-1)[0])).astype(np.float32)
    return np.asarray(lowest), np.asarray(highest)
