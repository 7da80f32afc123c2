"""Products with what ONNX Runtime's optimiser fused into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx

_CONVOLUTION = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
_GEMM = ("alpha", "beta", "transA", "transB")
# Operators of one operand, with the names of their attributes, in ONNX Runtime's order.
_ACTIVATIONS = {
    "Relu": (),
    "Tanh": (),
    "Sigmoid": (),
    "Softplus": (),
    "Softsign": (),
    "LeakyRelu": ("alpha",),
    "ThresholdedRelu": ("alpha",),
    "Elu": ("alpha",),
    "HardSigmoid": ("alpha", "beta"),
}
_HARD_SWISH = {"alpha": 1 / 6, "beta": 0.5}


def _fused_conv(operation: Operation) -> onnx.FunctionProto:
    """The fourth operand is added before the activation."""
    body = Body(operation)
    y = body("Conv", *body.inputs[:3], **chosen(operation, _CONVOLUTION))
    if operation.has(3):
        y = body("Add", y, body.inputs[3])
    activation = operation.attributes.get("activation", "")
    return body.function(_activated(body, y, activation, _parameters(operation)))


def _fused_gemm(operation: Operation) -> onnx.FunctionProto:
    body = Body(operation)
    y = body("Gemm", *body.inputs, **chosen(operation, _GEMM))
    activation = operation.attributes.get("activation", "")
    prefix = "activation_"
    given = {
        name.removeprefix(prefix): value
        for name, value in operation.attributes.items()
        if name.startswith(prefix)
    }
    return body.function(_activated(body, y, activation, given))


def _fused_matmul(operation: Operation) -> onnx.FunctionProto | None:
    body = Body(operation)
    operands = []
    for place, letter in enumerate("AB"):
        swap, batch = (operation.attributes.get(f"{key}{letter}", 0) for key in _TRANSPOSES)
        shape = operation.shape(place)
        if (swap or batch) and shape is None:
            return None
        rank = len(shape or ())
        operand = body.inputs[place]
        if rank > 1 and (swap or batch):
            *order, last = [*range(1, rank - 1), 0, rank - 1] if batch else range(rank)
            order = [*order[:-1], last, order[-1]] if swap else [*order, last]
            operand = body("Transpose", operand, perm=order)
        operands.append(operand)
    y = body("MatMul", *operands)
    alpha = operation.attributes.get("alpha", 1.0)
    if alpha != 1:
        y = body("Mul", y, body.constant(alpha, operation.dtype(0)))
    return body.function(y)


_TRANSPOSES = ("trans", "transBatch")


def _conv_transpose(operation: Operation) -> onnx.FunctionProto:
    """The third operand has the padding."""
    body = Body(operation)
    pads = operation.constant(2)
    if operation.has(2) and pads is None:
        raise InputError("its padding is computed", advice="make the padding constant")
    attributes = chosen(operation, (*_CONVOLUTION, "output_padding"))
    if pads is not None:
        attributes["pads"] = pads.reshape(-1).tolist()
    inputs = [name for place, name in enumerate(body.inputs) if name and place != 2]
    return body.function(body("ConvTranspose", *inputs, **attributes))


def chosen(operation: Operation, names: tuple[str, ...]) -> dict[str, Any]:
    """Those of the operation's attributes."""
    return {name: value for name, value in operation.attributes.items() if name in names}


def _parameters(operation: Operation) -> dict[str, float]:
    """Parameters that are given as a list, by name."""
    values = operation.attributes.get("activation_params", ())
    names = ("min", "max") if operation.attributes.get("activation") == "Clip" else _GREEK
    return dict(zip(names, values, strict=False))


_GREEK = ("alpha", "beta", "gamma")


def _activated(body: Body, y: str, activation: str, given: Mapping[str, float]) -> str:
    if not activation:
        return y
    if activation == "Clip":
        return body.clip(y, given["min"], given["max"])
    if activation == "HardSwish":
        return body("Mul", y, body("HardSigmoid", y, **_HARD_SWISH))
    if activation == "ScaledTanh":
        alpha, beta = (body.constant(given[name], "float32") for name in ("alpha", "beta"))
        return body("Mul", alpha, body("Tanh", body("Mul", beta, y)))
    if activation == "ParametricSoftplus":
        alpha, beta = (body.constant(given[name], "float32") for name in ("alpha", "beta"))
        return body("Mul", alpha, body("Softplus", body("Mul", beta, y)))
    if activation not in _ACTIVATIONS:
        raise InputError(
            f"its activation {activation!r} is unknown",
            advice="save the optimised model at level basic",
        )
    return body(activation, y, **{name: given[name] for name in _ACTIVATIONS[activation]})


DEFINITIONS = {
    ("com.microsoft", "FusedConv"): _fused_conv,
    ("com.microsoft", "FusedGemm"): _fused_gemm,
    ("com.microsoft", "FusedMatMul"): _fused_matmul,
    ("com.microsoft", "TransposeMatMul"): _fused_matmul,
    ("com.microsoft", "ConvTransposeWithDynamicPads"): _conv_transpose,
}
