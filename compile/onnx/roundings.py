"""Move every number that a model computes by about a rounding.

Where all numbers of a row are the same, say, a normalisation divides rounding errors by each other.
Two right programs then differ by any amount, and so does ONNX Runtime from itself with a rounding
more after every node. That can be measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from compile.onnx.known_values import types_of
from compile.onnx.model_file import replace_nodes

if TYPE_CHECKING:
    import onnx

# They shape or copy numbers, but round none.
_EXACT = ("Constant", "Identity", "Reshape", "Transpose", "Shape", "ConstantOfShape")


def add_roundings(proto: onnx.ModelProto, size: float) -> None:
    """Have each float32 number that a node computes multiplied by 1 + `size` * normal, in place.

    Inner graphs and what ONNX knows no type of stay. ONNX Runtime draws other normal numbers in
    every run of a session, the same ones in every session.
    """
    from onnx import TensorProto

    types = types_of(proto)
    nodes: list[onnx.NodeProto] = []
    for node in proto.graph.node:
        nodes.append(node)
        for place, name in enumerate(node.output):
            kind = types[name].tensor_type.elem_type if name in types else 0
            if kind == TensorProto.FLOAT and node.op_type not in _EXACT:
                nodes += _rounded(node, place, size, seed=len(nodes))
    replace_nodes(proto.graph, nodes)


def _rounded(node: onnx.NodeProto, place: int, size: float, seed: int) -> list[onnx.NodeProto]:
    from onnx import helper

    name = node.output[place]
    exact, factor = f"{name}/exact", f"{name}/factor"
    node.output[place] = exact
    normal = helper.make_node(
        "RandomNormalLike", [exact], [factor], mean=1.0, scale=size, seed=float(seed)
    )
    return [normal, helper.make_node("Mul", [exact, factor], [name])]
