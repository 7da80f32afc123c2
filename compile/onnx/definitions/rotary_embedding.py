"""Embed positions by rotating pairs of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _rotary_embedding(operation: Operation) -> onnx.FunctionProto | None:
    shape, body = operation.shape(0), Body(operation)
    if shape is None:
        return None
    x, attributes = body.inputs[0], operation.attributes
    if len(shape) == 4:
        batch, heads, length, size = shape
    else:
        batch, length, channels = shape
        heads = attributes["num_heads"]
        size = channels // heads
        x = body.reshape(x, [batch, length, heads, size])
        x = body("Transpose", x, perm=[0, 2, 1, 3])
    turned = attributes["rotary_embedding_dim"] or size
    half = turned // 2
    rest = ""
    if turned < size:
        sizes = body.constant([turned, size - turned], "int64")
        x, rest = body.several("Split", x, sizes, outputs=2, axis=-1)
    if attributes["interleaved"]:
        pairs = body.reshape(x, [batch, heads, length, half, 2])
        x1, x2 = (body("Gather", pairs, body.constant(i, "int64"), axis=-1) for i in range(2))
    else:
        sizes = body.constant([half, half], "int64")
        x1, x2 = body.several("Split", x, sizes, outputs=2, axis=-1)
    angles = body.inputs[1:3]
    if operation.has(3):
        angles = [body("Gather", one, body.inputs[3], axis=0) for one in angles]
    cos, sin = (body.reshape(one, [-1, 1, length, half]) for one in angles)
    y1 = body("Sub", body("Mul", x1, cos), body("Mul", x2, sin))
    y2 = body("Add", body("Mul", x1, sin), body("Mul", x2, cos))
    if attributes["interleaved"]:
        columns = [body.reshape(one, [batch, heads, length, half, 1]) for one in (y1, y2)]
        y = body.reshape(body("Concat", *columns, axis=-1), [batch, heads, length, turned])
    else:
        y = body("Concat", y1, y2, axis=-1)
    if rest:
        y = body("Concat", y, rest, axis=-1)
    if len(shape) == 3:
        y = body("Transpose", y, perm=[0, 2, 1, 3])
        y = body.reshape(y, shape)
    return body.function(y)


DEFINITIONS = {("", "RotaryEmbedding"): _rotary_embedding}
