"""Quantise what a gate lets through, in one multiply-add for each number.

Squeeze-and-excitation multiplies each channel of an image by a number from 0 to 1. Where what it
multiplies is a product of bytes, its size has a limit, so the bytes need none of their own.
"""

from __future__ import annotations

import numpy as np
from tvm import relax, te, tirx

from compile.graph.tensors import is_operator, shape_of
from compile.graph.whole_numbers import Lookup
from compile.operators.bytes.byte_dot_products import rounded, rounder


def of(product: relax.Expr | None, lookup: Lookup) -> tuple[relax.Var, relax.Var] | None:
    """The image [N, H, W, C] and the gates [N, 1, 1, C] that are multiplied, None for others."""
    if product is None or not is_operator(product, "multiply"):
        return None
    image, gates = product.args
    if not (isinstance(image, relax.Var) and isinstance(gates, relax.Var)):
        return None
    shape = shape_of(image)
    if str(image.ty.dtype) != "float32" or shape is None or len(shape) != 4:
        return None
    if shape_of(gates) != [shape[0], 1, 1, shape[3]]:
        return None
    return (image, gates) if is_operator(lookup(gates), "sigmoid") else None


def quantised(
    builder: relax.BlockBuilder,
    image: relax.Expr,
    gates: relax.Expr,
    step: float,
    zero: int,
    dtype: str,
) -> relax.Expr:
    """The product's nearest bytes; `image` is known to be near (`byte_dot_products.NEAR`)."""
    factors = builder.emit(relax.op.multiply(gates, relax.const(np.float32(1 / step))))

    def compute(data: te.Tensor, factor: te.Tensor) -> te.Tensor:
        def value(n: tirx.Expr, h: tirx.Expr, w: tirx.Expr, c: tirx.Expr) -> tirx.Expr:
            at = tirx.const(rounder(zero), "float32")
            near = tirx.call_intrin("float32", "tirx.fma", data[n, h, w, c], factor[n, 0, 0, c], at)
            return rounded(near, dtype, zero)

        return te.compute(data.shape, value, name="gate")

    return builder.call_te(compute, image, factors, primfunc_name_hint="gate")
