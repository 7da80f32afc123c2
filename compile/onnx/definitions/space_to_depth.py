"""SpaceToDepth, whose mode TVM does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _space_to_depth(operation: Operation) -> onnx.FunctionProto | None:
    """In CRD mode the channels of a block stand next to each other."""
    shape = operation.shape(0)
    if shape is None or operation.attributes.get("mode", "DCR") == "DCR":
        return None
    block = operation.attributes["blocksize"]
    n, c, h, w = shape
    body = Body(operation)
    x = body.reshape(body.inputs[0], [n, c, h // block, block, w // block, block])
    x = body("Transpose", x, perm=[0, 1, 3, 5, 2, 4])
    return body.function(body.reshape(x, [n, c * block**2, h // block, w // block]))


DEFINITIONS = {("", "SpaceToDepth"): _space_to_depth}
