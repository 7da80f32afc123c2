"""Attention of ONNX's own domain, by matrix products and a softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx


def _attention(operation: Operation) -> onnx.FunctionProto | None:
    """Scaled dot products of queries and keys, masked, weight the values.

    The heads of queries that share a head of keys are rows of one matrix. A query that may look
    at nothing gives zeros.
    """
    attributes, body = operation.attributes, Body(operation)
    heads = attributes.get("q_num_heads"), *[attributes.get("kv_num_heads")] * 2
    sides = [_by_heads(operation, body, i, count) for i, count in enumerate(heads)]
    (query, q_shape), (key, k_shape), (value, v_shape) = sides
    batch, q_heads, rows, size = q_shape
    kv_heads, past = k_shape[1], 0
    if operation.has(4):
        past = _shape(operation, 4)[2]
        key = body("Concat", body.inputs[4], key, axis=2)
        value = body("Concat", body.inputs[5], value, axis=2)
    columns = past + k_shape[2]

    scale = attributes.get("scale", 1 / np.sqrt(size))
    query = body("Mul", query, body.constant(scale, operation.dtype(0)))
    query = body.reshape(query, [batch, kv_heads, -1, size])
    scores = body("MatMul", query, body("Transpose", key, perm=[0, 1, 3, 2]))
    scores = body.reshape(scores, [batch, q_heads, rows, columns])
    seen = [scores]
    if cap := attributes["softcap"]:
        limit = body.constant(cap, operation.dtype(0))
        scores = body("Mul", body("Tanh", body("Div", scores, limit)), limit)
    seen.append(scores)
    allowed, added = _masks(operation, body, rows, columns, past)
    if added:
        scores = body("Add", scores, added)
    if allowed:
        scores = body("Where", allowed, scores, _lowest(operation, body))
    seen.append(scores)
    precision = attributes.get("softmax_precision", operation.elements(0))
    scores = body("Softmax", body("Cast", scores, to=precision), axis=-1)
    scores = body("Cast", scores, to=operation.elements(0))
    if allowed or added:
        scores = _zeros_where_all_is_hidden(operation, body, seen[-1], scores)
    seen.append(scores)

    weights = body.reshape(scores, [batch, kv_heads, -1, columns])
    result = body("MatMul", weights, value)
    result = body.reshape(result, [batch, q_heads, rows, v_shape[3]])
    if len(_shape(operation, 0)) == 3:
        result = body("Transpose", result, perm=[0, 2, 1, 3])
        result = body.reshape(result, [batch, rows, q_heads * v_shape[3]])
    shown = seen[attributes["qk_matmul_output_mode"]]
    return body.function(*[result, key, value, shown][: len(operation.node.output)])


def _shape(operation: Operation, place: int) -> tuple[int, ...]:
    shape = operation.shape(place)
    if shape is None:
        raise InputError(
            "the shape of an operand is not known", advice="export it with fixed shapes"
        )
    return shape


def _by_heads(
    operation: Operation, body: Body, place: int, heads: int | None
) -> tuple[str, tuple[int, ...]]:
    """An operand as [batch, heads, length, size], and this shape."""
    name, shape = body.inputs[place], _shape(operation, place)
    if len(shape) == 4 or heads is None:
        return name, shape
    batch, length, channels = shape
    size = channels // heads
    name = body.reshape(name, [batch, length, heads, size])
    return body("Transpose", name, perm=[0, 2, 1, 3]), (batch, heads, length, size)


def _masks(operation: Operation, body: Body, rows: int, columns: int, past: int) -> tuple[str, str]:
    """Which scores count and what is added to them; empty names where there is nothing."""
    allowed, added = [], ""
    if operation.has(3):
        mask, boolean = body.inputs[3], operation.dtype(3) == np.dtype(bool)
        mask = _padded(operation, body, mask, columns, hidden=False if boolean else -np.inf)
        if boolean:
            allowed.append(mask)
        else:
            added = mask
    row, column = np.arange(rows)[:, None], np.arange(columns)[None]
    if operation.has(6):
        length = body.reshape(body.inputs[6], [-1, 1, 1, 1])
        allowed.append(body("Less", body.constant(column, np.int64), length))
        first = body("Sub", length, body.constant(rows, np.int64))
    else:
        first = body.constant(past, np.int64)
    bounds = [
        operation.attributes.get("left_window_size", -1),
        operation.attributes.get("right_window_size", -1),
    ]
    # ONNX Runtime lets a single query that follows others see all keys.
    if operation.attributes["is_causal"] and not (rows == 1 and past):
        bounds[1] = 0 if bounds[1] < 0 else min(bounds[1], 0)
    for bound, sign in zip(bounds, (1, -1), strict=True):
        if bound >= 0:
            distance = body("Add", body.constant(row - column, np.int64), first)
            distance = body("Mul", distance, body.constant(sign, np.int64))
            allowed.append(body("LessOrEqual", distance, body.constant(bound, np.int64)))
    together = allowed[0] if allowed else ""
    for one in allowed[1:]:
        together = body("And", together, one)
    return together, added


def _padded(operation: Operation, body: Body, mask: str, columns: int, *, hidden: float) -> str:
    """The mask with its last axis filled up to all columns."""
    *rest, length = _shape(operation, 3)
    if length in (1, columns):
        return mask
    filling = np.full([*rest, columns - length], hidden)
    return body("Concat", mask, body.constant(filling, operation.dtype(3)), axis=-1)


def _zeros_where_all_is_hidden(operation: Operation, body: Body, before: str, after: str) -> str:
    largest = body.reduce("ReduceMax", before, [-1])
    hidden = body("LessOrEqual", largest, _lowest(operation, body))
    return body("Where", hidden, body.constant(0, operation.dtype(0)), after)


def _lowest(operation: Operation, body: Body) -> str:
    """What ONNX Runtime gives to scores that do not count: finite, unlike the standard's."""
    return body.constant(np.finfo(operation.dtype(0)).min, operation.dtype(0))


DEFINITIONS = {("", "Attention"): _attention}
