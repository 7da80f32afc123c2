"""Random operators that work on each element alone."""

from __future__ import annotations

import onnx

from random_models.draw import Draw, Drawer

_ATTRIBUTES = {
    "Elu": {"alpha": (0.2, 2.0)},
    "Celu": {"alpha": (0.2, 2.0)},
    "LeakyRelu": {"alpha": (-0.5, 1.5)},
    "ThresholdedRelu": {"alpha": (-1.0, 2.0)},
    "HardSigmoid": {"alpha": (0.1, 0.6), "beta": (0.1, 0.6)},
    "Selu": {"alpha": (0.5, 2.0), "gamma": (0.5, 2.0)},
    "Shrink": {"lambd": (0.0, 1.0), "bias": (-0.5, 0.5)},
    "Swish": {"alpha": (0.2, 2.0)},
}
_UNARY = (
    *("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Erf"),
    *("Exp", "Floor", "HardSwish", "Identity", "IsNaN", "Log", "Mish", "Neg", "Not"),
    *("Reciprocal", "Relu", "Round", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign"),
    *("Sqrt", "Tan", "Tanh", "BitwiseNot", *_ATTRIBUTES),
)
_BINARY = (
    *("Add", "Sub", "Mul", "Div", "Pow", "PRelu", "And", "Or", "Xor", "Equal", "Greater", "Less"),
    *("GreaterOrEqual", "LessOrEqual", "BitwiseAnd", "BitwiseOr", "BitwiseXor"),
)
_VARIADIC = ("Max", "Min", "Sum", "Mean")
_TYPES = (
    *("float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16"),
    *("uint32", "uint64", "bool"),
)
_ONNX_NAMES = {"float32": "float", "float64": "double"}


def dtype_for(draw: Draw, operator: str, floating: float = 0.6) -> str:
    """A type that an operator's first input may have; float32 in more than this share."""
    allowed = onnx.defs.get_schema(operator, draw.opset, "").inputs[0].types
    found = [one for one in _TYPES if f"tensor({_ONNX_NAMES.get(one, one)})" in allowed]
    return "float32" if "float32" in found and draw.chance(floating) else draw.one_of(found)


def broadcast(draw: Draw, shape: list[int]) -> list[int]:
    """A shape that broadcasts to `shape`."""
    kept = [1 if draw.chance(0.3) else edge for edge in shape]
    return kept[draw.integer(0, len(kept)) if draw.chance(0.4) else 0 :]


def _unary(operator: str) -> Drawer:
    def draw_one(draw: Draw) -> None:
        ranges = _ATTRIBUTES.get(operator, {})
        attributes = draw.some(**{name: draw.real(*ends) for name, ends in ranges.items()})
        dtype = dtype_for(draw, operator)
        draw.node(operator, [draw.input(draw.shape(0), dtype)], **attributes)

    return draw_one


def _binary(operator: str) -> Drawer:
    def draw_one(draw: Draw) -> None:
        dtype = dtype_for(draw, operator)
        shape = draw.shape(0)
        a, b = shape, broadcast(draw, shape)
        if operator != "PRelu" and draw.chance(0.3):
            a, b = b, a
        if operator != "PRelu" and draw.chance(0.2):
            a, b = broadcast(draw, shape), broadcast(draw, shape)
        whole = operator in ("Div", "Pow") and dtype not in ("float32", "float64", "float16")
        if operator == "PRelu" or whole:
            # Integers are divided by no zero: that ends ONNX Runtime's process.
            slope = draw.array(b, dtype)
            slope[slope == 0] = 1
            names = [draw.input(a, dtype), draw.constant(abs(slope) if whole else slope)]
        else:
            names = [draw.input(a, dtype), draw.operand(b, dtype)]
            if draw.chance(0.2):
                names.reverse()
        draw.node(operator, names)

    return draw_one


def _variadic(operator: str) -> Drawer:
    def draw_one(draw: Draw) -> None:
        dtype = dtype_for(draw, operator)
        shape = draw.shape(0)
        names = [draw.input(shape, dtype)]
        for _ in range(draw.integer(0, 3)):
            names.append(draw.operand(broadcast(draw, shape), dtype))
        draw.node(operator, names)

    return draw_one


def gelu(draw: Draw) -> None:
    """Gelu, by erf or by tanh."""
    attributes = draw.some(approximate=draw.one_of(["none", "tanh"]))
    draw.node("Gelu", [draw.input(draw.shape(0))], **attributes)


def is_inf(draw: Draw) -> None:
    """IsInf of one sign or both."""
    attributes = draw.some(detect_negative=draw.integer(0, 1), detect_positive=draw.integer(0, 1))
    large = draw.node("Mul", [draw.input(draw.shape(0)), draw.constant(3e38, "float32")])
    draw.node("IsInf", [large], **attributes)


def clip(draw: Draw) -> None:
    """Clip by attributes or inputs, of which each can be left out."""
    low, high = draw.real(-2, 0.3), draw.real(0.2, 6)
    if draw.opset < 11:
        draw.node("Clip", [draw.input(draw.shape(0))], **draw.some(min=low, max=high))
        return
    dtype = dtype_for(draw, "Clip")
    bounds = [
        draw.constant(round(one) % 100, dtype)
        if one > 0
        else draw.constant(0, dtype)
        if dtype.startswith("u")
        else draw.constant(one, dtype)
        for one in (low, high)
    ]
    kept = [bound if draw.chance(0.7) else "" for bound in bounds]
    draw.node("Clip", [draw.input(draw.shape(0), dtype), *kept])


def mod(draw: Draw) -> None:
    """Mod as Python's or C's, without zeros."""
    dtype = dtype_for(draw, "Mod")
    floating = dtype.startswith("float")
    shape = draw.shape(0)
    divisor = draw.array(broadcast(draw, shape), dtype)
    divisor = divisor + (divisor == 0).astype(dtype)
    attributes = {"fmod": 1} if floating else draw.some(fmod=draw.integer(0, 1))
    draw.node("Mod", [draw.input(shape, dtype), draw.constant(divisor)], **attributes)


def bit_shift(draw: Draw) -> None:
    """BitShift to either side, by less than the width."""
    dtype = draw.one_of(["uint8", "uint16", "uint32", "uint64"])
    shape = draw.shape(0)
    by = draw.random.integers(0, 8, broadcast(draw, shape)).astype(dtype)
    direction = draw.one_of(["LEFT", "RIGHT"])
    draw.node("BitShift", [draw.input(shape, dtype), draw.constant(by)], direction=direction)


def where(draw: Draw) -> None:
    """Where, with all three broadcast."""
    shape, dtype = draw.shape(0), draw.one_of(["float32", "float32", "int64", "int32", "uint8"])
    condition = draw.operand(broadcast(draw, shape), "bool", 0.2)
    a = draw.input(shape if draw.chance(0.5) else broadcast(draw, shape), dtype)
    draw.node("Where", [condition, a, draw.operand(broadcast(draw, shape), dtype)])


def cast(draw: Draw) -> None:
    """Cast between two types; negative numbers to unsigned ones are left out as undefined."""
    source, target = draw.one_of(_TYPES), draw.one_of(_TYPES)
    kind = onnx.helper.np_dtype_to_tensor_dtype(onnx.numpy_helper.np.dtype(target))
    value = draw.input(draw.shape(0), source)
    if target.startswith("u") and not source.startswith(("u", "bool")):
        value = draw.node("Abs", [value])
    draw.node("Cast", [value], to=kind)


def cast_like(draw: Draw) -> None:
    """CastLike to the type of a constant."""
    source, target = draw.one_of(_TYPES), draw.one_of(["float32", "float16", "int32", "bool"])
    draw.node("CastLike", [draw.input(draw.shape(0), source), draw.constant([1], target)])


DRAWERS: dict[str, Drawer] = {
    **{name: _unary(name) for name in _UNARY},
    **{name: _binary(name) for name in _BINARY},
    **{name: _variadic(name) for name in _VARIADIC},
    "Gelu": gelu,
    "IsInf": is_inf,
    "Clip": clip,
    "Mod": mod,
    "BitShift": bit_shift,
    "Where": where,
    "Cast": cast,
    "CastLike": cast_like,
}
