"""Bytes and the numbers that they stand for, in the nodes of a function."""

from __future__ import annotations

from collections.abc import Sequence

from compile.onnx.function_body import Body, Operation


def whole_tensor(body: Body, operation: Operation, place: int) -> str:
    """An operand that is one number, without axes where it is constant."""
    value = operation.constant(place)
    if value is None or value.size != 1:
        return body.inputs[place]
    return body.constant(value.reshape(()))


def dequantised(body: Body, operation: Operation, data: int, scale: int, zero: int) -> str:
    """The float32 tensor of the operands at these places; a zero point may be missing."""
    places = (scale, zero) if operation.has(zero) else (scale,)
    parameters = (whole_tensor(body, operation, place) for place in places)
    return body("DequantizeLinear", body.inputs[data], *parameters)


def quantised(body: Body, operation: Operation, x: str, scale: int, zero: int) -> str:
    """Bytes of `x` by the operands at these places; without a zero point, of the first's type."""
    if operation.has(zero):
        origin = whole_tensor(body, operation, zero)
    else:
        origin = body.constant(0, operation.dtype(0))
    return body("QuantizeLinear", x, whole_tensor(body, operation, scale), origin)


def integers(body: Body, x: str, zero: str) -> str:
    """Bytes less their zero point, as float32; "" is no zero point."""
    from onnx import TensorProto

    wide = body("Cast", x, to=TensorProto.FLOAT)
    return body("Sub", wide, body("Cast", zero, to=TensorProto.FLOAT)) if zero else wide


def along(body: Body, operation: Operation, place: int, shape: Sequence[int]) -> str:
    """An operand of one number, or of one for each channel, which then is brought to `shape`."""
    value = operation.constant(place)
    kind = operation.shape(place)
    if value is not None and value.size == 1:
        return body.constant(value.reshape(()))
    if kind is not None and len(kind) != 1:
        return body.inputs[place]  # one number, or it has the axes that it goes along already
    return body.reshape(body.inputs[place], shape)


def weight(body: Body, operation: Operation, places: Sequence[int], shape: Sequence[int]) -> str:
    """A dequantised weight: at `places` its bytes, their scales and their zero points.

    Scales and zero points are of the whole, or of each channel, which goes along `shape`.
    """
    data, scale, zero = places
    origin = along(body, operation, zero, shape) if operation.has(zero) else ""
    return body(
        "Mul", integers(body, body.inputs[data], origin), along(body, operation, scale, shape)
    )
