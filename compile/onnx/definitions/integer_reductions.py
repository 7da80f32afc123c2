"""Reductions of integers, which ONNX Runtime computes in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx

_OPERATORS = (
    *("ReduceSum", "ReduceProd", "ReduceMean", "ReduceSumSquare", "ReduceL1", "ReduceL2"),
    *("ReduceLogSum", "ReduceLogSumExp"),
)


def _in_double(operation: Operation) -> onnx.FunctionProto | None:
    """What is beyond the integers becomes the last of them, and fractions are dropped.

    What is no number becomes the least integer, as the conversion of x86 has it.
    """
    dtype = operation.dtype(0)
    if dtype not in (np.int32, np.int64):
        return None
    body = Body(operation)
    attributes = {one.name: operation.attributes[one.name] for one in operation.node.attribute}
    wide = body("Cast", body.inputs[0], to=TensorProto.DOUBLE)
    result = body(operation.node.op_type, wide, *body.inputs[1:], **attributes)
    ends = np.iinfo(dtype)
    # A double is below 2^63, which it holds, where it fits into an int64.
    beyond = body("Not", body("Less", result, body.constant(float(int(ends.max) + 1))))
    below = body("Less", result, body.constant(float(ends.min)))
    below = body("Or", below, body("IsNaN", result))
    inside = body("Where", body("Or", beyond, below), body.constant(0.0), result)
    whole = body("Cast", inside, to=operation.elements(0))
    whole = body("Where", beyond, body.constant(ends.max, dtype), whole)
    return body.function(body("Where", below, body.constant(ends.min, dtype), whole))


DEFINITIONS = {("", operator): _in_double for operator in _OPERATORS}
