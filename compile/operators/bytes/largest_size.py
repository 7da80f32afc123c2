"""The largest size of a number in a tensor, where it follows from those of its operands."""

from __future__ import annotations

from collections.abc import Mapping

from tvm import relax

from compile.graph.half_precision import is_nearest
from compile.graph.qdq import scale_and_zero
from compile.graph.tensors import is_operator

# What moves numbers, or takes none further from zero.
_KEEPS = ("reshape", "permute_dims", "concat", "strided_slice", "nn.relu", "nn.max_pool2d")
_BYTE = 2**8


def largest_of(expr: relax.Expr, known: Mapping[relax.Expr, float]) -> float | None:
    """What the result of a call is no larger than in size; None where nothing is known of it."""
    if is_operator(expr, "dequantize"):
        found = scale_and_zero(expr)
        return None if found is None else found[0] * _BYTE
    if is_operator(expr, "add"):
        sizes = _sizes(list(expr.args), known)
        return None if sizes is None else sum(sizes)
    if is_operator(expr, *_KEEPS) or (isinstance(expr, relax.Call) and is_nearest(expr)):
        first = expr.args[0]
        sizes = _sizes(list(first.fields) if isinstance(first, relax.Tuple) else [first], known)
        return None if sizes is None else max(sizes)
    return None


def _sizes(tensors: list[relax.Expr], known: Mapping[relax.Expr, float]) -> list[float] | None:
    sizes = [known.get(one) for one in tensors]
    found = [size for size in sizes if size is not None]
    return found if len(found) == len(sizes) else None
