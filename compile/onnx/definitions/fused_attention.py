"""Attention of several heads as ONNX Runtime's optimiser writes it, as products and a softmax."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from compile.onnx.byte_values import along
from compile.onnx.definitions.dynamic_products import whole_product
from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx

_FILTER = -10000.0
_HAS_PAST = "it reads the keys and values of an earlier run"
_HEADS_FIRST = (0, 2, 1, 3)


def _attention(operation: Operation) -> onnx.FunctionProto | None:
    """Queries, keys and values are one product with the second operand."""
    attributes = operation.attributes
    if operation.has(4) or operation.has(6) or attributes.get("past_present_share_buffer"):
        raise InputError(_HAS_PAST)
    if attributes.get("do_rotary"):
        raise InputError("its positions are rotations, which ONNX Runtime does not run either")
    weights = operation.shape(1)
    if weights is None:
        return None
    body = Body(operation)
    projected = body("MatMul", *body.inputs[:2])
    if operation.has(2):
        projected = body("Add", projected, body.inputs[2])
    widths = attributes.get("qkv_hidden_sizes") or [weights[1] // 3] * 3
    return _from_projection(body, operation, projected, widths, mask=3, bias=5)


def _quantised_attention(operation: Operation) -> onnx.FunctionProto | None:
    """The same, the product of bytes."""
    weights = operation.shape(1)
    if operation.has(8):
        raise InputError(_HAS_PAST)
    if weights is None:
        return None
    body = Body(operation)
    projected = whole_product(body, operation, (0, 6), (1, 7))
    scale = body("Mul", *(along(body, operation, place, (-1,)) for place in (3, 4)))
    projected = body("Add", body("Mul", projected, scale), body.inputs[2])
    return _from_projection(body, operation, projected, [weights[1] // 3] * 3, mask=5)


def _from_projection(
    body: Body, operation: Operation, projected: str, widths: list[int], mask: int, bias: int = -1
) -> onnx.FunctionProto | None:
    """Attention by queries, keys and values that lie side by side."""
    heads = operation.attributes["num_heads"]
    query, key, value = (
        _heads(body, part, heads) for part in _parts(body, operation, projected, widths)
    )
    added = _mask(body, operation, mask, bias, 0)
    if added is None:
        return None
    results = [_mixed(body, operation, query, key, value, added, widths[0])]
    if len(operation.node.output) > 1:
        results.append(body("Concat", *(_unsqueezed(body, one) for one in (key, value)), axis=0))
    return body.function(*results)


def _multi_head_attention(operation: Operation) -> onnx.FunctionProto | None:
    """Queries, keys and values are operands, [batch, tokens, width] or [.., heads, .., width]."""
    if any(operation.has(place) for place in (6, 7, 8, 9)):
        raise InputError(_HAS_PAST)
    if len(operation.node.output) > 3:
        raise InputError("it returns its scores")
    shapes = [operation.shape(place) for place in range(3)]
    if shapes[0] is None or any(
        shape is None and operation.has(place) for place, shape in enumerate(shapes)
    ):
        return None
    if not operation.has(2) or len(shapes[0]) != 3:
        raise InputError(
            "its operands are packed, which ONNX Runtime runs on graphics cards only",
            advice="export the model for processors",
        )
    body = Body(operation)
    heads = operation.attributes["num_heads"]
    biases = [""] * 3
    if operation.has(3):
        widths = [_width(shape) for shape in shapes if shape is not None]
        biases = _parts(body, operation, body.inputs[3], widths)
    parts = []
    for name, shape, bias in zip(body.inputs[:3], shapes, biases, strict=True):
        if shape is not None and len(shape) == 4:
            parts.append(name)  # heads first already; ONNX Runtime adds no bias to them
            continue
        parts.append(_heads(body, body("Add", name, bias) if bias else name, heads))
    mask = _mask(body, operation, 4, 5, 1)
    if mask is None:
        return None
    query, key, value = parts
    result = _mixed(body, operation, query, key, value, mask, shapes[0][2])
    return body.function(*[result, key, value][: len(operation.node.output)])


def _width(shape: tuple[int, ...]) -> int:
    return shape[2] if len(shape) == 3 else shape[1] * shape[3]


def _parts(body: Body, operation: Operation, x: str, widths: list[int]) -> list[str]:
    """The last axis split."""
    if operation.opset < 13:
        return body.several("Split", x, outputs=3, axis=-1, split=widths)
    return body.several("Split", x, body.constant(widths, np.int64), outputs=3, axis=-1)


def _heads(body: Body, x: str, heads: int) -> str:
    """[batch, tokens, width] as [batch, heads, tokens, width of a head]."""
    return body("Transpose", body.reshape(x, (0, 0, heads, -1)), perm=_HEADS_FIRST)


def _unsqueezed(body: Body, x: str) -> str:
    """[batch, heads, tokens, width] with a first axis of one."""
    shape = body("Concat", body.constant([1], np.int64), body("Shape", x), axis=0)
    return body("Reshape", x, shape)


def _mixed(
    body: Body, operation: Operation, query: str, key: str, value: str, mask: str, width: int
) -> str:
    """softmax(scale * query . key + mask) . value, heads side by side again."""
    heads = operation.attributes["num_heads"]
    scale = operation.attributes.get("scale", 0.0) or 1 / sqrt(width // heads)
    query = body("Mul", query, body.constant(scale, _float_type(operation)))
    scores = body("MatMul", query, body("Transpose", key, perm=(0, 1, 3, 2)))
    if mask:
        scores = body("Add", scores, mask)
    mixed = body("MatMul", body("Softmax", scores, axis=-1), value)
    return body.reshape(body("Transpose", mixed, perm=_HEADS_FIRST), (0, 0, -1))


def _mask(body: Body, operation: Operation, place: int, bias: int, keys: int) -> str | None:
    """What is added to the scores, "" for nothing; None where too little is known.

    `keys` is the operand that has as many tokens as there are keys.
    """
    dtype = _float_type(operation)
    added = []
    if operation.has(place):
        allowed = _allowed(body, operation, place, keys)
        if allowed is None:
            return None
        hidden = operation.attributes.get("mask_filter_value", _FILTER)
        zero, hidden = body.constant(0, dtype), body.constant(hidden, dtype)
        added.append(body("Where", allowed, zero, hidden))
    if operation.attributes.get("unidirectional", 0):
        query, key = operation.shape(0), operation.shape(keys)
        if query is None or key is None:
            return None
        later = np.triu(np.ones((query[1], key[-2]), bool), 1)
        later[-1] = False  # ONNX Runtime lets the last token look at all keys
        added.append(body.constant(np.where(later, np.finfo(dtype).min, 0), dtype))
    if bias >= 0 and operation.has(bias):
        added.append(body.inputs[bias])
    total = ""
    for one in added:
        total = body("Add", total, one) if total else one
    return total


def _float_type(operation: Operation) -> np.dtype[Any]:
    """That of the scores; bytes become float32."""
    dtype = operation.dtype(0)
    return dtype if dtype.kind == "f" else np.dtype(np.float32)


def _allowed(body: Body, operation: Operation, place: int, keys: int) -> str | None:
    """Which keys a token may look at, [batch, 1, tokens or 1, keys]."""
    mask, batch = operation.shape(place), operation.shape(0)
    tokens = operation.shape(keys)
    if mask is None or batch is None or tokens is None:
        return None
    if len(mask) == 4:
        raise InputError("its mask has four axes, which ONNX Runtime does not run either")
    if len(mask) > 1:
        seen = body("Greater", body.inputs[place], body.constant(0, operation.dtype(place)))
        return body.reshape(
            seen, (mask[0], 1, *mask[1:]) if len(mask) == 3 else (-1, 1, 1, mask[1])
        )
    edges = body.reshape(body.inputs[place], (-1, 1, 1, 1))
    at = body.constant(np.arange(tokens[-2]), operation.dtype(place))
    ends = body("Gather", edges, body.constant(np.arange(batch[0]), np.int64), axis=0)
    seen = body("Less", at, ends)
    if mask[0] == 2 * batch[0]:
        second = body.constant(np.arange(batch[0], 2 * batch[0]), np.int64)
        starts = body("Gather", edges, second, axis=0)
        seen = body("And", seen, body("Not", body("Less", at, starts)))
    return seen


DEFINITIONS = {
    ("com.microsoft", "Attention"): _attention,
    ("com.microsoft", "QAttention"): _quantised_attention,
    ("com.microsoft", "MultiHeadAttention"): _multi_head_attention,
}
