"""Quantise numbers that are known to be near a byte, in one multiply-add for each.

Products of bytes have a largest size, and so has what is made of them by moving and adding. Where
that is a number of steps that a short integer holds, narrowing it saturates, and nothing need be
compared before. So it is where a gate lets a share of a product through, as in
squeeze-and-excitation, which multiplies each channel of an image by a number from 0 to 1.
"""

from __future__ import annotations

import numpy as np
from tvm import relax, te, tirx

from compile.graph.tensors import is_operator, shape_of
from compile.graph.whole_numbers import Lookup
from compile.operators.bytes.byte_dot_products import rounded, rounder


def gated(product: relax.Expr | None, lookup: Lookup) -> tuple[relax.Var, relax.Var] | None:
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


def of_gated(
    builder: relax.BlockBuilder,
    image: relax.Expr,
    gates: relax.Expr,
    step: float,
    zero: int,
    dtype: str,
) -> relax.Expr:
    """The nearest bytes of what gates let through; the image's steps are known to be near."""
    factors = builder.emit(relax.op.multiply(gates, relax.const(np.float32(1 / step))))

    def compute(data: te.Tensor, factor: te.Tensor) -> te.Tensor:
        def value(n: tirx.Expr, h: tirx.Expr, w: tirx.Expr, c: tirx.Expr) -> tirx.Expr:
            at = tirx.const(rounder(zero), "float32")
            near = tirx.call_intrin("float32", "tirx.fma", data[n, h, w, c], factor[n, 0, 0, c], at)
            return rounded(near, dtype, zero)

        return te.compute(data.shape, value, name="gate")

    return builder.call_te(compute, image, factors, primfunc_name_hint="gate")


def of_image(
    builder: relax.BlockBuilder, image: relax.Expr, step: float, zero: int, dtype: str
) -> relax.Expr:
    """The image's nearest bytes; its steps are known to be near (`byte_dot_products.NEAR`)."""
    factor, at = (tirx.const(one, "float32") for one in (1 / step, rounder(zero)))

    def compute(data: te.Tensor) -> te.Tensor:
        def value(*index: tirx.Expr) -> tirx.Expr:
            steps = tirx.call_intrin("float32", "tirx.fma", data[index], factor, at)
            return rounded(steps, dtype, zero)

        return te.compute(data.shape, value, name="quantise")

    return builder.call_te(compute, image, primfunc_name_hint="quantise")
