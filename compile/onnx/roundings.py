"""Move every number that a model computes by about a rounding.

Where all numbers of a row are the same, say, a normalisation divides rounding errors by each other.
Two right programs then differ by any amount, and so does ONNX Runtime from itself with a rounding
more after every node. That can be measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.known_values import types_of
from compile.onnx.model_file import replace_nodes

if TYPE_CHECKING:
    import onnx

# They shape or copy numbers, but round none.
_EXACT = ("Constant", "Identity", "Reshape", "Transpose", "Shape", "ConstantOfShape")


def add_roundings(proto: onnx.ModelProto, size: float, seed: int) -> None:
    """Have each float32 number that a node computes multiplied by 1 + `size` * normal, in place.

    The factors are products of one for each place along each axis, from the seed. Inner graphs and
    what ONNX knows no type and shape of stay.
    """
    from onnx import TensorProto

    types, random = types_of(proto), np.random.default_rng(seed)
    nodes: list[onnx.NodeProto] = []
    for node in proto.graph.node:
        nodes.append(node)
        for place, name in enumerate(node.output):
            if name not in types or node.op_type in _EXACT:
                continue
            kind = types[name].tensor_type
            if kind.elem_type == TensorProto.FLOAT and kind.HasField("shape"):
                shape = [dim.dim_value for dim in kind.shape.dim]
                factors = _factors(shape, size, random)
                nodes += _multiplied(node, place, factors)
    replace_nodes(proto.graph, nodes)


def _factors(shape: list[int], size: float, random: np.random.Generator) -> list[np.ndarray]:
    """A factor for each place along each axis of known length; one number where there is none."""
    edges = [(axis, edge) for axis, edge in enumerate(shape) if edge > 1] or [(0, 1)]
    lengths = ([edge if i == axis else 1 for i in range(len(shape))] for axis, edge in edges)
    normal = (random.standard_normal(length) for length in lengths)
    return [(1 + size * one).astype(np.float32) for one in normal]


def _multiplied(
    node: onnx.NodeProto, place: int, factors: list[np.ndarray]
) -> list[onnx.NodeProto]:
    from onnx import helper, numpy_helper

    name = node.output[place]
    made, value = [], f"{name}/exact"
    node.output[place] = value
    for number, factor in enumerate(factors):
        constant, result = f"{name}/factor{number}", f"{name}/rounded{number}"
        tensor = numpy_helper.from_array(factor)
        made.append(helper.make_node("Constant", [], [constant], value=tensor))
        made.append(helper.make_node("Mul", [value, constant], [result]))
        value = result
    made[-1].output[0] = name
    return made
