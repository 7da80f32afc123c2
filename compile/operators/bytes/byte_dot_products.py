"""Products of bytes, four at a time: what NEON's sdot and AVX-512's vpdpbusd compute.

Four bytes that lie side by side are one int32, a quad. Tensors of quads are tiled, packed and
loaded as float32 ones are; only the multiply-add differs. Operators of our own stand for it
until code is generated (`compile/lowering/byte_instructions.py`), since TVM's own arithmetic has
neither; others are a float's nearest byte, and a byte's float.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tvm
from tvm import tirx

from compile.operators.vector_math import ROUNDER

QUAD_BYTES = 4
QUAD = "tirx.depthbench_quad"
# By the types of the first and the second operand's bytes.
DOTS = {
    ("int8", "int8"): "tirx.depthbench_dot_s8s8",
    ("uint8", "int8"): "tirx.depthbench_dot_u8s8",
}
BYTES = {"int8": "tirx.depthbench_byte_s8", "uint8": "tirx.depthbench_byte_u8"}
# The same for a float that is known to round to an int16, zero point included.
NEAR_BYTES = {"int8": "tirx.depthbench_near_byte_s8", "uint8": "tirx.depthbench_near_byte_u8"}
NEAR = 2**15 - 1
# The same for a float that is such a number already, in the bits of `rounder`.
ROUND_BYTES = {"int8": "tirx.depthbench_round_byte_s8", "uint8": "tirx.depthbench_round_byte_u8"}
# Bytes among the bits of a float32, and how much larger than the byte it is. All other bytes of the
# float are FILLER, so that it is 2^15 and a few halves of halves more than an unsigned byte.
IN_FLOAT = {"int8": "tirx.depthbench_in_float_s8", "uint8": "tirx.depthbench_in_float_u8"}
FILLER = 0x47
_UNSIGNED = 2**15 + FILLER * 2**8 + FILLER / 2**8
BYTES_IN_FLOATS = {"uint8": _UNSIGNED, "int8": _UNSIGNED + 2**7}
_PURE = 1

_TABLES = (DOTS, BYTES, NEAR_BYTES, ROUND_BYTES, IN_FLOAT)
for _name in (QUAD, *(name for table in _TABLES for name in table.values())):
    tvm.ir.register_op_attr(_name, "TCallEffectKind", _PURE)
    tvm.ir.register_op_attr(_name, "TVectorizable", True)
    tvm.ir.register_op_attr(_name, "TScriptPrinterName", _name)


def quad(values: Sequence[tirx.Expr]) -> tirx.Expr:
    """Four loads of bytes that lie side by side in memory, as one int32."""
    return tirx.call_intrin("int32", QUAD, *values)


def dot(left: tirx.Expr, right: tirx.Expr, dtype: str) -> tirx.Expr:
    """The sum of four products: bytes of the quad `left`, which are `dtype`, and int8 `right`."""
    return tirx.call_intrin("int32", DOTS[dtype, "int8"], left, right)


def saturated(value: tirx.Expr, dtype: str, zero: int = 0, *, near: bool = False) -> tirx.Expr:
    """The byte of type `dtype` that is nearest to a float32, halves to even, plus `zero`.

    `near` says that the sum is never larger than NEAR.
    """
    name = (NEAR_BYTES if near else BYTES)[dtype]
    return tirx.call_intrin(dtype, name, value, tirx.const(zero, "int32"))


def rounded(value: tirx.Expr, dtype: str, zero: int) -> tirx.Expr:
    """The byte of type `dtype` that is nearest to `value` less `rounder(zero)`, plus `zero`."""
    return tirx.call_intrin(dtype, ROUND_BYTES[dtype], value, tirx.const(zero, "int32"))


def in_float(byte: tirx.Expr) -> tirx.Expr:
    """A byte as a float32 that is BYTES_IN_FLOATS too large, exactly."""
    return tirx.call_intrin("float32", IN_FLOAT[str(byte.dtype)], byte)


def rounder(zero: int) -> float:
    """What a float is added to so that it is rounded, halves to even, and near a zero point.

    An odd one would make them odd: its last step is added afterwards.
    """
    return ROUNDER + zero - zero % 2


def weight_quads(weight: np.ndarray) -> np.ndarray:
    """int8 weights [.., inputs, outputs] as int32 quads [.., inputs / 4, outputs]."""
    *window, inputs, outputs = weight.shape
    by_four = weight.reshape(*window, inputs // QUAD_BYTES, QUAD_BYTES, outputs)
    return np.ascontiguousarray(np.moveaxis(by_four, -2, -1)).view(np.int32)[..., 0]
