"""EyeLike of another type than its operand's, which TVM refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _eye_like(operation: Operation) -> onnx.FunctionProto | None:
    dtype, shape = operation.attributes.get("dtype"), operation.shape(0)
    if dtype in (None, operation.elements(0)) or shape is None:
        return None
    body = Body(operation)
    rows, columns = shape
    ones = body.constant(np.eye(rows, columns, operation.attributes["k"]), np.float32)
    return body.function(body("Cast", ones, to=dtype))


DEFINITIONS = {("", "EyeLike"): _eye_like}
