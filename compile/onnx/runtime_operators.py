"""Which operators of ONNX's domain does ONNX Runtime run that ONNX lacks there?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from compile.onnx.definitions import DEFINITIONS
from compile.onnx.model_file import STANDARD_DOMAINS, graphs

if TYPE_CHECKING:
    import onnx

_DOMAIN = "com.microsoft"


def move_runtime_operators(proto: onnx.ModelProto, opset: int) -> None:
    """Bring them into ONNX Runtime's own domain.

    Its optimiser writes some before ONNX has them, a layer normalisation before opset 17, say, and
    it runs group normalisations of opset 18 to 20, which ONNX has deprecated.
    """
    import onnx

    moved = [
        node
        for graph in graphs(proto.graph)
        for node in graph.node
        if node.domain in STANDARD_DOMAINS
        and (_DOMAIN, node.op_type) in DEFINITIONS
        and not _has(node.op_type, opset)
    ]
    for node in moved:
        node.domain = _DOMAIN
    if moved and all(one.domain != _DOMAIN for one in proto.opset_import):
        proto.opset_import.append(onnx.helper.make_opsetid(_DOMAIN, 1))


def _has(operator: str, opset: int) -> bool:
    import onnx

    return (
        onnx.defs.has(operator, opset, "")
        and not onnx.defs.get_schema(operator, opset, "").deprecated
    )
