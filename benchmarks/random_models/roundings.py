"""How far do roundings alone move what ONNX Runtime computes?

Where all inputs are zero, say, a normalisation divides rounding errors by each other. Two right
programs then differ by any amount, and so does ONNX Runtime from itself once every number that it
computes is off by about a rounding. That is measured here, never assumed.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from compile.onnx.known_values import types_of
from compile.reference import ROUNDING

# They shape or copy numbers, but round none.
_EXACT = ("Constant", "Identity", "Reshape", "Transpose", "Shape", "ConstantOfShape")


def with_roundings(content: bytes) -> bytes:
    """The model with each float32 number that a node computes times 1 + ROUNDING * normal.

    The normal numbers are others in every run of one session.
    """
    model = onnx.ModelProto.FromString(content)
    types = types_of(model)
    nodes = []
    for node in model.graph.node:
        nodes.append(node)
        if node.op_type in _EXACT:
            continue
        for place, name in enumerate(node.output):
            if name and types[name].tensor_type.elem_type == TensorProto.FLOAT:
                nodes += _rounded(node, place, seed=len(nodes))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()


def _rounded(node: onnx.NodeProto, place: int, seed: int) -> list[onnx.NodeProto]:
    name = node.output[place]
    exact, factor = f"{name}/exact", f"{name}/factor"
    node.output[place] = exact
    normal = helper.make_node(
        "RandomNormalLike", [exact], [factor], mean=1.0, scale=ROUNDING, seed=float(seed)
    )
    return [normal, helper.make_node("Mul", [exact, factor], [name])]
