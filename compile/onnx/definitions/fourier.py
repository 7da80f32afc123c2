"""Fourier transforms, as products with matrices of cosines and sines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _transform(operation: Operation) -> onnx.FunctionProto | None:
    """Along one axis of [..., 1 or 2]: real numbers, or real and imaginary parts."""
    shape = operation.shape(0)
    if shape is None or (operation.has(1) and operation.constant(1) is None):
        return None
    axis, given_axis = operation.attributes.get("axis", -2), operation.constant(2)
    if given_axis is not None:
        axis = int(np.reshape(given_axis, -1)[0])
    elif operation.has(2):
        return None
    rank, axis = len(shape), axis % len(shape)
    inverse, half = operation.attributes["inverse"], operation.attributes["onesided"]
    given, length = shape[axis], operation.constant(1)
    count = int(np.reshape(length, -1)[0]) if length is not None else given
    if inverse and half:
        if length is None:
            count = 2 * (given - 1)
        return _real_signal(operation, axis, count)
    body = Body(operation)
    cosines, sines = _matrices(given, count, count // 2 + 1 if half else count)
    if inverse:
        cosines, sines = cosines / count, -sines / count
    parts = _parts(operation, body, axis)
    products = [
        [body("MatMul", part, body.constant(one, operation.dtype(0))) for one in (cosines, sines)]
        for part in parts
    ]
    real, imaginary = products[0]
    if len(parts) == 2:
        real = body("Sub", real, products[1][1])
        imaginary = body("Add", imaginary, products[1][0])
    return body.function(_joined(body, [real, imaginary], axis, rank))


def _real_signal(operation: Operation, axis: int, count: int) -> onnx.FunctionProto | None:
    """From half of the frequencies; the others are their conjugates."""
    shape = operation.shape(0) or ()
    body = Body(operation)
    used = count // 2 + 1
    cosines, sines = _matrices(count, count, shape[axis])
    weight = np.array([1 if k in (0, count - k) else 2 for k in range(shape[axis])])
    weight = np.where(np.arange(shape[axis]) < used, weight, 0)[:, None] / count
    parts = _parts(operation, body, axis)
    matrices = [cosines.T * weight, sines.T * weight]
    sums = [
        body("MatMul", part, body.constant(matrix, operation.dtype(0)))
        for part, matrix in zip(parts, matrices, strict=False)
    ]
    signal = sums[0] if len(sums) == 1 else body("Add", *sums)
    return body.function(_joined(body, [signal], axis, len(shape)))


def _matrices(given: int, length: int, frequencies: int) -> tuple[np.ndarray, np.ndarray]:
    """[given, frequencies]; rows from `length` on are zeros, as what they read is cut off."""
    place, frequency = np.arange(given)[:, None], np.arange(frequencies)[None]
    angle = -2 * np.pi * (place * frequency % length) / length
    inside = place < length
    return np.cos(angle) * inside, np.sin(angle) * inside


def _parts(operation: Operation, body: Body, axis: int) -> list[str]:
    """The real part, and the imaginary one if there is one, with the axis moved to the end."""
    shape = operation.shape(0) or ()
    rank = len(shape)
    order = [i for i in range(rank) if i not in (axis, rank - 1)]
    x = body("Transpose", body.inputs[0], perm=[rank - 1, *order, axis])
    return [body("Gather", x, body.constant(part, np.int64), axis=0) for part in range(shape[-1])]


def _joined(body: Body, parts: list[str], axis: int, rank: int) -> str:
    axes = body.constant([0], np.int64)
    x = body("Concat", *(body("Unsqueeze", part, axes) for part in parts), axis=0)
    order = [0, *(i for i in range(rank) if i not in (axis, rank - 1)), axis]
    there = {place: i for i, place in enumerate(order[1:], start=1)}
    return body("Transpose", x, perm=[*(there[i] for i in range(rank - 1)), 0])


def _short_time_transform(operation: Operation) -> onnx.FunctionProto | None:
    """Of frames that are cut from a signal [batch, length, 1 or 2] at equal steps."""
    shape, step = operation.shape(0), operation.constant(1)
    length = operation.constant(3)
    if shape is None or step is None or shape[-1] != 1:
        return None
    window = operation.shape(2)
    if length is None and (operation.has(3) or window is None):
        return None
    count = int(np.reshape(length, -1)[0]) if length is not None else (window or (0,))[0]
    frames = (shape[1] - count) // int(step) + 1
    body = Body(operation)
    signal = body.reshape(body.inputs[0], [shape[0], shape[1]])
    index = np.arange(frames)[:, None] * int(step) + np.arange(count)
    signal = body("Gather", signal, body.constant(index, np.int64), axis=1)
    if window is not None:
        signal = body("Mul", signal, body.inputs[2])
    half = operation.attributes["onesided"]
    matrices = _matrices(count, count, count // 2 + 1 if half else count)
    axes = body.constant([-1], np.int64)
    parts = [
        body("Unsqueeze", body("MatMul", signal, body.constant(one, operation.dtype(0))), axes)
        for one in matrices
    ]
    return body.function(body("Concat", *parts, axis=-1))


DEFINITIONS = {("", "DFT"): _transform, ("", "STFT"): _short_time_transform}
