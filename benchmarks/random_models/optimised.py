"""Random operators that quantisers and ONNX Runtime's optimiser leave in files."""

from __future__ import annotations

import numpy as np

from random_models.draw import Draw, Drawer

_MICROSOFT = "com.microsoft"


def _gelu(operator: str) -> Drawer:
    def draw_one(draw: Draw) -> None:
        draw.use_opset(draw.integer(13, 21))
        shape = draw.shape()
        names = [draw.input(shape)]
        if operator == "BiasGelu" or (operator == "FastGelu" and draw.chance(0.5)):
            names.append(draw.operand([shape[-1]]))
        attributes = draw.some(alpha=draw.real(0.5, 2)) if operator == "QuickGelu" else {}
        draw.results(operator, names, 1, _MICROSOFT, **attributes)

    return draw_one


def fused_matmul(draw: Draw) -> None:
    """FusedMatMul with both operands transposed or not."""
    draw.use_opset(draw.integer(13, 21))
    m, k, n = draw.integer(1, 9), draw.integer(1, 9), draw.integer(1, 9)
    first, second = draw.integer(0, 1), draw.integer(0, 1)
    batch = [2] if draw.chance(0.4) else []
    a, b = ([k, m] if first else [m, k]), ([n, k] if second else [k, n])
    names = [draw.input([*batch, *a]), draw.operand([*batch, *b])]
    attributes = draw.some(alpha=draw.real(-2, 2))
    draw.results("FusedMatMul", names, 1, _MICROSOFT, transA=first, transB=second, **attributes)


def fused_conv(draw: Draw) -> None:
    """FusedConv with an activation, and what is added before it."""
    draw.use_opset(draw.integer(13, 21))
    shape, outputs = draw.image(least=3), draw.integer(1, 8)
    names = [draw.input(shape), draw.constant(draw.array([outputs, shape[1], 3, 3]))]
    names.append(draw.constant(draw.array([outputs])) if draw.chance(0.6) else "")
    names.append(draw.input([shape[0], outputs, *shape[2:]]) if draw.chance(0.3) else "")
    activation = draw.one_of(["Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "HardSigmoid"])
    given = {"LeakyRelu": [0.1], "Clip": [0.0, 6.0], "HardSigmoid": [0.2, 0.5]}.get(activation)
    attributes = {"activation_params": given} if given else {}
    draw.results(
        "FusedConv", names, 1, _MICROSOFT, activation=activation, pads=[1] * 4, **attributes
    )


def skip_layer_normalization(draw: Draw) -> None:
    """SkipLayerNormalization or the simplified one, with and without biases."""
    draw.use_opset(draw.integer(13, 21))
    shape = [draw.integer(1, 2), draw.integer(1, 5), draw.integer(2, 9)]
    simple = draw.chance(0.3)
    names = [draw.input(shape), draw.input(shape), draw.operand(shape[-1:])]
    for _ in range(1 if simple else 2):
        names.append(draw.operand(shape[-1:]) if draw.chance(0.6) else "")
    operator = "SkipSimplifiedLayerNormalization" if simple else "SkipLayerNormalization"
    draw.results(operator, names, 1, _MICROSOFT, epsilon=draw.one_of([1e-5, 1e-3]))


def _bytes(draw: Draw, shape: list[int], dtype: str) -> np.ndarray:
    ends = (-128, 128) if dtype == "int8" else (0, 256)
    return draw.random.integers(*ends, shape).astype(dtype)


def _quantised(draw: Draw, shape: list[int], dtype: str) -> list[str]:
    """A quantised input with its scale and zero point."""
    scale = draw.constant(draw.real(0.01, 0.05), "float32")
    zero = draw.constant(draw.integer(0, 20) + 100 * (dtype == "uint8"), dtype)
    return [draw.node("QuantizeLinear", [draw.input(shape), scale, zero]), scale, zero]


def qlinear_matmul(draw: Draw) -> None:
    """QLinearMatMul, dequantised."""
    draw.use_opset(draw.integer(10, 21))
    m, k, n = draw.integer(1, 9), draw.integer(1, 20), draw.integer(1, 9)
    dtype = draw.one_of(["uint8", "int8"])
    names = _quantised(draw, [m, k], dtype)
    names += [draw.constant(_bytes(draw, [k, n], "int8"))]
    names += [draw.constant(0.02, "float32"), draw.constant(0, "int8")]
    scale, zero = draw.constant(draw.real(0.03, 0.06), "float32"), draw.constant(3, dtype)
    product = draw.node("QLinearMatMul", [*names, scale, zero])
    draw.node("DequantizeLinear", [product, scale, zero])


def qlinear_conv(draw: Draw) -> None:
    """QLinearConv in groups, dequantised."""
    draw.use_opset(draw.integer(10, 21))
    groups = draw.one_of([1, 1, 2, 4])
    shape = draw.image(groups * draw.integer(1, 4), least=3)
    outputs = groups * draw.integer(1, 4)
    names = _quantised(draw, shape, "uint8")
    names += [draw.constant(_bytes(draw, [outputs, shape[1] // groups, 3, 3], "int8"))]
    each = [outputs] if draw.chance(0.5) else []
    names += [draw.constant(draw.random.uniform(0.01, 0.05, each), "float32")]
    names += [draw.constant(np.zeros(each), "int8")]
    scale, zero = draw.constant(draw.real(0.03, 0.06), "float32"), draw.constant(120, "uint8")
    names += [scale, zero]
    if draw.chance(0.5):
        names.append(draw.constant(draw.random.integers(-500, 500, [outputs]), "int32"))
    pads = [1] * 4 if draw.chance(0.7) else [0] * 4
    product = draw.node("QLinearConv", names, group=groups, pads=pads)
    draw.node("DequantizeLinear", [product, scale, zero])


def matmul_integer(draw: Draw) -> None:
    """MatMulInteger of what DynamicQuantizeLinear makes, as dynamic int8 is."""
    draw.use_opset(draw.integer(11, 21))
    m, k, n = draw.integer(1, 9), draw.integer(1, 20), draw.integer(1, 9)
    stored, scale, zero = draw.results("DynamicQuantizeLinear", [draw.input([m, k])], 3)
    weight = draw.constant(_bytes(draw, [k, n], draw.one_of(["int8", "uint8"])))
    product = draw.node("MatMulInteger", [stored, weight, zero])
    whole = draw.node("Cast", [product], to=1)
    draw.node("Mul", [whole, draw.node("Mul", [scale, draw.constant(0.02, "float32")])])


DRAWERS: dict[str, Drawer] = {
    **{name: _gelu(name) for name in ("FastGelu", "BiasGelu", "QuickGelu")},
    "com.microsoft.Gelu": _gelu("Gelu"),
    "FusedMatMul": fused_matmul,
    "FusedConv": fused_conv,
    "SkipLayerNormalization": skip_layer_normalization,
    "QLinearMatMul": qlinear_matmul,
    "QLinearConv": qlinear_conv,
    "MatMulInteger": matmul_integer,
}
